
#include "cigna_form.h"


#define CIGNA_FORM_UTF8_MAX  4             /* most bytes of a character */


static int cigna_form_is_any(cigna_slice_t encoded,
    const cigna_slice_t *names, size_t count);
static int cigna_form_is(cigna_slice_t encoded, cigna_slice_t name);
static int cigna_form_decode(cigna_slice_t encoded, cigna_arena_t *arena,
    cigna_slice_t *value);
static int cigna_form_byte(cigna_slice_t *encoded, uint8_t *c);


void
cigna_form_append_encoded(cigna_buf_t *b, cigna_slice_t s)
{
    size_t             i;
    static const char  hex[] = "0123456789ABCDEF";

    for (i = 0; i < s.len; i++) {

        if (cigna_slice_alnum(s.data[i])
            || cigna_slice_has(cigna_slice("-._~"), s.data[i]))
        {
            cigna_buf_append_char(b, s.data[i]);
            continue;
        }

        cigna_buf_append_char(b, '%');
        cigna_buf_append_char(b, (uint8_t) hex[s.data[i] >> 4]);
        cigna_buf_append_char(b, (uint8_t) hex[s.data[i] & 0xf]);
    }
}


int
cigna_form_append_anew(cigna_buf_t *b, cigna_slice_t encoded)
{
    size_t         n;
    uint8_t        c[CIGNA_FORM_UTF8_MAX];
    cigna_slice_t  ahead;

    while (encoded.len) {

        ahead = encoded;

        for (n = 0; n < CIGNA_FORM_UTF8_MAX; n++) {
            if (cigna_form_byte(&ahead, &c[n]) != CIGNA_OK) {
                break;
            }
        }

        n = cigna_slice_utf8(cigna_slice_make(c, c + n));

        if (n == 0 || c[0] < 0x20 || c[0] == 0x7f) {
            return CIGNA_ERROR;
        }

        cigna_form_append_encoded(b, cigna_slice_make(c, c + n));

        while (n--) {
            (void) cigna_form_byte(&encoded, &c[0]);
        }
    }

    return CIGNA_OK;
}


void
cigna_form_append_pair(cigna_buf_t *b, const uint8_t *start,
    cigna_slice_t name, cigna_slice_t value)
{
    if (b->pos != start) {
        cigna_buf_append_char(b, '&');
    }

    cigna_form_append_encoded(b, name);
    cigna_buf_append_char(b, '=');
    cigna_form_append_encoded(b, value);
}


void
cigna_form_append_without(cigna_buf_t *b, cigna_slice_t query,
    const cigna_slice_t *names, size_t count)
{
    const uint8_t  *start = b->pos;
    cigna_slice_t   pair, name;

    while (query.len) {

        pair = cigna_slice_cut(&query, '&');

        name = pair;
        name = cigna_slice_cut(&name, '=');

        if (cigna_form_is_any(name, names, count)) {
            continue;
        }

        if (b->pos != start) {
            cigna_buf_append_char(b, '&');
        }

        cigna_buf_append(b, pair);
    }
}


static int
cigna_form_is_any(cigna_slice_t encoded, const cigna_slice_t *names,
    size_t count)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        if (cigna_form_is(encoded, names[i])) {
            return 1;
        }
    }

    return 0;
}


int
cigna_form_get(cigna_slice_t query, cigna_slice_t name, cigna_arena_t *arena,
    cigna_slice_t *value)
{
    int            found;
    cigna_slice_t  n, v, encoded;

    *value = cigna_slice_null;

    found = 0;
    encoded = cigna_slice_null;

    while (query.len) {

        v = cigna_slice_cut(&query, '&');
        n = cigna_slice_cut(&v, '=');

        if (!cigna_form_is(n, name)) {
            continue;
        }

        if (found) {
            return CIGNA_ERROR;
        }

        found = 1;
        encoded = v;
    }

    return found ? cigna_form_decode(encoded, arena, value) : CIGNA_NONE;
}


/*
 * compares a name while it decodes it; a name with a broken escape never
 * matches
 */

static int
cigna_form_is(cigna_slice_t encoded, cigna_slice_t name)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < name.len; i++) {
        if (cigna_form_byte(&encoded, &c) != CIGNA_OK || c != name.data[i]) {
            return 0;
        }
    }

    return encoded.len == 0;
}


static int
cigna_form_decode(cigna_slice_t encoded, cigna_arena_t *arena,
    cigna_slice_t *value)
{
    int          rc;
    uint8_t      c;
    cigna_buf_t  b;

    cigna_arena_open(arena, &b);

    while ((rc = cigna_form_byte(&encoded, &c)) == CIGNA_OK) {
        cigna_buf_append_char(&b, c);
    }

    if (rc == CIGNA_ERROR) {

        /* cigna_arena_close() then drops the bytes that were decoded */

        b.overflow = 1;
    }

    *value = cigna_arena_close(arena, &b);

    return b.overflow ? CIGNA_ERROR : CIGNA_OK;
}


/*
 * Cuts one byte off the front and decodes it.  CIGNA_NONE at the end.
 * CIGNA_ERROR: a broken escape, or a NUL byte.
 */

static int
cigna_form_byte(cigna_slice_t *encoded, uint8_t *c)
{
    int  code, coded;

    if (encoded->len == 0) {
        return CIGNA_NONE;
    }

    code = encoded->data[0];
    coded = (code == '%');

    if (coded) {
        code = cigna_slice_escaped(*encoded);

    } else if (code == '+') {
        code = ' ';
    }

    if (code <= 0) {
        return CIGNA_ERROR;
    }

    *c = (uint8_t) code;
    *encoded = cigna_slice_skip(*encoded, coded ? sizeof("%XX") - 1 : 1);

    return CIGNA_OK;
}

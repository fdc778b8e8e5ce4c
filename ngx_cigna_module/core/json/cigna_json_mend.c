
#include "cigna_json_mend.h"
#include "cigna_json_scan.h"


#define CIGNA_JSON_MEND_HOLE  "\xef\xbf\xbd"      /* U+FFFD in UTF-8 */


static cigna_slice_t cigna_json_mend_string(cigna_json_mend_t *m, size_t *n);
static cigna_slice_t cigna_json_mend_escape(cigna_slice_t s, size_t *n);
static uint64_t cigna_json_mend_code(cigna_slice_t s);
static cigna_slice_t cigna_json_mend_other(cigna_json_mend_t *m, size_t *n);
static int cigna_json_mend_scalar(cigna_slice_t s);
static int cigna_json_mend_number(cigna_slice_t s);
static int cigna_json_mend_skip(cigna_slice_t *s, const char *any);
static size_t cigna_json_mend_digits(cigna_slice_t *s);


void
cigna_json_mend_init(cigna_json_mend_t *m, cigna_slice_t text)
{
    cigna_slice_t  mark;

    mark = cigna_slice(CIGNA_JSON_MARK);

    m->rest = cigna_slice_starts(text, mark) ? cigna_slice_skip(text, mark.len)
                                             : text;
    m->quoted = 0;
}


size_t
cigna_json_mend_next(cigna_json_mend_t *m, uint8_t *out, size_t size)
{
    size_t         n;
    cigna_buf_t    b;
    cigna_slice_t  unit;

    cigna_buf_init(&b, out, size);

    while (m->rest.len && b.end - b.pos >= CIGNA_JSON_MEND_UNIT) {

        unit = m->quoted ? cigna_json_mend_string(m, &n)
                         : cigna_json_mend_other(m, &n);

        cigna_buf_append(&b, unit);
        m->rest = cigna_slice_skip(m->rest, n);
    }

    return (size_t) (b.pos - b.start);
}


/*
 * returns the next character of a string, mended; sets *n to the number of
 * bytes that it has in the text
 */

static cigna_slice_t
cigna_json_mend_string(cigna_json_mend_t *m, size_t *n)
{
    uint8_t  c;

    c = m->rest.data[0];

    if (c == '\\') {
        return cigna_json_mend_escape(m->rest, n);
    }

    if (c == '"') {
        m->quoted = 0;
    }

    *n = cigna_slice_utf8(m->rest);

    if (*n == 0 || c < ' ') {
        *n = 1;
        return cigna_slice(CIGNA_JSON_MEND_HOLE);
    }

    return (cigna_slice_t) { m->rest.data, *n };
}


/*
 * A backslash and the byte after it stay together, even if they are not an
 * escape.  Then every reader of the raw text finds the same end of a string.
 */

static cigna_slice_t
cigna_json_mend_escape(cigna_slice_t s, size_t *n)
{
    uint64_t  code, low;

    *n = s.len < 2 ? s.len : 2;

    if (s.len < 2 || cigna_slice_has(cigna_slice("\"\\/bfnrt"), s.data[1])) {
        return (cigna_slice_t) { s.data, *n };
    }

    code = cigna_json_mend_code(s);

    if (code == UINT64_MAX) {
        return cigna_slice(CIGNA_JSON_MEND_HOLE);
    }

    *n = 6;

    if (code >= 0xd800 && code < 0xdc00) {

        low = cigna_json_mend_code(cigna_slice_skip(s, 6));

        if (low >= 0xdc00 && low < 0xe000) {
            *n = 12;
            return (cigna_slice_t) { s.data, *n };
        }
    }

    if (code == 0 || (code >= 0xd800 && code < 0xe000)) {
        return cigna_slice(CIGNA_JSON_MEND_HOLE);
    }

    return (cigna_slice_t) { s.data, *n };
}


/* the code of "\uXXXX" at the start of s; UINT64_MAX if s starts otherwise */

static uint64_t
cigna_json_mend_code(cigna_slice_t s)
{
    uint64_t  code;

    if (s.len < 6 || s.data[0] != '\\' || s.data[1] != 'u'
        || cigna_slice_uint_hex((cigna_slice_t) { s.data + 2, 4 }, 0xffff,
                                &code)
           != CIGNA_OK)
    {
        return UINT64_MAX;
    }

    return code;
}


/*
 * Returns the next byte, word or number outside of strings, mended.  Sets *n to
 * the number of bytes that it has in the text.
 */

static cigna_slice_t
cigna_json_mend_other(cigna_json_mend_t *m, size_t *n)
{
    cigna_slice_t  s;

    s = m->rest;
    s.len = 1;

    if (!cigna_json_is_scalar(s.data[0])) {
        m->quoted = s.data[0] == '"';
        *n = 1;
        return s;
    }

    while (s.len < m->rest.len && cigna_json_is_scalar(s.data[s.len])) {
        s.len++;
    }

    *n = s.len;

    return cigna_json_mend_scalar(s) ? s : cigna_slice("null");
}


/*
 * 1 if jansson accepts the scalar; jansson refuses a whole document with a
 * number that is too large
 */

static int
cigna_json_mend_scalar(cigna_slice_t s)
{
    if (cigna_slice_eq(s, cigna_slice("true"))
        || cigna_slice_eq(s, cigna_slice("false"))
        || cigna_slice_eq(s, cigna_slice("null")))
    {
        return 1;
    }

    return s.len <= CIGNA_JSON_MEND_UNIT && cigna_json_mend_number(s);
}


static int
cigna_json_mend_number(cigna_slice_t s)
{
    int     zero;
    size_t  n;

    (void) cigna_json_mend_skip(&s, "-");
    zero = cigna_json_mend_skip(&s, "0");

    /*
     * a number begins with a zero, or with digits that have no zero in front
     */

    if (zero == (cigna_json_mend_digits(&s) != 0)) {
        return 0;
    }

    if (cigna_json_mend_skip(&s, ".") && cigna_json_mend_digits(&s) == 0) {
        return 0;
    }

    if (cigna_json_mend_skip(&s, "eE")) {
        (void) cigna_json_mend_skip(&s, "+-");

        n = cigna_json_mend_digits(&s);

        return n && n <= 2 && s.len == 0;
    }

    return s.len == 0;
}


/* skips the first byte of s if "any" has that byte, and returns 1 */

static int
cigna_json_mend_skip(cigna_slice_t *s, const char *any)
{
    if (s->len == 0 || !cigna_slice_has(cigna_slice_str(any), s->data[0])) {
        return 0;
    }

    *s = cigna_slice_skip(*s, 1);

    return 1;
}


/* cuts the digits off the front of s, and returns how many */

static size_t
cigna_json_mend_digits(cigna_slice_t *s)
{
    size_t  n;

    for (n = 0; n < s->len && s->data[n] >= '0' && s->data[n] <= '9'; n++) {
        /* void */
    }

    *s = cigna_slice_skip(*s, n);

    return n;
}

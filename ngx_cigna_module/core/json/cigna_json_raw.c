
#include "cigna_json_raw.h"
#include "cigna_json_scan.h"


static int cigna_json_raw_find(cigna_slice_t object, cigna_slice_t name,
    cigna_slice_t *value, int *differs);
static uint8_t cigna_json_char(cigna_slice_t *raw);
static size_t cigna_json_value(cigna_slice_t in);
static size_t cigna_json_quoted(cigna_slice_t in);


int
cigna_json_raw_means(cigna_slice_t raw, cigna_slice_t text)
{
    for ( /* void */ ; raw.len && text.len; text.len--) {
        if (cigna_json_char(&raw) != *text.data++) {
            return 0;
        }
    }

    return raw.len == 0 && text.len == 0;
}


/*
 * Cuts the next byte or escape, and decodes an escape.  Returns 0 for "\n" and
 * the like, and for "\uXXXX" beyond ASCII: the names that the gateway looks for
 * have no such characters.
 */

static uint8_t
cigna_json_char(cigna_slice_t *raw)
{
    uint8_t   c;
    uint64_t  code;

    c = raw->data[0];
    *raw = cigna_slice_skip(*raw, 1);

    if (c != '\\' || raw->len == 0) {
        return c;
    }

    c = raw->data[0];
    *raw = cigna_slice_skip(*raw, 1);

    if (c != 'u') {
        return (c == '/' || c == '"' || c == '\\') ? c : 0;
    }

    if (raw->len < 4
        || cigna_slice_uint_hex((cigna_slice_t) { raw->data, 4 }, 0x7f, &code)
           != CIGNA_OK)
    {
        code = 0;
    }

    *raw = cigna_slice_skip(*raw, 4);

    return (uint8_t) code;
}


int
cigna_json_raw_cut(cigna_slice_t *in, cigna_slice_t *value)
{
    size_t  n;

    while (in->len
           && (cigna_json_is_space(in->data[0]) || in->data[0] == ','
               || in->data[0] == ':'))
    {
        *in = cigna_slice_skip(*in, 1);
    }

    n = cigna_json_value(*in);

    if (n == 0) {
        return CIGNA_NONE;
    }

    *value = cigna_slice_make(in->data, in->data + n);
    *in = cigna_slice_skip(*in, n);

    return CIGNA_OK;
}


/*
 * returns the length of the value at the front; 0: there is no value, or the
 * value has no end
 */

static size_t
cigna_json_value(cigna_slice_t in)
{
    uint8_t  c;
    size_t   n, len, depth;

    depth = 0;

    for (n = 0; n < in.len; n += len) {

        c = in.data[n];
        len = 1;

        if (c == '"') {
            len = cigna_json_quoted(cigna_slice_skip(in, n));

        } else if (c == '{' || c == '[') {
            depth++;

        } else if ((c == '}' || c == ']') && depth) {
            depth--;

        } else if (depth == 0) {

            while (n < in.len && cigna_json_is_scalar(in.data[n])) {
                n++;
            }

            return n;
        }

        if (len == 0) {
            return 0;
        }

        if (depth == 0) {
            return n + len;
        }
    }

    return 0;
}


static size_t
cigna_json_quoted(cigna_slice_t in)
{
    size_t  n;

    for (n = 1; n < in.len; n++) {

        if (in.data[n] == '\\') {
            n++;

        } else if (in.data[n] == '"') {
            return n + 1;
        }
    }

    return 0;
}


int
cigna_json_raw_pair(cigna_slice_t *in, cigna_slice_t *name,
    cigna_slice_t *value)
{
    if (cigna_json_raw_cut(in, name) != CIGNA_OK || name->data[0] != '"') {
        return CIGNA_NONE;
    }

    *name = cigna_json_raw_inner(*name);

    return cigna_json_raw_cut(in, value);
}


int
cigna_json_raw_member(cigna_slice_t object, cigna_slice_t name,
    cigna_slice_t *value)
{
    int  unused;

    return cigna_json_raw_find(object, name, value, &unused);
}


int
cigna_json_raw_differs(cigna_slice_t object, cigna_slice_t name)
{
    int            differs;
    cigna_slice_t  in, value;

    differs = 0;

    if (cigna_json_raw_cut(&object, &in) == CIGNA_OK) {
        (void) cigna_json_raw_find(in, name, &value, &differs);
    }

    return differs;
}


/*
 * finds the last member of this name; *differs is 1 if there are several, whose
 * values are written differently
 */

static int
cigna_json_raw_find(cigna_slice_t object, cigna_slice_t name,
    cigna_slice_t *value, int *differs)
{
    int            found;
    cigna_slice_t  key, v;

    found = CIGNA_NONE;
    *differs = 0;

    if (object.len < 2 || object.data[0] != '{') {
        return CIGNA_NONE;
    }

    object = cigna_json_raw_inner(object);

    while (cigna_json_raw_pair(&object, &key, &v) == CIGNA_OK) {

        if (cigna_json_raw_means(key, name)) {
            *differs |= found == CIGNA_OK && !cigna_slice_eq(*value, v);
            *value = v;
            found = CIGNA_OK;
        }
    }

    return found;
}


cigna_slice_t
cigna_json_raw_inner(cigna_slice_t value)
{
    return cigna_slice_make(value.data + 1, value.data + value.len - 1);
}

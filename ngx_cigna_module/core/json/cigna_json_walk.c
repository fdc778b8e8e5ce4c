
#include "cigna_json_scan.h"
#include "cigna_json_walk.h"


typedef enum {
    cigna_json_st_value = 0,
    cigna_json_st_first_value,             /* a value or "]" */
    cigna_json_st_first_key,               /* a key or "}" */
    cigna_json_st_next_key,
    cigna_json_st_key,
    cigna_json_st_colon,
    cigna_json_st_string,
    cigna_json_st_escape,
    cigna_json_st_hex,
    cigna_json_st_scalar,
    cigna_json_st_after,                   /* after a value */
    cigna_json_st_broken
} cigna_json_state_e;


static cigna_json_at_e cigna_json_text(cigna_json_walk_t *w, uint8_t c,
    cigna_json_at_e end);
static cigna_json_at_e cigna_json_escape(cigna_json_walk_t *w, uint8_t c);
static cigna_json_at_e cigna_json_hex(cigna_json_walk_t *w, uint8_t c);
static cigna_json_at_e cigna_json_value(cigna_json_walk_t *w, uint8_t c);
static cigna_json_at_e cigna_json_after(cigna_json_walk_t *w, uint8_t c);
static cigna_json_at_e cigna_json_end(cigna_json_walk_t *w, uint8_t c);
static cigna_json_at_e cigna_json_break(cigna_json_walk_t *w);
static uint8_t cigna_json_char(cigna_slice_t *raw);
static size_t cigna_json_container(cigna_slice_t in);
static size_t cigna_json_quoted(cigna_slice_t in);
static cigna_slice_t cigna_json_text_of(cigna_slice_t value);


void
cigna_json_walk_init(cigna_json_walk_t *w)
{
    w->depth = 0;
    w->state = cigna_json_st_value;
}


cigna_json_at_e
cigna_json_walk(cigna_json_walk_t *w, uint8_t c)
{
    switch ((cigna_json_state_e) w->state) {

    case cigna_json_st_key:
        return cigna_json_text(w, c, cigna_json_at_key_end);

    case cigna_json_st_string:
        return cigna_json_text(w, c, cigna_json_at_string_end);

    case cigna_json_st_escape:
        return cigna_json_escape(w, c);

    case cigna_json_st_hex:
        return cigna_json_hex(w, c);

    case cigna_json_st_scalar:

        if (cigna_json_is_scalar(c)) {
            return cigna_json_at_inside;
        }

        w->state = cigna_json_st_after;
        break;

    default:
        break;
    }

    if (cigna_json_is_space(c) && w->state != cigna_json_st_broken) {
        return cigna_json_at_inside;
    }

    switch ((cigna_json_state_e) w->state) {

    case cigna_json_st_value:
        return cigna_json_value(w, c);

    case cigna_json_st_first_value:
        return c == ']' ? cigna_json_end(w, c) : cigna_json_value(w, c);

    case cigna_json_st_first_key:

        if (c == '}') {
            return cigna_json_end(w, c);
        }

        /* fall through */

    case cigna_json_st_next_key:

        if (c == '"') {
            w->state = cigna_json_st_key;
            return cigna_json_at_key;
        }

        break;

    case cigna_json_st_colon:

        if (c == ':') {
            w->state = cigna_json_st_value;
            return cigna_json_at_inside;
        }

        break;

    case cigna_json_st_after:
        return cigna_json_after(w, c);

    default:
        break;
    }

    return cigna_json_break(w);
}


static cigna_json_at_e
cigna_json_text(cigna_json_walk_t *w, uint8_t c, cigna_json_at_e end)
{
    if (!cigna_json_is_stop(c)) {
        return cigna_json_at_inside;
    }

    if (c == '"') {
        w->state = (end == cigna_json_at_key_end) ? cigna_json_st_colon
                                               : cigna_json_st_after;
        return end;
    }

    if (c != '\\') {
        return cigna_json_break(w);
    }

    w->resume = w->state;
    w->state = cigna_json_st_escape;

    return cigna_json_at_inside;
}


static cigna_json_at_e
cigna_json_escape(cigna_json_walk_t *w, uint8_t c)
{
    if (c == 'u') {
        w->digits = 4;
        w->state = cigna_json_st_hex;
        return cigna_json_at_inside;
    }

    if (!cigna_slice_has(cigna_slice("\"\\/bfnrt"), c)) {
        return cigna_json_break(w);
    }

    w->state = w->resume;

    return cigna_json_at_inside;
}


static cigna_json_at_e
cigna_json_hex(cigna_json_walk_t *w, uint8_t c)
{
    if (cigna_slice_hex(c) < 0) {
        return cigna_json_break(w);
    }

    if (--w->digits == 0) {
        w->state = w->resume;
    }

    return cigna_json_at_inside;
}


static cigna_json_at_e
cigna_json_value(cigna_json_walk_t *w, uint8_t c)
{
    if (c == '"') {
        w->state = cigna_json_st_string;
        return cigna_json_at_string;
    }

    if (c == '{' || c == '[') {

        if (w->depth == CIGNA_JSON_WALK_MAX) {
            return cigna_json_break(w);
        }

        w->stack[w->depth++] = c;
        w->state = (c == '{') ? cigna_json_st_first_key
                              : cigna_json_st_first_value;

        return cigna_json_at_open;
    }

    if (cigna_json_is_scalar(c)) {
        w->state = cigna_json_st_scalar;
        return cigna_json_at_inside;
    }

    return cigna_json_break(w);
}


static cigna_json_at_e
cigna_json_after(cigna_json_walk_t *w, uint8_t c)
{
    if (c != ',') {
        return cigna_json_end(w, c);
    }

    if (w->depth == 0) {
        return cigna_json_break(w);
    }

    w->state = (w->stack[w->depth - 1] == '{') ? cigna_json_st_next_key
                                               : cigna_json_st_value;

    return cigna_json_at_inside;
}


static cigna_json_at_e
cigna_json_end(cigna_json_walk_t *w, uint8_t c)
{
    if (w->depth == 0
        || c != (w->stack[w->depth - 1] == '{' ? '}' : ']'))
    {
        return cigna_json_break(w);
    }

    w->depth--;
    w->state = cigna_json_st_after;

    return cigna_json_at_close;
}


static cigna_json_at_e
cigna_json_break(cigna_json_walk_t *w)
{
    w->state = cigna_json_st_broken;

    return cigna_json_at_broken;
}


int
cigna_json_walk_over(const cigna_json_walk_t *w)
{
    return w->depth == 0
           && (w->state == cigna_json_st_after
               || w->state == cigna_json_st_scalar);
}


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
 * Cuts the next character off *raw, and returns it without its escape.  Escapes
 * of control characters, and of characters that are not ASCII, give 0: no text
 * that this module looks for has these characters.
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
    uint8_t  c;
    size_t   n;

    while (in->len
           && (cigna_json_is_space(in->data[0]) || in->data[0] == ','
               || in->data[0] == ':'))
    {
        *in = cigna_slice_skip(*in, 1);
    }

    if (in->len == 0) {
        return CIGNA_NONE;
    }

    c = in->data[0];

    if (c == '{' || c == '[') {
        n = cigna_json_container(*in);

    } else if (c == '"') {
        n = cigna_json_quoted(*in);

    } else {

        for (n = 0; n < in->len && cigna_json_is_scalar(in->data[n]); n++) {
            /* void */
        }
    }

    if (n == 0) {
        return CIGNA_NONE;
    }

    *value = cigna_slice_make(in->data, in->data + n);
    *in = cigna_slice_skip(*in, n);

    return CIGNA_OK;
}


/* length of the object or array at the start of "in"; 0: the end is missing */

static size_t
cigna_json_container(cigna_slice_t in)
{
    size_t         n, depth;
    cigna_slice_t  rest;

    depth = 0;

    for (rest = in; rest.len; rest = cigna_slice_skip(rest, n)) {

        n = 1;

        switch (rest.data[0]) {

        case '"':

            n = cigna_json_quoted(rest);

            if (n == 0) {
                return 0;
            }

            break;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':

            if (--depth == 0) {
                return rest.data + 1 - in.data;
            }
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
cigna_json_raw_member(cigna_slice_t object, cigna_slice_t name,
    cigna_slice_t *value)
{
    int            found;
    cigna_slice_t  key, v;

    if (object.len < 2 || object.data[0] != '{') {
        return CIGNA_NONE;
    }

    found = CIGNA_NONE;

    /* strips the braces */

    object = cigna_slice_make(object.data + 1, object.data + object.len - 1);

    while (cigna_json_raw_cut(&object, &key) == CIGNA_OK
           && cigna_json_raw_cut(&object, &v) == CIGNA_OK)
    {
        if (key.data[0] == '"'
            && cigna_json_raw_means(cigna_json_text_of(key), name))
        {
            *value = v;
            found = CIGNA_OK;
        }
    }

    return found;
}


int
cigna_json_raw_differs(cigna_slice_t object, cigna_slice_t name)
{
    cigna_slice_t  in, key, v, first;

    first = cigna_slice_null;

    if (cigna_json_raw_cut(&object, &in) != CIGNA_OK || in.data[0] != '{') {
        return 0;
    }

    in = cigna_json_text_of(in);

    while (cigna_json_raw_cut(&in, &key) == CIGNA_OK
           && cigna_json_raw_cut(&in, &v) == CIGNA_OK)
    {
        if (key.data[0] != '"'
            || !cigna_json_raw_means(cigna_json_text_of(key), name))
        {
            continue;
        }

        if (first.len && !cigna_slice_eq(first, v)) {
            return 1;
        }

        first = v;
    }

    return 0;
}


/* a string without its quotes, an object or an array without its brackets */

static cigna_slice_t
cigna_json_text_of(cigna_slice_t value)
{
    return cigna_slice_make(value.data + 1, value.data + value.len - 1);
}

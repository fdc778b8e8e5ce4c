
#include "http/cigna_form.h"
#include "cigna_search.h"
#include "cigna_resource_types.h"


#define CIGNA_SEARCH_ENCODED_MAX  (sizeof("%XX") - 1)


static int cigna_search_utf8(cigna_slice_t charset);
static int cigna_search_pairs(cigna_slice_t pairs, const uint8_t *start,
    cigna_buf_t *b);


int
cigna_search_path(cigna_slice_t path)
{
    size_t         len;
    cigna_slice_t  end;

    end = cigna_slice("/_search");

    if (!cigna_slice_ends(path, end)) {
        return 0;
    }

    path.len -= end.len;

    for (len = path.len; len && path.data[len - 1] != '/'; len--) {
        /* void */
    }

    if (len == 0) {
        return 0;
    }

    path = cigna_slice_skip(path, len);

    /* an operation is not a type */

    return cigna_resource_types_name(path) && path.data[0] != '$';
}


int
cigna_search_form(cigna_slice_t media_type)
{
    cigna_slice_t  type, value, name;

    type = cigna_slice_trim(cigna_slice_cut(&media_type, ';'));

    if (!cigna_slice_eq_case(type,
                             cigna_slice("application/x-www-form-urlencoded")))
    {
        return 0;
    }

    while (media_type.len) {

        value = cigna_slice_cut(&media_type, ';');
        name = cigna_slice_trim(cigna_slice_cut(&value, '='));

        if (cigna_slice_eq_case(name, cigna_slice("charset"))
            && !cigna_search_utf8(cigna_slice_trim(value)))
        {
            return 0;
        }
    }

    return 1;
}


/* 1 for utf-8, with or without quotes (RFC 9110, section 5.6.6) */

static int
cigna_search_utf8(cigna_slice_t charset)
{
    return cigna_slice_eq_case(charset, cigna_slice("utf-8"))
           || cigna_slice_eq_case(charset, cigna_slice("\"utf-8\""));
}


int
cigna_search_query(cigna_slice_t query, cigna_slice_t body, cigna_buf_t *b)
{
    const uint8_t  *start = b->pos;

    if (cigna_search_pairs(query, start, b) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    return cigna_search_pairs(body, start, b);
}


static int
cigna_search_pairs(cigna_slice_t pairs, const uint8_t *start, cigna_buf_t *b)
{
    cigna_slice_t  pair, name, value;

    while (pairs.len) {

        pair = cigna_slice_cut(&pairs, '&');

        if (pair.len == 0) {
            continue;
        }

        value = pair;
        name = cigna_slice_cut(&value, '=');

        if (b->pos != start) {
            cigna_buf_append_char(b, '&');
        }

        if (cigna_form_append_anew(b, name) != CIGNA_OK) {
            return CIGNA_ERROR;
        }

        if (name.len != pair.len) {
            cigna_buf_append_char(b, '=');
        }

        if (cigna_form_append_anew(b, value) != CIGNA_OK) {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


size_t
cigna_search_query_max(size_t query_len, size_t body_len)
{
    /* plus the "&" between query and body */

    return CIGNA_SEARCH_ENCODED_MAX * (query_len + body_len) + 1;
}

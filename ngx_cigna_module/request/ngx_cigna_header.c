
#include "ngx_cigna_header.h"


ngx_str_t *
ngx_cigna_header_line(ngx_list_t *headers, const char *name, ngx_uint_t *from)
{
    size_t               len;
    ngx_uint_t           n;
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header;

    n = 0;
    len = ngx_strlen(name);
    header = ngx_cigna_header(headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {

        n++;

        if ((from == NULL || n > *from)
            && h->key.len == len
            && ngx_strncasecmp(h->key.data, (u_char *) name, len) == 0)
        {
            break;
        }
    }

    if (from) {
        *from = n;
    }

    return h ? &h->value : NULL;
}


ngx_str_t *
ngx_cigna_request_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *from)
{
    return ngx_cigna_header_line(&r->headers_in.headers, name, from);
}


ngx_str_t *
ngx_cigna_request_header_single(ngx_http_request_t *r, const char *name)
{
    ngx_str_t   *value;
    ngx_uint_t   from;

    from = 0;
    value = ngx_cigna_request_header(r, name, &from);

    return ngx_cigna_request_header(r, name, &from) ? NULL : value;
}

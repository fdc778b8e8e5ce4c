
#ifndef _NGX_CIGNA_HEADER_H_INCLUDED_
#define _NGX_CIGNA_HEADER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/* a walk over the header lines of a request or of a reply */

typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_cigna_header_t;


static ngx_inline ngx_cigna_header_t
ngx_cigna_header(ngx_list_t *headers)
{
    return (ngx_cigna_header_t) { &headers->part, 0 };
}


/* returns the next line; NULL if there is no further one */

static ngx_inline ngx_table_elt_t *
ngx_cigna_header_next(ngx_cigna_header_t *header)
{
    ngx_table_elt_t  *h;

    while (header->i >= header->part->nelts) {

        if (header->part->next == NULL) {
            return NULL;
        }

        header->part = header->part->next;
        header->i = 0;
    }

    h = header->part->elts;

    return &h[header->i++];
}


/*
 * Finds the next line with this name, in any letter case, in a list of
 * ngx_table_elt_t.  Returns a pointer to the line's value, or NULL if there is
 * no further line.  *from must be 0 before the first call.  If from is NULL,
 * the function finds the first line.
 */
ngx_str_t *ngx_cigna_header_line(ngx_list_t *headers, const char *name,
    ngx_uint_t *from);

/* calls ngx_cigna_header_line() for the header lines of the request */
ngx_str_t *ngx_cigna_request_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *from);

/*
 * Returns the value of the request's line with this name; NULL: there is none,
 * or more than one.
 */
ngx_str_t *ngx_cigna_request_header_single(ngx_http_request_t *r,
    const char *name);


#endif /* _NGX_CIGNA_HEADER_H_INCLUDED_ */

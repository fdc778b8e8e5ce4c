
#ifndef _NGX_CIGNA_LINES_H_INCLUDED_
#define _NGX_CIGNA_LINES_H_INCLUDED_


#include "ngx_cigna_compat.h"
#include "cigna_slice.h"


/*
 * Which lines of a request's header may go to Cigna.
 *
 * A short list passes, whoever wrote them.  A few never pass, whoever wrote
 * them.  Of the rest the operator's pass (proxy_set_header) and the caller's
 * do not: a line is the caller's if the caller's request has the same one.
 */


typedef struct {
    const ngx_str_t  *token;               /* NULL: none is sent */
    cigna_slice_t     base;                /* path of the FHIR base */
    unsigned          links:1;             /* in the reply are rewritten */
} ngx_cigna_lines_t;


/*
 * Copies the finished header of an HTTP/1 request from b to p, with one
 * "Authorization: Bearer <token>" at its end; what follows the header (a body)
 * is copied too.  Returns the end of what was written, at most
 * ngx_cigna_lines_length() bytes, or NULL if that is no HTTP/1 request to read
 * something.
 *
 * Where links are rewritten, nothing is asked for in part or compressed, and
 * "<base>/?..." becomes "<base>?...", see cigna_links.c.
 */
u_char *ngx_cigna_lines_copy(ngx_http_request_t *r, const ngx_buf_t *b,
    const ngx_cigna_lines_t *lines, u_char *p);

size_t ngx_cigna_lines_length(const ngx_buf_t *b,
    const ngx_cigna_lines_t *lines);


#endif /* _NGX_CIGNA_LINES_H_INCLUDED_ */

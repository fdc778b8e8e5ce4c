
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
    ngx_str_t         request_id;          /* empty: none is written */
    ngx_str_t         traceparent;         /* likewise */
    unsigned          tracestate:1;        /* the caller's may pass */
    unsigned          links:1;             /* in the reply are rewritten */
    unsigned          whole:1;             /* the reply is to be looked at */
} ngx_cigna_lines_t;


/*
 * Copies the finished header of an HTTP/1 request from b to p, with one
 * "Authorization: Bearer <token>" at its end; what follows the header (a body)
 * is copied too.  Returns the end of what was written, at most
 * ngx_cigna_lines_length() bytes, or NULL if that is no HTTP/1 request to read
 * something.
 *
 * X-Request-Id and traceparent are written as they are given here, in place of
 * the caller's.  Where the operator has set one of them that one stays, and the
 * field is emptied.
 *
 * What is to be looked at is not asked for in part or compressed.  Where links
 * are rewritten "<base>/?..." becomes "<base>?...", see cigna_links.c.
 */
u_char *ngx_cigna_lines_copy(ngx_http_request_t *r, const ngx_buf_t *b,
    ngx_cigna_lines_t *lines, u_char *p);

size_t ngx_cigna_lines_length(const ngx_buf_t *b,
    const ngx_cigna_lines_t *lines);


#endif /* _NGX_CIGNA_LINES_H_INCLUDED_ */

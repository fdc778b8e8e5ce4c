
#ifndef _NGX_CIGNA_INJECT_H_INCLUDED_
#define _NGX_CIGNA_INJECT_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Has nginx's proxy send the request that cigna_gate_out() has written, with
 * the token in it.  The caller's own request never gets the token.  So if nginx
 * goes on with the caller's request in another location, no token goes with it.
 */

struct ngx_cigna_inject_s {
    ngx_chain_t           *request;        /* the request to send */

    /* the proxy's own callbacks, which the new callbacks call */
    ngx_int_t            (*reinit_request)(ngx_http_request_t *r);
    ngx_int_t            (*process_header)(ngx_http_request_t *r);
    void                 (*finalize_request)(ngx_http_request_t *r,
                                             ngx_int_t rc);

    /* takes the place of process_header() */
    ngx_int_t            (*reply)(ngx_http_request_t *r);
};


/*
 * Calls the location's own content handler, which makes its upstream but does
 * not start it.  NGX_DONE: the upstream was made, and has taken a reference to
 * the request.  With any other result the caller must finalize the request with
 * that result.
 */
ngx_int_t ngx_cigna_inject_make(ngx_http_request_t *r);

/*
 * Starts the upstream.  nginx sends r->upstream->request_bufs as the request,
 * and calls "reply" in place of process_header().  "reply" must first call
 * ngx_cigna_inject_header().  Gives back one of the caller's two references to
 * the request.
 */
void ngx_cigna_inject_start(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_int_t (*reply)(ngx_http_request_t *r));

/*
 * Calls the proxy's process_header(), and undoes the changes that a reply must
 * not make, such as those by X-Accel-* lines.  Returns the result of
 * process_header(), or an error for an interim reply (1xx) and for a reply
 * without a header.  NGX_OK: the header of the final reply is complete.
 */
ngx_int_t ngx_cigna_inject_header(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_INJECT_H_INCLUDED_ */


#ifndef _NGX_CIGNA_INJECT_H_INCLUDED_
#define _NGX_CIGNA_INJECT_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Puts what has passed the gate out, token and all, into what nginx's proxy
 * sends, and nowhere else.  The request that the caller made is never edited:
 * in another location it has no token.
 */

struct ngx_cigna_inject_s {
    ngx_chain_t           *request;        /* has passed the gate out */

    /* the proxy's own callbacks, which ours call */
    ngx_int_t            (*reinit_request)(ngx_http_request_t *r);
    ngx_int_t            (*process_header)(ngx_http_request_t *r);
    void                 (*finalize_request)(ngx_http_request_t *r,
                                             ngx_int_t rc);

    /* takes the place of process_header() */
    ngx_int_t            (*reply)(ngx_http_request_t *r);
};


/*
 * Has the location's own handler make its upstream, which is not started.
 * NGX_DONE: it was made, and holds a reference of the request.  Otherwise the
 * request is to be finalized with the result.
 */
ngx_int_t ngx_cigna_inject_make(ngx_http_request_t *r);

/*
 * Starts the upstream that was made, with its request_bufs as the request.
 * "reply" is called in place of process_header(), and calls
 * ngx_cigna_inject_header() first.  Gives back one of two references.
 */
void ngx_cigna_inject_start(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_int_t (*reply)(ngx_http_request_t *r));

/*
 * Has the proxy read the reply's header, and undoes what replies may not do to
 * nginx.  Returns what process_header() returns; NGX_OK: the header is
 * complete and belongs to the reply.
 */
ngx_int_t ngx_cigna_inject_header(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_INJECT_H_INCLUDED_ */

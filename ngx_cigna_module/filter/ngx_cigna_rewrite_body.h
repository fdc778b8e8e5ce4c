
#ifndef _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_
#define _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Rewrites the links of a reply's body as it streams by, in bounded memory: what
 * has no room yet stays with the upstream.
 */


/*
 * Begins, and sets ctx->rewrite.  own: what takes the place of Cigna's base in
 * links, borrowed from the request's pool.
 */
ngx_int_t ngx_cigna_rewrite_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *own);

/* for the body filter, where ctx->rewrite is set */
ngx_int_t ngx_cigna_rewrite_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t *in, ngx_http_output_body_filter_pt next);


#endif /* _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_ */

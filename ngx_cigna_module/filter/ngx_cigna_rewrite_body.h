
#ifndef _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_
#define _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Rewrites links in a reply's body as it streams by, in bounded memory: input
 * that has no room yet stays with its sender.
 */


/*
 * Begins, and sets ctx->rewrite.  base_url: takes the place of Cigna's base in
 * links, borrowed from the request's pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_cigna_rewrite_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base_url);

/* in the body filter, where ctx->rewrite is set; "next" is the next filter */
ngx_int_t ngx_cigna_rewrite_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t *in, ngx_http_output_body_filter_pt next);


#endif /* _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_ */


#ifndef _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_
#define _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Rewrites links in a reply's body, buffer by buffer, in bounded memory.  If
 * the output buffers are full, the filter does not read further input until the
 * client has read some output.
 */


/*
 * Prepares the rewriting of a body, and sets ctx->rewrite.  base_url: replaces
 * Cigna's base in links, borrowed from the request's pool.  Returns NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t ngx_cigna_rewrite_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base_url);

/* the body filter calls this if ctx->rewrite is set; next: the next filter */
ngx_int_t ngx_cigna_rewrite_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t *in, ngx_http_output_body_filter_pt next);


#endif /* _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_ */

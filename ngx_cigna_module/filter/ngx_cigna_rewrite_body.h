
#ifndef _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_
#define _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_smart.h"


/*
 * A reply's body as it streams through what rewrites links and endpoints, in
 * bounded memory: what has no room yet stays with who has sent it.
 */


/*
 * Begins, and sets ctx->rewrite.  own: what takes the place of Cigna's base in
 * links, borrowed from the request's pool; NULL: they stay.  endpoints take the
 * place of others if it is a document that has them.
 */
ngx_int_t ngx_cigna_rewrite_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *own, cigna_public_metadata_e document, ngx_array_t *endpoints);

/* for the body filter, where ctx->rewrite is set */
ngx_int_t ngx_cigna_rewrite_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t *in, ngx_http_output_body_filter_pt next);


#endif /* _NGX_CIGNA_REWRITE_BODY_H_INCLUDED_ */

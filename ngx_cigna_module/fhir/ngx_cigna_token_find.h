
#ifndef _NGX_CIGNA_TOKEN_FIND_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_FIND_H_INCLUDED_


#include "ngx_cigna_token.h"


/*
 * Finds the access token of the request's identity: in the cache, in the
 * vault, or by a refresh.
 *
 * ctx->tenant and ctx->member must be known.  Before the first call the caller
 * sets ctx->token->resume, and all other fields of ctx->token to zero.
 *
 * NGX_OK: ctx->token->value is the token.  NGX_AGAIN: the request waits;
 * "resume" will be called, and must call this function again.  NGX_ABORT: there
 * is no token; ctx->token->condition says why.
 */
ngx_int_t ngx_cigna_token_find(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * Must be called when the FHIR server has answered 401 to the token.  The cache
 * drops the token, so other requests of this node do not use it either.  The
 * caller may then call ngx_cigna_token_find() once more, to find another token.
 */
void ngx_cigna_token_reject(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TOKEN_FIND_H_INCLUDED_ */

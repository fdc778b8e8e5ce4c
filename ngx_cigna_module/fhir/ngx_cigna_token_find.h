
#ifndef _NGX_CIGNA_TOKEN_FIND_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_FIND_H_INCLUDED_


#include "ngx_cigna_token.h"


/*
 * Finds the access token of the request's identity: in the cache, in the
 * vault, or by a refresh.
 *
 * ctx->tenant and ctx->member must be known, and ctx->token zeroed at first but
 * for "resume".  NGX_OK: ctx->token->value is the token.  NGX_AGAIN: the
 * request waits; "resume" will be called, and must call this function again.
 * NGX_ABORT: there is no token; ctx->token->condition says why.
 */
ngx_int_t ngx_cigna_token_find(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * To be called when the FHIR server has answered 401 to the token that was
 * found.  Requests of this node stop using the token for now, and
 * ngx_cigna_token_find() may be called once more, to find another one.
 */
void ngx_cigna_token_reject(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TOKEN_FIND_H_INCLUDED_ */

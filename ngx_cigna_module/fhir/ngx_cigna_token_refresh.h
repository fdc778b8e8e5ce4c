
#ifndef _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_


#include "ngx_cigna_token.h"


/* The part of the search for a token that starts and awaits refreshes. */


/*
 * Waits for a refresh of the grant, and starts one if none is under way.
 * refused: the grant, if the FHIR server has refused its access token before
 * that token has expired; otherwise NULL.  If "refused" has no refresh token,
 * ends the search for a token.  Returns the result of ngx_cigna_token_find().
 */
ngx_int_t ngx_cigna_token_refresh(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *refused);

/*
 * Must be called after the wait for a refresh.  Returns the result of
 * ngx_cigna_token_find(), or NGX_DECLINED: the caller must read the vault once
 * more, because the node's journal now has a newer grant.
 */
ngx_int_t ngx_cigna_token_refresh_result(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* starts a refresh that this request does not wait for */
void ngx_cigna_token_refresh_ahead(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_ */

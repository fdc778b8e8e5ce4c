
#ifndef _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_


#include "ngx_cigna_token.h"


/* refreshes for a request that looks for a token, see ngx_cigna_token_find.c */


/*
 * Waits for a refresh of the grant, and starts one if none is under way.
 * refused: the grant whose access token the FHIR server refuses although it
 * has not expired, or NULL.  Returns what ngx_cigna_token_find() returns.
 */
ngx_int_t ngx_cigna_token_refresh(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *refused);

/*
 * To be called after the wait.  Returns what ngx_cigna_token_find() returns,
 * or NGX_DECLINED: the grant must be read once more, as the node's journal has
 * a newer one.
 */
ngx_int_t ngx_cigna_token_refresh_result(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* starts a refresh that this request does not wait for */
void ngx_cigna_token_refresh_ahead(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_ */


#ifndef _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_


#include "ngx_cigna_token.h"


/*
 * Refreshing on behalf of a request that looks for a token, see
 * ngx_cigna_token.c.
 */

/*
 * Waits for a refresh of the grant, and starts one if none is under way.
 * refused: the grant, if its access token has not expired but was refused by
 * the FHIR server; else NULL.  As ngx_cigna_token_find().
 */
ngx_int_t ngx_cigna_token_refresh(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *refused);

/*
 * Having waited: as ngx_cigna_token_find().  NGX_DECLINED: the grant is to be
 * read once more, as the node's journal has a newer one.
 */
ngx_int_t ngx_cigna_renewed(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* starts a refresh that this request does not wait for */
void ngx_cigna_token_refresh_ahead(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TOKEN_REFRESH_H_INCLUDED_ */

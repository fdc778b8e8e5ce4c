
#ifndef _NGX_CIGNA_IDENTITY_H_INCLUDED_
#define _NGX_CIGNA_IDENTITY_H_INCLUDED_


#include "ngx_cigna_ctx.h"
#include "nginx/ngx_cigna_cache_key.h"


/*
 * The identity that a request is for: the tenant and member that cigna_identity
 * names.  This file evaluates that directive.  It reads nothing else of the
 * request.
 */

/*
 * Fills ctx->tenant and ctx->member.  ctx->tenant is also filled if only the
 * member is missing or invalid.  Returns the condition of the refusal:
 *
 *   ngx_cigna_condition_served            none: the identity is known
 *   ngx_cigna_condition_no_identity       not configured, or empty
 *   ngx_cigna_condition_identity_invalid  unknown tenant, control bytes, or too
 *                                         long
 *   ngx_cigna_condition_internal_error    no memory
 */
ngx_cigna_condition_e ngx_cigna_identity(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* does the part of ngx_cigna_identity() for the tenant: fills ctx->tenant */
ngx_cigna_condition_e ngx_cigna_identity_tenant(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/*
 * Returns the identity's names in the vault.  The first call computes them, as
 * a request with a cached token does not need them.  ctx->tenant and
 * ctx->member must be known.  NULL if there is no memory, or OpenSSL fails.
 */
cigna_vault_names_t *ngx_cigna_identity_names(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* makes the identity's key in the cache; NGX_ERROR: the names are too long */
ngx_int_t ngx_cigna_identity_key(ngx_cigna_ctx_t *ctx,
    ngx_cigna_cache_key_t *key);


#endif /* _NGX_CIGNA_IDENTITY_H_INCLUDED_ */


#ifndef _NGX_CIGNA_IDENTITY_H_INCLUDED_
#define _NGX_CIGNA_IDENTITY_H_INCLUDED_


#include "ngx_cigna_condition.h"
#include "ngx_cigna_ctx.h"


/*
 * Who a request is for: evaluates cigna_identity.  Nothing that a caller sends
 * is looked at here but by way of the operator's variables.
 */

typedef enum {
    ngx_cigna_identity_known = 0,               /* ctx->tenant, ctx->member */
    ngx_cigna_identity_nobody,                  /* not configured, or empty */
    ngx_cigna_identity_invalid,                 /* bytes that name nobody */
    ngx_cigna_identity_failed                   /* no memory */
} ngx_cigna_identity_e;


/*
 * Fills ctx->tenant and ctx->member.  The tenant may be known, and is then
 * filled in, where the member is not.
 */
ngx_cigna_identity_e ngx_cigna_identity(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* the first half of it: ctx->tenant, whoever the member is */
ngx_cigna_identity_e ngx_cigna_identity_tenant(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* what to tell a caller who is not known */
ngx_cigna_condition_e ngx_cigna_identity_condition(ngx_cigna_identity_e who);

/*
 * What the vault calls the identity, which is worked out when first asked for:
 * the request path does without.  ctx->tenant and ctx->member must be known.
 * NULL if the library fails.
 */
cigna_vault_names_t *ngx_cigna_identity_named(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_IDENTITY_H_INCLUDED_ */

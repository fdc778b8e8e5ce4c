
#ifndef _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_
#define _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"


/*
 * Enforces "resource_types": the types of resources that a tenant may ask for.
 * The guard looks at the upstream request, after rewrites and proxy_pass have
 * changed its path.
 *
 * gate: filled by ngx_cigna_gate_out().  Returns:
 *
 *   ngx_cigna_condition_served          the request may be sent; with dry_run a
 *                                       refusal was logged and counted
 *   ngx_cigna_condition_type_refused    the refusal was logged and counted;
 *                                       ctx->about is a sentence with the type,
 *                                       or with the parameter that was refused
 *   ngx_cigna_condition_internal_error  no memory
 */
ngx_cigna_condition_e ngx_cigna_type_guard(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_gate_out_t *gate);


#endif /* _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_ */

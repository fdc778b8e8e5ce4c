
#ifndef _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_
#define _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"


/*
 * Enforces "resource_types": the types of resources that a tenant may ask for.
 * A request is judged by what leaves, after rewrites, locations and proxy_pass
 * have changed its path.
 *
 * gate: the request has passed it.  ngx_cigna_condition_served; or
 * _type_refused, which was logged, and ctx->about tells the type; or
 * _internal_error if there is no memory.
 */
ngx_cigna_condition_e ngx_cigna_type_guard(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_gate_out_t *gate);


#endif /* _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_ */


#ifndef _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_
#define _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"


/*
 * Which types of resources a tenant may ask for: "resource_types".  A request
 * is judged by what leaves: rewrites, locations and proxy_pass have done with
 * its path by then.
 *
 * With a request that has passed the gate.  NGX_OK: goes on; NGX_ABORT: the
 * request is to be refused, and ctx->about tells by which name.
 */
ngx_int_t ngx_cigna_type_guard(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_gate_out_t *gate);


#endif /* _NGX_CIGNA_TYPE_GUARD_H_INCLUDED_ */


#ifndef _NGX_CIGNA_GATE_OUT_H_INCLUDED_
#define _NGX_CIGNA_GATE_OUT_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"


/*
 * Checks the upstream request of a "cigna_fhir" location.  nginx's proxy writes
 * the request.  cigna_gate_out() reads it and writes it anew.  The new request
 * replaces the old one in r->upstream->request_bufs, as one buffer.
 *
 * ngx_cigna_condition_served: nginx may send the request.  "gate" then has the
 * path and the query, which live as long as the request.
 * ngx_cigna_condition_internal_error: nginx's proxy could not write the
 * request, or there is no memory.  With any other condition the caller must
 * refuse the request.  This function logs each kind of refusal at most once a
 * minute for each location, and counts all.
 */
ngx_cigna_condition_e ngx_cigna_gate_out(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_gate_out_t *gate);


#endif /* _NGX_CIGNA_GATE_OUT_H_INCLUDED_ */

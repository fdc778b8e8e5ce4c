
#ifndef _NGX_CIGNA_GATE_OUT_H_INCLUDED_
#define _NGX_CIGNA_GATE_OUT_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"


/*
 * Takes the upstream request of a "cigna_fhir" location through the gate: has
 * nginx's proxy make it, reads it, and puts what was written anew in its place,
 * r->upstream->request_bufs, which is one buffer.  See cigna_gate_out.h.
 *
 * NGX_OK: it may leave.  NGX_DECLINED: it is refused; *e is set, and logged
 * (once a minute and location with what to write instead).  NGX_ERROR: it
 * cannot be made; the proxy has logged why.
 *
 * "gate" tells afterwards where the request leads, for as long as it lives.
 */
ngx_int_t ngx_cigna_gate_out(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_gate_out_t *gate, ngx_cigna_condition_e *e);


#endif /* _NGX_CIGNA_GATE_OUT_H_INCLUDED_ */

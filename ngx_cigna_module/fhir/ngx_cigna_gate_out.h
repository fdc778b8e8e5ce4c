
#ifndef _NGX_CIGNA_GATE_OUT_H_INCLUDED_
#define _NGX_CIGNA_GATE_OUT_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "fhir/cigna_gate_out.h"


/*
 * Takes the upstream request of a "cigna_fhir" location through the gate out:
 * has nginx's proxy make it, reads it, and puts what was written anew in its
 * place, r->upstream->request_bufs, which is one buffer.  See cigna_gate_out.h.
 *
 * ngx_cigna_condition_served: the request may leave, and "gate" tells where it
 * leads, for as long as the request lives.  _internal_error: it cannot be made,
 * and the proxy has logged why.  Otherwise it is refused, which was logged;
 * once a minute and location the line says what to write instead.
 */
ngx_cigna_condition_e ngx_cigna_gate_out(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_gate_out_t *gate);


#endif /* _NGX_CIGNA_GATE_OUT_H_INCLUDED_ */

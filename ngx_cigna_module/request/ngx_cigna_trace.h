
#ifndef _NGX_CIGNA_TRACE_H_INCLUDED_
#define _NGX_CIGNA_TRACE_H_INCLUDED_


#include "ngx_cigna_ctx.h"


/*
 * The ids by which logs of the caller, of the gateway and of Cigna can be
 * matched.  A caller's X-Request-Id, traceparent and tracestate go on if they
 * are valid.  $request_id takes the place of a missing or invalid X-Request-Id.
 */


/* fills ctx->trace, once */
void ngx_cigna_trace(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* in the header filter: adds X-Request-Id; NGX_OK or NGX_ERROR */
ngx_int_t ngx_cigna_trace_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TRACE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_TRACE_H_INCLUDED_
#define _NGX_CIGNA_TRACE_H_INCLUDED_


#include "ngx_cigna_ctx.h"


/*
 * The ids by which log lines of the caller, of the gateway and of Cigna can be
 * matched.  The gateway sends a caller's X-Request-Id, traceparent and
 * tracestate on to Cigna if they are valid.  $request_id takes the place of a
 * missing or invalid X-Request-Id.
 */


/* fills ctx->trace at the first call; later calls do nothing */
void ngx_cigna_trace(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* in the header filter: adds X-Request-Id, if ctx->trace has an id */
ngx_int_t ngx_cigna_trace_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TRACE_H_INCLUDED_ */

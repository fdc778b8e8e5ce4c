
#ifndef _NGX_CIGNA_TRACE_H_INCLUDED_
#define _NGX_CIGNA_TRACE_H_INCLUDED_


#include "ngx_cigna_ctx.h"


/*
 * What ties a FHIR request's traces together, from the caller to Cigna: its
 * X-Request-Id and its traceparent go on if they make sense, and are made if
 * not.  Nothing is recorded here, so that no span is added.
 */


/*
 * Finds out ctx->trace, once.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_trace(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* in the header filter: X-Request-Id */
ngx_int_t ngx_cigna_trace_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_TRACE_H_INCLUDED_ */

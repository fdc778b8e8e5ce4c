
#ifndef _NGX_CIGNA_REFUSAL_H_INCLUDED_
#define _NGX_CIGNA_REFUSAL_H_INCLUDED_


#include "ngx_cigna_token.h"
#include "nginx/ngx_cigna_cache_key.h"
#include "shm/ngx_cigna_cache.h"


/*
 * Answers a request to "cigna_fhir on" that gets no token, and logs it: for
 * ctx->token->condition.  Returns what a content handler is to return.
 */
ngx_int_t ngx_cigna_refusal(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_REFUSAL_H_INCLUDED_ */

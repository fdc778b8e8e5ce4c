
#ifndef _NGX_CIGNA_ERRORS_H_INCLUDED_
#define _NGX_CIGNA_ERRORS_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Errors that are not FHIR become an OperationOutcome with the same status:
 * nginx's own pages, and what Cigna's FHIR server, or a CDN in front of it,
 * sends as HTML or with an empty body.  JSON, FHIR in XML and the operator's
 * error_page stay as they are.
 *
 * With cigna_not_found, a 500 that says that an id is not known becomes a 404.
 *
 * The header of a good reply whose type says nothing (text/plain, or none)
 * waits as well, until the body's first bytes tell whether it is JSON.
 */


/*
 * In the header filter, for replies of cigna_fhir.  NGX_OK: goes on.
 * NGX_AGAIN: the header waits for the beginning of the body.
 */
ngx_int_t ngx_cigna_errors_header(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);

/*
 * In the body filter, where ctx->errors is set.  NGX_OK: *in goes on, which may
 * be another chain now, or NULL.  NGX_DONE: likewise, but the header that has
 * waited goes first.  NGX_AGAIN: all of *in was taken, and more is needed.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_errors_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in);

/* 1 if the reply's media type, without parameters, ends with this */
ngx_uint_t ngx_cigna_errors_typed(ngx_http_request_t *r, const char *end);

/* 1 if the reply is JSON by its type, or by the first bytes of its body */
ngx_uint_t ngx_cigna_errors_json(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* 1 if the reply's type says nothing */
ngx_uint_t ngx_cigna_errors_untyped(ngx_http_request_t *r);

/* 1 if the reply's body is compressed, or encoded in another way */
ngx_uint_t ngx_cigna_errors_encoded(ngx_http_request_t *r);

/* drops digests of the body, whose bytes are about to change */
void ngx_cigna_errors_digests(ngx_http_request_t *r);

/* 1 if the body was replaced with an OperationOutcome */
ngx_uint_t ngx_cigna_errors_replaced(ngx_cigna_ctx_t *ctx);

/* 1 if the reply is the upstream's, not an error of nginx or of ours */
ngx_uint_t ngx_cigna_errors_upstreams(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_ERRORS_H_INCLUDED_ */

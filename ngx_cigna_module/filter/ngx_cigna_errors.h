
#ifndef _NGX_CIGNA_ERRORS_H_INCLUDED_
#define _NGX_CIGNA_ERRORS_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Errors that are no FHIR become an OperationOutcome with the same status:
 * nginx's own pages, and what Cigna's FHIR server or a CDN before it says in
 * HTML, or without a word.  The operator's error_page is left alone, and so is
 * what is JSON, or FHIR in XML.
 *
 * With cigna_not_found, a 500 that says of an id that it is not known becomes a
 * 404.
 *
 * A good reply whose type says nothing, text/plain or none, is held as well,
 * until its first byte tells whether it is JSON.
 */


/*
 * In the header filter, for replies of cigna_fhir.  NGX_OK: goes on.
 * NGX_AGAIN: the header waits for the beginning of the body.
 */
ngx_int_t ngx_cigna_errors_header(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);

/*
 * In the body filter, where ctx->errors is set.  NGX_OK: *in goes on, which may
 * be another chain now, and NULL.  NGX_DONE: so it does, behind the header that
 * has waited.  NGX_AGAIN: all of *in is kept for now.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_errors_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in);

/* 1 if the reply's media type, whatever its parameters, ends so */
ngx_uint_t ngx_cigna_errors_typed(ngx_http_request_t *r, const char *end);

/* 1 if it is JSON by its type, or by how its body begins where that was held */
ngx_uint_t ngx_cigna_errors_json(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* 1 if the type of a reply says nothing of what it is */
ngx_uint_t ngx_cigna_errors_untyped(ngx_http_request_t *r);

/* 1 if its body is compressed, or encoded in another way */
ngx_uint_t ngx_cigna_errors_encoded(ngx_http_request_t *r);

/* drops what the header says of a body's bytes, which will be others */
void ngx_cigna_errors_digests(ngx_http_request_t *r);

/* 1 if the reply is an OperationOutcome of ours, in place of another body */
ngx_uint_t ngx_cigna_errors_replaced(ngx_cigna_ctx_t *ctx);

/* a reply that the upstream is sending, not an error of nginx's or ours */
ngx_uint_t ngx_cigna_errors_upstreams(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_ERRORS_H_INCLUDED_ */

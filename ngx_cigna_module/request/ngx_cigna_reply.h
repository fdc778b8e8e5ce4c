
#ifndef _NGX_CIGNA_REPLY_H_INCLUDED_
#define _NGX_CIGNA_REPLY_H_INCLUDED_


#include "ngx_cigna_identity.h"


/*
 * Replies made here.  The gate in adds "Cache-Control: no-store, private" and
 * "X-Content-Type-Options: nosniff" to all of them.  Results are those of a
 * content handler.
 */


/*
 * Logs the line of a request that was not served as asked and tells the
 * variables.  "what" is what the caller wanted: "fhir", "status", ...
 * detail may be NULL.
 */
void ngx_cigna_reply_log(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, const char *what, const ngx_str_t *detail);

/* adds a line to the reply's header; key is a literal, value is borrowed */
ngx_int_t ngx_cigna_reply_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value);

/* sends a reply; the body is borrowed from the request's pool, may be empty */
ngx_int_t ngx_cigna_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body);

/* sends the browser elsewhere: location is borrowed from the request's pool */
ngx_int_t ngx_cigna_reply_redirect(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *location);

/* in which form a condition is told */

typedef enum {
    ngx_cigna_reply_fhir = 0,              /* OperationOutcome */
    ngx_cigna_reply_json
} ngx_cigna_reply_e;

/*
 * The type of an OperationOutcome, in the words that the client accepts; a
 * constant.
 */
const char *ngx_cigna_reply_fhir_type(ngx_http_request_t *r);

/* what the body of a condition's reply is, in the request's pool */
ngx_int_t ngx_cigna_reply_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_cigna_reply_e form, ngx_str_t *body);

/*
 * Sends the reply of a condition.  retry_after_s: 0 for the table's.  allow:
 * of a refused method, may be NULL.
 */
ngx_int_t ngx_cigna_reply_condition(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_cigna_reply_e form,
    ngx_uint_t retry_after_s, const char *allow);

ngx_int_t ngx_cigna_reply_retry_after(ngx_http_request_t *r,
    ngx_uint_t seconds);

/*
 * Headers that go with a condition: Retry-After, Allow, Link.  For replies
 * that are sent in another form.
 */
ngx_int_t ngx_cigna_reply_condition_headers(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_uint_t retry_after_s,
    const char *allow);

/*
 * Where the member's browser starts a dance: origin of redirect_uri and this
 * server's connect location.  Empty if the server has none.  NGX_ERROR if
 * there is no memory.
 */
ngx_int_t ngx_cigna_connect_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *url);

/* a string built with a cigna_buf_t in the request's pool */
ngx_int_t ngx_cigna_buf_init(ngx_http_request_t *r, cigna_buf_t *b,
    size_t size);
ngx_int_t ngx_cigna_buf_done(const cigna_buf_t *b, ngx_str_t *s);


#endif /* _NGX_CIGNA_REPLY_H_INCLUDED_ */

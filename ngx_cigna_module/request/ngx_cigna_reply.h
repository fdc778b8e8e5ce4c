
#ifndef _NGX_CIGNA_REPLY_H_INCLUDED_
#define _NGX_CIGNA_REPLY_H_INCLUDED_


#include "ngx_cigna_identity.h"


/*
 * Replies that the module makes itself.  The gate in adds "Cache-Control:
 * no-store, private" and "X-Content-Type-Options: nosniff" to all of them.
 * Functions that send a reply return what a content handler returns.
 */


/*
 * Logs a request that was not served as asked, and sets ctx->outcome.  what:
 * "fhir", "status", ...  detail: a text for the end of the line, or NULL.
 */
void ngx_cigna_reply_log(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, const char *what, const ngx_str_t *detail);

/* adds a line to the reply's header; key is a literal, value is borrowed */
ngx_int_t ngx_cigna_reply_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value);
ngx_int_t ngx_cigna_reply_retry_after(ngx_http_request_t *r,
    ngx_uint_t seconds);

/* sets the media type, a literal */
void ngx_cigna_reply_type(ngx_http_request_t *r, const char *type);

/*
 * Sends a reply.  type: a literal, or NULL.  body: borrowed, must live as long
 * as the request; may be empty.
 */
ngx_int_t ngx_cigna_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body);

/* redirects the browser; location is borrowed from the request's pool */
ngx_int_t ngx_cigna_reply_redirect(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *location);


/* the form of a reply that tells a condition */

typedef enum {
    ngx_cigna_reply_fhir = 0,              /* OperationOutcome */
    ngx_cigna_reply_json
} ngx_cigna_reply_e;

/* media type of an OperationOutcome */

#define NGX_CIGNA_REPLY_FHIR_TYPE  "application/fhir+json"


/*
 * Sends the reply of a condition.  retry_after_s: 0 for the one of the table.
 * allow: value of an Allow line, or NULL.
 */
ngx_int_t ngx_cigna_reply_condition(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_cigna_reply_e form,
    ngx_uint_t retry_after_s, const char *allow);

/* its body alone, made in the request's pool */
ngx_int_t ngx_cigna_reply_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_cigna_reply_e form, ngx_str_t *body);

/* its header lines alone: Retry-After, Allow, Link */
ngx_int_t ngx_cigna_reply_condition_headers(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_uint_t retry_after_s,
    const char *allow);

/*
 * The URL at which the member's browser starts a dance, in the request's pool:
 * the origin of redirect_uri and this server's connect location.  Empty if the
 * server has no such location.  NGX_ERROR if there is no memory.
 */
ngx_int_t ngx_cigna_connect_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *url);

/*
 * A string of at most "size" bytes that is built in the request's pool.
 * init() begins it; done() gives the string, or NGX_ERROR if it was longer.
 */
ngx_int_t ngx_cigna_buf_init(ngx_http_request_t *r, cigna_buf_t *b,
    size_t size);
ngx_int_t ngx_cigna_buf_done(const cigna_buf_t *b, ngx_str_t *s);


#endif /* _NGX_CIGNA_REPLY_H_INCLUDED_ */


#ifndef _NGX_CIGNA_REPLY_H_INCLUDED_
#define _NGX_CIGNA_REPLY_H_INCLUDED_


#include "ngx_cigna_identity.h"
#include "shm/ngx_cigna_counters.h"


/*
 * Replies that the module makes itself.  ngx_cigna_gate_in.c adds
 * "Cache-Control: no-store, private" and "X-Content-Type-Options: nosniff" to
 * each of them.  Functions that send a reply return the result of a content
 * handler.
 */


/*
 * Logs how a request ended, and sets ctx->outcome.  what: "fhir", "status" or
 * another name of an endpoint.  detail: a text for the end of the log line, or
 * NULL.  Returns e.
 */
ngx_cigna_condition_e ngx_cigna_reply_log(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, const char *what,
    const ngx_str_t *detail);

/*
 * Counts an event of a reply.  Returns 1 if the caller must log the event,
 * which is at most once a minute for each worker and kind of event.
 */
ngx_uint_t ngx_cigna_reply_note(ngx_cigna_ctx_t *ctx, ngx_cigna_count_e kind);

/* adds a line to the reply's header; key is a literal, value is borrowed */
ngx_int_t ngx_cigna_reply_header(ngx_http_request_t *r, const char *key,
    cigna_slice_t value);
ngx_int_t ngx_cigna_reply_retry_after(ngx_http_request_t *r,
    ngx_uint_t seconds);

/* sets the media type, a literal */
void ngx_cigna_reply_type(ngx_http_request_t *r, const char *type);

/*
 * Sends a reply.  type: a literal, or NULL.  body: borrowed, must live as long
 * as the request; may be empty, or NULL.
 */
ngx_int_t ngx_cigna_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body);

/* redirects the browser; location is borrowed from the request's pool */
ngx_int_t ngx_cigna_reply_redirect(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *location);


/* the format of a reply about a condition */

typedef enum {
    ngx_cigna_reply_fhir = 0,              /* OperationOutcome */
    ngx_cigna_reply_json
} ngx_cigna_reply_e;

/* media type of an OperationOutcome */

#define NGX_CIGNA_REPLY_FHIR_TYPE  "application/fhir+json"


/*
 * Sends the reply about a condition.  retry_after_s: seconds of Retry-After, or
 * 0 for the value of the condition's row.  If the row has no value, there is no
 * Retry-After in any case.  allow: value of an Allow line, or NULL.
 */
ngx_int_t ngx_cigna_reply_condition(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_cigna_reply_e form,
    ngx_uint_t retry_after_s, const char *allow);

/* makes the body of a reply about a condition, in the request's pool */
ngx_int_t ngx_cigna_reply_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_cigna_reply_e form, ngx_str_t *body);

/* adds the lines Retry-After, Allow and Link of a reply about a condition */
ngx_int_t ngx_cigna_reply_condition_headers(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, ngx_uint_t retry_after_s,
    const char *allow);

/*
 * Makes a link of an output chain for these bytes, which the caller keeps until
 * the request ends.  NULL: there is no memory.
 */
ngx_chain_t *ngx_cigna_reply_chain(ngx_http_request_t *r, u_char *pos,
    u_char *last);

/*
 * Makes the URL at which the member's browser starts a dance, in the request's
 * pool.  It consists of the origin of redirect_uri and the path of the connect
 * location in this server {} block.  *url is empty if the block has no such
 * location.  NGX_ERROR if there is no memory.
 */
ngx_int_t ngx_cigna_connect_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *url);

/*
 * Formats a string of at most "size" bytes in the pool, as ngx_snprintf() does.
 * NGX_ERROR if there is no memory.
 */
ngx_int_t ngx_cigna_reply_print(ngx_pool_t *pool, ngx_str_t *s, size_t size,
    const char *format, ...);

/*
 * These two functions build a string of at most "size" bytes in the request's
 * pool.  ngx_cigna_buf_init() allocates the bytes.  ngx_cigna_buf_done() gives
 * the string, or returns NGX_ERROR if more than "size" bytes were appended.
 */
ngx_int_t ngx_cigna_buf_init(ngx_http_request_t *r, cigna_buf_t *b,
    size_t size);
ngx_int_t ngx_cigna_buf_done(const cigna_buf_t *b, ngx_str_t *s);


#endif /* _NGX_CIGNA_REPLY_H_INCLUDED_ */

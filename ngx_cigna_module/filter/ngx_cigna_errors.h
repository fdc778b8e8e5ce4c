
#ifndef _NGX_CIGNA_ERRORS_H_INCLUDED_
#define _NGX_CIGNA_ERRORS_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * This filter replaces errors that are not FHIR with an OperationOutcome of the
 * same status.  Such errors are nginx's own pages, and replies of Cigna's FHIR
 * server, or of a CDN in front of it, whose body is empty or has another type,
 * such as HTML.  Errors in JSON, errors in FHIR's XML, and the operator's
 * error_page stay as they are.
 *
 * With cigna_not_found, a 500 whose body says that an id is unknown becomes a
 * 404.
 *
 * A reply without an error may have the type text/plain, or no type.  With
 * links=on, its header waits until the first bytes of the body tell whether the
 * body is JSON.
 */


/*
 * The header filter calls this for replies of cigna_fhir.  NGX_OK: the header
 * may be sent.  NGX_AGAIN: the header waits for the beginning of the body.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_errors_header(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);

/*
 * Gives the reply this status and type.  The body filter then sends this body
 * in place of the reply's, see ngx_cigna_errors_body().  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_errors_put(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_uint_t status, const char *type, const ngx_str_t *body);

/*
 * The body filter calls this if ctx->errors is set.  NGX_OK: the next filter
 * gets *in, which this function may have replaced, also with NULL.  NGX_DONE:
 * the same, but the header, which has waited, must be sent first.  NGX_AGAIN:
 * the function has taken all of *in, and waits for more.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_errors_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t **in);

/* returns 1 if the reply's media type, without parameters, ends with "end" */
ngx_uint_t ngx_cigna_errors_typed(ngx_http_request_t *r, const char *end);

/* returns 1 if the type of the reply, or the start of its body, is JSON */
ngx_uint_t ngx_cigna_errors_json(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* returns 1 if the reply has the type text/plain, or no type */
ngx_uint_t ngx_cigna_errors_untyped(ngx_http_request_t *r);

/* returns 1 if the reply has a Content-Encoding other than identity */
ngx_uint_t ngx_cigna_errors_encoded(ngx_http_request_t *r);

/* drops header lines with a digest of the body, as the body will change */
void ngx_cigna_errors_digests(ngx_http_request_t *r);

/* returns 1 if a body of the gateway replaces that of the reply */
ngx_uint_t ngx_cigna_errors_replaced(ngx_cigna_ctx_t *ctx);

/* returns 1 if the reply comes from the upstream */
ngx_uint_t ngx_cigna_errors_upstreams(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


#endif /* _NGX_CIGNA_ERRORS_H_INCLUDED_ */

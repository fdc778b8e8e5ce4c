
#ifndef _NGX_CIGNA_SCRUB_H_INCLUDED_
#define _NGX_CIGNA_SCRUB_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Keeps code and state of callback requests out of logs.  To scrub a request
 * means to overwrite the values in its query wherever nginx keeps the request
 * line.  If the request reaches its location, ctx->query has a copy.
 */


/*
 * In postconfiguration: adds a log handler.  It scrubs callbacks for which
 * neither ngx_cigna_scrub_handler() nor ngx_cigna_scrub_reply() was called, and
 * any query in a request line that nginx could not read.
 */
ngx_int_t ngx_cigna_scrub_init(ngx_conf_t *cf);

/*
 * Scrubs a request for a callback location.  Runs in the rewrite phase, as soon
 * as nginx knows the location.  This is before access checks, which may log the
 * request line or pass it on.
 */
ngx_int_t ngx_cigna_scrub_handler(ngx_http_request_t *r);

/* scrubs the request; does nothing if called again; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_scrub(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * The header filter calls this for all requests that are not FHIR.  Some
 * callbacks never reach their location: nginx refuses them (for example, for
 * long cookies), or redirects them to https.  This function recognizes them by
 * their path, which is the path of a redirect_uri, and overwrites the values in
 * their query, if they have one.
 *
 * It also adds "Referrer-Policy: no-referrer" to their error pages, and to all
 * replies of a callback location, unless there is a policy already.  Without
 * this policy the browser would send the URL of the page in Referer lines,
 * which nginx and others log.
 */
ngx_int_t ngx_cigna_scrub_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_SCRUB_H_INCLUDED_ */

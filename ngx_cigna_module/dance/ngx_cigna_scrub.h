
#ifndef _NGX_CIGNA_SCRUB_H_INCLUDED_
#define _NGX_CIGNA_SCRUB_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Keeps a callback's code and state out of logs: copies the query into
 * ctx->query, and overwrites its values wherever nginx keeps the request line.
 */


/* in postconfiguration: scrubs requests that reach only the log phase */
ngx_int_t ngx_cigna_scrub_init(ngx_conf_t *cf);

/*
 * In the rewrite phase, the first that knows the location: before access checks
 * and all that they log or pass on.
 */
ngx_int_t ngx_cigna_scrub_handler(ngx_http_request_t *r);

/* scrubs the request unless it was scrubbed; NGX_ERROR if there is no memory */
ngx_int_t ngx_cigna_scrub(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * In the header filter, for all requests but those of FHIR.  Some callbacks
 * never reach their location: nginx refuses them (say, for long cookies), or
 * redirects them to https.  These are recognised by their path, which is that
 * of a redirect_uri.  Their error pages, and nginx's own pages of the location,
 * get "Referrer-Policy: no-referrer" unless they have a policy: a browser must
 * not send their URL to anybody, and not to us, as we would log it.
 */
ngx_int_t ngx_cigna_scrub_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_SCRUB_H_INCLUDED_ */

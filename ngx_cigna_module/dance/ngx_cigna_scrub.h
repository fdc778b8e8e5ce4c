
#ifndef _NGX_CIGNA_SCRUB_H_INCLUDED_
#define _NGX_CIGNA_SCRUB_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Keeps a callback's code and state out of logs: the query is copied into
 * ctx->query, and the values are overwritten wherever nginx keeps the request
 * line.  In the rewrite phase, which is the first that knows the location, and
 * comes before access checks and whatever these log or pass on.
 */


/* before the logs, for what gets no further than into them; at start, once */
ngx_int_t ngx_cigna_scrub_init(ngx_conf_t *cf);

ngx_int_t ngx_cigna_scrub_handler(ngx_http_request_t *r);

/* does it now unless it was done; NGX_ERROR if there is no memory */
ngx_int_t ngx_cigna_scrub(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * As the reply begins, for all that is no FHIR request.  Some never get to the
 * callback's location: nginx refuses them (the cookies of others are too
 * long), or sends them to https first.  They are told by their path, which is
 * that of a redirect_uri.  And the pages that nginx itself shows instead of
 * ours let a browser tell nobody where they are, not even us, who would log
 * it: Referrer-Policy is added unless there is one.
 */
ngx_int_t ngx_cigna_scrub_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_SCRUB_H_INCLUDED_ */

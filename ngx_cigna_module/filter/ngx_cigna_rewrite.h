
#ifndef _NGX_CIGNA_REWRITE_H_INCLUDED_
#define _NGX_CIGNA_REWRITE_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Rewrites links to Cigna into links to the gateway (cigna_link_filter.h), in
 * the header of a reply and in its body.  The filter does not wait for the
 * whole body.
 */


/*
 * The header filter calls this.  Changes the header lines that do not fit a
 * body with rewritten links.  Sets ctx->rewrite if the body must be rewritten.
 * Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_cigna_rewrite_header(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_REWRITE_H_INCLUDED_ */

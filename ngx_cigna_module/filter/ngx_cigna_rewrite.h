
#ifndef _NGX_CIGNA_REWRITE_H_INCLUDED_
#define _NGX_CIGNA_REWRITE_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * Rewrites Cigna's links in replies to the gateway's own (cigna_link_filter.h),
 * in the header and, as it streams by, in the body.
 */


/*
 * In the header filter.  Sets ctx->rewrite if the body is to be rewritten.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_cigna_rewrite_header(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_REWRITE_H_INCLUDED_ */

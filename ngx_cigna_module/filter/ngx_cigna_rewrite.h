
#ifndef _NGX_CIGNA_REWRITE_H_INCLUDED_
#define _NGX_CIGNA_REWRITE_H_INCLUDED_


#include "ngx_cigna_rewrite_body.h"


/*
 * Links in replies of the upstream come out as the gateway's own, see
 * cigna_link_filter.h: in the header and, as it streams by, in the body.
 */


/* for the header filter: may begin the work, and then ctx->rewrite is set */
ngx_int_t ngx_cigna_rewrite_header(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_REWRITE_H_INCLUDED_ */

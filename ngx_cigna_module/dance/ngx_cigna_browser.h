
#ifndef _NGX_CIGNA_BROWSER_H_INCLUDED_
#define _NGX_CIGNA_BROWSER_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "http/cigna_cookie.h"


/* what a request tells of the browser that makes it */


/* 1 if the browser may be prefetching (Sec-Purpose and its forerunners) */
ngx_uint_t ngx_cigna_browser_prefetches(ngx_http_request_t *r);

/* how the browser comes to a page */

typedef enum {
    ngx_cigna_browser_by_user = 0,         /* from a page of the same origin, or
                                              by the user's own act */
    ngx_cigna_browser_by_other_site,       /* the user may not know of it */
    ngx_cigna_browser_not_a_visit          /* a frame, an image, a fetch(), a
                                              prefetch */
} ngx_cigna_browser_visit_e;


/*
 * By Fetch Metadata (W3C) and Origin.  tenant: NULL if unknown.  conf/README.md
 * has the rules as a table.
 */
ngx_cigna_browser_visit_e ngx_cigna_browser_visit(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);

/*
 * 1 if a page of the request's own origin, or of redirect_uri's, has made this
 * POST; 0 also if no header line tells.
 */
ngx_uint_t ngx_cigna_browser_same_origin(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);

/* 1 if the browser accepts HTML */
ngx_uint_t ngx_cigna_browser_wants_html(ngx_http_request_t *r);

/* 1 if the request is for the host of redirect_uri */
ngx_uint_t ngx_cigna_browser_at_home(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);


/* of more dance cookies than these only the first are read */

#define NGX_CIGNA_COOKIES_MAX  32

/* the dance cookies of the request, borrowed; returns their number */
ngx_uint_t ngx_cigna_browser_cookies(ngx_http_request_t *r,
    ngx_uint_t https, cigna_cookie_t cookies[NGX_CIGNA_COOKIES_MAX]);

/* the browser secret of the dance with this tag, borrowed; empty if absent */
cigna_slice_t ngx_cigna_browser_secret(ngx_http_request_t *r,
    ngx_uint_t https, cigna_slice_t tag);

/*
 * Sets the cookie of a new dance, and removes the oldest ones beyond
 * CIGNA_COOKIE_DANCES_MAX.
 */
ngx_int_t ngx_cigna_browser_set_cookie(ngx_http_request_t *r,
    ngx_uint_t https, const cigna_cookie_t *cookie);


#endif /* _NGX_CIGNA_BROWSER_H_INCLUDED_ */

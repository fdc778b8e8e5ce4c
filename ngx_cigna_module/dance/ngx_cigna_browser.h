
#ifndef _NGX_CIGNA_BROWSER_H_INCLUDED_
#define _NGX_CIGNA_BROWSER_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "http/cigna_cookie.h"


/* what the browser that makes a request tells of itself */


/* may be asking ahead of its user (Sec-Purpose and its forerunners) */
ngx_uint_t ngx_cigna_browser_prefetches(ngx_http_request_t *r);

/* how a browser comes to a page, as far as it tells */

typedef enum {
    ngx_cigna_browser_own = 0,             /* from the page's own origin, or by
                                              the user's own doing */
    ngx_cigna_browser_led,                 /* led there by another origin, and
                                              the user may not know */
    ngx_cigna_browser_no_visit             /* it does not: a frame, an image, a
                                              fetch(), ahead of time */
} ngx_cigna_browser_visit_e;


/* tenant: NULL if it is not known */
ngx_cigna_browser_visit_e ngx_cigna_browser_visit(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);

/*
 * Was a POST made by a page of redirect_uri's origin, or of the same origin as
 * the request itself?  Not so if nothing tells.
 */
ngx_uint_t ngx_cigna_browser_same_origin(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);

/* does it prefer a page to data? */
ngx_uint_t ngx_cigna_browser_wants_html(ngx_http_request_t *r);

/* is this the host of redirect_uri? */
ngx_uint_t ngx_cigna_browser_at_home(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);


/* more dance cookies than this are not looked at */

#define NGX_CIGNA_COOKIES_MAX  32

/* dance cookies of the request, borrowed; returns how many there are */
ngx_uint_t ngx_cigna_browser_cookies(ngx_http_request_t *r,
    ngx_uint_t https, cigna_cookie_t cookies[NGX_CIGNA_COOKIES_MAX]);

/* the browser secret of the dance with this tag, borrowed; empty: none */
cigna_slice_t ngx_cigna_browser_secret(ngx_http_request_t *r,
    ngx_uint_t https, cigna_slice_t tag);

/*
 * Sets the cookie of a new dance and expires the oldest ones, so that there
 * are never more than CIGNA_COOKIE_DANCES_MAX.
 */
ngx_int_t ngx_cigna_browser_set_cookie(ngx_http_request_t *r,
    ngx_uint_t https, const cigna_cookie_t *cookie);


#endif /* _NGX_CIGNA_BROWSER_H_INCLUDED_ */

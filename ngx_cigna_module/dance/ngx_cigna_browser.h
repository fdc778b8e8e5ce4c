
#ifndef _NGX_CIGNA_BROWSER_H_INCLUDED_
#define _NGX_CIGNA_BROWSER_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"
#include "http/cigna_cookie.h"


/*
 * These functions find out from a request how its browser has come, and read
 * and set the browser's dance cookies.
 */


/* 1 if the browser may be prefetching (Sec-Purpose, or older lines like it) */
ngx_uint_t ngx_cigna_browser_prefetches(ngx_http_request_t *r);

/* the way in which a browser has come to a page */

typedef enum {
    ngx_cigna_browser_by_user = 0,         /* from a page of the same origin; by
                                              a click on a page of the same
                                              site; or without a page, for
                                              example a typed address; also if
                                              no line says how */
    ngx_cigna_browser_by_other_site,       /* from a page in any other way,
                                              perhaps without the user's will */
    ngx_cigna_browser_not_a_visit          /* a frame, an image, a fetch(), a
                                              prefetch */
} ngx_cigna_browser_visit_e;


/*
 * Returns the way in which the browser has come, by the lines of Fetch Metadata
 * (W3C), by Origin, and by lines such as Purpose that tell of a prefetch.  If
 * a request has none of these lines, returns ngx_cigna_browser_by_user.
 * tenant: NULL if unknown.  conf/README.md has the rules as a table.
 */
ngx_cigna_browser_visit_e ngx_cigna_browser_visit(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);

/*
 * Returns 1 if a page of the request's own origin, or of the origin of
 * redirect_uri, has sent this POST.  Returns 0 otherwise, also if the request
 * has neither Sec-Fetch-Site nor Origin.
 */
ngx_uint_t ngx_cigna_browser_same_origin(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);

/* 1 if the browser accepts text/html by name, not only by a wildcard */
ngx_uint_t ngx_cigna_browser_wants_html(ngx_http_request_t *r);

/* 1 if the request is for the host of redirect_uri, or names no host */
ngx_uint_t ngx_cigna_browser_at_home(ngx_http_request_t *r,
    const ngx_cigna_tenant_t *tenant);

/*
 * Finds the browser secret of the dance with this state.  The state begins with
 * the tag of the dance's cookie.  The secret is borrowed.  It is empty if there
 * is no such cookie.
 */
cigna_slice_t ngx_cigna_browser_secret(ngx_http_request_t *r,
    ngx_uint_t https, cigna_slice_t state);

/*
 * Sets the cookie of a new dance.  Removes the oldest dance cookies, so that
 * there are CIGNA_COOKIE_DANCES_MAX at most.
 */
ngx_int_t ngx_cigna_browser_set_cookie(ngx_http_request_t *r,
    ngx_uint_t https, const cigna_cookie_t *cookie);


#endif /* _NGX_CIGNA_BROWSER_H_INCLUDED_ */

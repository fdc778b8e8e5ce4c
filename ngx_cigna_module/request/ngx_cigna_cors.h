
#ifndef _NGX_CIGNA_CORS_H_INCLUDED_
#define _NGX_CIGNA_CORS_H_INCLUDED_


#include "ngx_cigna_ctx.h"
#include "gateway/ngx_cigna_loc_conf.h"


/*
 * Cross-origin requests of browsers to FHIR, status and disconnect, from the
 * origins of "cigna_cors".  The gate in writes the lines last of all, so that
 * every reply of the location has each of them once.
 */


/*
 * In the preaccess phase: answers preflights.  Browsers send them without
 * cookies, so access checks would refuse them.
 */
ngx_int_t ngx_cigna_cors_handler(ngx_http_request_t *r);

/* the configured origin that the request comes from, or NULL */
ngx_str_t *ngx_cigna_cors_origin(ngx_http_request_t *r,
    ngx_cigna_cors_t *cors);

/* adds the lines to the reply; NGX_OK or NGX_ERROR */
ngx_int_t ngx_cigna_cors_lines(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CORS_H_INCLUDED_ */

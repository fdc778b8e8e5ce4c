
#ifndef _NGX_CIGNA_CORS_H_INCLUDED_
#define _NGX_CIGNA_CORS_H_INCLUDED_


#include "ngx_cigna_ctx.h"
#include "gateway/ngx_cigna_loc_conf.h"


/*
 * Cross-origin requests from the origins of "cigna_cors" to FHIR, status and
 * disconnect locations.  ngx_cigna_gate_in.c calls ngx_cigna_cors_lines() after
 * all other modules, so that every reply has each CORS header line once.
 */


/*
 * Answers preflights, in the preaccess phase.  Browsers send preflights without
 * cookies, so access checks would refuse them.
 */
ngx_int_t ngx_cigna_cors_handler(ngx_http_request_t *r);

/* the configured origin that the request comes from, or NULL */
ngx_str_t *ngx_cigna_cors_origin(ngx_http_request_t *r,
    ngx_cigna_cors_t *cors);

/* adds the CORS header lines to the reply; NGX_OK or NGX_ERROR */
ngx_int_t ngx_cigna_cors_lines(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CORS_H_INCLUDED_ */

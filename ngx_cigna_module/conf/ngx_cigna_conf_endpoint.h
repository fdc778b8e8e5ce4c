
#ifndef _NGX_CIGNA_CONF_ENDPOINT_H_INCLUDED_
#define _NGX_CIGNA_CONF_ENDPOINT_H_INCLUDED_


#include "ngx_cigna_conf_options.h"

#include "http/cigna_uri.h"


/* all functions return NGX_OK, or NGX_ERROR after logging the error */

/*
 * Sets the tenant's endpoints and its fhir_base to the configured URLs, or else
 * to those of "environment".  An endpoint without either stays empty.
 * NGX_ERROR after logging the error.
 */
ngx_int_t ngx_cigna_conf_endpoints(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);

/* parses the URL of a directive; uri points into its bytes */
ngx_int_t ngx_cigna_conf_url(ngx_conf_t *cf, const char *directive,
    ngx_str_t *url, cigna_uri_t *uri);

/*
 * Refuses a URL with "http", because secrets and keys must not travel in clear:
 * logs an error and returns NGX_ERROR.  insecure_http: 1 allows the URL.
 */
ngx_int_t ngx_cigna_conf_https(ngx_conf_t *cf, const char *directive,
    cigna_uri_t *uri, ngx_flag_t insecure_http);


#endif /* _NGX_CIGNA_CONF_ENDPOINT_H_INCLUDED_ */

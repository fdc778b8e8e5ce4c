
#ifndef _NGX_CIGNA_CONF_ENDPOINT_H_INCLUDED_
#define _NGX_CIGNA_CONF_ENDPOINT_H_INCLUDED_


#include "ngx_cigna_conf_options.h"

#include "http/cigna_uri.h"


/* all return NGX_ERROR after logging what is wrong */

/* fills in the endpoints and fhir_base: configured, or of the environment */
ngx_int_t ngx_cigna_conf_endpoints(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);

/* parses the URL of a directive; uri borrows it */
ngx_int_t ngx_cigna_conf_url(ngx_conf_t *cf, const char *directive,
    ngx_str_t *url, cigna_uri_t *uri);

/* checks that the gateway may send secrets there */
ngx_int_t ngx_cigna_conf_https(ngx_conf_t *cf, const char *directive,
    cigna_uri_t *uri, ngx_flag_t insecure_http);


#endif /* _NGX_CIGNA_CONF_ENDPOINT_H_INCLUDED_ */

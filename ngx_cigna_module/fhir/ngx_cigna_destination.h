
#ifndef _NGX_CIGNA_DESTINATION_H_INCLUDED_
#define _NGX_CIGNA_DESTINATION_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/*
 * The gateway sends tokens only over verified TLS and only to the host of the
 * tenant's fhir_base, whatever proxy_pass says.  "cigna_insecure_upstream on"
 * turns both checks off.
 */


/*
 * Checks the location's configuration before nginx connects, so that the log
 * can tell the operator which directive to change.  r->upstream must exist, if
 * the location has a "proxy_pass".  Returns ngx_cigna_condition_served, or logs
 * the reason and returns ngx_cigna_condition_destination_refused.
 */
ngx_cigna_condition_e ngx_cigna_destination(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/*
 * Gives the name that nginx will compare with the certificate of the upstream.
 * r->upstream must exist.  NGX_ERROR: "proxy_ssl_name" cannot be evaluated.
 */
ngx_int_t ngx_cigna_destination_name(ngx_http_request_t *r, ngx_str_t *name);

/*
 * Checks the upstream connection just before nginx sends the request.  Returns
 * 1 if the connection is verified for the host of fhir_base, or if
 * "cigna_insecure_upstream" is on.  Otherwise logs the failure, and returns 0.
 */
ngx_uint_t ngx_cigna_destination_verified(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* call it in postconfiguration; ngx_cigna_destination_verified() needs it */
ngx_int_t ngx_cigna_destination_init(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_DESTINATION_H_INCLUDED_ */

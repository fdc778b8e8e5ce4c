
#ifndef _NGX_CIGNA_DESTINATION_H_INCLUDED_
#define _NGX_CIGNA_DESTINATION_H_INCLUDED_


#include "request/ngx_cigna_condition.h"
#include "request/ngx_cigna_ctx.h"


/*
 * Tokens leave only over verified TLS to the host of the tenant's fhir_base,
 * whatever proxy_pass says; "cigna_insecure_upstream on" allows all else.
 */


/*
 * Looks at what the configuration means, once the upstream was made, so that
 * the answer is early and the log says what to write instead.
 * ngx_cigna_condition_served, or _destination_refused, which was logged.
 */
ngx_cigna_condition_e ngx_cigna_destination(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/*
 * The name that nginx will compare with the certificate, or would, once the
 * upstream was made.  NGX_ERROR: it cannot be worked out.
 */
ngx_int_t ngx_cigna_destination_name(ngx_http_request_t *r, ngx_str_t *name);

/*
 * The last look, just before bytes leave: 1 if the upstream connection was
 * verified to lead to the host; 0 was logged.
 */
ngx_uint_t ngx_cigna_destination_verified(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* in postconfiguration */
ngx_int_t ngx_cigna_destination_init(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_DESTINATION_H_INCLUDED_ */

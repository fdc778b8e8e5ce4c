
#ifndef _NGX_CIGNA_FAILURE_H_INCLUDED_
#define _NGX_CIGNA_FAILURE_H_INCLUDED_


#include "ngx_cigna_ctx.h"


/*
 * When the FHIR server cannot be reached nginx makes up an error page.  Callers
 * of FHIR get an OperationOutcome in its place; what the server itself says,
 * and the operator's error_page, are left alone.
 */


/* in the header filter */
ngx_int_t ngx_cigna_failure_header(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf);

/* in the body filter, if ctx->failure is set; NULL if there is no memory */
ngx_chain_t *ngx_cigna_failure_body(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_chain_t *in);


#endif /* _NGX_CIGNA_FAILURE_H_INCLUDED_ */

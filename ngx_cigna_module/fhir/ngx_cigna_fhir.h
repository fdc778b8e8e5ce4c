
#ifndef _NGX_CIGNA_FHIR_H_INCLUDED_
#define _NGX_CIGNA_FHIR_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/* in the precontent phase: decides about requests to "cigna_fhir on" */
ngx_int_t ngx_cigna_fhir_handler(ngx_http_request_t *r);

/*
 * The content handler of a location with "cigna_fhir on".  It is the only one
 * that nginx knows there, and calls the location's own, lcf->content.
 */
ngx_int_t ngx_cigna_fhir_content_handler(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_FHIR_H_INCLUDED_ */

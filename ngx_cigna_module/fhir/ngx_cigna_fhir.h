
#ifndef _NGX_CIGNA_FHIR_H_INCLUDED_
#define _NGX_CIGNA_FHIR_H_INCLUDED_


#include "request/ngx_cigna_ctx.h"


/* the handler in the precontent phase: checks requests and finds tokens */
ngx_int_t ngx_cigna_fhir_handler(ngx_http_request_t *r);

/*
 * The content handler of a location with "cigna_fhir on".  nginx calls this
 * handler instead of the location's own one, which this handler then calls
 * through lcf->content.
 */
ngx_int_t ngx_cigna_fhir_content_handler(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_FHIR_H_INCLUDED_ */


#ifndef _NGX_CIGNA_FILTER_H_INCLUDED_
#define _NGX_CIGNA_FILTER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Adds the module's header filter and body filter, in postconfiguration.  They
 * drop some header lines of the FHIR server (request/ngx_cigna_gate_in.h),
 * replace errors that are not FHIR, and rewrite links.  For a callback they
 * remove the secrets from the logged request line, and replace nginx's own
 * error page.
 */
ngx_int_t ngx_cigna_filter_init(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_FILTER_H_INCLUDED_ */

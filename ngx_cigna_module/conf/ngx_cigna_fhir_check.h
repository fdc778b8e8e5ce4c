
#ifndef _NGX_CIGNA_FHIR_CHECK_H_INCLUDED_
#define _NGX_CIGNA_FHIR_CHECK_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Checks a merged location that has "cigna_fhir on".  Puts the module's content
 * handler in the place of the location's own, if it has one.  NGX_OK, or
 * NGX_ERROR after logging the setting that does not go with cigna_fhir.
 */
ngx_int_t ngx_cigna_fhir_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_FHIR_CHECK_H_INCLUDED_ */

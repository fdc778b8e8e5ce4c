
#ifndef _NGX_CIGNA_FILTER_H_INCLUDED_
#define _NGX_CIGNA_FILTER_H_INCLUDED_


#include "ngx_cigna_conf.h"


/*
 * Replies of our locations are not to be stored anywhere, the FHIR server sets
 * no cookies at the caller, and callers of FHIR see no error pages.
 */
ngx_int_t ngx_cigna_filter_init(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_FILTER_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_FILTERS_H_INCLUDED_
#define _NGX_CIGNA_CONF_FILTERS_H_INCLUDED_


#include "ngx_cigna_conf_notice.h"


/*
 * Refuses directives of other modules that would change the requests or
 * replies of a merged location with "cigna_fhir on".  The location may have
 * inherited them.  Returns NGX_OK, or NGX_ERROR after logging the directive.
 */
ngx_int_t ngx_cigna_conf_filters_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CONF_FILTERS_H_INCLUDED_ */

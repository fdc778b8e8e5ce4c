
#ifndef _NGX_CIGNA_CONF_FILTERS_H_INCLUDED_
#define _NGX_CIGNA_CONF_FILTERS_H_INCLUDED_


#include "ngx_cigna_conf_notice.h"


/*
 * Refuses what other modules would do to the requests and replies of a merged
 * location that has "cigna_fhir on", on whatever level they were told so.
 * NGX_CONF_OK, or NGX_CONF_ERROR after logging it.
 */
char *ngx_cigna_conf_filters_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CONF_FILTERS_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_SET_LINES_H_INCLUDED_
#define _NGX_CIGNA_CONF_SET_LINES_H_INCLUDED_


#include "ngx_cigna_conf_notice.h"


/*
 * Checks the lines of proxy_set_header that a merged location with "cigna_fhir
 * on" has, and sets lcf->set_names and lcf->set_lines.  NGX_ERROR: no memory,
 * or after logging the error.
 */
ngx_int_t ngx_cigna_conf_set_lines_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CONF_SET_LINES_H_INCLUDED_ */


#ifndef _NGX_CIGNA_FILTER_H_INCLUDED_
#define _NGX_CIGNA_FILTER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * In postconfiguration: adds the filters of the module.  Replies of cigna_fhir
 * pass the gate in, errors become FHIR, and links are rewritten; callbacks are
 * scrubbed.
 */
ngx_int_t ngx_cigna_filter_init(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_FILTER_H_INCLUDED_ */

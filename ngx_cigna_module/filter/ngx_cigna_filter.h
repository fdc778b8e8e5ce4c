
#ifndef _NGX_CIGNA_FILTER_H_INCLUDED_
#define _NGX_CIGNA_FILTER_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Replies of cigna_fhir pass the gate in, callers of FHIR see no error pages,
 * and links in bodies are rewritten.
 */
ngx_int_t ngx_cigna_filter_init(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_FILTER_H_INCLUDED_ */

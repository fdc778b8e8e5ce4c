
#ifndef _NGX_CIGNA_CONF_VALUE_H_INCLUDED_
#define _NGX_CIGNA_CONF_VALUE_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"


/* compiles a text, which may have variables; NULL after logging an error */
ngx_http_complex_value_t *ngx_cigna_conf_value(ngx_conf_t *cf,
    ngx_str_t *text);


#endif /* _NGX_CIGNA_CONF_VALUE_H_INCLUDED_ */

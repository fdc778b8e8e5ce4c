
#ifndef _NGX_CIGNA_CONF_VALUE_H_INCLUDED_
#define _NGX_CIGNA_CONF_VALUE_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/* 1 if s has 1 to max bytes: letters, digits, and bytes of "others" */
ngx_uint_t ngx_cigna_conf_name(const ngx_str_t *s, const char *others,
    size_t max);

/* compiles a text, which may have variables; NULL after logging an error */
ngx_http_complex_value_t *ngx_cigna_conf_value(ngx_conf_t *cf,
    ngx_str_t *text);


#endif /* _NGX_CIGNA_CONF_VALUE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_HANDLERS_H_INCLUDED_
#define _NGX_CIGNA_HANDLERS_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/* content handler of cigna_counters, which needs no cigna_identity */
ngx_int_t ngx_cigna_counters_handler(ngx_http_request_t *r);

/* in postconfiguration: installs all phase handlers and filters */
ngx_int_t ngx_cigna_handlers_init(ngx_conf_t *cf);

/* in preconfiguration: adds the $cigna_* variables */
ngx_int_t ngx_cigna_variables_add(ngx_conf_t *cf);


#endif /* _NGX_CIGNA_HANDLERS_H_INCLUDED_ */

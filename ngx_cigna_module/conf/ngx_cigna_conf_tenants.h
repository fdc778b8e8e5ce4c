
#ifndef _NGX_CIGNA_CONF_TENANTS_H_INCLUDED_
#define _NGX_CIGNA_CONF_TENANTS_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * In postconfiguration: lets tenants with the same settings share structs,
 * plans the budgets, and makes the checks that need the other tenants or the
 * resolver.  NGX_ERROR after logging the error.
 */
ngx_int_t ngx_cigna_conf_tenants_init(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CONF_TENANTS_H_INCLUDED_ */

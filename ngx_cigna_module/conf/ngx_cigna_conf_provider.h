
#ifndef _NGX_CIGNA_CONF_PROVIDER_H_INCLUDED_
#define _NGX_CIGNA_CONF_PROVIDER_H_INCLUDED_


#include "ngx_cigna_conf_options.h"


/*
 * Checks the options and fills tenant->provider, whose strings borrow them.
 * NGX_ERROR after logging what is wrong.
 */
ngx_int_t ngx_cigna_conf_provider(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);


#endif /* _NGX_CIGNA_CONF_PROVIDER_H_INCLUDED_ */

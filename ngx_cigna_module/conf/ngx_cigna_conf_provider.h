
#ifndef _NGX_CIGNA_CONF_PROVIDER_H_INCLUDED_
#define _NGX_CIGNA_CONF_PROVIDER_H_INCLUDED_


#include "ngx_cigna_conf_options.h"


/*
 * Checks the options, and fills tenant->provider.  The provider's strings are
 * not copied: they point to the bytes of the options.  NGX_ERROR after logging
 * the error.
 */
ngx_int_t ngx_cigna_conf_provider(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);


#endif /* _NGX_CIGNA_CONF_PROVIDER_H_INCLUDED_ */

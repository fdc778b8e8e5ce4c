
#ifndef _NGX_CIGNA_CONF_TENANT_H_INCLUDED_
#define _NGX_CIGNA_CONF_TENANT_H_INCLUDED_


#include "ngx_cigna_conf.h"


/* setter of the block "cigna_tenant NAME { ... }" */
char *ngx_cigna_conf_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * In postconfiguration: what needs other tenants, or the resolver, which may
 * be anywhere in the file.
 */
ngx_int_t ngx_cigna_conf_tenants_init(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CONF_TENANT_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_TENANT_H_INCLUDED_
#define _NGX_CIGNA_CONF_TENANT_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/* setter of the block "cigna_tenant NAME { ... }" */
char *ngx_cigna_conf_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_CIGNA_CONF_TENANT_H_INCLUDED_ */

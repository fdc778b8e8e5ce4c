
#ifndef _NGX_CIGNA_CONF_VAULT_H_INCLUDED_
#define _NGX_CIGNA_CONF_VAULT_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/* setter of the block "cigna_vault { ... }" */
char *ngx_cigna_conf_vault(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * In postconfiguration: resolves the names of the configured servers.
 * NGX_ERROR after logging the error.
 */
ngx_int_t ngx_cigna_conf_vault_init(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf);


#endif /* _NGX_CIGNA_CONF_VAULT_H_INCLUDED_ */

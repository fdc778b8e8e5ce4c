
#ifndef _NGX_CIGNA_CONF_LINKS_H_INCLUDED_
#define _NGX_CIGNA_CONF_LINKS_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Setters of "cigna_upstream_alias", "cigna_base_url" and
 * "cigna_smart_endpoint".
 */
char *ngx_cigna_conf_alias(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_cigna_conf_base_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

char *ngx_cigna_conf_smart_endpoint(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * In postconfiguration: sets tenant->shared->bases, the base URLs by which the
 * gateway recognises links in replies.  NGX_ERROR: no memory, or after logging
 * an error.
 */
ngx_int_t ngx_cigna_conf_bases(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant);


#endif /* _NGX_CIGNA_CONF_LINKS_H_INCLUDED_ */

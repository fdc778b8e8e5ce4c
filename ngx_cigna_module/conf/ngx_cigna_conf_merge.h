
#ifndef _NGX_CIGNA_CONF_MERGE_H_INCLUDED_
#define _NGX_CIGNA_CONF_MERGE_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/*
 * Callbacks of ngx_http_module_t.  The functions that create a configuration
 * return NULL if there is no memory.
 */

void *ngx_cigna_conf_create_main(ngx_conf_t *cf);
void *ngx_cigna_conf_create_srv(ngx_conf_t *cf);
char *ngx_cigna_conf_merge_srv(ngx_conf_t *cf, void *parent, void *child);
void *ngx_cigna_conf_create_loc(ngx_conf_t *cf);
char *ngx_cigna_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child);


#endif /* _NGX_CIGNA_CONF_MERGE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_TYPES_H_INCLUDED_
#define _NGX_CIGNA_CONF_TYPES_H_INCLUDED_


#include "ngx_cigna_conf_options.h"


/* setter of "resource_types" in cigna_tenant: NAME ... [dry_run] */
char *ngx_cigna_conf_set_types(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_CIGNA_CONF_TYPES_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_LOCATION_H_INCLUDED_
#define _NGX_CIGNA_CONF_LOCATION_H_INCLUDED_


#include "gateway/ngx_cigna_loc_conf.h"


/* setters of directives in servers and locations */

/* cigna_identity TENANT MEMBER; */
char *ngx_cigna_conf_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * cigna_fhir on|off [cache=on|off] [links=on|off];
 * cmd->post points to the content handler of FHIR locations.
 */
char *ngx_cigna_conf_fhir(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * cigna_connect, cigna_callback, cigna_status, cigna_disconnect and
 * cigna_counters; cmd->post points to a ngx_cigna_conf_endpoint_post_t.
 */

typedef struct {
    ngx_cigna_endpoint_e  endpoint;
    ngx_http_handler_pt   handler;
} ngx_cigna_conf_endpoint_post_t;

char *ngx_cigna_conf_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Gives a block "if" or "limit_except" the endpoint of its location, unless the
 * block has another handler.
 */
void ngx_cigna_conf_location_within(ngx_conf_t *cf, ngx_cigna_loc_conf_t *prev,
    ngx_cigna_loc_conf_t *conf);

/*
 * Checks a merged location, and finds its tenant, whose block may come after
 * the server in the file.  NGX_OK, or NGX_ERROR after logging the error.
 */
ngx_int_t ngx_cigna_conf_location_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CONF_LOCATION_H_INCLUDED_ */

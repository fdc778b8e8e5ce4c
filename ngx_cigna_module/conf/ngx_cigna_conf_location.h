
#ifndef _NGX_CIGNA_CONF_LOCATION_H_INCLUDED_
#define _NGX_CIGNA_CONF_LOCATION_H_INCLUDED_


#include "gateway/ngx_cigna_loc_conf.h"


/* setters of directives in servers and locations */

/* cigna_identity TENANT MEMBER; */
char *ngx_cigna_conf_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* cigna_fhir on|off [cache=on|off] [links=on|off]; post: ngx_http_handler_pt */
char *ngx_cigna_conf_fhir(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* cigna_connect; cigna_status; and so on */

typedef struct {
    ngx_cigna_endpoint_e  endpoint;
    ngx_http_handler_pt   handler;
} ngx_cigna_conf_endpoint_post_t;

char *ngx_cigna_conf_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * A block "if" or "limit_except" has the endpoint of its location, unless it
 * has another handler.
 */
void ngx_cigna_conf_location_within(ngx_conf_t *cf, ngx_cigna_loc_conf_t *prev,
    ngx_cigna_loc_conf_t *conf);

/*
 * Checks a merged location, and finds its tenant, whose block may come after
 * the server in the file.  NGX_CONF_OK, or NGX_CONF_ERROR after logging.
 */
char *ngx_cigna_conf_location_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CONF_LOCATION_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_CORS_H_INCLUDED_
#define _NGX_CIGNA_CONF_CORS_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"


/* cigna_cors off | ORIGIN... [credentials=on|off]; */
char *ngx_cigna_conf_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * sets cors_methods of a merged location: the methods that pages of other
 * origins may use
 */
void ngx_cigna_conf_cors_methods(ngx_cigna_loc_conf_t *lcf);


#endif /* _NGX_CIGNA_CONF_CORS_H_INCLUDED_ */

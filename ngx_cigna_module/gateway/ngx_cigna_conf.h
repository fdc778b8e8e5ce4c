
#ifndef _NGX_CIGNA_CONF_H_INCLUDED_
#define _NGX_CIGNA_CONF_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"
#include "nginx/ngx_cigna_slice.h"


/*
 * Names of the types that the configuration consists of.  Each type is defined
 * in a separate header, which only files that use its fields include.
 */

typedef struct ngx_cigna_main_conf_s  ngx_cigna_main_conf_t;
typedef struct ngx_cigna_srv_conf_s   ngx_cigna_srv_conf_t;
typedef struct ngx_cigna_loc_conf_s   ngx_cigna_loc_conf_t;
typedef struct ngx_cigna_tenant_s     ngx_cigna_tenant_t;
typedef struct ngx_cigna_shared_s     ngx_cigna_shared_t;
typedef struct ngx_cigna_worker_s     ngx_cigna_worker_t;


extern ngx_module_t  ngx_cigna_module;


#endif /* _NGX_CIGNA_CONF_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_SHARED_H_INCLUDED_
#define _NGX_CIGNA_CONF_SHARED_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"
#include "nginx/ngx_cigna_index.h"


/* in postconfiguration: finds what a tenant can share with those before it */

typedef struct {
    ngx_cigna_main_conf_t  *mcf;
    ngx_cigna_index_t       shared;        /* ngx_cigna_shared_t, by settings */
    ngx_cigna_index_t       origins;       /* ngx_cigna_origin_t */
    ngx_cigna_index_t       hosts;         /* the first of them of a host */
} ngx_cigna_sharing_t;


/* sets tenant->shared, which the first of its tenants makes; NGX_ERROR after
   logging, or if there is no memory */
ngx_int_t ngx_cigna_conf_share(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant);


#endif /* _NGX_CIGNA_CONF_SHARED_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CONF_SHARED_H_INCLUDED_
#define _NGX_CIGNA_CONF_SHARED_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"
#include "nginx/ngx_cigna_index.h"


/*
 * In postconfiguration: what tenants have in common is made once.  The indexes
 * are those of one run of it.
 */

typedef struct {
    ngx_cigna_main_conf_t  *mcf;
    ngx_cigna_index_t       shared;        /* ngx_cigna_shared_t, by settings */
    ngx_cigna_index_t       origins;       /* ngx_cigna_origin_t */
    ngx_cigna_index_t       hosts;         /* the first of them of a host */
} ngx_cigna_sharing_t;


/* gives the tenant its part of it, made now if it is the first */
ngx_int_t ngx_cigna_conf_share(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant);


#endif /* _NGX_CIGNA_CONF_SHARED_H_INCLUDED_ */

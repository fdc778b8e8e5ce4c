
#ifndef _NGX_CIGNA_CONF_SHARED_H_INCLUDED_
#define _NGX_CIGNA_CONF_SHARED_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"
#include "nginx/ngx_cigna_index.h"


/*
 * Structs that were made for the tenants so far, in postconfiguration.  The
 * next tenants find them here, and share them.
 */

typedef struct {
    ngx_cigna_main_conf_t  *mcf;
    ngx_cigna_index_t       shared;        /* ngx_cigna_shared_t, by settings */
    ngx_cigna_index_t       origins;       /* ngx_cigna_origin_t, by TLS, port
                                              and host */
    ngx_cigna_index_t       hosts;         /* finds the first ngx_cigna_origin_t
                                              of a host */
} ngx_cigna_sharing_t;


/*
 * Sets tenant->shared.  The first tenant with certain servers, TLS settings and
 * time-outs makes the struct.  The next tenants with the same settings share
 * it.  NGX_ERROR if there is no memory, or after logging an error.
 */
ngx_int_t ngx_cigna_conf_share(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant);


#endif /* _NGX_CIGNA_CONF_SHARED_H_INCLUDED_ */

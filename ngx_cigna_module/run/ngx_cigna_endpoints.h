
#ifndef _NGX_CIGNA_ENDPOINTS_H_INCLUDED_
#define _NGX_CIGNA_ENDPOINTS_H_INCLUDED_


#include "gateway/ngx_cigna_worker.h"
#include "net/ngx_cigna_origin.h"


/* From the URL of an endpoint to the origin that the worker connects to. */

/*
 * In init_process, for each group of tenants, before any endpoint is asked
 * for.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_endpoints_init(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_shared_t *shared);

/*
 * The origin of a URL of the tenant's authorization server.  It is a configured
 * one, or, if the server's metadata announced another host, one that is made
 * now and lives as long as the worker.  NULL, and a line in the log: the URL
 * cannot be parsed, it is plain http without "insecure_http", or its host
 * cannot be resolved.
 */
ngx_cigna_origin_t *ngx_cigna_endpoint_origin(ngx_cigna_tenant_t *tenant,
    cigna_slice_t url, ngx_log_t *log);


#endif /* _NGX_CIGNA_ENDPOINTS_H_INCLUDED_ */

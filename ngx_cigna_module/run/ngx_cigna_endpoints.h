
#ifndef _NGX_CIGNA_ENDPOINTS_H_INCLUDED_
#define _NGX_CIGNA_ENDPOINTS_H_INCLUDED_


#include "gateway/ngx_cigna_worker.h"
#include "net/ngx_cigna_origin.h"


/* Finds the origin of an endpoint's URL: the worker connects to origins. */

/*
 * To be called in init_process for each ngx_cigna_shared_t, before
 * ngx_cigna_endpoint_origin().  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_endpoints_init(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_shared_t *shared);

/*
 * Returns the origin of a URL at the tenant's authorization server or FHIR
 * server.  If the URL comes from metadata, and its server is not configured,
 * the function makes a new origin.  All origins live as long as the worker.
 *
 * NULL, after a line in the log: the URL cannot be parsed, it is plain http
 * without "insecure_http", its host cannot be resolved, or there is no memory.
 */
ngx_cigna_origin_t *ngx_cigna_endpoint_origin(ngx_cigna_tenant_t *tenant,
    cigna_slice_t url, ngx_log_t *log);


#endif /* _NGX_CIGNA_ENDPOINTS_H_INCLUDED_ */

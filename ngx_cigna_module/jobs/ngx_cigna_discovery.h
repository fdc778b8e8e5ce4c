
#ifndef _NGX_CIGNA_DISCOVERY_H_INCLUDED_
#define _NGX_CIGNA_DISCOVERY_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/*
 * Fetches the metadata of an authorization server from
 * .well-known/smart-configuration, once for all tenants that share the server.
 * A worker does so if an endpoint is not configured, again every hour, and at
 * most once in ten seconds after a failure.
 */

/*
 * In init_process, for each group of tenants: starts the first fetch, so that
 * the endpoints are known before a dance needs them.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_discovery_init(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_shared_t *shared);

/*
 * 1 if all endpoints are configured, or the metadata are known.  Starts a fetch
 * if the known metadata are old.
 */
ngx_uint_t ngx_cigna_discovery_ready(ngx_cigna_tenant_t *tenant);

/*
 * The run that fetches the metadata, under way or started now.  A caller may
 * wait for it.  NULL: it failed a moment ago, or no memory.
 */
ngx_cigna_run_t *ngx_cigna_discovery_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant);

/*
 * Starts the run once the tenant's endpoints are known, after a fetch of the
 * metadata if they are not.  If the fetch fails, the run fails with
 * "no_endpoints" set, and its flow is never called.
 */
void ngx_cigna_discovery_start_run(ngx_cigna_run_t *run,
    ngx_cigna_flow_pt next);


#endif /* _NGX_CIGNA_DISCOVERY_H_INCLUDED_ */

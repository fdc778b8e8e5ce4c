
#ifndef _NGX_CIGNA_DISCOVERY_H_INCLUDED_
#define _NGX_CIGNA_DISCOVERY_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/*
 * What a worker knows of an authorization server beyond the configuration, for
 * all tenants that share it: read from .well-known/smart-configuration when an
 * endpoint is missing, again every hour, and at most once in ten seconds after
 * a failure.
 */

/*
 * In init_process, for each group of tenants: begins to fetch what is missing,
 * so that it is there before the first dance needs it.
 */
ngx_int_t ngx_cigna_discovery_init(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_shared_t *shared);

/* nothing is missing, or all that can be known is known */
ngx_uint_t ngx_cigna_discovery_ready(ngx_cigna_tenant_t *tenant);

/*
 * It failed, but both endpoints of a dance are configured, and no document
 * that was read contradicts them: the dance goes on.
 */
ngx_uint_t ngx_cigna_discovery_spared(ngx_cigna_tenant_t *tenant);

/*
 * The run that fetches the metadata, under way or started now, to be waited
 * on; NULL if none can be had now (it failed a moment ago, or no memory).
 */
ngx_cigna_run_t *ngx_cigna_discovery_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant);

/*
 * Starts the run once the tenant's endpoints are known, and fetches the
 * metadata for it if need be.  If they cannot be had, the run fails with
 * "no_endpoints" set, and its flow is never entered.
 */
void ngx_cigna_discovery_start_run(ngx_cigna_run_t *run,
    ngx_cigna_flow_pt next);


#endif /* _NGX_CIGNA_DISCOVERY_H_INCLUDED_ */

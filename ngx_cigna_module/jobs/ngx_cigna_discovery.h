
#ifndef _NGX_CIGNA_DISCOVERY_H_INCLUDED_
#define _NGX_CIGNA_DISCOVERY_H_INCLUDED_


#include "run/ngx_cigna_run.h"


/*
 * Fetches the metadata of an authorization server from
 * .well-known/smart-configuration, once for all tenants that share the server.
 * A worker fetches them only if the configuration lacks authorization_endpoint,
 * token_endpoint, issuer or jwks_uri.  It fetches them again when they are
 * needed and an hour old, and after a failure at most once in ten seconds.
 */

/*
 * To be called in init_process for each ngx_cigna_shared_t.  If its tenants
 * need metadata, starts a timer for the first fetch, so that the endpoints are
 * known before a dance needs them.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_discovery_init(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_shared_t *shared);

/*
 * Returns 1 if the tenant needs no metadata, or the metadata are known.  Starts
 * a fetch if the known metadata are old.
 */
ngx_uint_t ngx_cigna_discovery_ready(ngx_cigna_tenant_t *tenant);

/*
 * Finds or starts the run that fetches the metadata.  The caller may wait for
 * the run.  NULL: no run, because no fetch is due (about an hour after a
 * success, ten seconds after a failure), or there is no memory.
 */
ngx_cigna_run_t *ngx_cigna_discovery_start(ngx_cigna_tenant_t *tenant);

/*
 * Starts the run when the tenant's endpoints are known, if need be after a
 * fetch of the metadata.  If the metadata cannot be used, and the configuration
 * alone does not suffice for a dance or a document was refused, the run fails
 * with "no_endpoints" set, and the driver never calls its flow.
 */
void ngx_cigna_discovery_start_run(ngx_cigna_run_t *run,
    ngx_cigna_flow_pt next);


#endif /* _NGX_CIGNA_DISCOVERY_H_INCLUDED_ */

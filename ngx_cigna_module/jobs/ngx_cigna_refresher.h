
#ifndef _NGX_CIGNA_REFRESHER_H_INCLUDED_
#define _NGX_CIGNA_REFRESHER_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "shm/ngx_cigna_cache.h"
#include "refresh/cigna_refresh.h"


/*
 * Refreshes of this worker: at most one run an identity, its result is put
 * into the cache, logged and counted.  The run's flow is a cigna_refresh_t.
 */

/*
 * The run that refreshes the identity's grant, under way or started now.
 * NGX_OK: *run may be waited on.  NGX_BUSY: a refresh of this grant has failed
 * a moment ago.  NGX_DECLINED: no refresh may begin now.  Either way none is
 * tried for *retry_after seconds.  NGX_ERROR: no memory.
 * refused: the grant, where the FHIR server has refused its access token, or
 * NULL; a run under way may not know of that and end with this very token.
 * request: $request_id of who asks, may be NULL.
 */
ngx_int_t ngx_cigna_refresher_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, const cigna_grant_t *refused,
    ngx_str_t *request, ngx_cigna_run_t **run, ngx_uint_t *retry_after);

/*
 * Ahead of time: nobody waits, and there is time left if it cannot be started
 * now.
 */
void ngx_cigna_refresher_ahead(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, ngx_str_t *request);

/*
 * What the cache is to hold for a grant: expiry and, if there is a refresh
 * token, when a refresh is due (ahead of expiry, with jitter).  The token is
 * borrowed.
 */
void ngx_cigna_refresher_entry(const ngx_cigna_tenant_t *tenant,
    const cigna_vault_names_t *identity, const cigna_grant_t *grant,
    ngx_cigna_cache_entry_t *entry);


#endif /* _NGX_CIGNA_REFRESHER_H_INCLUDED_ */

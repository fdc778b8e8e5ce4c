
#ifndef _NGX_CIGNA_REFRESHER_H_INCLUDED_
#define _NGX_CIGNA_REFRESHER_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "shm/ngx_cigna_cache.h"
#include "refresh/cigna_refresh.h"


/*
 * The worker's refreshes, at most one for each identity.  A refresh is a run
 * whose flow is a cigna_refresh_t.  The result of the refresh is put into the
 * cache, logged and counted.
 */

/*
 * Finds or starts the run that refreshes the identity's grant.
 *
 * NGX_OK: the caller may wait for *run.  NGX_BUSY: a refresh of this grant
 * failed a moment ago.  NGX_DECLINED: no refresh of the tenant may start now.
 * After NGX_BUSY and NGX_DECLINED, the caller may try again in *retry_after
 * seconds.  NGX_ERROR: no memory.
 *
 * refused: the grant whose access token the FHIR server has refused, or NULL.
 * A run that was started earlier does not get "refused", and may end with the
 * same token.  request: $cigna_request_id for the log; may be NULL.
 */
ngx_int_t ngx_cigna_refresher_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, const cigna_grant_t *refused,
    ngx_str_t *request, ngx_cigna_run_t **run, ngx_uint_t *retry_after);

/* starts a refresh before the access token expires, if a refresh may start */
void ngx_cigna_refresher_ahead(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, ngx_str_t *request);

/*
 * Fills a cache entry from the grant.  The entry borrows the grant's strings.
 * entry->due_ms is the time of the next refresh, a random time before the
 * access token expires; 0: the grant has no refresh token, or no refresh is to
 * start ahead.
 */
void ngx_cigna_refresher_entry(const ngx_cigna_tenant_t *tenant,
    const cigna_vault_names_t *identity, const cigna_grant_t *grant,
    ngx_cigna_cache_entry_t *entry);


#endif /* _NGX_CIGNA_REFRESHER_H_INCLUDED_ */

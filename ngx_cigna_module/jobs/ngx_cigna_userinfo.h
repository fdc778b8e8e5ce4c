
#ifndef _NGX_CIGNA_USERINFO_H_INCLUDED_
#define _NGX_CIGNA_USERINFO_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "dance/cigna_userinfo.h"


/*
 * Asks the FHIR server for the grant's $userinfo in the background.  Does
 * nothing if its identifier is known already, if the tenant does not use it, or
 * if the worker exits.  request: $request_id for the log; may be NULL.
 */
void ngx_cigna_userinfo_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, const cigna_grant_t *grant,
    ngx_str_t *request);

/*
 * After a flow has ended, even as a part of another flow: counts and logs the
 * outcome, and drops the cache entry that lacks the identifier.
 */
void ngx_cigna_userinfo_learned(ngx_cigna_run_t *run,
    const cigna_userinfo_t *flow);


#endif /* _NGX_CIGNA_USERINFO_H_INCLUDED_ */


#ifndef _NGX_CIGNA_USERINFO_H_INCLUDED_
#define _NGX_CIGNA_USERINFO_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "dance/cigna_userinfo.h"


/*
 * Asks the FHIR server for the $userinfo of the grant's member, in the
 * background.  Does nothing if the grant already has the member's identifier,
 * if the tenant does not use $userinfo, or if the worker exits.  request:
 * $cigna_request_id for the log; may be NULL.
 */
void ngx_cigna_userinfo_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, const cigna_grant_t *grant,
    ngx_str_t *request);

/*
 * To be called after a $userinfo flow has ended, alone or as a part of another
 * flow.  Counts and logs a failure.  If the flow has put the identifier into
 * the grant, counts that, and drops the cache entry, which lacks it.
 */
void ngx_cigna_userinfo_learned(ngx_cigna_run_t *run,
    const cigna_userinfo_t *flow);


#endif /* _NGX_CIGNA_USERINFO_H_INCLUDED_ */

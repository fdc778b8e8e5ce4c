
#ifndef _NGX_CIGNA_USERINFO_H_INCLUDED_
#define _NGX_CIGNA_USERINFO_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "dance/cigna_userinfo.h"


/*
 * Learns the identifier of $userinfo in the background, for a grant of which
 * it is not known.  Nothing is done where it is known, not wanted, or the
 * worker exits.  request: $request_id of who used the grant, may be NULL.
 */
void ngx_cigna_userinfo_start(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, const cigna_vault_names_t *identity,
    const ngx_cigna_cache_key_t *key, const cigna_grant_t *grant,
    ngx_str_t *request);

/*
 * When it has ended, also as a part of another flow: what the cache has without
 * the identifier goes, and how it ended is counted and logged.
 */
void ngx_cigna_userinfo_learned(ngx_cigna_run_t *run,
    const cigna_userinfo_t *flow);


#endif /* _NGX_CIGNA_USERINFO_H_INCLUDED_ */

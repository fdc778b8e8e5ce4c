
#include "ngx_cigna_userinfo.h"
#include "run/ngx_cigna_driver.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "shm/ngx_cigna_cache.h"
#include "shm/ngx_cigna_counters.h"


static void ngx_cigna_userinfo_end(ngx_cigna_run_t *run);


void
ngx_cigna_userinfo_start(ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    const cigna_vault_names_t *identity, const ngx_cigna_cache_key_t *key,
    const cigna_grant_t *grant, ngx_str_t *request)
{
    ngx_cigna_run_t   *run;
    cigna_userinfo_t  *flow;

    if (!tenant->provider.userinfo || grant->userinfo.len || ngx_exiting) {
        return;
    }

    run = ngx_cigna_run_create(mcf, tenant, "userinfo", request,
                               sizeof(cigna_userinfo_t), CIGNA_FLOW_ARENA);
    if (run == NULL) {
        return;
    }

    ngx_cigna_run_about(run, identity);

    run->key = *key;
    run->on.end = ngx_cigna_userinfo_end;

    flow = run->flow;
    flow->subject = &run->subject;

    (void) cigna_arena_copy(&run->arena, grant->id, &flow->id);

    ngx_cigna_run_start(run, cigna_userinfo_flow);
}


static void
ngx_cigna_userinfo_end(ngx_cigna_run_t *run)
{
    ngx_cigna_userinfo_learned(run, run->flow);
}


/*
 * If the grant has got the identifier, drops this node's cache entry at once.
 * On other nodes, the message on Redis' channel of invalidations drops it.
 */

void
ngx_cigna_userinfo_learned(ngx_cigna_run_t *run, const cigna_userinfo_t *flow)
{
    ngx_uint_t  level;

    switch (flow->rc) {

    case cigna_userinfo_known:
        ngx_cigna_cache_drop(run->mcf->zone, &run->key, run->identity.hash);
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_userinfo_known);
        return;

    case cigna_userinfo_pending:
    case cigna_userinfo_current:
    case cigna_userinfo_ended:
        return;

    case cigna_userinfo_refused:
        level = NGX_LOG_WARN;
        break;

    default: /* an earlier log line has the cause */
        level = NGX_LOG_INFO;
        break;
    }

    ngx_cigna_count(run->tenant->counters, ngx_cigna_count_userinfo_failures);

    ngx_log_error(level, &run->log.log, 0,
                  "no identifier from $userinfo, outcome: %s%s%s",
                  cigna_userinfo_name(flow->rc),
                  flow->detail[0] ? ", " : "", flow->detail);
}


#include "ngx_cigna_revoker.h"
#include "ngx_cigna_client_secret.h"
#include "ngx_cigna_discovery.h"
#include "run/ngx_cigna_driver.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "shm/ngx_cigna_counters.h"
#include "provider/cigna_revocation.h"


typedef struct {
    cigna_revocation_t   flow;
    ngx_cigna_run_t     *run;
} ngx_cigna_revoker_t;


static ngx_cigna_run_t *ngx_cigna_revoker_create(ngx_cigna_run_t *from,
    cigna_slice_t token);
static void ngx_cigna_revoker_flow(void *data, const cigna_event_t *ev,
    cigna_op_t *op);
static void ngx_cigna_revoker_end(ngx_cigna_run_t *run);
static void ngx_cigna_revoker_log(ngx_cigna_run_t *run,
    const cigna_revocation_t *flow);


void
ngx_cigna_revoker_start(ngx_cigna_run_t *from, const cigna_op_t *op)
{
    ngx_cigna_run_t      *run;
    ngx_cigna_revoker_t  *revoker;

    if (from->mcf->worker->revocations == NGX_CIGNA_REVOCATIONS_MAX) {
        ngx_cigna_revoker_refuse(from, "too many are under way");
        return;
    }

    run = ngx_cigna_revoker_create(from, op->revoke.token);
    if (run == NULL) {
        ngx_cigna_revoker_refuse(from, "no memory");
        return;
    }

    revoker = run->flow;
    revoker->run = run;
    revoker->flow.provider = &from->tenant->provider;
    revoker->flow.arena = &run->arena;
    revoker->flow.refresh_token = op->revoke.refresh_token;

    (void) cigna_arena_copy(&run->arena, op->revoke.token,
                            &revoker->flow.token);

    cigna_revocation_init(&revoker->flow);

    from->mcf->worker->revocations++;

    /* while the revocation endpoint is unknown, the flow sleeps and retries */

    ngx_cigna_run_start(run, ngx_cigna_revoker_flow);
}


static ngx_cigna_run_t *
ngx_cigna_revoker_create(ngx_cigna_run_t *from, cigna_slice_t token)
{
    ngx_cigna_run_t  *run;

    run = ngx_cigna_run_create(from->mcf, from->tenant, "revocation",
                               &from->log.request, sizeof(ngx_cigna_revoker_t),
                               cigna_revocation_room(&from->tenant->provider,
                                                     token));
    if (run == NULL) {
        return NULL;
    }

    ngx_cigna_run_about(run, &from->identity);

    run->on.end = ngx_cigna_revoker_end;

    return run;
}


void
ngx_cigna_revoker_refuse(ngx_cigna_run_t *from, const char *why)
{
    ngx_cigna_count(from->tenant->counters, ngx_cigna_count_revocations_failed);

    ngx_log_error(NGX_LOG_ERR, &from->log.log, 0,
                  "tokens not revoked, outcome: not_tried, member: %*s, "
                  "detail: %s", (size_t) CIGNA_NAME_LEN, from->identity.hash,
                  why);
}


static void
ngx_cigna_revoker_flow(void *data, const cigna_event_t *ev, cigna_op_t *op)
{
    ngx_cigna_run_t      *run;
    ngx_cigna_revoker_t  *revoker = data;

    run = revoker->run;

    revoker->flow.known = ngx_cigna_discovery_ready(run->tenant);

    if (!revoker->flow.known && !ngx_exiting) {
        (void) ngx_cigna_discovery_start(run->tenant);
    }

    cigna_revocation_next(&revoker->flow, ev, op);
}


static void
ngx_cigna_revoker_end(ngx_cigna_run_t *run)
{
    ngx_cigna_revoker_t  *revoker = run->flow;

    run->mcf->worker->revocations--;

    ngx_cigna_client_secret_worked(run, &revoker->flow.secret);
    ngx_cigna_revoker_log(run, &revoker->flow);
}


static void
ngx_cigna_revoker_log(ngx_cigna_run_t *run, const cigna_revocation_t *flow)
{
    switch (flow->rc) {

    case cigna_revocation_ok:

        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_revocations);

        ngx_log_error(NGX_LOG_INFO, &run->log.log, 0,
                      "tokens revoked, tries: %ui", (ngx_uint_t) flow->tries);
        return;

    case cigna_revocation_unsupported:

        ngx_log_error(NGX_LOG_INFO, &run->log.log, 0,
                      "tokens not revoked, as there is no "
                      "revocation_endpoint");
        return;

    default:
        break;
    }

    ngx_cigna_count(run->tenant->counters, ngx_cigna_count_revocations_failed);

    ngx_log_error(NGX_LOG_ERR, &run->log.log, 0,
                  "tokens not revoked, outcome: %s, tries: %ui%s%s",
                  cigna_revocation_name(flow->rc), (ngx_uint_t) flow->tries,
                  flow->detail[0] ? ", detail: " : "", flow->detail);
}

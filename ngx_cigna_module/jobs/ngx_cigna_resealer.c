
#include "ngx_cigna_resealer.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "shm/ngx_cigna_counters.h"
#include "vault/cigna_reseal.h"


/* the record as it was, open, and as it will be */

#define NGX_CIGNA_RESEAL_ARENA  (3 * (CIGNA_GRANT_PLAIN_MAX + 4096))

/* of a worker, in a second: a rotation must not be felt */

#define NGX_CIGNA_RESEALS_PER_SECOND  16


static ngx_uint_t ngx_cigna_resealer_may(ngx_cigna_worker_t *worker,
    const cigna_vault_names_t *identity, ngx_cigna_run_t ***slot);
static void ngx_cigna_resealer_flow(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);
static void ngx_cigna_resealer_end(ngx_cigna_run_t *run);


void
ngx_cigna_resealer_look(ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    const cigna_vault_names_t *identity, const cigna_reply_t *reply,
    ngx_str_t *request)
{
    cigna_grant_t      g;
    cigna_slice_t      blob;
    cigna_reseal_t    *flow;
    ngx_cigna_run_t   *run, **slot;

    if (cigna_vault_read_head(reply, &g, &blob) != CIGNA_OK
        || cigna_vault_current(&mcf->vault, blob)
        || !ngx_cigna_resealer_may(mcf->worker, identity, &slot))
    {
        return;
    }

    run = ngx_cigna_run_create(mcf, tenant, "seal again", request,
                               sizeof(cigna_reseal_t), NGX_CIGNA_RESEAL_ARENA);
    if (run == NULL) {
        return;
    }

    *slot = run;

    ngx_cigna_run_about(run, identity);

    run->data = slot;
    run->on_end = ngx_cigna_resealer_end;

    flow = run->flow;
    flow->vault = &mcf->vault;
    flow->provider = &tenant->provider;
    flow->identity = &run->identity;
    flow->arena = &run->arena;

    cigna_reseal_init(flow);

    ngx_cigna_run_start(run, ngx_cigna_resealer_flow);
}


/* one a grant, few at a time, few in a second; *slot: where it is noted */

static ngx_uint_t
ngx_cigna_resealer_may(ngx_cigna_worker_t *worker,
    const cigna_vault_names_t *identity, ngx_cigna_run_t ***slot)
{
    ngx_uint_t         i;
    ngx_cigna_run_t  **reseals;

    if (ngx_exiting) {
        return 0;
    }

    *slot = NULL;
    reseals = worker->reseals;

    for (i = 0; i < NGX_CIGNA_RESEALS_MAX; i++) {

        if (reseals[i] == NULL) {
            *slot = &reseals[i];

        } else if (cigna_slice_eq(cigna_script_who(&reseals[i]->identity),
                                  cigna_script_who(identity)))
        {
            return 0;
        }
    }

    if (*slot == NULL) {
        return 0;
    }

    if (worker->reseal_second != ngx_time()) {
        worker->reseal_second = ngx_time();
        worker->reseals_started = 0;
    }

    return worker->reseals_started++ < NGX_CIGNA_RESEALS_PER_SECOND;
}


static void
ngx_cigna_resealer_flow(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_reseal_next(flow, ev, op);
}


static void
ngx_cigna_resealer_end(ngx_cigna_run_t *run)
{
    cigna_reseal_t    *flow;
    ngx_cigna_run_t  **slot;

    slot = run->data;
    *slot = NULL;

    flow = run->flow;

    switch (flow->rc) {

    case cigna_reseal_ok:
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_reseals);
        break;

    /* somebody else was first, or the worker exits */

    case cigna_reseal_pending:
    case cigna_reseal_current:
    case cigna_reseal_changed:
    case cigna_reseal_gone:
        return;

    /* said by who reads it */

    case cigna_reseal_unknown_key:
    case cigna_reseal_damaged:
        return;

    case cigna_reseal_unavailable:
        break;
    }

    ngx_log_error(NGX_LOG_INFO, &run->log.log, 0,
                  "grant sealed again, outcome: %s",
                  cigna_reseal_name(flow->rc));
}

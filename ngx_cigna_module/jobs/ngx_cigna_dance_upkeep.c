
/*
 * A timer starts runs that close overdue dances in all shards
 * (core/vault/cigna_vault_names.h).  The more workers a node has, the longer
 * each of them waits between two runs.  The wait is random, so that two workers
 * rarely look at the same time.  If they do, Redis gives each dance to one of
 * them.
 */


#include "ngx_cigna_dance_upkeep.h"
#include "ngx_cigna_dance_end.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_timer.h"
#include "run/ngx_cigna_driver.h"
#include "dance/cigna_dance_upkeep.h"


#define NGX_CIGNA_DANCE_UPKEEP_MS     10000    /* ms; a worker waits for this
                                                  time at most, multiplied by
                                                  the number of workers */
#define NGX_CIGNA_DANCE_UPKEEP_ARENA  (64 * 1024)


typedef struct {
    ngx_cigna_main_conf_t  *mcf;
    ngx_event_t             timer;
    ngx_uint_t              running;       /* 1: the last run has not ended */
} ngx_cigna_dance_upkeep_t;


static ngx_int_t ngx_cigna_dance_upkeep_tenants(ngx_cigna_main_conf_t *mcf);
static ngx_msec_t ngx_cigna_dance_upkeep_wait(void);
static void ngx_cigna_dance_upkeep_handler(ngx_event_t *ev);
static void ngx_cigna_dance_upkeep_closed(void *data,
    const cigna_dance_close_t *closed);
static ngx_cigna_tenant_t *ngx_cigna_dance_upkeep_tenant(
    ngx_cigna_main_conf_t *mcf, cigna_slice_t hash);
static void ngx_cigna_dance_upkeep_end(ngx_cigna_run_t *run);


ngx_int_t
ngx_cigna_dance_upkeep_init(ngx_cigna_main_conf_t *mcf)
{
    ngx_cigna_dance_upkeep_t  *upkeep;

    upkeep = ngx_pcalloc(mcf->worker->cycle->pool,
                         sizeof(ngx_cigna_dance_upkeep_t));

    if (upkeep == NULL || ngx_cigna_dance_upkeep_tenants(mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    upkeep->mcf = mcf;

    ngx_cigna_timer_init(&upkeep->timer, ngx_cigna_dance_upkeep_handler,
                         upkeep, ngx_cycle->log, 1);
    ngx_add_timer(&upkeep->timer, ngx_cigna_dance_upkeep_wait());

    return NGX_OK;
}


/* an overdue dance has only the hash of its tenant's name */

static ngx_int_t
ngx_cigna_dance_upkeep_tenants(ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t            i;
    cigna_buf_t           b;
    ngx_cigna_tenant_t  **tenants;

    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts; i++) {

        cigna_buf_init(&b, tenants[i]->hash, CIGNA_TENANT_LEN);

        if (cigna_vault_append_tenant(&b, &mcf->vault,
                                      ngx_cigna_slice(&tenants[i]->name))
            != CIGNA_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_msec_t
ngx_cigna_dance_upkeep_wait(void)
{
    ngx_msec_t        ms;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    ms = NGX_CIGNA_DANCE_UPKEEP_MS * ngx_max(ccf->worker_processes, 1);

    return ms / 2 + (ngx_msec_t) ngx_random() % (ms / 2);
}


static void
ngx_cigna_dance_upkeep_handler(ngx_event_t *ev)
{
    ngx_cigna_run_t           *run;
    cigna_dance_upkeep_t      *flow;
    ngx_cigna_dance_upkeep_t  *upkeep = ev->data;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, ngx_cigna_dance_upkeep_wait());

    if (upkeep->running) {
        return;
    }

    run = ngx_cigna_run_create(upkeep->mcf, NULL, "dance upkeep", NULL,
                               sizeof(cigna_dance_upkeep_t),
                               NGX_CIGNA_DANCE_UPKEEP_ARENA);
    if (run == NULL) {
        return;
    }

    run->data = upkeep;
    run->on.end = ngx_cigna_dance_upkeep_end;

    flow = run->flow;
    flow->closer.vault = &upkeep->mcf->vault;
    flow->closer.arena = &run->arena;
    flow->closer.closed = ngx_cigna_dance_upkeep_closed;
    flow->closer.data = run;

    upkeep->running = 1;

    ngx_cigna_run_start(run, cigna_dance_upkeep_next);
}


static void
ngx_cigna_dance_upkeep_closed(void *data, const cigna_dance_close_t *closed)
{
    ngx_cigna_run_t     *run = data;
    ngx_cigna_tenant_t  *tenant;

    tenant = ngx_cigna_dance_upkeep_tenant(run->mcf,
                                           closed->forget.entry.tenant);

    ngx_cigna_dance_closed(run, tenant, closed);
}


static ngx_cigna_tenant_t *
ngx_cigna_dance_upkeep_tenant(ngx_cigna_main_conf_t *mcf, cigna_slice_t hash)
{
    ngx_uint_t            i;
    ngx_cigna_tenant_t  **tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts; i++) {
        if (cigna_slice_eq(hash, cigna_slice_make(tenants[i]->hash,
                                                  tenants[i]->hash
                                                  + CIGNA_TENANT_LEN)))
        {
            return tenants[i];
        }
    }

    return NULL;
}


static void
ngx_cigna_dance_upkeep_end(ngx_cigna_run_t *run)
{
    ngx_cigna_dance_upkeep_t  *upkeep = run->data;

    upkeep->running = 0;
}

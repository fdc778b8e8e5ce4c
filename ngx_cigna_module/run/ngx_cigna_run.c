
#include "ngx_cigna_run.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_timer.h"
#include "shm/ngx_cigna_counters.h"
#include "vault/cigna_scripts.h"


#define NGX_CIGNA_RUN_POOL_SIZE  1024


static void ngx_cigna_run_init(ngx_cigna_run_t *run, const char *what,
    ngx_str_t *request);
static ngx_uint_t ngx_cigna_run_crowded(const ngx_cigna_run_t *run);
static ngx_cigna_waiter_t *ngx_cigna_run_unlink(ngx_cigna_run_t *run);


ngx_cigna_run_t *
ngx_cigna_run_create(ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    const char *what, ngx_str_t *request, size_t flow_size, size_t arena_size)
{
    void             *mem, *flow;
    ngx_pool_t       *pool;
    ngx_cigna_run_t  *run;

    pool = ngx_create_pool(NGX_CIGNA_RUN_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    run = ngx_pcalloc(pool, sizeof(ngx_cigna_run_t));
    flow = ngx_pcalloc(pool, flow_size);
    mem = ngx_palloc(pool, arena_size);

    if (run == NULL || flow == NULL || mem == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    run->pool = pool;
    run->mcf = mcf;
    run->tenant = tenant;
    run->flow = flow;

    cigna_arena_init(&run->arena, mem, arena_size);
    ngx_cigna_run_init(run, what, request);

    return run;
}


static void
ngx_cigna_run_init(ngx_cigna_run_t *run, const char *what, ngx_str_t *request)
{
    run->subject.vault = &run->mcf->vault;
    run->subject.provider = run->tenant ? &run->tenant->provider : NULL;
    run->subject.identity = &run->identity;
    run->subject.arena = &run->arena;

    ngx_cigna_log_init(&run->log, what);

    if (run->tenant) {
        run->log.tenant = run->tenant->name;
    }

    if (request != NULL && request->len) {
        run->log.request.data = ngx_pstrdup(run->pool, request);
        run->log.request.len = run->log.request.data ? request->len : 0;
    }

    run->pool->log = &run->log.log;

    run->body_max = NGX_CIGNA_RUN_BODY_MAX;
    run->waiters.max = NGX_CIGNA_WAITERS_MAX;

    ngx_queue_init(&run->waiters.queue);
    ngx_queue_insert_tail(&run->mcf->worker->runs, &run->queue);
}


/* in exit_process, other runs may still wait for this run: unlinks them */

void
ngx_cigna_run_destroy(ngx_cigna_run_t *run)
{
    while (!ngx_queue_empty(&run->waiters.queue)) {
        (void) ngx_cigna_run_unlink(run);
    }

    ngx_cigna_waiter_leave(&run->prior);
    ngx_cigna_timer_stop(&run->event);
    ngx_queue_remove(&run->queue);

    cigna_arena_wipe(&run->arena);
    cigna_secret_wipe(&run->ev, sizeof(cigna_event_t));

    ngx_destroy_pool(run->pool);
}


void
ngx_cigna_run_identify(ngx_cigna_run_t *run, const cigna_vault_names_t *id)
{
    (void) cigna_vault_names_known(&run->identity, &run->mcf->vault,
                                   cigna_script_identity(id));

    ngx_memcpy(run->identity.tenant, id->tenant, CIGNA_TENANT_LEN);
}


void
ngx_cigna_run_about(ngx_cigna_run_t *run, const cigna_vault_names_t *id)
{
    ngx_cigna_run_identify(run, id);

    run->log.id.data = run->identity.hash;
    run->log.id.len = CIGNA_NAME_LEN;
}


void
ngx_cigna_run_post(ngx_cigna_run_t *run)
{
    ngx_post_event(&run->event, &ngx_posted_events);
}


void
ngx_cigna_run_post_in(ngx_cigna_run_t *run, ngx_msec_t ms, unsigned cancelable)
{
    run->event.cancelable = cancelable;

    ngx_add_timer(&run->event, ms);
}


ngx_int_t
ngx_cigna_run_wait(ngx_cigna_run_t *run, ngx_cigna_waiter_t *waiter,
    ngx_cigna_waiter_pt handler, void *data)
{
    if (run->waiters.told || ngx_cigna_run_crowded(run)) {
        return NGX_BUSY;
    }

    if (run->waiters.total) {
        (*run->waiters.total)++;
    }

    waiter->run = run;
    waiter->handler = handler;
    waiter->data = data;

    ngx_queue_insert_tail(&run->waiters.queue, &waiter->queue);
    run->waiters.count++;

    return NGX_OK;
}


static ngx_uint_t
ngx_cigna_run_crowded(const ngx_cigna_run_t *run)
{
    const ngx_cigna_run_waiters_t  *w;

    w = &run->waiters;

    if (w->count < w->max && (w->total == NULL || *w->total < w->total_max)) {
        return 0;
    }

    if (w->total) {
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_refresh_crowded);
    }

    return 1;
}


void
ngx_cigna_waiter_leave(ngx_cigna_waiter_t *waiter)
{
    ngx_cigna_run_waiters_t  *w;

    if (waiter->run == NULL) {
        return;
    }

    w = &waiter->run->waiters;

    ngx_queue_remove(&waiter->queue);
    w->count--;

    if (w->total) {
        (*w->total)--;
    }

    waiter->run = NULL;
}


/* unlinks each waiter before it calls the handler, which may free waiters */

void
ngx_cigna_run_tell(ngx_cigna_run_t *run)
{
    ngx_cigna_waiter_t  *waiter;

    if (run->waiters.told) {
        return;
    }

    run->waiters.told = 1;

    if (run->on.result) {
        run->on.result(run);
    }

    while (!ngx_queue_empty(&run->waiters.queue)) {
        waiter = ngx_cigna_run_unlink(run);
        waiter->handler(waiter, run);
    }
}


/* unlinks the first waiter, and returns it */

static ngx_cigna_waiter_t *
ngx_cigna_run_unlink(ngx_cigna_run_t *run)
{
    ngx_queue_t         *q;
    ngx_cigna_waiter_t  *waiter;

    q = ngx_queue_head(&run->waiters.queue);
    waiter = ngx_queue_data(q, ngx_cigna_waiter_t, queue);

    ngx_cigna_waiter_leave(waiter);

    return waiter;
}


/*
 * The flow driver.
 *
 *   create --> prepare --> [another run] --> step <--+--> ... --> done --> free
 *                 |                           ^      |
 *                 +--------- start -----------+      +-- Redis, HTTP, sleep
 *
 * Every step is taken from an event that was posted, never from inside the
 * callback of an operation: callbacks record, the step decides.  So a flow, a
 * waiter's handler and the end of a run all begin on an empty stack.
 */


#include "ngx_cigna_run.h"
#include "shm/ngx_cigna_journal.h"
#include "ngx_cigna_run_op.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_time.h"

#include <openssl/rand.h>


#define NGX_CIGNA_RUN_POOL_SIZE  1024
#define NGX_CIGNA_RUN_BODY_MAX   (128 * 1024)


static void ngx_cigna_run_step(ngx_event_t *ev);
static void ngx_cigna_run_fail(ngx_cigna_run_t *run);
static void ngx_cigna_run_end(ngx_cigna_run_t *run);
static void ngx_cigna_run_free(ngx_cigna_run_t *run);


ngx_cigna_run_t *
ngx_cigna_run_create(ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant,
    const char *what, ngx_str_t *request, size_t flow_size, size_t arena_size)
{
    void             *mem;
    ngx_pool_t       *pool;
    ngx_cigna_run_t  *run;

    pool = ngx_create_pool(NGX_CIGNA_RUN_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    run = ngx_pcalloc(pool, sizeof(ngx_cigna_run_t));
    if (run == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    run->pool = pool;
    run->mcf = mcf;
    run->tenant = tenant;
    run->waiters_max = NGX_CIGNA_WAITERS_MAX;
    run->body_max = NGX_CIGNA_RUN_BODY_MAX;

    ngx_cigna_log_init(&run->log, what);
    if (tenant) {
        run->log.tenant = tenant->name;
    }

    pool->log = &run->log.log;

    ngx_queue_init(&run->waiters);
    ngx_queue_insert_tail(&mcf->worker->runs, &run->queue);

    run->flow = ngx_pcalloc(pool, flow_size);
    mem = ngx_palloc(pool, arena_size);

    if (run->flow == NULL || mem == NULL) {
        cigna_arena_init(&run->arena, NULL, 0);
        ngx_cigna_run_free(run);
        return NULL;
    }

    cigna_arena_init(&run->arena, mem, arena_size);

    run->subject.vault = &mcf->vault;
    run->subject.provider = tenant ? &tenant->provider : NULL;
    run->subject.identity = &run->identity;
    run->subject.arena = &run->arena;

    if (request != NULL && request->len) {
        run->log.request.data = ngx_pstrdup(pool, request);
        run->log.request.len = run->log.request.data ? request->len : 0;
    }

    return run;
}


void
ngx_cigna_run_identify(ngx_cigna_run_t *run, const cigna_vault_names_t *id)
{
    ptrdiff_t             moved;
    cigna_vault_names_t  *to;

    to = &run->identity;
    *to = *id;

    moved = to->mem - id->mem;

    to->grant_key.data += moved;
    to->lock_key.data += moved;
    to->dances_key.data += moved;
}


void
ngx_cigna_run_about(ngx_cigna_run_t *run, const cigna_vault_names_t *id)
{
    ngx_cigna_run_identify(run, id);

    run->log.id.data = run->identity.hash;
    run->log.id.len = CIGNA_NAME_LEN;
}


void
ngx_cigna_run_start(ngx_cigna_run_t *run, ngx_cigna_flow_pt next)
{
    ngx_cigna_run_prepare(run, next);
    ngx_cigna_run_post(run);
}


void
ngx_cigna_run_prepare(ngx_cigna_run_t *run, ngx_cigna_flow_pt next)
{
    run->next = next;
    run->ev.type = cigna_ev_start;

    run->event.handler = ngx_cigna_run_step;
    run->event.data = run;
    run->event.log = &run->log.log;
}


void
ngx_cigna_run_discard(ngx_cigna_run_t *run)
{
    ngx_cigna_run_free(run);
}


ngx_int_t
ngx_cigna_run_wait(ngx_cigna_run_t *run, ngx_cigna_waiter_t *waiter,
    ngx_cigna_waiter_pt handler, void *data)
{
    if (run->reported) {
        return NGX_BUSY;
    }

    if (run->nwaiters >= run->waiters_max
        || (run->waiters_total && *run->waiters_total >= run->waiters_total_max))
    {
        if (run->waiters_total) {
            ngx_cigna_count(run->tenant->counters,
                            ngx_cigna_count_refresh_crowded);
        }

        return NGX_BUSY;
    }

    if (run->waiters_total) {
        (*run->waiters_total)++;
    }

    waiter->run = run;
    waiter->handler = handler;
    waiter->data = data;

    ngx_queue_insert_tail(&run->waiters, &waiter->queue);
    run->nwaiters++;

    return NGX_OK;
}


void
ngx_cigna_waiter_leave(ngx_cigna_waiter_t *waiter)
{
    if (waiter->run == NULL) {
        return;
    }

    ngx_queue_remove(&waiter->queue);
    waiter->run->nwaiters--;

    if (waiter->run->waiters_total) {
        (*waiter->run->waiters_total)--;
    }

    waiter->run = NULL;
}


static void
ngx_cigna_run_step(ngx_event_t *ev)
{
    ngx_int_t         rc;
    ngx_cigna_run_t  *run;

    run = ev->data;
    ev->timedout = 0;

    if (run->failed) {
        ngx_cigna_run_fail(run);
        return;
    }

    rc = (run->ev.type == cigna_ev_start) ? NGX_OK
                                          : ngx_cigna_run_collect(run);

    while (rc == NGX_OK) {

        if (cigna_flow_is_exchange(&run->op)) {
            ngx_cigna_seat_give(run->mcf->worker, &run->seat);
        }

        run->ev.now_ms = ngx_cigna_now_ms();
        run->ev.quiet_ms = ngx_cigna_refresh_gate_quiet(run->mcf->zone);

        if (RAND_bytes(run->ev.random, CIGNA_RANDOM_LEN) != 1) {
            ngx_log_error(NGX_LOG_ERR, &run->log.log, 0,
                          "no random bytes can be had");
            rc = NGX_ERROR;
            break;
        }

        ngx_memzero(&run->op, sizeof(cigna_op_t));

        run->next(run->flow, &run->ev, &run->op);

        rc = ngx_cigna_run_perform(run);
    }

    if (rc == NGX_DONE) {
        ngx_cigna_run_end(run);

    } else if (rc == NGX_ERROR) {
        ngx_cigna_run_fail(run);
    }
}


void
ngx_cigna_run_post(ngx_cigna_run_t *run)
{
    ngx_event_t  *ev;

    ev = &run->event;
    ngx_post_event(ev, &ngx_posted_events);
}


/* a waiter may free others: each is unlinked before its handler is called */

void
ngx_cigna_run_result(ngx_cigna_run_t *run)
{
    ngx_queue_t         *q;
    ngx_cigna_waiter_t  *waiter;

    if (run->reported) {
        return;
    }

    run->reported = 1;

    if (run->on_result) {
        run->on_result(run);
    }

    while (!ngx_queue_empty(&run->waiters)) {

        q = ngx_queue_head(&run->waiters);
        waiter = ngx_queue_data(q, ngx_cigna_waiter_t, queue);

        ngx_cigna_waiter_leave(waiter);

        waiter->handler(waiter, run);
    }
}


static void
ngx_cigna_run_fail(ngx_cigna_run_t *run)
{
    run->failed = 1;
    ngx_cigna_run_end(run);
}


static void
ngx_cigna_run_end(ngx_cigna_run_t *run)
{
    ngx_cigna_run_result(run);

    if (run->on_end) {
        run->on_end(run);
    }

    ngx_cigna_run_free(run);
}


/* In exit_process another run may still be waiting for this one. */

static void
ngx_cigna_run_free(ngx_cigna_run_t *run)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&run->waiters)) {

        q = ngx_queue_head(&run->waiters);

        ngx_cigna_waiter_leave(ngx_queue_data(q, ngx_cigna_waiter_t, queue));
    }

    ngx_cigna_waiter_leave(&run->prior);

    ngx_cigna_run_op_done(run);
    ngx_cigna_seat_give(run->mcf->worker, &run->seat);

    if (run->begun) {
        ngx_cigna_refresh_gate_give_back(run->mcf->zone, run->tenant->refresh_gate,
                                         run->tenant->provider.token_endpoint,
                                         &run->turn);
    }

    /* its entry is everybody's now */

    if (run->journalled) {
        ngx_cigna_journal_settle(run->mcf->zone, &run->note,
                                 cigna_journal_left, ngx_current_msec);
    }

    if (run->event.timer_set) {
        ngx_del_timer(&run->event);
    }

    if (run->event.posted) {
        ngx_delete_posted_event(&run->event);
    }

    ngx_queue_remove(&run->queue);

    cigna_arena_wipe(&run->arena);
    cigna_secret_wipe(&run->ev, sizeof(cigna_event_t));

    ngx_destroy_pool(run->pool);
}


cigna_slice_t
ngx_cigna_run_copy(ngx_cigna_run_t *run, cigna_slice_t s)
{
    cigna_slice_t  copy;

    if (cigna_arena_copy(&run->arena, s, &copy) != CIGNA_OK) {
        return cigna_slice_null;
    }

    return copy;
}


/*
 * What became of an open exchange nobody will know: its mark in Redis, or the
 * deadline of its dance, tells the others.
 */

void
ngx_cigna_run_retake(ngx_cigna_worker_t *worker)
{
    ngx_queue_t      *q;
    ngx_cigna_run_t  *run;

    for (q = ngx_queue_head(&worker->runs);
         q != ngx_queue_sentinel(&worker->runs);
         q = ngx_queue_next(q))
    {
        run = ngx_queue_data(q, ngx_cigna_run_t, queue);

        if (run->keep_timer.timer_set) {
            ngx_cigna_run_op_retake(run);
        }
    }
}


void
ngx_cigna_run_end_all(ngx_cigna_worker_t *worker)
{
    ngx_uint_t        exchanges;
    ngx_queue_t      *q;
    ngx_cigna_run_t  *run;

    exchanges = 0;

    while (!ngx_queue_empty(&worker->runs)) {

        q = ngx_queue_head(&worker->runs);
        run = ngx_queue_data(q, ngx_cigna_run_t, queue);

        run->aborted = 1;

        if (cigna_flow_is_exchange(&run->op)) {
            exchanges++;
            ngx_cigna_count(run->tenant->counters,
                            ngx_cigna_count_exchanges_abandoned);
        }

        if (run->on_end) {
            run->on_end(run);
        }

        ngx_cigna_run_free(run);
    }

    if (exchanges) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "cigna: the worker ends with %ui exchanges open, whose "
                      "tokens may have been spent", exchanges);
    }
}

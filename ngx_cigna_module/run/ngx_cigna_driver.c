
/*
 *   create --> prepare --> [another run] --> step <--+--> ... --> done --> free
 *                 |                           ^      |
 *                 +--------- start -----------+      +-- Redis, HTTP, sleep
 *
 * "another run" is one whose result this run needs before it starts.
 *
 * nginx calls each step from a posted event.  The callback of an operation only
 * records the result and posts the event.  So a flow, the handler of a waiter
 * and the end of a run never run inside another function of the module.
 */


#include "ngx_cigna_driver.h"
#include "ngx_cigna_run_exchange.h"
#include "ngx_cigna_run_op.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_time.h"
#include "nginx/ngx_cigna_timer.h"
#include "shm/ngx_cigna_counters.h"

#include <openssl/rand.h>


static void ngx_cigna_run_step(ngx_event_t *ev);
static ngx_int_t ngx_cigna_run_next(ngx_cigna_run_t *run);
static void ngx_cigna_run_end(ngx_cigna_run_t *run);
static void ngx_cigna_run_free(ngx_cigna_run_t *run);


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

    ngx_cigna_timer_init(&run->event, ngx_cigna_run_step, run, &run->log.log,
                         0);
}


static void
ngx_cigna_run_step(ngx_event_t *ev)
{
    ngx_int_t         rc;
    ngx_cigna_run_t  *run = ev->data;

    ev->timedout = 0;

    if (run->failed) {
        ngx_cigna_run_end(run);
        return;
    }

    rc = (run->ev.type == cigna_ev_start) ? NGX_OK
                                          : ngx_cigna_run_collect(run);

    while (rc == NGX_OK) {
        rc = ngx_cigna_run_next(run);
    }

    if (rc == NGX_ERROR) {
        run->failed = 1;
    }

    if (rc != NGX_AGAIN) {
        ngx_cigna_run_end(run);
    }
}


/* passes the event to the flow, and performs the flow's next operation */

static ngx_int_t
ngx_cigna_run_next(ngx_cigna_run_t *run)
{
    if (cigna_flow_is_exchange(&run->op)) {
        ngx_cigna_seat_give(run->mcf->worker, &run->exchange.seat);
    }

    run->ev.now_ms = ngx_cigna_now_ms();
    run->ev.quiet_ms = ngx_cigna_refresh_gate_quiet(run->mcf->zone);

    if (RAND_bytes(run->ev.random, CIGNA_RANDOM_LEN) != 1) {
        ngx_log_error(NGX_LOG_ERR, &run->log.log, 0,
                      "no random bytes can be had");
        return NGX_ERROR;
    }

    ngx_memzero(&run->op, sizeof(cigna_op_t));

    run->next(run->flow, &run->ev, &run->op);

    return ngx_cigna_run_perform(run);
}


static void
ngx_cigna_run_end(ngx_cigna_run_t *run)
{
    ngx_cigna_run_tell(run);
    ngx_cigna_run_free(run);
}


static void
ngx_cigna_run_free(ngx_cigna_run_t *run)
{
    if (run->on.end) {
        run->on.end(run);
    }

    ngx_cigna_run_op_done(run);
    ngx_cigna_run_exchange_done(run);
    ngx_cigna_run_destroy(run);
}


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

        ngx_cigna_run_lease_retake(&run->lease);
    }
}


/*
 * A run that ends here with an open exchange loses the exchange's outcome.
 * Other nodes see this by the mark of the exchange in Redis, or by the deadline
 * of the dance.
 */

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

        if (cigna_flow_is_exchange(&run->op)) {
            exchanges++;
            ngx_cigna_count(run->tenant->counters,
                            ngx_cigna_count_exchanges_abandoned);
        }

        ngx_cigna_run_free(run);
    }

    if (exchanges) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "cigna: the worker ends with %ui exchanges open, whose "
                      "tokens may have been spent", exchanges);
    }
}

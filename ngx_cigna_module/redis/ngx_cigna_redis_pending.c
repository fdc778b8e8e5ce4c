
#include "ngx_cigna_redis_pending.h"


static void ngx_cigna_redis_pending_handler(ngx_event_t *ev);
static void ngx_cigna_redis_pending_try(ngx_cigna_redis_pending_t *pending,
    ngx_cigna_redis_call_t *call);


void
ngx_cigna_redis_pending_init(ngx_cigna_redis_pending_t *pending)
{
    ngx_queue_init(&pending->calls);

    ngx_cigna_timer_init(&pending->wake, ngx_cigna_redis_pending_handler,
                         pending, pending->log, 0);
    ngx_cigna_timer_init(&pending->timer, ngx_cigna_redis_pending_handler,
                         pending, pending->log, 0);
}


void
ngx_cigna_redis_pending_enter(ngx_cigna_redis_pending_t *pending,
    ngx_cigna_redis_call_t *call)
{
    ngx_msec_t  ms, rest;

    ngx_queue_insert_tail(&pending->calls, &call->link);
    pending->n++;

    ms = ngx_cigna_redis_call_left(call);
    rest = ngx_cigna_timer_left(call->rest_until);

    ngx_cigna_timer_within(&pending->timer, rest ? ngx_min(ms, rest) : ms);
}


void
ngx_cigna_redis_pending_wake(ngx_cigna_redis_pending_t *pending)
{
    if (pending->n) {
        ngx_post_event(&pending->wake, &ngx_posted_events);
    }
}


/*
 * Takes all calls off the list first: handlers may add calls to the list, or
 * cancel commands of calls that were in it.
 */

static void
ngx_cigna_redis_pending_handler(ngx_event_t *ev)
{
    ngx_queue_t                 calls;
    ngx_cigna_redis_call_t     *call;
    ngx_cigna_redis_pending_t  *pending = ev->data;

    ngx_cigna_timer_stop(&pending->timer);

    ngx_queue_init(&calls);
    ngx_cigna_redis_calls_move(&pending->calls, &calls);
    pending->n = 0;

    while ((call = ngx_cigna_redis_call_shift(&calls))) {
        ngx_cigna_redis_pending_try(pending, call);
    }
}


static void
ngx_cigna_redis_pending_try(ngx_cigna_redis_pending_t *pending,
    ngx_cigna_redis_call_t *call)
{
    ngx_int_t  rc;

    if (call->cmd == NULL) {
        ngx_cigna_redis_call_destroy(pending->memory, call);
        return;
    }

    rc = NGX_ERROR;

    if (ngx_cigna_redis_call_left(call)) {

        rc = NGX_AGAIN;

        if (ngx_cigna_timer_left(call->rest_until) == 0) {
            rc = pending->dispatch(pending->data, call);
        }
    }

    if (rc == NGX_AGAIN) {
        ngx_cigna_redis_pending_enter(pending, call);

    } else if (rc == NGX_ERROR) {
        ngx_cigna_redis_call_finish(pending->memory, call, cigna_ev_unsent,
                                    NULL);
    }
}


void
ngx_cigna_redis_pending_done(ngx_cigna_redis_pending_t *pending)
{
    ngx_cigna_timer_stop(&pending->timer);

    ngx_cigna_timer_stop(&pending->wake);

    ngx_cigna_redis_calls_destroy(pending->memory, &pending->calls);
}

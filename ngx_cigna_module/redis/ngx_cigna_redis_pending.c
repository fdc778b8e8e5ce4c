
#include "ngx_cigna_redis_pending.h"
#include "ngx_cigna_redis_node.h"


static void ngx_cigna_redis_pending_handler(ngx_event_t *ev);
static void ngx_cigna_redis_pending_look(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call);
static ngx_msec_t ngx_cigna_redis_pending_rest(ngx_cigna_redis_call_t *call);
static void ngx_cigna_redis_pending_timer(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call);


void
ngx_cigna_redis_pending_init(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_pending_t  *room;

    room = &redis->room;

    ngx_queue_init(&room->calls);

    room->wake.handler = ngx_cigna_redis_pending_handler;
    room->wake.data = redis;
    room->wake.log = ngx_cigna_redis_log(redis);

    /* not cancelable, and not set unless somebody waits */

    room->timer.handler = ngx_cigna_redis_pending_handler;
    room->timer.data = redis;
    room->timer.log = ngx_cigna_redis_log(redis);
}


void
ngx_cigna_redis_pending_enter(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call)
{
    ngx_queue_insert_tail(&redis->room.calls, &call->link);
    redis->room.n++;

    ngx_cigna_redis_pending_timer(redis, call);
}


void
ngx_cigna_redis_pending_wake(ngx_cigna_redis_t *redis)
{
    ngx_event_t  *ev;

    if (redis->room.n) {
        ev = &redis->room.wake;
        ngx_post_event(ev, &ngx_posted_events);
    }
}


/* handlers may start commands, which enter, or cancel those still to come */

static void
ngx_cigna_redis_pending_handler(ngx_event_t *ev)
{
    ngx_queue_t                 calls;
    ngx_cigna_redis_t          *redis;
    ngx_cigna_redis_pending_t  *room;
    ngx_cigna_redis_call_t     *call;

    redis = ev->data;
    room = &redis->room;

    if (room->timer.timer_set) {
        ngx_del_timer(&room->timer);
    }

    if (room->n == 0) {
        return;
    }

    ngx_queue_init(&calls);
    ngx_queue_add(&calls, &room->calls);
    ngx_queue_init(&room->calls);
    room->n = 0;

    while (!ngx_queue_empty(&calls)) {
        call = ngx_cigna_redis_call_first(&calls);
        ngx_queue_remove(&call->link);

        ngx_cigna_redis_pending_look(redis, call);
    }
}


static void
ngx_cigna_redis_pending_look(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call)
{
    ngx_int_t                 rc;
    ngx_cigna_redis_calls_t  *calls;

    calls = &redis->shared.calls;

    if (call->cmd == NULL) {
        ngx_cigna_redis_call_destroy(calls, call);
        return;
    }

    rc = NGX_ERROR;

    if (ngx_cigna_redis_call_left(call)) {

        rc = NGX_AGAIN;

        if (ngx_cigna_redis_pending_rest(call) == 0) {
            call->resting = 0;
            rc = ngx_cigna_redis_dispatch(redis, call);
        }
    }

    if (rc == NGX_AGAIN) {
        ngx_cigna_redis_pending_enter(redis, call);

    } else if (rc == NGX_ERROR) {
        ngx_cigna_redis_call_finish(calls, call, cigna_ev_unsent, NULL);
    }
}


static ngx_msec_t
ngx_cigna_redis_pending_rest(ngx_cigna_redis_call_t *call)
{
    ngx_msec_int_t  left;

    if (!call->resting) {
        return 0;
    }

    left = (ngx_msec_int_t) (call->rest_by - ngx_current_msec);

    return (left > 0) ? (ngx_msec_t) left : 0;
}


/* so that this call is not forgotten */

static void
ngx_cigna_redis_pending_timer(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call)
{
    ngx_msec_t    ms, rest;
    ngx_event_t  *timer;

    ms = ngx_cigna_redis_call_left(call);

    if (call->resting) {
        rest = ngx_cigna_redis_pending_rest(call);
        ms = ngx_min(ms, rest);
    }

    timer = &redis->room.timer;

    if (timer->timer_set) {

        if ((ngx_msec_int_t) (timer->timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) ms)
        {
            return;
        }

        ngx_del_timer(timer);
    }

    ngx_add_timer(timer, ms);
}


void
ngx_cigna_redis_pending_done(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_pending_t  *room;
    ngx_cigna_redis_call_t     *call;

    room = &redis->room;

    if (room->timer.timer_set) {
        ngx_del_timer(&room->timer);
    }

    if (room->wake.posted) {
        ngx_delete_posted_event(&room->wake);
    }

    while (!ngx_queue_empty(&room->calls)) {
        call = ngx_cigna_redis_call_first(&room->calls);
        ngx_queue_remove(&call->link);

        ngx_cigna_redis_call_destroy(&redis->shared.calls, call);
    }
}


ngx_int_t
ngx_cigna_redis_dispatch(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_call_t *call)
{
    ngx_int_t                rc;
    ngx_cigna_redis_node_t  *node;

    node = call->node;

    if (node == NULL) {
        rc = redis->topology->route(redis, call, &node);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_cigna_redis_node_send(node, call);
}


#include "ngx_cigna_redis_call.h"
#include "redis/cigna_slot.h"


#define NGX_CIGNA_REDIS_CALLS  64


static ngx_cigna_redis_call_t *ngx_cigna_redis_call_get(
    ngx_cigna_redis_calls_t *calls);


void
ngx_cigna_redis_calls_init(ngx_cigna_redis_calls_t *calls, ngx_pool_t *pool)
{
    calls->pool = pool;
    ngx_queue_init(&calls->unused);
}


ngx_cigna_redis_call_t *
ngx_cigna_redis_call_create(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc,
    ngx_msec_t timeout)
{
    ngx_cigna_redis_call_t  *call;

    call = ngx_cigna_redis_call_get(calls);
    if (call == NULL) {
        return NULL;
    }

    ngx_memzero(call, sizeof(ngx_cigna_redis_call_t));

    if (cigna_redis_format(argv, argc, &call->text, &call->len) != CIGNA_OK) {
        ngx_queue_insert_head(&calls->unused, &call->link);
        return NULL;
    }

    call->deadline = ngx_current_msec + timeout;
    call->rest_until = ngx_current_msec;
    call->slot = CIGNA_SLOTS;
    call->reads = cigna_slice_eq(argv[0], cigna_slice("HMGET"));

    if (cmd) {
        call->durable = cmd->durable;
        call->cmd = cmd;
        cmd->back = &call->cmd;
    }

    return call;
}


static ngx_cigna_redis_call_t *
ngx_cigna_redis_call_get(ngx_cigna_redis_calls_t *calls)
{
    ngx_uint_t               i;
    ngx_cigna_redis_call_t  *call;

    if (ngx_queue_empty(&calls->unused)) {

        call = ngx_palloc(calls->pool, NGX_CIGNA_REDIS_CALLS
                                       * sizeof(ngx_cigna_redis_call_t));
        if (call == NULL) {
            return NULL;
        }

        for (i = 0; i < NGX_CIGNA_REDIS_CALLS; i++) {
            ngx_queue_insert_tail(&calls->unused, &call[i].link);
        }
    }

    return ngx_cigna_redis_call_shift(&calls->unused);
}


ngx_cigna_redis_call_t *
ngx_cigna_redis_call_shift(ngx_queue_t *list)
{
    ngx_cigna_redis_call_t  *call;

    if (ngx_queue_empty(list)) {
        return NULL;
    }

    call = ngx_cigna_redis_call_first(list);
    ngx_queue_remove(&call->link);

    return call;
}


void
ngx_cigna_redis_call_finish(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call, cigna_ev_e outcome, cigna_reply_t *reply)
{
    ngx_cigna_redis_cmd_t  *cmd = call->cmd;

    ngx_cigna_redis_call_destroy(calls, call);

    if (cmd == NULL) {
        cigna_reply_destroy(reply);
        return;
    }

    cmd->outcome = outcome;
    cmd->reply = reply;
    cmd->handler(cmd);
}


void
ngx_cigna_redis_call_destroy(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call)
{
    if (call->cmd) {
        ngx_cigna_redis_cancel(call->cmd);
    }

    cigna_reply_destroy(call->reply);
    cigna_redis_free(call->text, call->len);

    /*
     * the next call gets this memory, which is still in the processor's cache
     */

    ngx_queue_insert_head(&calls->unused, &call->link);
}


void
ngx_cigna_redis_calls_destroy(ngx_cigna_redis_calls_t *calls,
    ngx_queue_t *list)
{
    ngx_cigna_redis_call_t  *call;

    while ((call = ngx_cigna_redis_call_shift(list))) {
        ngx_cigna_redis_call_destroy(calls, call);
    }
}


void
ngx_cigna_redis_calls_move(ngx_queue_t *from, ngx_queue_t *to)
{
    if (!ngx_queue_empty(from)) {
        ngx_queue_add(to, from);
        ngx_queue_init(from);
    }
}

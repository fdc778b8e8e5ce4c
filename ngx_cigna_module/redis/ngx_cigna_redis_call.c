
#include "ngx_cigna_redis_call.h"
#include "base/cigna_secret.h"
#include "redis/cigna_slot.h"


#define NGX_CIGNA_REDIS_CALLS     64
#define NGX_CIGNA_REDIS_TEXT_MAX  (64 * 1024 * 1024)


static ngx_cigna_redis_call_t *ngx_cigna_redis_call_get(
    ngx_cigna_redis_calls_t *calls);
static ngx_int_t ngx_cigna_redis_call_write(ngx_cigna_redis_call_t *call,
    const cigna_slice_t *argv, ngx_uint_t argc);


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

    if (ngx_cigna_redis_call_write(call, argv, argc) != NGX_OK) {
        ngx_queue_insert_head(&calls->unused, &call->link);
        return NULL;
    }

    call->deadline = ngx_current_msec + timeout;
    call->slot = CIGNA_SLOTS;
    call->durable = cmd->durable;
    call->reads = cigna_slice_eq(argv[0], cigna_slice("HMGET"));

    call->cmd = cmd;
    cmd->back = &call->cmd;

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


static ngx_int_t
ngx_cigna_redis_call_write(ngx_cigna_redis_call_t *call,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    size_t       len;
    cigna_buf_t  b;

    if (argc == 0 || argc > CIGNA_REDIS_ARGS_MAX) {
        return NGX_ERROR;
    }

    len = cigna_redis_length(argv, argc);

    if (len > NGX_CIGNA_REDIS_TEXT_MAX) {
        return NGX_ERROR;
    }

    call->text = ngx_alloc(len, ngx_cycle->log);
    if (call->text == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, call->text, len);
    cigna_redis_append(&b, argv, argc);

    call->len = b.pos - b.start;

    return NGX_OK;
}


void
ngx_cigna_redis_call_finish(ngx_cigna_redis_calls_t *calls,
    ngx_cigna_redis_call_t *call, cigna_ev_e outcome, cigna_reply_t *reply)
{
    ngx_cigna_redis_cmd_t  *cmd;

    cmd = call->cmd;

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
    call->reply = NULL;

    cigna_secret_wipe(call->text, call->len);
    ngx_free(call->text);
    call->text = NULL;

    /* what was used last is still in the processor's cache */

    ngx_queue_insert_head(&calls->unused, &call->link);
}


ngx_msec_t
ngx_cigna_redis_call_left(ngx_cigna_redis_call_t *call)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (call->deadline - ngx_current_msec);

    return (left > 0) ? (ngx_msec_t) left : 0;
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


void
ngx_cigna_redis_call_rest(ngx_cigna_redis_call_t *call, ngx_msec_t ms)
{
    call->resting = 1;
    call->rest_until = ngx_current_msec + ms;
}

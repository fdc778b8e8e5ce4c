
#include "ngx_cigna_redis_queue.h"


static ngx_str_t  ngx_cigna_redis_queue_asking =
    ngx_string("*1\r\n$6\r\nASKING\r\n");


static ngx_int_t ngx_cigna_redis_queue_write(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_call_t *call, ngx_str_t *wait);
static void ngx_cigna_redis_queue_waited(ngx_cigna_redis_call_t *call,
    cigna_reply_t **reply, ngx_uint_t replicas);


/* offset of out.pos */
#define ngx_cigna_redis_queue_gone(queue)                                     \
    ((queue)->queued - (uint64_t) ((queue)->out.last - (queue)->out.pos))


void
ngx_cigna_redis_queue_init(ngx_cigna_redis_queue_t *queue)
{
    ngx_memzero(queue, sizeof(ngx_cigna_redis_queue_t));
    ngx_queue_init(&queue->calls);
}


ngx_int_t
ngx_cigna_redis_queue_push(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_call_t *call, ngx_str_t *wait)
{
    uint64_t                 gone;
    ngx_queue_t             *q;
    ngx_cigna_redis_call_t  *last;

    gone = ngx_cigna_redis_queue_gone(queue);

    if (ngx_cigna_redis_queue_write(queue, call, wait) != NGX_OK) {
        return NGX_ERROR;
    }

    queue->queued = gone + (queue->out.last - queue->out.pos);

    call->end = queue->queued - (call->durable ? wait->len : 0);
    call->asked = 0;

    if (queue->n) {
        q = ngx_queue_last(&queue->calls);
        last = ngx_queue_data(q, ngx_cigna_redis_call_t, link);

        if ((ngx_msec_int_t) (call->deadline - last->deadline) < 0) {
            queue->disorder = 1;
        }
    }

    ngx_queue_insert_tail(&queue->calls, &call->link);
    queue->n++;

    return NGX_OK;
}


/* appends all commands of the call, or nothing */

static ngx_int_t
ngx_cigna_redis_queue_write(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_call_t *call, ngx_str_t *wait)
{
    size_t                  len;
    ngx_cigna_redis_out_t  *out;

    out = &queue->out;
    len = out->last - out->pos;

    if ((!call->asking
         || ngx_cigna_redis_out_add(out, ngx_cigna_redis_queue_asking.data,
                                    ngx_cigna_redis_queue_asking.len)
            == NGX_OK)
        && ngx_cigna_redis_out_add(out, call->text, call->len) == NGX_OK
        && (!call->durable
            || ngx_cigna_redis_out_add(out, wait->data, wait->len) == NGX_OK))
    {
        return NGX_OK;
    }

    if (out->start) {
        out->last = out->pos + len;
    }

    return NGX_ERROR;
}


ngx_int_t
ngx_cigna_redis_queue_say(ngx_cigna_redis_queue_t *queue,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    uint64_t  gone;

    gone = ngx_cigna_redis_queue_gone(queue);

    if (ngx_cigna_redis_out_append(&queue->out, argv, argc) != NGX_OK) {
        return NGX_ERROR;
    }

    queue->queued = gone + (queue->out.last - queue->out.pos);

    return NGX_OK;
}


/* deadlines are in order, but for calls that were sent elsewhere before */

ngx_msec_t
ngx_cigna_redis_queue_left(ngx_cigna_redis_queue_t *queue)
{
    ngx_msec_t               left, least;
    ngx_queue_t             *q;
    ngx_cigna_redis_call_t  *call;

    call = ngx_cigna_redis_call_first(&queue->calls);
    least = ngx_cigna_redis_call_left(call);

    if (queue->disorder) {

        for (q = ngx_queue_head(&queue->calls);
             q != ngx_queue_sentinel(&queue->calls);
             q = ngx_queue_next(q))
        {
            call = ngx_queue_data(q, ngx_cigna_redis_call_t, link);

            left = ngx_cigna_redis_call_left(call);
            least = ngx_min(least, left);
        }
    }

    return least;
}


void
ngx_cigna_redis_queue_offer(ngx_cigna_redis_queue_t *queue)
{
    queue->offered = queue->queued;
}


void
ngx_cigna_redis_queue_sent(ngx_cigna_redis_queue_t *queue, size_t n)
{
    uint64_t  gone;

    gone = ngx_cigna_redis_queue_gone(queue) + n;

    queue->offered = ngx_max(queue->offered, gone);

    ngx_cigna_redis_out_skip(&queue->out, n);
}


ngx_cigna_redis_call_t *
ngx_cigna_redis_queue_reply(ngx_cigna_redis_queue_t *queue,
    cigna_reply_t **reply, ngx_uint_t replicas)
{
    ngx_cigna_redis_call_t  *call;

    call = ngx_cigna_redis_call_first(&queue->calls);

    if (call->asking && !call->asked) {
        call->asked = 1;
        cigna_reply_destroy(*reply);
        return NULL;
    }

    if (call->durable && call->reply == NULL) {
        call->reply = *reply;
        return NULL;
    }

    ngx_queue_remove(&call->link);

    if (--queue->n == 0) {
        queue->disorder = 0;
    }

    if (call->durable) {
        ngx_cigna_redis_queue_waited(call, reply, replicas);
    }

    return call;
}


/* *reply is that of "WAIT", and is replaced by that of the command itself */

static void
ngx_cigna_redis_queue_waited(ngx_cigna_redis_call_t *call,
    cigna_reply_t **reply, ngx_uint_t replicas)
{
    int64_t  n;

    n = cigna_reply_int(*reply, -1);

    cigna_reply_destroy(*reply);

    *reply = call->reply;
    call->reply = NULL;

    /* a command that failed has written nothing that replicas could lack */

    if (n < (int64_t) replicas
        && cigna_reply_type(*reply) != cigna_reply_error)
    {
        cigna_reply_destroy(*reply);
        *reply = NULL;
    }
}


void
ngx_cigna_redis_queue_unread(ngx_cigna_redis_queue_t *queue)
{
    ngx_cigna_redis_call_t  *call;

    if (queue->n) {
        call = ngx_cigna_redis_call_first(&queue->calls);
        call->reads = 0;
    }
}


void
ngx_cigna_redis_queue_end(ngx_cigna_redis_queue_t *queue, ngx_queue_t *list)
{
    ngx_cigna_redis_call_t  *call;

    while ((call = ngx_cigna_redis_call_shift(&queue->calls))) {
        ngx_queue_insert_tail(list, &call->link);

        call->lost = (call->end <= queue->offered);

        cigna_reply_destroy(call->reply);
        call->reply = NULL;
    }

    ngx_cigna_redis_out_free(&queue->out);
    ngx_cigna_redis_queue_init(queue);
}

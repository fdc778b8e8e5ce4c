
#include "ngx_cigna_redis_queue.h"


#define NGX_CIGNA_REDIS_ASKING  "*1\r\n$6\r\nASKING\r\n"


static void ngx_cigna_redis_queue_waited(ngx_cigna_redis_call_t *call,
    cigna_reply_t **reply, ngx_uint_t replicas);


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
    size_t                   asking, waiting;
    ngx_queue_t             *q;
    ngx_cigna_redis_out_t   *out;
    ngx_cigna_redis_call_t  *last;

    out = &queue->out;
    asking = call->asking ? sizeof(NGX_CIGNA_REDIS_ASKING) - 1 : 0;
    waiting = call->durable ? wait->len : 0;

    if (ngx_cigna_redis_out_reserve(out, asking + call->len + waiting)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    out->last = ngx_cpymem(out->last, NGX_CIGNA_REDIS_ASKING, asking);
    out->last = ngx_cpymem(out->last, call->text, call->len);
    out->last = ngx_cpymem(out->last, wait->data, waiting);

    queue->queued += asking + call->len + waiting;

    call->end = queue->queued - waiting;
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


ngx_int_t
ngx_cigna_redis_queue_say(ngx_cigna_redis_queue_t *queue,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    size_t                  len;
    u_char                 *text;
    ngx_int_t               rc;
    ngx_cigna_redis_out_t  *out;

    if (cigna_redis_format(argv, argc, &text, &len) != CIGNA_OK) {
        return NGX_ERROR;
    }

    out = &queue->out;
    rc = ngx_cigna_redis_out_reserve(out, len);

    if (rc == NGX_OK) {
        out->last = ngx_cpymem(out->last, text, len);
        queue->queued += len;
    }

    cigna_redis_free(text, len);

    return rc;
}


/*
 * Returns the ms until the earliest deadline.  The first call has it, unless a
 * call waited elsewhere before it was queued here.
 */

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

    gone = queue->queued - (queue->out.last - queue->out.pos) + n;

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


/*
 * replaces *reply, which is the reply to "WAIT", by the command's own reply, or
 * by NULL if too few replicas have the write
 */

static void
ngx_cigna_redis_queue_waited(ngx_cigna_redis_call_t *call,
    cigna_reply_t **reply, ngx_uint_t replicas)
{
    int64_t  n;

    n = cigna_reply_int(*reply, -1);

    cigna_reply_destroy(*reply);

    *reply = call->reply;
    call->reply = NULL;

    /* a failed command has written nothing, so the replicas do not matter */

    if (n < (int64_t) replicas
        && cigna_reply_type(*reply) != cigna_reply_error)
    {
        cigna_reply_destroy(*reply);
        *reply = NULL;
    }
}


void
ngx_cigna_redis_queue_end(ngx_cigna_redis_queue_t *queue, ngx_queue_t *list)
{
    ngx_cigna_redis_call_t  *call;

    while ((call = ngx_cigna_redis_call_shift(&queue->calls))) {
        ngx_queue_insert_tail(list, &call->link);

        call->lost = (call->end <= queue->offered);
    }

    ngx_cigna_redis_out_free(&queue->out);
    ngx_cigna_redis_queue_init(queue);
}

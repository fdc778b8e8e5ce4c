
#include "ngx_cigna_redis_queue.h"
#include "cigna_secret.h"


#define NGX_CIGNA_REDIS_OUT_SIZE  4096
#define NGX_CIGNA_REDIS_OUT_KEEP  (256 * 1024)
#define NGX_CIGNA_REDIS_OUT_MAX   (64 * 1024 * 1024)
#define NGX_CIGNA_REDIS_SLOTS     64


/* outlives a command that is cancelled, as the reply still comes */

typedef struct {
    ngx_queue_t               link;
    ngx_cigna_redis_cmd_t    *cmd;         /* NULL: cancelled */
    ngx_msec_t                deadline;
    uint64_t                  end;         /* offset of its last byte, + 1 */
} ngx_cigna_redis_slot_t;


static ngx_int_t ngx_cigna_redis_out_reserve(ngx_cigna_redis_out_t *out,
    size_t need);
static ngx_cigna_redis_slot_t *ngx_cigna_redis_slot_get(
    ngx_cigna_redis_slots_t *slots);
static ngx_cigna_redis_cmd_t *ngx_cigna_redis_slot_release(
    ngx_cigna_redis_slots_t *slots, ngx_cigna_redis_slot_t *slot);


#define ngx_cigna_redis_slot_first(head)                                      \
    ngx_queue_data(ngx_queue_head(head), ngx_cigna_redis_slot_t, link)

/* offset of out.pos */
#define ngx_cigna_redis_queue_gone(queue)                                     \
    ((queue)->queued - (uint64_t) ((queue)->out.last - (queue)->out.pos))


ngx_int_t
ngx_cigna_redis_out_append(ngx_cigna_redis_out_t *out,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    size_t       need;
    cigna_buf_t  b;

    if (argc == 0 || argc > CIGNA_REDIS_ARGS_MAX) {
        return NGX_ERROR;
    }

    need = cigna_redis_length(argv, argc);

    if (ngx_cigna_redis_out_reserve(out, need) != NGX_OK) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, out->last, need);
    cigna_redis_append(&b, argv, argc);

    if (b.overflow) {
        return NGX_ERROR;
    }

    out->last = b.pos;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_redis_out_reserve(ngx_cigna_redis_out_t *out, size_t need)
{
    size_t   len, size;
    u_char  *p;

    if ((size_t) (out->end - out->last) >= need) {
        return NGX_OK;
    }

    len = out->last - out->pos;
    size = out->end - out->start;

    if (need > NGX_CIGNA_REDIS_OUT_MAX - len) {
        return NGX_ERROR;
    }

    if (size - len >= need && len <= size / 2) {
        ngx_memmove(out->start, out->pos, len);

        out->pos = out->start;
        out->last = out->start + len;

        return NGX_OK;
    }

    size = ngx_max(ngx_max(2 * size, len + need), NGX_CIGNA_REDIS_OUT_SIZE);

    p = ngx_alloc(size, ngx_cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (len) {
        ngx_memcpy(p, out->pos, len);
    }

    ngx_cigna_redis_out_free(out);

    out->start = p;
    out->pos = p;
    out->last = p + len;
    out->end = p + size;

    return NGX_OK;
}


void
ngx_cigna_redis_out_skip(ngx_cigna_redis_out_t *out, size_t n)
{
    out->pos += n;

    if (out->pos < out->last) {
        return;
    }

    if (out->end - out->start > NGX_CIGNA_REDIS_OUT_KEEP) {
        ngx_cigna_redis_out_free(out);
        return;
    }

    cigna_secret_wipe(out->start, out->last - out->start);

    out->pos = out->start;
    out->last = out->start;
}


void
ngx_cigna_redis_out_free(ngx_cigna_redis_out_t *out)
{
    if (out->start) {
        cigna_secret_wipe(out->start, out->end - out->start);
        ngx_free(out->start);
    }

    ngx_memzero(out, sizeof(ngx_cigna_redis_out_t));
}


void
ngx_cigna_redis_queue_init(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_slots_t *slots)
{
    queue->slots = slots;
    ngx_queue_init(&queue->pending);
}


ngx_int_t
ngx_cigna_redis_queue_push(ngx_cigna_redis_queue_t *queue,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc,
    ngx_msec_t deadline)
{
    ngx_cigna_redis_slot_t  *slot;

    slot = ngx_cigna_redis_slot_get(queue->slots);

    if (slot == NULL) {
        return NGX_ERROR;
    }

    if (ngx_cigna_redis_queue_say(queue, argv, argc) != NGX_OK) {
        (void) ngx_cigna_redis_slot_release(queue->slots, slot);
        return NGX_ERROR;
    }

    slot->cmd = cmd;
    slot->deadline = deadline;
    slot->end = queue->queued;

    cmd->slot = slot;

    ngx_queue_insert_tail(&queue->pending, &slot->link);
    queue->n++;

    return NGX_OK;
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


ngx_msec_t
ngx_cigna_redis_queue_deadline(ngx_cigna_redis_queue_t *queue)
{
    ngx_cigna_redis_slot_t  *slot;

    slot = ngx_cigna_redis_slot_first(&queue->pending);

    return slot->deadline;
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


ngx_cigna_redis_cmd_t *
ngx_cigna_redis_queue_pop(ngx_cigna_redis_queue_t *queue)
{
    ngx_cigna_redis_slot_t  *slot;

    slot = ngx_cigna_redis_slot_first(&queue->pending);

    ngx_queue_remove(&slot->link);
    queue->n--;

    return ngx_cigna_redis_slot_release(queue->slots, slot);
}


void
ngx_cigna_redis_queue_expire(ngx_cigna_redis_queue_t *queue)
{
    uint64_t                 gone;
    ngx_cigna_redis_cmd_t   *cmd;
    ngx_cigna_redis_slot_t  *slot;

    slot = ngx_cigna_redis_slot_first(&queue->pending);
    gone = ngx_cigna_redis_queue_gone(queue);

    ngx_cigna_redis_out_skip(&queue->out, slot->end - gone);

    cmd = ngx_cigna_redis_queue_pop(queue);

    if (cmd) {
        cmd->outcome = cigna_ev_unsent;
        cmd->handler(cmd);
    }
}


void
ngx_cigna_redis_queue_end(ngx_cigna_redis_queue_t *queue)
{
    uint64_t                 offered;
    ngx_queue_t              ended;
    cigna_ev_e               outcome;
    ngx_cigna_redis_cmd_t   *cmd;
    ngx_cigna_redis_slot_t  *slot;

    ngx_queue_init(&ended);

    if (queue->n) {
        ngx_queue_add(&ended, &queue->pending);
        ngx_queue_init(&queue->pending);
    }

    offered = queue->offered;

    queue->n = 0;
    queue->queued = 0;
    queue->offered = 0;

    ngx_cigna_redis_out_free(&queue->out);

    while (!ngx_queue_empty(&ended)) {
        slot = ngx_cigna_redis_slot_first(&ended);
        ngx_queue_remove(&slot->link);

        outcome = (slot->end <= offered) ? cigna_ev_lost : cigna_ev_unsent;

        cmd = ngx_cigna_redis_slot_release(queue->slots, slot);

        if (cmd) {
            cmd->outcome = outcome;
            cmd->handler(cmd);
        }
    }
}


void
ngx_cigna_redis_queue_destroy(ngx_cigna_redis_queue_t *queue)
{
    while (queue->n) {
        (void) ngx_cigna_redis_queue_pop(queue);
    }

    ngx_cigna_redis_out_free(&queue->out);
}


void
ngx_cigna_redis_queue_cancel(ngx_cigna_redis_cmd_t *cmd)
{
    ngx_cigna_redis_slot_t  *slot;

    slot = cmd->slot;

    slot->cmd = NULL;
    cmd->slot = NULL;
}


static ngx_cigna_redis_slot_t *
ngx_cigna_redis_slot_get(ngx_cigna_redis_slots_t *slots)
{
    ngx_uint_t               i;
    ngx_cigna_redis_slot_t  *slot;

    if (ngx_queue_empty(&slots->free)) {

        slot = ngx_pcalloc(slots->pool, NGX_CIGNA_REDIS_SLOTS
                                        * sizeof(ngx_cigna_redis_slot_t));
        if (slot == NULL) {
            return NULL;
        }

        for (i = 0; i < NGX_CIGNA_REDIS_SLOTS; i++) {
            ngx_queue_insert_tail(&slots->free, &slot[i].link);
        }
    }

    slot = ngx_cigna_redis_slot_first(&slots->free);
    ngx_queue_remove(&slot->link);

    return slot;
}


/* returns the command that had it; NULL if there is none any more */

static ngx_cigna_redis_cmd_t *
ngx_cigna_redis_slot_release(ngx_cigna_redis_slots_t *slots,
    ngx_cigna_redis_slot_t *slot)
{
    ngx_cigna_redis_cmd_t  *cmd;

    cmd = slot->cmd;

    if (cmd) {
        cmd->slot = NULL;
        slot->cmd = NULL;
    }

    /* the one that was used last is still in the processor's cache */

    ngx_queue_insert_head(&slots->free, &slot->link);

    return cmd;
}

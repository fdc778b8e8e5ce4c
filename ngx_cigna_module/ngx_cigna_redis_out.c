
#include "ngx_cigna_redis_conn.h"
#include "cigna_secret.h"


#define NGX_CIGNA_REDIS_OUT_SIZE  4096
#define NGX_CIGNA_REDIS_OUT_KEEP  (256 * 1024)
#define NGX_CIGNA_REDIS_OUT_MAX   (64 * 1024 * 1024)
#define NGX_CIGNA_REDIS_SLOTS     64


static ngx_int_t ngx_cigna_redis_make_room(ngx_cigna_redis_out_t *out,
    size_t need);


ngx_cigna_redis_slot_t *
ngx_cigna_redis_get_slot(ngx_cigna_redis_t *redis)
{
    ngx_uint_t               i;
    ngx_queue_t             *q;
    ngx_cigna_redis_slot_t  *slots;

    if (ngx_queue_empty(&redis->free_slots)) {

        slots = ngx_pcalloc(redis->pool, NGX_CIGNA_REDIS_SLOTS
                                         * sizeof(ngx_cigna_redis_slot_t));
        if (slots == NULL) {
            return NULL;
        }

        for (i = 0; i < NGX_CIGNA_REDIS_SLOTS; i++) {
            ngx_queue_insert_tail(&redis->free_slots, &slots[i].queue);
        }
    }

    q = ngx_queue_head(&redis->free_slots);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_cigna_redis_slot_t, queue);
}


void
ngx_cigna_redis_push_slot(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_slot_t *slot, ngx_cigna_redis_cmd_t *cmd)
{
    ngx_msec_t  timeout;

    timeout = conn->redis->conf->timeout;

    slot->cmd = cmd;
    slot->end = conn->queued;
    slot->deadline = ngx_current_msec + timeout;

    cmd->slot = slot;

    ngx_queue_insert_tail(&conn->slots, &slot->queue);
    conn->nslots++;

    conn->deadline.cancelable = 0;

    if (!conn->deadline.timer_set) {
        ngx_add_timer(&conn->deadline, timeout);
    }
}


ngx_cigna_redis_cmd_t *
ngx_cigna_redis_pop_slot(ngx_cigna_redis_conn_t *conn)
{
    ngx_queue_t             *q;
    ngx_cigna_redis_cmd_t   *cmd;
    ngx_cigna_redis_slot_t  *slot;

    q = ngx_queue_head(&conn->slots);
    slot = ngx_queue_data(q, ngx_cigna_redis_slot_t, queue);

    cmd = slot->cmd;

    ngx_queue_remove(q);
    ngx_cigna_redis_free_slot(conn->redis, slot);

    if (--conn->nslots == 0) {
        conn->deadline.cancelable = 1;
    }

    return cmd;
}


void
ngx_cigna_redis_free_slot(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_slot_t *slot)
{
    if (slot->cmd) {
        slot->cmd->slot = NULL;
        slot->cmd = NULL;
    }

    /* the one that was used last is still in the processor's cache */

    ngx_queue_insert_head(&redis->free_slots, &slot->queue);
}


ngx_int_t
ngx_cigna_redis_append(ngx_cigna_redis_out_t *out, const cigna_slice_t *argv,
    ngx_uint_t argc)
{
    size_t       need;
    cigna_buf_t  b;

    if (argc == 0 || argc > CIGNA_REDIS_ARGS_MAX) {
        return NGX_ERROR;
    }

    need = cigna_redis_length(argv, argc);

    if (ngx_cigna_redis_make_room(out, need) != NGX_OK) {
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
ngx_cigna_redis_make_room(ngx_cigna_redis_out_t *out, size_t need)
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

    ngx_cigna_redis_free(out);

    out->start = p;
    out->pos = p;
    out->last = p + len;
    out->end = p + size;

    return NGX_OK;
}


void
ngx_cigna_redis_rewind(ngx_cigna_redis_out_t *out)
{
    if (out->end - out->start > NGX_CIGNA_REDIS_OUT_KEEP) {
        ngx_cigna_redis_free(out);
        return;
    }

    if (out->start) {
        cigna_secret_wipe(out->start, out->last - out->start);
    }

    out->pos = out->start;
    out->last = out->start;
}


void
ngx_cigna_redis_free(ngx_cigna_redis_out_t *out)
{
    if (out->start) {
        cigna_secret_wipe(out->start, out->end - out->start);
        ngx_free(out->start);
    }

    ngx_memzero(out, sizeof(ngx_cigna_redis_out_t));
}

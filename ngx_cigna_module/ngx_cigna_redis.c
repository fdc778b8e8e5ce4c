
#include "ngx_cigna_redis_conn.h"


static ngx_cigna_redis_conn_t *ngx_cigna_redis_choose(
    ngx_cigna_redis_t *redis);


ngx_cigna_redis_t *
ngx_cigna_redis_create(ngx_cycle_t *cycle, ngx_cigna_redis_conf_t *conf)
{
    ngx_uint_t          i;
    ngx_pool_t         *pool;
    ngx_cigna_redis_t  *redis;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    redis = ngx_pcalloc(pool, sizeof(ngx_cigna_redis_t));
    if (redis == NULL) {
        goto failed;
    }

    redis->pool = pool;
    redis->conf = conf;
    redis->nconns = ngx_max(conf->connections, 1);

    redis->conns = ngx_pcalloc(pool,
                               redis->nconns * sizeof(ngx_cigna_redis_conn_t));
    redis->in = ngx_palloc(pool, NGX_CIGNA_REDIS_IN_SIZE);

    if (redis->conns == NULL || redis->in == NULL) {
        goto failed;
    }

    ngx_cigna_log_init(&redis->log, "redis");
    ngx_queue_init(&redis->free_slots);

    for (i = 0; i < redis->nconns; i++) {
        ngx_cigna_redis_conn_init(&redis->conns[i], redis);
    }

    return redis;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


ngx_int_t
ngx_cigna_redis_start(ngx_cigna_redis_t *redis, ngx_cigna_redis_cmd_t *cmd,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    ngx_cigna_redis_conn_t  *conn;

    cmd->outcome = cigna_ev_unsent;
    cmd->reply = NULL;
    cmd->slot = NULL;

    conn = ngx_cigna_redis_choose(redis);

    if (conn == NULL) {
        return NGX_ERROR;
    }

    return ngx_cigna_redis_conn_queue(conn, cmd, argv, argc);
}


/* the least loaded one; of those that are idle, one that is connected */

static ngx_cigna_redis_conn_t *
ngx_cigna_redis_choose(ngx_cigna_redis_t *redis)
{
    ngx_uint_t               i, load, least;
    ngx_cigna_redis_conn_t  *conn, *best;

    best = NULL;
    least = NGX_MAX_UINT32_VALUE;

    for (i = 0; i < redis->nconns; i++) {
        conn = &redis->conns[i];

        if (!ngx_cigna_redis_conn_usable(conn)) {
            continue;
        }

        load = 2 * conn->nslots + (conn->state != ngx_cigna_redis_ready);

        if (load < least) {
            least = load;
            best = conn;
        }
    }

    return best;
}


void
ngx_cigna_redis_cancel(ngx_cigna_redis_cmd_t *cmd)
{
    ngx_cigna_redis_slot_t  *slot;

    slot = cmd->slot;

    if (slot) {
        slot->cmd = NULL;
        cmd->slot = NULL;
    }
}


void
ngx_cigna_redis_done(ngx_cigna_redis_cmd_t *cmd)
{
    ngx_cigna_redis_cancel(cmd);

    cigna_reply_destroy(cmd->reply);
    cmd->reply = NULL;
}


void
ngx_cigna_redis_destroy(ngx_cigna_redis_t *redis)
{
    ngx_uint_t  i;

    for (i = 0; i < redis->nconns; i++) {
        ngx_cigna_redis_conn_destroy(&redis->conns[i]);
    }

    ngx_destroy_pool(redis->pool);
}

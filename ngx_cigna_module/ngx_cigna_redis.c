
#include "ngx_cigna_redis_subscriber.h"


/*
 * Which connection a command takes, and when connections are made.
 *
 * A connection that cannot be made is tried with each origin in turn, then it
 * rests, longer each time, and tries again by itself.  Commands wait for the
 * first round only.  Once it has failed Redis is "down": until a connection is
 * ready again no command waits for one, and no further connections are made.
 */


#define NGX_CIGNA_REDIS_WAITING_MAX  4096  /* commands, until connected */
#define NGX_CIGNA_REDIS_PENDING_MAX  65536


static ngx_int_t ngx_cigna_redis_init(ngx_cigna_redis_t *redis,
    ngx_pool_t *pool);
static ngx_cigna_redis_conn_t *ngx_cigna_redis_choose(
    ngx_cigna_redis_t *redis);
static ngx_uint_t ngx_cigna_redis_usable(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_connect(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_up_handler(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_failed_handler(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_next_origin(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_back_off(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_retry_handler(ngx_event_t *ev);


ngx_cigna_redis_t *
ngx_cigna_redis_create(ngx_cycle_t *cycle, ngx_cigna_redis_conf_t *conf)
{
    ngx_pool_t         *pool;
    ngx_cigna_redis_t  *redis;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    redis = ngx_pcalloc(pool, sizeof(ngx_cigna_redis_t));

    if (redis) {
        redis->shared.conf = conf;

        if (ngx_cigna_redis_init(redis, pool) == NGX_OK) {
            return redis;
        }
    }

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_cigna_redis_init(ngx_cigna_redis_t *redis, ngx_pool_t *pool)
{
    ngx_uint_t                 i;
    ngx_cigna_redis_conn_t    *conn;
    ngx_cigna_redis_shared_t  *shared;

    shared = &redis->shared;

    redis->pool = pool;
    ngx_queue_init(&redis->subscribers);
    redis->nconns = ngx_max(shared->conf->connections, 1);

    redis->conns = ngx_pcalloc(pool,
                               redis->nconns * sizeof(ngx_cigna_redis_conn_t));

    shared->in = ngx_palloc(pool, NGX_CIGNA_REDIS_IN_SIZE);

    if (redis->conns == NULL || shared->in == NULL) {
        return NGX_ERROR;
    }

    ngx_cigna_log_init(&shared->log, "redis");

    shared->slots.pool = pool;
    ngx_queue_init(&shared->slots.free);

    for (i = 0; i < redis->nconns; i++) {
        conn = &redis->conns[i];

        conn->shared = shared;
        conn->owner = redis;
        conn->up = ngx_cigna_redis_up_handler;
        conn->failed = ngx_cigna_redis_failed_handler;

        conn->retry.handler = ngx_cigna_redis_retry_handler;
        conn->retry.data = conn;
        conn->retry.log = &shared->log.log;
        conn->retry.cancelable = 1;

        ngx_cigna_redis_conn_init(conn);
    }

    return NGX_OK;
}


void
ngx_cigna_redis_on_connected(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_connected_pt handler, void *data)
{
    redis->connected = handler;
    redis->connected_data = data;
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

    if (conn->state == ngx_cigna_redis_closed) {
        ngx_cigna_redis_connect(conn);

        if (conn->state == ngx_cigna_redis_closed) {
            return NGX_ERROR;
        }
    }

    return ngx_cigna_redis_conn_queue(conn, cmd, argv, argc);
}


/* the least loaded one; of those without load, one that is ready */

static ngx_cigna_redis_conn_t *
ngx_cigna_redis_choose(ngx_cigna_redis_t *redis)
{
    ngx_uint_t               i, load, least;
    ngx_cigna_redis_conn_t  *conn, *best;

    best = NULL;
    least = NGX_MAX_UINT32_VALUE;

    for (i = 0; i < redis->nconns; i++) {
        conn = &redis->conns[i];

        if (!ngx_cigna_redis_usable(redis, conn)) {
            continue;
        }

        load = 2 * conn->queue.n + (conn->state != ngx_cigna_redis_ready);

        if (load < least) {
            least = load;
            best = conn;
        }
    }

    return best;
}


static ngx_uint_t
ngx_cigna_redis_usable(ngx_cigna_redis_t *redis, ngx_cigna_redis_conn_t *conn)
{
    if (conn->state == ngx_cigna_redis_ready) {
        return conn->queue.n < NGX_CIGNA_REDIS_PENDING_MAX;
    }

    return !redis->down && conn->failures == 0
           && conn->queue.n < NGX_CIGNA_REDIS_WAITING_MAX;
}


static void
ngx_cigna_redis_connect(ngx_cigna_redis_conn_t *conn)
{
    ngx_cigna_redis_t  *redis;

    redis = conn->owner;

    if (conn->replica) {
        ngx_cigna_redis_next_origin(conn);
    }

    conn->origin = redis->origin;
    conn->tried++;

    ngx_cigna_redis_conn_connect(conn,
                                 &redis->shared.conf->origins[conn->origin]);
}


static void
ngx_cigna_redis_up_handler(ngx_cigna_redis_conn_t *conn)
{
    ngx_uint_t          level;
    ngx_cigna_redis_t  *redis;

    redis = conn->owner;

    level = redis->down ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    ngx_log_error(level, &redis->shared.log.log, 0,
                  "redis \"%V\" is connected",
                  &redis->shared.conf->origins[conn->origin].name);

    redis->down = 0;

    conn->failures = 0;
    conn->tried = 0;

    if (redis->connected) {
        redis->connected(redis->connected_data, INT64_MAX);
    }
}


static void
ngx_cigna_redis_failed_handler(ngx_cigna_redis_conn_t *conn,
    const char *error)
{
    ngx_uint_t          level, last;
    ngx_cigna_redis_t  *redis;

    redis = conn->owner;

    last = (conn->tried == redis->shared.conf->norigins);
    level = (last && !redis->down) ? NGX_LOG_ERR : NGX_LOG_INFO;

    ngx_log_error(level, &redis->shared.log.log, 0,
                  "redis \"%V\" cannot be used: %s",
                  &redis->shared.conf->origins[conn->origin].name, error);

    ngx_cigna_redis_next_origin(conn);

    if (!last) {
        ngx_cigna_redis_connect(conn);
        return;
    }

    redis->down = 1;

    ngx_cigna_redis_back_off(conn);
}


/* unless another connection has found out the same before */

static void
ngx_cigna_redis_next_origin(ngx_cigna_redis_conn_t *conn)
{
    ngx_cigna_redis_t  *redis;

    redis = conn->owner;

    if (redis->origin == conn->origin) {
        redis->origin = (redis->origin + 1) % redis->shared.conf->norigins;
    }
}


static void
ngx_cigna_redis_back_off(ngx_cigna_redis_conn_t *conn)
{
    conn->tried = 0;

    ngx_add_timer(&conn->retry, ngx_cigna_redis_pause(conn->failures++));

    ngx_cigna_redis_conn_give_up(conn);
}


static void
ngx_cigna_redis_retry_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_connect(ev->data);
}


void
ngx_cigna_redis_cancel(ngx_cigna_redis_cmd_t *cmd)
{
    if (cmd->slot) {
        ngx_cigna_redis_queue_cancel(cmd);
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
    ngx_uint_t               i;
    ngx_cigna_redis_conn_t  *conn;

    ngx_cigna_redis_subscribers_destroy(redis);

    for (i = 0; i < redis->nconns; i++) {
        conn = &redis->conns[i];

        if (conn->retry.timer_set) {
            ngx_del_timer(&conn->retry);
        }

        ngx_cigna_redis_conn_destroy(conn);
    }

    ngx_destroy_pool(redis->pool);
}


#include "ngx_cigna_redis_topology.h"
#include "ngx_cigna_redis_node.h"
#include "ngx_cigna_redis_pending.h"
#include "ngx_cigna_redis_subscriber.h"
#include "redis/cigna_cluster.h"


#define NGX_CIGNA_REDIS_WAITING_MAX  4096  /* commands in the room */


static ngx_int_t ngx_cigna_redis_init(ngx_cigna_redis_t *redis);
static ngx_int_t ngx_cigna_redis_wait(ngx_cigna_redis_t *redis);


static const ngx_cigna_redis_topology_t  *ngx_cigna_redis_topologies[] = {
    [ngx_cigna_redis_alone] = &ngx_cigna_redis_topology_alone,
    [ngx_cigna_redis_watched] = &ngx_cigna_redis_topology_watched,
    [ngx_cigna_redis_clustered] = &ngx_cigna_redis_topology_clustered
};


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
        redis->pool = pool;
        redis->shared.conf = conf;

        if (ngx_cigna_redis_init(redis) == NGX_OK) {
            return redis;
        }
    }

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_cigna_redis_init(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_shared_t  *shared;

    shared = &redis->shared;

    ngx_cigna_log_init(&shared->log, "redis");
    ngx_cigna_redis_calls_init(&shared->calls, redis->pool);

    shared->in = ngx_palloc(redis->pool, NGX_CIGNA_REDIS_IN_SIZE);

    if (shared->in == NULL || ngx_cigna_redis_wait(redis) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_queue_init(&redis->nodes);
    ngx_queue_init(&redis->subscribers);

    ngx_cigna_redis_pending_init(redis);

    redis->topology = ngx_cigna_redis_topologies[shared->conf->mode];

    return redis->topology->init(redis);
}


/* the command "WAIT", as bytes */

static ngx_int_t
ngx_cigna_redis_wait(ngx_cigna_redis_t *redis)
{
    u_char                  *p, replicas[NGX_INT_T_LEN], ms[NGX_INT_T_LEN];
    cigna_buf_t              b;
    cigna_slice_t            argv[3];
    ngx_cigna_redis_conf_t  *conf;

    conf = redis->shared.conf;

    p = ngx_sprintf(replicas, "%ui", conf->wait_replicas);

    argv[0] = cigna_slice("WAIT");
    argv[1] = cigna_slice_make(replicas, p);

    p = ngx_sprintf(ms, "%M", conf->wait_timeout);

    argv[2] = cigna_slice_make(ms, p);

    redis->shared.wait.len = cigna_redis_length(argv, 3);
    redis->shared.wait.data = ngx_pnalloc(redis->pool,
                                          redis->shared.wait.len);

    if (redis->shared.wait.data == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, redis->shared.wait.data, redis->shared.wait.len);
    cigna_redis_append(&b, argv, 3);

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
    unsigned                 slot;
    ngx_int_t                rc;
    ngx_msec_t               timeout;
    ngx_cigna_redis_call_t  *call;
    ngx_cigna_redis_conf_t  *conf;

    conf = redis->shared.conf;

    cmd->outcome = cigna_ev_unsent;
    cmd->reply = NULL;
    cmd->call = NULL;

    timeout = conf->timeout;

    if (conf->wait_replicas == 0) {
        cmd->durable = 0;

    } else if (cmd->durable) {
        timeout += conf->wait_timeout;
    }

    call = ngx_cigna_redis_call_create(&redis->shared.calls, cmd, argv, argc,
                                       timeout);
    if (call == NULL) {
        return NGX_ERROR;
    }

    if (cigna_cluster_slot(argv, argc, &slot) == CIGNA_OK) {
        call->slot = slot;
    }

    rc = ngx_cigna_redis_dispatch(redis, call);

    if (rc == NGX_OK) {
        return NGX_AGAIN;
    }

    if (rc == NGX_AGAIN && redis->room.n < NGX_CIGNA_REDIS_WAITING_MAX) {
        ngx_cigna_redis_pending_enter(redis, call);
        return NGX_AGAIN;
    }

    ngx_cigna_redis_call_destroy(&redis->shared.calls, call);

    return NGX_ERROR;
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
    ngx_queue_t  *q;

    ngx_cigna_redis_subscribers_destroy(redis);

    redis->topology->done(redis);

    for (q = ngx_queue_head(&redis->nodes);
         q != ngx_queue_sentinel(&redis->nodes);
         q = ngx_queue_next(q))
    {
        ngx_cigna_redis_node_done(ngx_queue_data(q, ngx_cigna_redis_node_t,
                                                 link));
    }

    ngx_cigna_redis_pending_done(redis);

    ngx_destroy_pool(redis->pool);
}

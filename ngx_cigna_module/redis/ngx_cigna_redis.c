
#include "ngx_cigna_redis.h"
#include "ngx_cigna_redis_lookup.h"
#include "ngx_cigna_redis_node.h"
#include "ngx_cigna_redis_subscriber.h"
#include "redis/cigna_cluster.h"


#define NGX_CIGNA_REDIS_WAITING_MAX  4096  /* commands that wait for a
                                              connection, at most */


static ngx_int_t ngx_cigna_redis_init(ngx_cigna_redis_t *redis);
static ngx_int_t ngx_cigna_redis_wait(ngx_cigna_redis_t *redis);
static ngx_cigna_redis_call_t *ngx_cigna_redis_call(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc);
static ngx_int_t ngx_cigna_redis_dispatch(void *data,
    ngx_cigna_redis_call_t *call);


static const ngx_cigna_redis_topology_t  *ngx_cigna_redis_topologies[] = {
    [ngx_cigna_redis_mode_standalone] = &ngx_cigna_redis_topology_standalone,
    [ngx_cigna_redis_mode_sentinel] = &ngx_cigna_redis_topology_sentinel,
    [ngx_cigna_redis_mode_cluster] = &ngx_cigna_redis_topology_cluster
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

        cigna_redis_free(redis->shared.wait.data, redis->shared.wait.len);
    }

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_cigna_redis_init(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_shared_t   *shared;
    ngx_cigna_redis_pending_t  *pending;

    shared = &redis->shared;
    pending = &redis->pending;

    ngx_cigna_log_init(&shared->log, "redis");
    ngx_cigna_redis_calls_init(&shared->calls, redis->pool);

    shared->in = ngx_palloc(redis->pool, NGX_CIGNA_REDIS_IN_SIZE);

    if (shared->in == NULL || ngx_cigna_redis_wait(redis) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_queue_init(&redis->nodes);

    pending->memory = &shared->calls;
    pending->dispatch = ngx_cigna_redis_dispatch;
    pending->data = redis;
    pending->log = ngx_cigna_redis_log(redis);

    ngx_cigna_redis_pending_init(pending);

    redis->topology = ngx_cigna_redis_topologies[shared->conf->mode];

    return redis->topology->init(redis);
}


/* makes the bytes of the command "WAIT", which are the same for all calls */

static ngx_int_t
ngx_cigna_redis_wait(ngx_cigna_redis_t *redis)
{
    u_char                  *p, replicas[NGX_INT_T_LEN], ms[NGX_INT_T_LEN];
    ngx_str_t               *wait;
    cigna_slice_t            argv[3];
    ngx_cigna_redis_conf_t  *conf = redis->shared.conf;

    wait = &redis->shared.wait;

    p = ngx_sprintf(replicas, "%ui", conf->wait_replicas);

    argv[0] = cigna_slice("WAIT");
    argv[1] = cigna_slice_make(replicas, p);

    p = ngx_sprintf(ms, "%M", conf->wait_timeout);

    argv[2] = cigna_slice_make(ms, p);

    return cigna_redis_format(argv, 3, &wait->data, &wait->len) == CIGNA_OK
           ? NGX_OK : NGX_ERROR;
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
    ngx_int_t                rc;
    ngx_cigna_redis_call_t  *call;

    cmd->outcome = cigna_ev_unsent;
    cmd->reply = NULL;
    cmd->back = NULL;

    call = ngx_cigna_redis_call(redis, cmd, argv, argc);
    if (call == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_cigna_redis_dispatch(redis, call);

    if (rc == NGX_OK) {
        return NGX_AGAIN;
    }

    if (rc == NGX_AGAIN && redis->pending.n < NGX_CIGNA_REDIS_WAITING_MAX) {
        ngx_cigna_redis_pending_enter(&redis->pending, call);
        return NGX_AGAIN;
    }

    ngx_cigna_redis_call_destroy(&redis->shared.calls, call);

    return NGX_ERROR;
}


static ngx_cigna_redis_call_t *
ngx_cigna_redis_call(ngx_cigna_redis_t *redis, ngx_cigna_redis_cmd_t *cmd,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    unsigned                 slot;
    ngx_msec_t               timeout;
    ngx_cigna_redis_call_t  *call;
    ngx_cigna_redis_conf_t  *conf = redis->shared.conf;

    timeout = conf->timeout;

    if (conf->wait_replicas == 0) {
        cmd->durable = 0;

    } else if (cmd->durable) {
        timeout += conf->wait_timeout;
    }

    call = ngx_cigna_redis_call_create(&redis->shared.calls, cmd, argv, argc,
                                       timeout);

    if (call && cigna_cluster_slot(argv, argc, &slot) == CIGNA_OK) {
        call->slot = slot;
    }

    return call;
}


/* sends a call to its node, or to the node that the topology chooses */

static ngx_int_t
ngx_cigna_redis_dispatch(void *data, ngx_cigna_redis_call_t *call)
{
    ngx_cigna_redis_t *redis = data;

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


void
ngx_cigna_redis_destroy(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_node_t  *node;

    ngx_cigna_redis_subscriber_done(redis);

    if (redis->lookup) {
        ngx_cigna_redis_lookup_done(redis->lookup);
    }

    ngx_cigna_redis_each_node(redis, node) {
        ngx_cigna_redis_node_done(node);
    }

    ngx_cigna_redis_pending_done(&redis->pending);

    cigna_redis_free(redis->shared.wait.data, redis->shared.wait.len);

    ngx_destroy_pool(redis->pool);
}

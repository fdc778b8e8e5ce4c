
#include "ngx_cigna_redis_node.h"
#include "ngx_cigna_redis_pending.h"
#include "ngx_cigna_redis_check.h"
#include "vault/cigna_marker.h"


/*
 * Which connection a call takes, and when connections are made.
 *
 * A connection that cannot be made is tried with each origin in turn, then it
 * rests, longer each time.  If no other is ready the node is "down": it tries
 * again by itself, and until a connection is ready no call waits for one, but
 * where the topology has hope of better news.
 *
 * Durable calls have connections of their own, one call each at a time: what
 * "WAIT" waits for would keep other commands waiting, too.
 */


#define NGX_CIGNA_REDIS_NODES_MAX    4096
#define NGX_CIGNA_REDIS_DURABLE      4     /* connections */
#define NGX_CIGNA_REDIS_PENDING_MAX  65536
#define NGX_CIGNA_REDIS_TRIES_MAX    4096  /* of a call; it is late before */
#define NGX_CIGNA_REDIS_SHIFTS_MAX   20    /* of the marker, then it is down */
#define NGX_CIGNA_REDIS_SHIFT_MS     50
#define NGX_CIGNA_REDIS_UNSERVED_MS  100


static ngx_cigna_redis_node_t *ngx_cigna_redis_node_create(
    ngx_cigna_redis_t *redis);
static ngx_str_t ngx_cigna_redis_node_host(cigna_server_t *server,
    ngx_cigna_origin_t *teller);
static ngx_int_t ngx_cigna_redis_node_conns(ngx_cigna_redis_node_t *node);
static ngx_cigna_redis_conn_t *ngx_cigna_redis_node_choose(
    ngx_cigna_redis_node_t *node, ngx_cigna_redis_call_t *call);
static ngx_uint_t ngx_cigna_redis_node_resting(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_node_connect(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_node_up(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_node_failed(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_node_rest(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_node_pause(ngx_cigna_redis_conn_t *conn,
    ngx_msec_t ms);
static void ngx_cigna_redis_node_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);
static void ngx_cigna_redis_node_durable(ngx_cigna_redis_conn_t *conn,
    cigna_reply_t *reply);
static void ngx_cigna_redis_node_closed(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls);
static void ngx_cigna_redis_node_again(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call);
static void ngx_cigna_redis_node_next_origin(ngx_cigna_redis_node_t *node,
    ngx_cigna_origin_t *origin);
static void ngx_cigna_redis_node_retry_handler(ngx_event_t *ev);


static const ngx_cigna_redis_conn_ops_t  ngx_cigna_redis_node_ops = {
    ngx_cigna_redis_node_up,
    ngx_cigna_redis_node_failed,
    ngx_cigna_redis_node_answered,
    ngx_cigna_redis_node_closed,
    NULL
};


#define ngx_cigna_redis_nconns(redis)                                         \
    ((redis)->shared.conf->connections + NGX_CIGNA_REDIS_DURABLE)


ngx_cigna_redis_node_t *
ngx_cigna_redis_node_seeds(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_node_t  *node;

    node = ngx_cigna_redis_node_create(redis);

    if (node) {
        node->origins = redis->shared.conf->origins;
        node->norigins = redis->shared.conf->norigins;
    }

    return node;
}


ngx_cigna_redis_node_t *
ngx_cigna_redis_node_find(ngx_cigna_redis_t *redis, cigna_server_t *server,
    ngx_cigna_origin_t *teller)
{
    ngx_str_t                host;
    ngx_queue_t             *q;
    ngx_cigna_redis_node_t  *node;

    host = ngx_cigna_redis_node_host(server, teller);

    for (q = ngx_queue_head(&redis->nodes);
         q != ngx_queue_sentinel(&redis->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_cigna_redis_node_t, link);

        if (node->own.port == server->port && node->own.host.len == host.len
            && ngx_strncasecmp(node->own.host.data, host.data, host.len) == 0)
        {
            return node;
        }
    }

    return NULL;
}


static ngx_str_t
ngx_cigna_redis_node_host(cigna_server_t *server, ngx_cigna_origin_t *teller)
{
    ngx_str_t  host;

    if (server->host.len == 0) {
        return teller->host;
    }

    host.data = (u_char *) server->host.data;
    host.len = server->host.len;

    return host;
}


ngx_cigna_redis_node_t *
ngx_cigna_redis_node_get(ngx_cigna_redis_t *redis, cigna_server_t *server,
    ngx_cigna_origin_t *teller)
{
    ngx_str_t                host;
    ngx_cigna_redis_node_t  *node;
    ngx_cigna_redis_conf_t  *conf;

    node = ngx_cigna_redis_node_find(redis, server, teller);

    if (node) {
        return node;
    }

    conf = redis->shared.conf;
    host = ngx_cigna_redis_node_host(server, teller);

    if (redis->nnodes == NGX_CIGNA_REDIS_NODES_MAX) {
        ngx_log_error(NGX_LOG_ERR, ngx_cigna_redis_log(redis), 0,
                      "redis \"%V:%ui\" is one server too many, reload nginx",
                      &host, (ngx_uint_t) server->port);
        return NULL;
    }

    node = ngx_cigna_redis_node_create(redis);

    if (node == NULL
        || ngx_cigna_origin_set(&node->own, &node->mem, &host, server->port,
                                &conf->tls_name, conf->origins,
                                conf->norigins)
           != NGX_OK)
    {
        return NULL;
    }

    node->origins = &node->own;
    node->norigins = 1;

    ngx_queue_insert_tail(&redis->nodes, &node->link);
    redis->nnodes++;

    return node;
}


static ngx_cigna_redis_node_t *
ngx_cigna_redis_node_create(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_node_t  *node;

    node = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_node_t));
    if (node == NULL) {
        return NULL;
    }

    node->redis = redis;
    node->slot = CIGNA_MARKER_NO_SLOT;

    node->retry.handler = ngx_cigna_redis_node_retry_handler;
    node->retry.data = node;
    node->retry.log = ngx_cigna_redis_log(redis);
    node->retry.cancelable = 1;

    return node;
}


static ngx_int_t
ngx_cigna_redis_node_conns(ngx_cigna_redis_node_t *node)
{
    ngx_uint_t               i, n;
    ngx_cigna_redis_t       *redis;
    ngx_cigna_redis_conn_t  *conn;
    ngx_cigna_redis_conf_t  *conf;

    if (node->conns) {
        return NGX_OK;
    }

    redis = node->redis;
    conf = redis->shared.conf;
    n = ngx_cigna_redis_nconns(redis);

    node->conns = ngx_pcalloc(redis->pool,
                              n * sizeof(ngx_cigna_redis_conn_t));
    if (node->conns == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        conn = &node->conns[i];

        conn->shared = &redis->shared;
        conn->ops = &ngx_cigna_redis_node_ops;
        conn->owner = node;
        conn->login = &conf->login;
        conn->db = conf->db;
        conn->check = conf->vault ? cigna_redis_handshake_check_vault
                                  : cigna_redis_handshake_check_policy;
        conn->slot = &node->slot;
        conn->durable = (i >= conf->connections);

        ngx_cigna_redis_conn_init(conn);
    }

    return NGX_OK;
}


ngx_int_t
ngx_cigna_redis_node_send(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call)
{
    ngx_cigna_redis_conn_t  *conn;

    if (ngx_cigna_redis_node_conns(node) != NGX_OK) {
        return NGX_ERROR;
    }

    node->wanted = 1;

    conn = ngx_cigna_redis_node_choose(node, call);

    if (conn) {
        conn->leaving = 0;
        return ngx_cigna_redis_conn_send_call(conn, call);
    }

    if (node->down) {
        return node->hope ? NGX_AGAIN : NGX_ERROR;
    }

    return NGX_AGAIN;
}


/*
 * The least loaded one that is ready.  If it has something to do already, or
 * there is none, another one is made, for the calls that come next.
 */

static ngx_cigna_redis_conn_t *
ngx_cigna_redis_node_choose(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call)
{
    ngx_uint_t               i, n, coming;
    ngx_cigna_redis_conn_t  *conn, *best, *closed;

    best = NULL;
    closed = NULL;
    coming = 0;

    n = ngx_cigna_redis_nconns(node->redis);

    for (i = 0; i < n; i++) {
        conn = &node->conns[i];

        if (conn->durable != call->durable) {
            continue;
        }

        if (conn->state == ngx_cigna_redis_ready) {

            if (conn->error == NULL
                && (best == NULL || conn->queue.n < best->queue.n))
            {
                best = conn;
            }

        } else if (conn->state != ngx_cigna_redis_closed) {
            coming = 1;

        } else if (closed == NULL && !ngx_cigna_redis_node_resting(conn)) {
            closed = conn;
        }
    }

    if (closed && !coming && !node->down && (best == NULL || best->queue.n)) {
        ngx_cigna_redis_node_connect(closed);
    }

    if (best && best->queue.n >= (call->durable ? 1
                                                : NGX_CIGNA_REDIS_PENDING_MAX))
    {
        return NULL;
    }

    return best;
}


static ngx_uint_t
ngx_cigna_redis_node_resting(ngx_cigna_redis_conn_t *conn)
{
    if (conn->resting
        && (ngx_msec_int_t) (conn->rest_by - ngx_current_msec) <= 0)
    {
        conn->resting = 0;
    }

    return conn->resting;
}


static void
ngx_cigna_redis_node_connect(ngx_cigna_redis_conn_t *conn)
{
    ngx_cigna_redis_node_t  *node;

    node = conn->owner;

    if (conn->replica) {
        ngx_cigna_redis_node_next_origin(node, conn->peer.origin);
    }

    ngx_cigna_redis_conn_connect(conn, &node->origins[node->origin]);
}


static void
ngx_cigna_redis_node_up(ngx_cigna_redis_conn_t *conn)
{
    int64_t                  age;
    ngx_uint_t               level;
    ngx_cigna_redis_t       *redis;
    ngx_cigna_redis_node_t  *node;

    node = conn->owner;
    redis = node->redis;

    level = node->down ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    ngx_log_error(level, ngx_cigna_redis_log(redis), 0,
                  "redis \"%V\" is connected", &conn->peer.origin->name);

    node->down = 0;
    node->failures = 0;
    node->shifts = 0;
    node->tried = 0;

    if (node->retry.timer_set) {
        ngx_del_timer(&node->retry);
    }

    conn->served = 0;

    if (!node->wanted) {
        conn->error = "it is needed no more";
        return;
    }

    ngx_cigna_redis_pending_wake(redis);

    if (redis->connected) {
        age = conn->setup.age_ms;

        redis->connected(redis->connected_data, (age < 0) ? INT64_MAX : age,
                         conn->setup.primary, conn->durable);
    }
}


static void
ngx_cigna_redis_node_failed(ngx_cigna_redis_conn_t *conn, const char *error)
{
    ngx_uint_t               level, last;
    ngx_cigna_redis_node_t  *node;

    node = conn->owner;

    if (!node->wanted) {
        return;
    }

    if (conn->setup.rc == cigna_redis_handshake_elsewhere
        && node->shifts++ < NGX_CIGNA_REDIS_SHIFTS_MAX)
    {
        /* slots are on the move, and the topology knows another one */

        (void) node->redis->topology->trouble(node);

        ngx_cigna_redis_node_pause(conn, NGX_CIGNA_REDIS_SHIFT_MS);
        return;
    }

    last = (++node->tried >= node->norigins);
    level = (last && node->failures == 0) ? NGX_LOG_ERR : NGX_LOG_INFO;

    ngx_log_error(level, ngx_cigna_redis_log(node->redis), 0,
                  "redis \"%V\" cannot be used: %s",
                  &conn->peer.origin->name, error);

    ngx_cigna_redis_node_next_origin(node, conn->peer.origin);

    if (!last) {
        conn->replica = 0;
        ngx_cigna_redis_node_connect(conn);
        return;
    }

    ngx_cigna_redis_node_rest(conn);
}


/* a round has failed */

static void
ngx_cigna_redis_node_rest(ngx_cigna_redis_conn_t *conn)
{
    ngx_uint_t               hope;
    ngx_cigna_redis_node_t  *node;

    node = conn->owner;

    node->tried = 0;
    conn->replica = 0;

    ngx_cigna_redis_node_pause(conn, ngx_cigna_redis_pause(node->failures++));

    hope = node->redis->topology->trouble(node);

    if (ngx_cigna_redis_node_ready(node)) {
        return;
    }

    if (!node->down) {
        node->down = 1;
        node->hope = hope;
    }

    ngx_cigna_redis_pending_wake(node->redis);
}


static void
ngx_cigna_redis_node_pause(ngx_cigna_redis_conn_t *conn, ngx_msec_t ms)
{
    ngx_cigna_redis_node_t  *node;

    node = conn->owner;

    conn->resting = 1;
    conn->rest_by = ngx_current_msec + ms;

    if (!node->retry.timer_set) {
        ngx_add_timer(&node->retry, ms);
    }
}


static void
ngx_cigna_redis_node_retry_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_node_t  *node;

    node = ev->data;

    if (node->conns[0].state == ngx_cigna_redis_closed) {
        ngx_cigna_redis_node_connect(&node->conns[0]);
    }

    /* others are made for those who wait */

    ngx_cigna_redis_pending_wake(node->redis);
}


static void
ngx_cigna_redis_node_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    ngx_cigna_redis_t       *redis;
    ngx_cigna_redis_node_t  *node;

    node = conn->owner;
    redis = node->redis;

    conn->served = 1;

    if (conn->durable) {
        ngx_cigna_redis_node_durable(conn, reply);
        ngx_cigna_redis_pending_wake(redis);
    }

    if (reply == NULL) {
        ngx_cigna_redis_call_finish(&redis->shared.calls, call,
                                    cigna_ev_lost, NULL);
        return;
    }

    if (cigna_reply_type(reply) == cigna_reply_error
        && call->cmd && ngx_cigna_redis_call_left(call)
        && redis->topology->answered(node, call, reply) == NGX_AGAIN)
    {
        cigna_reply_destroy(reply);
        ngx_cigna_redis_node_again(node, call);
        return;
    }

    if (ngx_cigna_redis_check_doubt(conn, call, reply) == NGX_OK) {
        return;
    }

    ngx_cigna_redis_call_finish(&redis->shared.calls, call, cigna_ev_ok,
                                reply);
}


/* logged when it begins and when it ends */

static void
ngx_cigna_redis_node_durable(ngx_cigna_redis_conn_t *conn,
    cigna_reply_t *reply)
{
    ngx_uint_t               level, behind;
    ngx_cigna_redis_node_t  *node;

    if (cigna_reply_type(reply) == cigna_reply_error) {
        return;
    }

    node = conn->owner;
    behind = (reply == NULL);

    if (behind == node->behind) {
        return;
    }

    node->behind = behind;
    level = behind ? NGX_LOG_ERR : NGX_LOG_NOTICE;

    ngx_log_error(level, ngx_cigna_redis_log(node->redis), 0,
                  "redis \"%V\" has %s than %ui replicas that keep up",
                  &conn->peer.origin->name, behind ? "fewer" : "no fewer",
                  node->redis->shared.conf->wait_replicas);
}


static void
ngx_cigna_redis_node_closed(ngx_cigna_redis_conn_t *conn, ngx_queue_t *calls)
{
    ngx_cigna_redis_t       *redis;
    ngx_cigna_redis_node_t  *node;
    ngx_cigna_redis_call_t  *call;

    node = conn->owner;
    redis = node->redis;

    if (!conn->leaving && !ngx_exiting) {
        (void) redis->topology->trouble(node);
    }

    if (!conn->served && !ngx_queue_empty(calls)) {

        /* it would be the same again at once, and again */

        ngx_cigna_redis_node_pause(conn, NGX_CIGNA_REDIS_UNSERVED_MS);
    }

    while (!ngx_queue_empty(calls)) {
        call = ngx_cigna_redis_call_first(calls);
        ngx_queue_remove(&call->link);

        if (call->cmd == NULL || (call->lost && !call->reads)
            || ngx_cigna_redis_call_left(call) == 0)
        {
            ngx_cigna_redis_call_finish(&redis->shared.calls, call,
                                        call->lost ? cigna_ev_lost
                                                   : cigna_ev_unsent, NULL);

        } else {
            ngx_cigna_redis_node_again(node, call);
        }
    }
}


/* Redis has not run it, or might as well not have */

static void
ngx_cigna_redis_node_again(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call)
{
    if (call->tries++ == NGX_CIGNA_REDIS_TRIES_MAX) {
        ngx_cigna_redis_call_finish(&node->redis->shared.calls, call,
                                    cigna_ev_unsent, NULL);
        return;
    }

    ngx_cigna_redis_pending_enter(node->redis, call);
    ngx_cigna_redis_pending_wake(node->redis);
}


/* unless another connection has found out the same before */

static void
ngx_cigna_redis_node_next_origin(ngx_cigna_redis_node_t *node,
    ngx_cigna_origin_t *origin)
{
    if (origin == &node->origins[node->origin]) {
        node->origin = (node->origin + 1) % node->norigins;
    }
}


ngx_uint_t
ngx_cigna_redis_node_ready(ngx_cigna_redis_node_t *node)
{
    ngx_uint_t  i;

    for (i = 0; node->conns && i < node->redis->shared.conf->connections; i++)
    {
        if (node->conns[i].state == ngx_cigna_redis_ready) {
            return 1;
        }
    }

    return 0;
}


ngx_cigna_origin_t *
ngx_cigna_redis_node_origin(ngx_cigna_redis_node_t *node)
{
    return &node->origins[node->origin];
}


void
ngx_cigna_redis_node_leave(ngx_cigna_redis_node_t *node)
{
    ngx_uint_t  i;

    node->wanted = 0;
    node->down = 0;
    node->failures = 0;

    if (node->retry.timer_set) {
        ngx_del_timer(&node->retry);
    }

    for (i = 0; node->conns && i < ngx_cigna_redis_nconns(node->redis); i++) {
        ngx_cigna_redis_conn_leave(&node->conns[i]);
    }
}


void
ngx_cigna_redis_node_done(ngx_cigna_redis_node_t *node)
{
    ngx_uint_t  i;

    if (node->retry.timer_set) {
        ngx_del_timer(&node->retry);
    }

    for (i = 0; node->conns && i < ngx_cigna_redis_nconns(node->redis); i++) {
        ngx_cigna_redis_conn_destroy(&node->conns[i]);
    }
}


#include "ngx_cigna_redis_node.h"
#include "ngx_cigna_redis_check.h"


/*
 * Chooses the connection of a call, and makes connections.
 *
 * To make a connection, the node tries each of its origins in turn.  If all
 * fail, the connection rests, longer each time.  If no other connection is
 * ready, the node is "down".  A node that is down tries again by itself.
 * Meanwhile its calls fail at once, unless the topology may soon find another
 * server.
 *
 * Durable calls have separate connections, with one call at a time on each,
 * because "WAIT" would make the commands behind it wait for the replicas, too.
 */


#define NGX_CIGNA_REDIS_NODES_MAX    4096
#define NGX_CIGNA_REDIS_DURABLE      4     /* connections for durable calls */
#define NGX_CIGNA_REDIS_PENDING_MAX  65536 /* limit of the calls in one
                                              connection */
#define NGX_CIGNA_REDIS_TRIES_MAX    4096  /* tries of one call; its deadline
                                              mostly comes first */
#define NGX_CIGNA_REDIS_SHIFTS_MAX   20    /* slots whose marker is tried, one
                                              after the other */
#define NGX_CIGNA_REDIS_SHIFT_MS     50    /* ms before the next slot is
                                              tried */
#define NGX_CIGNA_REDIS_UNSERVED_MS  100   /* pause after a connection that
                                              ended before it answered a
                                              call */


/* one connection of a node, and the owner of "conn" */

struct ngx_cigna_redis_node_conn_s {
    ngx_cigna_redis_conn_t    conn;
    ngx_cigna_redis_check_t   check;
    ngx_cigna_redis_node_t   *node;
    ngx_msec_t                rest_until;
    unsigned                  resting:1;
    unsigned                  durable:1;   /* for durable calls */
    unsigned                  served:1;    /* the connection has answered a
                                              call */
};


static ngx_int_t ngx_cigna_redis_node_conns(ngx_cigna_redis_node_t *node);
static ngx_cigna_redis_conn_t *ngx_cigna_redis_node_choose(
    ngx_cigna_redis_node_t *node, ngx_cigna_redis_call_t *call);
static ngx_uint_t ngx_cigna_redis_node_resting(
    ngx_cigna_redis_node_conn_t *nc);
static void ngx_cigna_redis_node_connect(ngx_cigna_redis_node_conn_t *nc);
static void ngx_cigna_redis_node_up(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_node_recovered(ngx_cigna_redis_node_t *node);
static void ngx_cigna_redis_node_failed(ngx_cigna_redis_conn_t *conn,
    const char *error);
static ngx_uint_t ngx_cigna_redis_node_trouble(ngx_cigna_redis_node_t *node);
static void ngx_cigna_redis_node_round_failed(ngx_cigna_redis_node_conn_t *nc);
static void ngx_cigna_redis_node_rest(ngx_cigna_redis_node_conn_t *nc,
    ngx_msec_t ms);
static void ngx_cigna_redis_node_retry_handler(ngx_event_t *ev);
static void ngx_cigna_redis_node_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);
static void ngx_cigna_redis_node_durable(ngx_cigna_redis_node_conn_t *nc,
    cigna_reply_t *reply);
static void ngx_cigna_redis_node_closed(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls);
static void ngx_cigna_redis_node_again(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call);
static void ngx_cigna_redis_node_next_origin(ngx_cigna_redis_node_t *node,
    ngx_cigna_origin_t *origin);


static const ngx_cigna_redis_conn_ops_t  ngx_cigna_redis_node_ops = {
    ngx_cigna_redis_node_up,
    ngx_cigna_redis_node_failed,
    ngx_cigna_redis_node_answered,
    ngx_cigna_redis_node_closed,
    NULL
};


#define ngx_cigna_redis_node_host(server, teller)                             \
    ((server)->host.len ? (server)->host : ngx_cigna_slice(&(teller)->host))

#define ngx_cigna_redis_nconns(redis)                                         \
    ((redis)->shared.conf->connections + NGX_CIGNA_REDIS_DURABLE)


ngx_cigna_redis_node_t *
ngx_cigna_redis_node_create(ngx_cigna_redis_t *redis,
    ngx_cigna_origin_t *origins, ngx_uint_t norigins)
{
    ngx_cigna_redis_node_t  *node;

    node = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_node_t));
    if (node == NULL) {
        return NULL;
    }

    node->redis = redis;
    node->origins = origins;
    node->norigins = norigins;
    node->slot = CIGNA_MARKER_NO_SLOT;

    ngx_cigna_timer_init(&node->retry, ngx_cigna_redis_node_retry_handler, node,
                         ngx_cigna_redis_log(redis), 1);

    ngx_queue_insert_tail(&redis->nodes, &node->link);
    redis->nnodes++;

    return node;
}


ngx_cigna_redis_node_t *
ngx_cigna_redis_node_find(ngx_cigna_redis_t *redis, cigna_server_t *server,
    ngx_cigna_origin_t *teller)
{
    cigna_slice_t            host;
    ngx_cigna_redis_node_t  *node;

    host = ngx_cigna_redis_node_host(server, teller);

    ngx_cigna_redis_each_node(redis, node) {

        if (node->origins->port == server->port
            && cigna_slice_eq_case(ngx_cigna_slice(&node->origins->host), host))
        {
            return node;
        }
    }

    return NULL;
}


ngx_cigna_redis_node_t *
ngx_cigna_redis_node_get(ngx_cigna_redis_t *redis, cigna_server_t *server,
    ngx_cigna_origin_t *teller)
{
    cigna_slice_t            host;
    ngx_cigna_origin_t      *origin;
    ngx_cigna_redis_node_t  *node;
    ngx_cigna_redis_conf_t  *conf;

    node = ngx_cigna_redis_node_find(redis, server, teller);

    if (node) {
        return node;
    }

    host = ngx_cigna_redis_node_host(server, teller);

    if (redis->nnodes == NGX_CIGNA_REDIS_NODES_MAX) {
        ngx_log_error(NGX_LOG_ERR, ngx_cigna_redis_log(redis), 0,
                      "redis \"%*s:%ui\" is one server too many, reload "
                      "nginx", host.len, host.data, (ngx_uint_t) server->port);
        return NULL;
    }

    origin = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_origin_t));
    if (origin == NULL) {
        return NULL;
    }

    conf = redis->shared.conf;

    origin->host = ngx_cigna_str(host);
    origin->port = server->port;
    origin->tls_name = conf->tls_name;

    if (ngx_cigna_origin_set(redis->pool, origin, conf->origins,
                             conf->norigins)
        != NGX_OK)
    {
        return NULL;
    }

    return ngx_cigna_redis_node_create(redis, origin, 1);
}


static ngx_int_t
ngx_cigna_redis_node_conns(ngx_cigna_redis_node_t *node)
{
    ngx_uint_t                      i, n;
    ngx_cigna_redis_t              *redis;
    ngx_cigna_redis_conf_t         *conf;
    ngx_cigna_redis_node_conn_t    *nc;
    cigna_redis_handshake_check_e   check;

    if (node->conns) {
        return NGX_OK;
    }

    redis = node->redis;
    conf = redis->shared.conf;
    n = ngx_cigna_redis_nconns(redis);

    node->conns = ngx_pcalloc(redis->pool,
                              n * sizeof(ngx_cigna_redis_node_conn_t));
    if (node->conns == NULL) {
        return NGX_ERROR;
    }

    check = conf->vault ? cigna_redis_handshake_check_vault
                        : cigna_redis_handshake_check_policy;

    for (i = 0; i < n; i++) {
        nc = &node->conns[i];

        nc->node = node;
        nc->durable = (i >= conf->connections);
        nc->conn.handshake.db = conf->db;
        nc->conn.handshake.slot = &node->slot;

        ngx_cigna_redis_conn_init(&nc->conn, &redis->shared,
                                  &ngx_cigna_redis_node_ops, nc, &conf->login,
                                  check);
        ngx_cigna_redis_check_init(&nc->check, &nc->conn);
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

    return (node->down && !node->hope) ? NGX_ERROR : NGX_AGAIN;
}


/*
 * Returns the ready connection with the fewest calls; NULL: none can take the
 * call.  If no connection is ready, or all have calls, makes another connection
 * for the calls that come next.
 */

static ngx_cigna_redis_conn_t *
ngx_cigna_redis_node_choose(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call)
{
    ngx_uint_t                    i, n, coming;
    ngx_cigna_redis_conn_t       *conn, *best;
    ngx_cigna_redis_node_conn_t  *nc, *closed;

    best = NULL;
    closed = NULL;
    coming = 0;

    n = ngx_cigna_redis_nconns(node->redis);

    for (i = 0; i < n; i++) {
        nc = &node->conns[i];
        conn = &nc->conn;

        if (nc->durable != call->durable) {
            continue;
        }

        if (conn->state == ngx_cigna_redis_conn_ready) {

            if (conn->error == NULL
                && (best == NULL || conn->queue.n < best->queue.n))
            {
                best = conn;
            }

        } else if (conn->state != ngx_cigna_redis_conn_closed) {
            coming = 1;

        } else if (closed == NULL && !ngx_cigna_redis_node_resting(nc)) {
            closed = nc;
        }
    }

    if (closed && !coming && !node->down && (best == NULL || best->queue.n)) {
        ngx_cigna_redis_node_connect(closed);
    }

    n = call->durable ? 1 : NGX_CIGNA_REDIS_PENDING_MAX;

    return (best && best->queue.n < n) ? best : NULL;
}


static ngx_uint_t
ngx_cigna_redis_node_resting(ngx_cigna_redis_node_conn_t *nc)
{
    if (nc->resting
        && (ngx_msec_int_t) (nc->rest_until - ngx_current_msec) <= 0)
    {
        nc->resting = 0;
    }

    return nc->resting;
}


static void
ngx_cigna_redis_node_connect(ngx_cigna_redis_node_conn_t *nc)
{
    ngx_cigna_redis_node_t  *node = nc->node;

    if (nc->conn.replica) {
        ngx_cigna_redis_node_next_origin(node, nc->conn.peer.origin);
    }

    ngx_cigna_redis_conn_connect(&nc->conn, &node->origins[node->origin]);
}


static void
ngx_cigna_redis_node_up(ngx_cigna_redis_conn_t *conn)
{
    int64_t                       age;
    ngx_uint_t                    level;
    ngx_cigna_redis_t            *redis;
    ngx_cigna_redis_node_t       *node;
    ngx_cigna_redis_node_conn_t  *nc = conn->owner;

    node = nc->node;
    redis = node->redis;

    ngx_cigna_redis_check_later(&nc->check);

    level = node->down ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    ngx_log_error(level, ngx_cigna_redis_log(redis), 0,
                  "redis \"%V\" is connected", &conn->peer.origin->name);

    ngx_cigna_redis_node_recovered(node);

    nc->served = 0;

    if (!node->wanted) {
        conn->error = "it is no longer needed";
        return;
    }

    ngx_cigna_redis_pending_wake(&redis->pending);

    if (redis->connected) {
        age = conn->handshake.core.age_ms;

        redis->connected(redis->connected_data, (age < 0) ? INT64_MAX : age,
                         conn->handshake.core.primary, nc->durable);
    }
}


static void
ngx_cigna_redis_node_recovered(ngx_cigna_redis_node_t *node)
{
    node->down = 0;
    node->failures = 0;
    node->shifts = 0;
    node->tried = 0;

    ngx_cigna_timer_stop(&node->retry);
}


static void
ngx_cigna_redis_node_failed(ngx_cigna_redis_conn_t *conn, const char *error)
{
    ngx_uint_t                    level, last;
    ngx_cigna_redis_node_t       *node;
    ngx_cigna_redis_node_conn_t  *nc = conn->owner;

    node = nc->node;

    if (!node->wanted) {
        return;
    }

    if (conn->handshake.core.rc == cigna_redis_handshake_elsewhere
        && node->shifts++ < NGX_CIGNA_REDIS_SHIFTS_MAX)
    {
        /* slots are moving: the topology chooses another slot of this node */

        (void) ngx_cigna_redis_node_trouble(node);

        ngx_cigna_redis_node_rest(nc, NGX_CIGNA_REDIS_SHIFT_MS);
        return;
    }

    last = (++node->tried >= node->norigins);
    level = (last && node->failures == 0) ? NGX_LOG_ERR : NGX_LOG_INFO;

    ngx_log_error(level, ngx_cigna_redis_log(node->redis), 0,
                  "redis \"%V\" cannot be used: %s",
                  &conn->peer.origin->name, error);

    ngx_cigna_redis_node_next_origin(node, conn->peer.origin);

    conn->replica = 0;

    if (last) {
        ngx_cigna_redis_node_round_failed(nc);

    } else {
        ngx_cigna_redis_node_connect(nc);
    }
}


static ngx_uint_t
ngx_cigna_redis_node_trouble(ngx_cigna_redis_node_t *node)
{
    const ngx_cigna_redis_topology_t  *topology = node->redis->topology;

    return topology->trouble ? topology->trouble(node) : 0;
}


/*
 * called when all origins of the node were tried, and none took a connection
 */

static void
ngx_cigna_redis_node_round_failed(ngx_cigna_redis_node_conn_t *nc)
{
    ngx_uint_t               hope;
    ngx_cigna_redis_node_t  *node = nc->node;

    node->tried = 0;

    ngx_cigna_redis_node_rest(nc, ngx_cigna_redis_backoff(node->failures++));

    hope = ngx_cigna_redis_node_trouble(node);

    if (ngx_cigna_redis_node_ready(node)) {
        return;
    }

    if (!node->down) {
        node->down = 1;
        node->hope = hope;
    }

    ngx_cigna_redis_pending_wake(&node->redis->pending);
}


static void
ngx_cigna_redis_node_rest(ngx_cigna_redis_node_conn_t *nc, ngx_msec_t ms)
{
    nc->resting = 1;
    nc->rest_until = ngx_current_msec + ms;

    if (!nc->node->retry.timer_set) {
        ngx_add_timer(&nc->node->retry, ms);
    }
}


static void
ngx_cigna_redis_node_retry_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_node_t  *node = ev->data;

    if (node->conns[0].conn.state == ngx_cigna_redis_conn_closed) {
        ngx_cigna_redis_node_connect(&node->conns[0]);
    }

    /*
     * pending calls make the node open its other connections, as far as needed
     */

    ngx_cigna_redis_pending_wake(&node->redis->pending);
}


static void
ngx_cigna_redis_node_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    ngx_cigna_redis_t            *redis;
    ngx_cigna_redis_calls_t      *calls;
    ngx_cigna_redis_node_conn_t  *nc = conn->owner;

    redis = nc->node->redis;
    calls = &redis->shared.calls;

    if (ngx_cigna_redis_check_is(&nc->check, call)) {
        ngx_cigna_redis_call_finish(calls, call, cigna_ev_ok, reply);
        return;
    }

    nc->served = 1;

    if (nc->durable) {
        ngx_cigna_redis_node_durable(nc, reply);
        ngx_cigna_redis_pending_wake(&redis->pending);
    }

    if (reply == NULL) {
        ngx_cigna_redis_call_finish(calls, call, cigna_ev_lost, NULL);
        return;
    }

    if (cigna_reply_type(reply) == cigna_reply_error
        && redis->topology->answered
        && call->cmd && ngx_cigna_redis_call_left(call)
        && redis->topology->answered(nc->node, call, reply) == NGX_AGAIN)
    {
        cigna_reply_destroy(reply);
        ngx_cigna_redis_node_again(nc->node, call);
        return;
    }

    if (ngx_cigna_redis_check_confirm(&nc->check, call, reply) != NGX_OK) {
        ngx_cigna_redis_call_finish(calls, call, cigna_ev_ok, reply);
    }
}


/* logs when replicas fall behind, and when they have caught up */

static void
ngx_cigna_redis_node_durable(ngx_cigna_redis_node_conn_t *nc,
    cigna_reply_t *reply)
{
    ngx_uint_t               level, behind;
    ngx_cigna_redis_node_t  *node;

    if (cigna_reply_type(reply) == cigna_reply_error) {
        return;
    }

    node = nc->node;
    behind = (reply == NULL);

    if (behind == node->behind) {
        return;
    }

    node->behind = behind;
    level = behind ? NGX_LOG_ERR : NGX_LOG_NOTICE;

    ngx_log_error(level, ngx_cigna_redis_log(node->redis), 0,
                  "redis \"%V\" has %s than %ui replicas that keep up",
                  &nc->conn.peer.origin->name, behind ? "fewer" : "no fewer",
                  node->redis->shared.conf->wait_replicas);
}


static void
ngx_cigna_redis_node_closed(ngx_cigna_redis_conn_t *conn, ngx_queue_t *calls)
{
    ngx_queue_t                   all;
    ngx_cigna_redis_node_t       *node;
    ngx_cigna_redis_call_t       *call;
    ngx_cigna_redis_node_conn_t  *nc = conn->owner;

    node = nc->node;

    ngx_queue_init(&all);
    ngx_cigna_redis_check_end(&nc->check, &all);
    ngx_cigna_redis_calls_move(calls, &all);

    if (!conn->leaving && !ngx_exiting) {
        (void) ngx_cigna_redis_node_trouble(node);
    }

    if (!nc->served && !ngx_queue_empty(&all)) {

        /* a new connection would end in the same way at once */

        ngx_cigna_redis_node_rest(nc, NGX_CIGNA_REDIS_UNSERVED_MS);
    }

    while ((call = ngx_cigna_redis_call_shift(&all))) {

        if (call->cmd == NULL || (call->lost && !call->reads)
            || ngx_cigna_redis_call_left(call) == 0)
        {
            ngx_cigna_redis_call_finish(&node->redis->shared.calls, call,
                                        call->lost ? cigna_ev_lost
                                                   : cigna_ev_unsent, NULL);

        } else {
            ngx_cigna_redis_node_again(node, call);
        }
    }
}


/*
 * Sends a call again, or ends it if it was tried too often.  Redis has not run
 * the call, or the call only reads.
 */

static void
ngx_cigna_redis_node_again(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call)
{
    ngx_cigna_redis_t  *redis = node->redis;

    cigna_reply_destroy(call->reply);
    call->reply = NULL;

    if (call->tries++ == NGX_CIGNA_REDIS_TRIES_MAX) {
        ngx_cigna_redis_call_finish(&redis->shared.calls, call,
                                    cigna_ev_unsent, NULL);
        return;
    }

    ngx_cigna_redis_pending_enter(&redis->pending, call);
    ngx_cigna_redis_pending_wake(&redis->pending);
}


/* chooses the next origin, unless another connection has already done so */

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
        if (node->conns[i].conn.state == ngx_cigna_redis_conn_ready) {
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

    ngx_cigna_timer_stop(&node->retry);

    for (i = 0; node->conns && i < ngx_cigna_redis_nconns(node->redis); i++) {
        ngx_cigna_redis_conn_leave(&node->conns[i].conn);
    }
}


void
ngx_cigna_redis_node_done(ngx_cigna_redis_node_t *node)
{
    ngx_uint_t                    i;
    ngx_queue_t                   calls;
    ngx_cigna_redis_node_conn_t  *nc;

    ngx_cigna_timer_stop(&node->retry);

    for (i = 0; node->conns && i < ngx_cigna_redis_nconns(node->redis); i++) {
        nc = &node->conns[i];

        ngx_queue_init(&calls);
        ngx_cigna_redis_check_end(&nc->check, &calls);
        ngx_cigna_redis_calls_destroy(&node->redis->shared.calls, &calls);

        ngx_cigna_redis_conn_destroy(&nc->conn);
    }
}

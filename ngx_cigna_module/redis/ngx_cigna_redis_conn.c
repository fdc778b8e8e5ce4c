
#include "ngx_cigna_redis_conn.h"


/*
 * One connection to Redis.  Commands leave in the order in which they were
 * queued, and replies come in the same order.
 *
 *              connect()             connected           handshake is over
 *     closed ------------> connecting ---------> handshake --------------+
 *      ^  ^                    |                    |                    |
 *      |  |                    v                    v                    v
 *      |  +----------------- failed <---------------+                  ready
 *      |                                                                 |
 *      +-----------------------------------------------------------------+
 *              end of the connection, time-out, malformed reply, the
 *              owner has set "error"
 *
 * Invariants:
 *
 * 1. Only a ready connection takes calls: no call is sent before the handshake
 *    is over.
 * 2. A time-out closes the connection.  Otherwise a late reply would be taken
 *    for the reply to another command.
 * 3. A function that ends a connection calls the owner's function last, because
 *    the owner may connect again.
 *
 * The deadline timer keeps an exiting worker alive while calls are pending.  It
 * is not moved or removed for each call.  When the timer fires, its handler
 * looks at the call that is due first.  Without calls the timer is cancelable.
 */


#define NGX_CIGNA_REDIS_BACKOFF_MIN  100   /* ms */
#define NGX_CIGNA_REDIS_BACKOFF_MAX  2000

/* most bytes and elements of a reply; the map of a cluster may be long */
#define NGX_CIGNA_REDIS_REPLY_MAX    (2 * 1024 * 1024)
#define NGX_CIGNA_REDIS_ELEMENTS     65536


static void ngx_cigna_redis_conn_connected(ngx_cigna_peer_t *peer);
static ngx_int_t ngx_cigna_redis_conn_greet(ngx_cigna_redis_conn_t *conn,
    const cigna_slice_t *argv, ngx_uint_t argc);
static void ngx_cigna_redis_conn_handshake_handler(ngx_event_t *ev);
static void ngx_cigna_redis_conn_flush(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_conn_write_handler(ngx_event_t *wev);
static ssize_t ngx_cigna_redis_conn_send(ngx_cigna_redis_conn_t *conn,
    ngx_connection_t *c);
static void ngx_cigna_redis_conn_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_cigna_redis_conn_read(ngx_cigna_redis_conn_t *conn,
    ngx_connection_t *c);
static ngx_int_t ngx_cigna_redis_conn_replies(ngx_cigna_redis_conn_t *conn);
static ngx_int_t ngx_cigna_redis_conn_unread(ngx_cigna_redis_conn_t *conn);
static ngx_int_t ngx_cigna_redis_conn_reply(ngx_cigna_redis_conn_t *conn,
    cigna_reply_t *reply);
static void ngx_cigna_redis_conn_deadline_handler(ngx_event_t *ev);
static void ngx_cigna_redis_conn_fail(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_conn_disconnect(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls);


ngx_msec_t
ngx_cigna_redis_backoff(ngx_uint_t failures)
{
    ngx_msec_t  ms;

    ms = NGX_CIGNA_REDIS_BACKOFF_MIN << ngx_min(failures, 8);
    ms = ngx_min(ms, NGX_CIGNA_REDIS_BACKOFF_MAX);

    /* workers of all hosts must not connect again at the same moment */

    return ms / 2 + (ngx_msec_t) ngx_random() % (ms / 2 + 1);
}


void
ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_shared_t *shared, const ngx_cigna_redis_conn_ops_t *ops,
    void *owner, ngx_cigna_redis_login_t *login,
    cigna_redis_handshake_check_e check)
{
    conn->shared = shared;
    conn->ops = ops;
    conn->owner = owner;
    conn->handshake.conf = shared->conf;
    conn->handshake.login = login;
    conn->handshake.check = check;

    ngx_cigna_timer_init(&conn->deadline,
                         ngx_cigna_redis_conn_deadline_handler, conn,
                         &shared->log.log, 1);
    ngx_cigna_timer_init(&conn->handshake_timer,
                         ngx_cigna_redis_conn_handshake_handler, conn,
                         &shared->log.log, 1);

    ngx_cigna_redis_queue_init(&conn->queue);
}


void
ngx_cigna_redis_conn_connect(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_origin_t *origin)
{
    ngx_cigna_peer_t  *peer;

    conn->state = ngx_cigna_redis_conn_connecting;
    conn->replica = 0;
    conn->leaving = 0;
    conn->used = 0;
    conn->error = NULL;
    conn->handshake.core.rc = cigna_redis_handshake_pending;

    peer = &conn->peer;

    peer->origin = origin;
    peer->log = &conn->shared->log.log;
    peer->timeout = conn->shared->conf->connect_timeout;
    peer->cancelable = 1;
    peer->keepalive = 1;
    peer->handler = ngx_cigna_redis_conn_connected;
    peer->data = conn;

    if (ngx_cigna_peer_start(peer) != NGX_AGAIN) {
        ngx_cigna_redis_conn_connected(peer);
    }
}


static void
ngx_cigna_redis_conn_connected(ngx_cigna_peer_t *peer)
{
    ngx_uint_t               argc;
    ngx_msec_t               left;
    cigna_slice_t            argv[CIGNA_REDIS_ARGS_MAX];
    ngx_connection_t        *c;
    ngx_cigna_redis_conn_t  *conn = peer->data;

    if (peer->rc != NGX_OK) {
        ngx_cigna_redis_conn_fail(conn, peer->error);
        return;
    }

    conn->reader = cigna_reader_create();

    if (conn->reader == NULL) {
        ngx_cigna_redis_conn_fail(conn, "no memory");
        return;
    }

    if (conn->handshake.check == cigna_redis_handshake_check_none) {
        cigna_reader_limit(conn->reader, NGX_CIGNA_REDIS_REPLY_MAX,
                           NGX_CIGNA_REDIS_ELEMENTS);
    }

    c = peer->connection;

    c->read->handler = ngx_cigna_redis_conn_read_handler;
    c->write->handler = ngx_cigna_redis_conn_write_handler;

    conn->state = ngx_cigna_redis_conn_handshake;

    left = ngx_cigna_timer_left(peer->deadline);
    ngx_add_timer(&conn->handshake_timer, ngx_max(left, 1));

    argc = ngx_cigna_redis_handshake_start(&conn->handshake, 0, argv);

    if (ngx_cigna_redis_conn_greet(conn, argv, argc) != NGX_OK) {
        return;
    }

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


/*
 * Sends a command of the handshake.  If argc is 0, the handshake is over.
 * NGX_ERROR: the handshake has failed, and the owner may be connecting
 * elsewhere already.
 */

static ngx_int_t
ngx_cigna_redis_conn_greet(ngx_cigna_redis_conn_t *conn,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    if (argc) {

        if (ngx_cigna_redis_conn_say(conn, argv, argc) != NGX_OK) {
            ngx_cigna_redis_conn_fail(conn, "no memory");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (conn->handshake.core.rc != cigna_redis_handshake_ok) {
        ngx_cigna_redis_conn_fail(conn, conn->handshake.core.error);
        return NGX_ERROR;
    }

    ngx_cigna_timer_stop(&conn->handshake_timer);

    conn->state = ngx_cigna_redis_conn_ready;
    conn->ops->up(conn);

    return NGX_OK;
}


static void
ngx_cigna_redis_conn_handshake_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_conn_t  *conn = ev->data;

    ngx_cigna_redis_conn_fail(conn, "timed out in the set-up");
}


ngx_int_t
ngx_cigna_redis_conn_send_call(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call)
{
    if (ngx_cigna_redis_queue_push(&conn->queue, call, &conn->shared->wait)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    conn->used = 1;

    /* the timer may fire early, for a call that has been answered meanwhile */

    conn->deadline.cancelable = 0;
    ngx_cigna_timer_within(&conn->deadline, ngx_cigna_redis_call_left(call));

    ngx_cigna_redis_conn_flush(conn);

    return NGX_OK;
}


ngx_int_t
ngx_cigna_redis_conn_start(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc,
    ngx_msec_t timeout)
{
    ngx_cigna_redis_call_t   *call;
    ngx_cigna_redis_calls_t  *calls;

    calls = &conn->shared->calls;

    call = ngx_cigna_redis_call_create(calls, cmd, argv, argc, timeout);
    if (call == NULL) {
        return NGX_ERROR;
    }

    if (ngx_cigna_redis_conn_send_call(conn, call) != NGX_OK) {
        ngx_cigna_redis_call_destroy(calls, call);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_cigna_redis_conn_say(ngx_cigna_redis_conn_t *conn,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    if (ngx_cigna_redis_queue_say(&conn->queue, argv, argc) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_cigna_redis_conn_flush(conn);

    return NGX_OK;
}


/*
 * posts the write event, so that all commands of this turn of the event loop
 * leave together
 */

static void
ngx_cigna_redis_conn_flush(ngx_cigna_redis_conn_t *conn)
{
    ngx_event_t  *wev = conn->peer.connection->write;

    if (wev->ready) {
        ngx_post_event(wev, &ngx_posted_events);
    }
}


static void
ngx_cigna_redis_conn_write_handler(ngx_event_t *wev)
{
    ssize_t                  n;
    ngx_connection_t        *c = wev->data;
    ngx_cigna_redis_conn_t  *conn;

    conn = ((ngx_cigna_peer_t *) c->data)->data;

    do {
        n = ngx_cigna_redis_conn_send(conn, c);
    } while (n > 0);

    if (n == NGX_ERROR) {
        ngx_cigna_redis_conn_close(conn,
                                   ngx_cigna_peer_broken(&conn->peer,
                                                         "send() failed"));
        return;
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_cigna_redis_conn_close(conn, "event could not be set");
    }
}


/* returns what c->send() returns; 0: there is nothing to send */

static ssize_t
ngx_cigna_redis_conn_send(ngx_cigna_redis_conn_t *conn, ngx_connection_t *c)
{
    ssize_t                 n;
    ngx_cigna_redis_out_t  *out;

    out = &conn->queue.out;

    if (out->pos == out->last) {
        return 0;
    }

    if (c->ssl) {

        /* SSL_write() may have sent bytes even if it fails */

        ngx_cigna_redis_queue_offer(&conn->queue);
    }

    n = c->send(c, out->pos, out->last - out->pos);

    if (n > 0) {
        ngx_cigna_redis_queue_sent(&conn->queue, n);
    }

    return n;
}


static void
ngx_cigna_redis_conn_read_handler(ngx_event_t *rev)
{
    ngx_connection_t        *c = rev->data;
    ngx_cigna_redis_conn_t  *conn;

    conn = ((ngx_cigna_peer_t *) c->data)->data;

    if (c->close) {
        ngx_cigna_redis_conn_close(conn, "worker is shutting down");
        return;
    }

    if (ngx_cigna_redis_conn_read(conn, c) != NGX_OK) {
        return;
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_cigna_redis_conn_close(conn, "event could not be set");
        return;
    }

    if (conn->queue.n || conn->state != ngx_cigna_redis_conn_ready) {
        return;
    }

    if (ngx_exiting && conn->used) {

        /*
         * closes no connection that was never used: the call for which it was
         * made still waits
         */

        ngx_cigna_redis_conn_close(conn, "worker is shutting down");

    } else if (conn->leaving) {
        ngx_cigna_redis_conn_close(conn, "it is no longer needed");
    }
}


/* NGX_ERROR: the connection is gone */

static ngx_int_t
ngx_cigna_redis_conn_read(ngx_cigna_redis_conn_t *conn, ngx_connection_t *c)
{
    ssize_t   n;
    u_char   *in = conn->shared->in;

    do {
        n = c->recv(c, in, NGX_CIGNA_REDIS_IN_SIZE);

        if (n == NGX_AGAIN) {
            return NGX_OK;
        }

        if (n == NGX_ERROR) {
            ngx_cigna_redis_conn_close(conn,
                                       ngx_cigna_peer_broken(&conn->peer,
                                                             "recv() failed"));
            return NGX_ERROR;
        }

        if (n == 0) {
            ngx_cigna_redis_conn_close(conn, "closed by Redis");
            return NGX_ERROR;
        }

        if (cigna_reader_feed(conn->reader, cigna_slice_make(in, in + n))
            != CIGNA_OK)
        {
            return ngx_cigna_redis_conn_unread(conn);
        }

        if (ngx_cigna_redis_conn_replies(conn) != NGX_OK) {
            return NGX_ERROR;
        }

    } while (c->read->ready);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_redis_conn_replies(ngx_cigna_redis_conn_t *conn)
{
    int             rc;
    ngx_uint_t      argc;
    cigna_slice_t   argv[CIGNA_REDIS_ARGS_MAX];
    cigna_reply_t  *reply;

    for ( ;; ) {
        rc = cigna_reader_next(conn->reader, &reply);

        if (rc == CIGNA_AGAIN) {
            break;
        }

        if (rc != CIGNA_OK) {
            return ngx_cigna_redis_conn_unread(conn);
        }

        if (conn->state == ngx_cigna_redis_conn_handshake) {
            argc = ngx_cigna_redis_handshake_next(&conn->handshake,
                                                  cigna_ev_ok, reply, argv);
            rc = ngx_cigna_redis_conn_greet(conn, argv, argc);
            cigna_reply_destroy(reply);

        } else {
            rc = ngx_cigna_redis_conn_reply(conn, reply);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (conn->error) {
        ngx_cigna_redis_conn_close(conn, conn->error);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * The reply to the oldest call, if any, cannot be read.  The call must not be
 * sent again, even if it only reads: its reply would end the next connection,
 * too.
 */

static ngx_int_t
ngx_cigna_redis_conn_unread(ngx_cigna_redis_conn_t *conn)
{
    if (conn->queue.n) {
        ngx_cigna_redis_call_first(&conn->queue.calls)->reads = 0;
    }

    ngx_cigna_redis_conn_close(conn, "reply is malformed or too large");

    return NGX_ERROR;
}


/* takes over the reply */

static ngx_int_t
ngx_cigna_redis_conn_reply(ngx_cigna_redis_conn_t *conn, cigna_reply_t *reply)
{
    ngx_cigna_redis_call_t  *call;

    if (conn->ops->push) {
        conn->ops->push(conn, reply);
        cigna_reply_destroy(reply);
        return NGX_OK;
    }

    if (conn->queue.n == 0) {
        cigna_reply_destroy(reply);
        ngx_cigna_redis_conn_close(conn, "reply without a command");
        return NGX_ERROR;
    }

    call = ngx_cigna_redis_queue_reply(&conn->queue, &reply,
                                       conn->shared->conf->wait_replicas);
    if (call == NULL) {
        return NGX_OK;
    }

    if (conn->queue.n == 0) {
        conn->deadline.cancelable = 1;
    }

    if (cigna_reply_is_readonly(reply)) {

        /* another server is the primary now, and has to be found */

        conn->replica = 1;
        conn->error = "is a read-only replica";
    }

    conn->ops->answered(conn, call, reply);

    return NGX_OK;
}


static void
ngx_cigna_redis_conn_deadline_handler(ngx_event_t *ev)
{
    ngx_msec_t               left;
    ngx_cigna_redis_conn_t  *conn = ev->data;

    if (conn->queue.n == 0) {
        ev->cancelable = 1;
        return;
    }

    left = ngx_cigna_redis_queue_left(&conn->queue);

    if (left) {
        ngx_add_timer(ev, left);
        return;
    }

    ngx_cigna_redis_conn_close(conn, "timed out");
}


void
ngx_cigna_redis_conn_close(ngx_cigna_redis_conn_t *conn, const char *why)
{
    ngx_uint_t   level;
    ngx_queue_t  calls;

    if (conn->state != ngx_cigna_redis_conn_ready) {
        ngx_cigna_redis_conn_fail(conn, why);
        return;
    }

    level = conn->queue.n ? NGX_LOG_WARN : NGX_LOG_INFO;

    ngx_log_error(level, &conn->shared->log.log, 0,
                  "redis \"%V\" is disconnected, %ui commands were pending: "
                  "%s", &conn->peer.origin->name, conn->queue.n, why);

    ngx_cigna_redis_conn_disconnect(conn, &calls);

    conn->deadline.cancelable = 1;

    conn->ops->closed(conn, &calls);
}


static void
ngx_cigna_redis_conn_fail(ngx_cigna_redis_conn_t *conn, const char *error)
{
    ngx_queue_t  calls;

    ngx_cigna_redis_conn_disconnect(conn, &calls);

    conn->ops->failed(conn, error);
}


/*
 * Closes the connection, and moves its calls to "calls".  A connection that was
 * not ready has no calls.
 */

static void
ngx_cigna_redis_conn_disconnect(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls)
{
    conn->state = ngx_cigna_redis_conn_closed;

    ngx_cigna_peer_done(&conn->peer);

    cigna_reader_destroy(conn->reader);
    conn->reader = NULL;

    ngx_cigna_timer_stop(&conn->handshake_timer);

    ngx_queue_init(calls);
    ngx_cigna_redis_queue_end(&conn->queue, calls);
}


void
ngx_cigna_redis_conn_leave(ngx_cigna_redis_conn_t *conn)
{
    if (conn->state != ngx_cigna_redis_conn_ready) {
        return;
    }

    conn->leaving = 1;

    if (conn->queue.n == 0) {
        ngx_cigna_redis_conn_close(conn, "it is no longer needed");
    }
}


void
ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn)
{
    ngx_queue_t  calls;

    ngx_cigna_redis_conn_disconnect(conn, &calls);

    ngx_cigna_timer_stop(&conn->deadline);

    ngx_cigna_redis_calls_destroy(&conn->shared->calls, &calls);
}

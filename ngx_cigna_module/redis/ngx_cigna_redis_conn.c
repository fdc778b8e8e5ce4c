
#include "ngx_cigna_redis_check.h"


/*
 * One connection to Redis: commands go out in the order in which they were
 * queued, replies come back in the same order.
 *
 *              connect()             connected             set-up is through
 *     closed ------------> connecting ----------> setup -----------------+
 *      ^  ^                    |                    |                    |
 *      |  |                    v                    v                    v
 *      |  +----------------- failed <---------------+                  ready
 *      |                                                                 |
 *      +-----------------------------------------------------------------+
 *              end of the connection, time-out, malformed reply, a check
 *              that has found something
 *
 * Invariants:
 *
 * 1. Calls are given to a ready connection only, so none of them leaves before
 *    the set-up is through.
 * 2. After a time-out the connection is closed, since replies would be taken
 *    for those of other commands.
 * 3. The owner is told of the end as the last thing that happens.
 *
 * The deadline timer keeps an exiting worker alive as long as calls are
 * pending.  It is not moved or removed for each of them: when it fires it looks
 * at the one that is due first, and while there is none it is cancelable.
 */


#define NGX_CIGNA_REDIS_PAUSE_MIN   100    /* ms */
#define NGX_CIGNA_REDIS_PAUSE_MAX   2000

/* a map of a cluster may be long */
#define NGX_CIGNA_REDIS_REPLY_MAX   (2 * 1024 * 1024)
#define NGX_CIGNA_REDIS_ELEMENTS    65536


static void ngx_cigna_redis_conn_timer(ngx_cigna_redis_conn_t *conn,
    ngx_event_t *ev, ngx_event_handler_pt handler);
static void ngx_cigna_redis_conn_peer_handler(ngx_cigna_peer_t *peer);
static void ngx_cigna_redis_conn_connected(ngx_cigna_redis_conn_t *conn);
static ngx_int_t ngx_cigna_redis_conn_setup(ngx_cigna_redis_conn_t *conn,
    cigna_ev_e type, cigna_reply_t *reply);
static void ngx_cigna_redis_conn_ready(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_conn_setup_handler(ngx_event_t *ev);
static void ngx_cigna_redis_conn_flush(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_conn_write_handler(ngx_event_t *wev);
static ssize_t ngx_cigna_redis_conn_send(ngx_cigna_redis_conn_t *conn,
    ngx_connection_t *c);
static void ngx_cigna_redis_conn_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_cigna_redis_conn_read(ngx_cigna_redis_conn_t *conn,
    ngx_connection_t *c);
static ngx_int_t ngx_cigna_redis_conn_replies(ngx_cigna_redis_conn_t *conn);
static ngx_int_t ngx_cigna_redis_conn_reply(ngx_cigna_redis_conn_t *conn,
    cigna_reply_t *reply);
static void ngx_cigna_redis_conn_deadline_handler(ngx_event_t *ev);
static void ngx_cigna_redis_conn_fail(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_conn_disconnect(ngx_cigna_redis_conn_t *conn);


ngx_msec_t
ngx_cigna_redis_pause(ngx_uint_t failures)
{
    ngx_msec_t  pause;

    pause = NGX_CIGNA_REDIS_PAUSE_MIN << ngx_min(failures, 8);
    pause = ngx_min(pause, NGX_CIGNA_REDIS_PAUSE_MAX);

    /* the workers of all nodes shall not come back at the same moment */

    return pause / 2 + (ngx_msec_t) ngx_random() % (pause / 2 + 1);
}


void
ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn)
{
    ngx_cigna_redis_conn_timer(conn, &conn->deadline,
                               ngx_cigna_redis_conn_deadline_handler);
    ngx_cigna_redis_conn_timer(conn, &conn->setup_timer,
                               ngx_cigna_redis_conn_setup_handler);
    ngx_cigna_redis_conn_timer(conn, &conn->check_timer,
                               ngx_cigna_redis_check_handler);

    ngx_cigna_redis_queue_init(&conn->queue);
    ngx_queue_init(&conn->doubted);
    ngx_queue_init(&conn->doubts);
}


static void
ngx_cigna_redis_conn_timer(ngx_cigna_redis_conn_t *conn, ngx_event_t *ev,
    ngx_event_handler_pt handler)
{
    ev->handler = handler;
    ev->data = conn;
    ev->log = &conn->shared->log.log;
    ev->cancelable = 1;
}


void
ngx_cigna_redis_conn_connect(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_origin_t *origin)
{
    ngx_msec_t         timeout;
    ngx_cigna_peer_t  *peer;

    timeout = conn->shared->conf->connect_timeout;

    conn->state = ngx_cigna_redis_connecting;
    conn->setup_by = ngx_current_msec + timeout;
    conn->replica = 0;
    conn->leaving = 0;
    conn->used = 0;
    conn->error = NULL;
    conn->setup.rc = cigna_redis_handshake_pending;

    peer = &conn->peer;

    peer->origin = origin;
    peer->log = &conn->shared->log.log;
    peer->timeout = timeout;
    peer->cancelable = 1;
    peer->keepalive = 1;
    peer->handler = ngx_cigna_redis_conn_peer_handler;
    peer->data = conn;

    if (ngx_cigna_peer_start(peer) != NGX_AGAIN) {
        ngx_cigna_redis_conn_peer_handler(peer);
    }
}


static void
ngx_cigna_redis_conn_peer_handler(ngx_cigna_peer_t *peer)
{
    ngx_cigna_redis_conn_t  *conn;

    conn = peer->data;

    if (peer->rc != NGX_OK) {
        ngx_cigna_redis_conn_fail(conn, peer->error);
        return;
    }

    ngx_cigna_redis_conn_connected(conn);
}


static void
ngx_cigna_redis_conn_connected(ngx_cigna_redis_conn_t *conn)
{
    ngx_msec_int_t     left;
    ngx_connection_t  *c;

    conn->reader = cigna_reader_create();

    if (conn->reader == NULL) {
        ngx_cigna_redis_conn_fail(conn, "no memory");
        return;
    }

    if (conn->check == cigna_redis_handshake_check_none) {
        cigna_reader_limit(conn->reader, NGX_CIGNA_REDIS_REPLY_MAX,
                           NGX_CIGNA_REDIS_ELEMENTS);
    }

    c = conn->peer.connection;

    c->read->handler = ngx_cigna_redis_conn_read_handler;
    c->write->handler = ngx_cigna_redis_conn_write_handler;

    conn->state = ngx_cigna_redis_setup;

    left = (ngx_msec_int_t) (conn->setup_by - ngx_current_msec);
    ngx_add_timer(&conn->setup_timer, (ngx_msec_t) ngx_max(left, 1));

    ngx_cigna_redis_check_init(conn, 0);

    if (ngx_cigna_redis_conn_setup(conn, cigna_ev_start, NULL) != NGX_OK) {
        return;
    }

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


/* NGX_ERROR: it has failed, and may be connecting elsewhere already */

static ngx_int_t
ngx_cigna_redis_conn_setup(ngx_cigna_redis_conn_t *conn, cigna_ev_e type,
    cigna_reply_t *reply)
{
    cigna_op_t     op;
    ngx_uint_t     argc;
    cigna_slice_t  argv[CIGNA_REDIS_ARGS_MAX];

    ngx_cigna_redis_check_next(conn, type, reply, &op);

    if (op.type == cigna_op_done) {

        if (conn->setup.rc != cigna_redis_handshake_ok) {
            ngx_cigna_redis_conn_fail(conn, conn->setup.error);
            return NGX_ERROR;
        }

        ngx_cigna_redis_conn_ready(conn);

        return NGX_OK;
    }

    argc = ngx_cigna_redis_check_args(&op, argv);

    if (ngx_cigna_redis_out_append(&conn->greeting, argv, argc) != NGX_OK) {
        ngx_cigna_redis_conn_fail(conn, "no memory");
        return NGX_ERROR;
    }

    ngx_post_event(conn->peer.connection->write, &ngx_posted_events);

    return NGX_OK;
}


static void
ngx_cigna_redis_conn_ready(ngx_cigna_redis_conn_t *conn)
{
    if (conn->setup_timer.timer_set) {
        ngx_del_timer(&conn->setup_timer);
    }

    ngx_cigna_redis_out_free(&conn->greeting);

    conn->state = ngx_cigna_redis_ready;

    if (conn->check != cigna_redis_handshake_check_none) {
        ngx_cigna_redis_check_later(conn);
    }

    conn->ops->up(conn);
}


static void
ngx_cigna_redis_conn_setup_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_conn_t  *conn;

    conn = ev->data;

    ngx_cigna_redis_conn_fail(conn, "timed out in the set-up");
}


ngx_int_t
ngx_cigna_redis_conn_send_call(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call)
{
    ngx_event_t  *ev;

    if (ngx_cigna_redis_queue_push(&conn->queue, call, &conn->shared->wait)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    conn->used = 1;

    ev = &conn->deadline;
    ev->cancelable = 0;

    /* it may be set for a call that has long been answered */

    if (ev->timer_set
        && (ngx_msec_int_t) (call->deadline - ev->timer.key) < 0)
    {
        ngx_del_timer(ev);
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, ngx_cigna_redis_call_left(call));
    }

    ngx_cigna_redis_conn_flush(conn);

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


/* posted: all commands of this turn go out at once */

static void
ngx_cigna_redis_conn_flush(ngx_cigna_redis_conn_t *conn)
{
    ngx_event_t  *wev;

    wev = conn->peer.connection->write;

    if (wev->ready) {
        ngx_post_event(wev, &ngx_posted_events);
    }
}


static void
ngx_cigna_redis_conn_write_handler(ngx_event_t *wev)
{
    ssize_t                  n;
    ngx_connection_t        *c;
    ngx_cigna_redis_conn_t  *conn;

    c = wev->data;
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


/* 0: there is nothing to be sent */

static ssize_t
ngx_cigna_redis_conn_send(ngx_cigna_redis_conn_t *conn, ngx_connection_t *c)
{
    ssize_t                 n;
    ngx_uint_t              commands;
    ngx_cigna_redis_out_t  *out;

    commands = (conn->state == ngx_cigna_redis_ready);
    out = commands ? &conn->queue.out : &conn->greeting;

    if (out->pos == out->last) {
        return 0;
    }

    if (commands && c->ssl) {

        /* a failed write does not tell what has left before */

        ngx_cigna_redis_queue_offer(&conn->queue);
    }

    n = c->send(c, out->pos, out->last - out->pos);

    if (n > 0) {

        if (commands) {
            ngx_cigna_redis_queue_sent(&conn->queue, n);

        } else {
            ngx_cigna_redis_out_skip(out, n);
        }
    }

    return n;
}


static void
ngx_cigna_redis_conn_read_handler(ngx_event_t *rev)
{
    ngx_connection_t        *c;
    ngx_cigna_redis_conn_t  *conn;

    c = rev->data;
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

    if (conn->queue.n || conn->state != ngx_cigna_redis_ready) {
        return;
    }

    if (ngx_exiting && conn->used) {

        /* or else somebody is waiting for it */

        ngx_cigna_redis_conn_close(conn, "worker is shutting down");

    } else if (conn->leaving) {
        ngx_cigna_redis_conn_close(conn, "it is needed no more");
    }
}


/* NGX_ERROR: the connection is gone */

static ngx_int_t
ngx_cigna_redis_conn_read(ngx_cigna_redis_conn_t *conn, ngx_connection_t *c)
{
    ssize_t   n;
    u_char   *in;

    in = conn->shared->in;

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
            ngx_cigna_redis_queue_unread(&conn->queue);
            ngx_cigna_redis_conn_close(conn, "reply is malformed or too large");
            return NGX_ERROR;
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
    cigna_reply_t  *reply;

    for ( ;; ) {
        rc = cigna_reader_next(conn->reader, &reply);

        if (rc == CIGNA_AGAIN) {
            break;
        }

        if (rc != CIGNA_OK) {
            ngx_cigna_redis_queue_unread(&conn->queue);
            ngx_cigna_redis_conn_close(conn, "reply is malformed or too large");
            return NGX_ERROR;
        }

        if (conn->state == ngx_cigna_redis_setup) {
            rc = ngx_cigna_redis_conn_setup(conn, cigna_ev_ok, reply);
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


/* takes the reply */

static ngx_int_t
ngx_cigna_redis_conn_reply(ngx_cigna_redis_conn_t *conn, cigna_reply_t *reply)
{
    ngx_cigna_redis_call_t    *call;
    ngx_cigna_redis_shared_t  *shared;

    shared = conn->shared;

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
                                       shared->conf->wait_replicas);

    if (call == NULL) {
        return NGX_OK;
    }

    if (conn->queue.n == 0) {
        conn->deadline.cancelable = 1;
    }

    if (cigna_reply_is_readonly(reply)) {

        /* the primary is somewhere else by now and has to be looked for */

        conn->replica = 1;
        conn->error = "is a read-only replica";
    }

    if (call->cmd == &conn->checking) {
        ngx_cigna_redis_call_finish(&shared->calls, call, cigna_ev_ok, reply);
        return NGX_OK;
    }

    conn->ops->answered(conn, call, reply);

    return NGX_OK;
}


static void
ngx_cigna_redis_conn_deadline_handler(ngx_event_t *ev)
{
    ngx_msec_t               left;
    ngx_cigna_redis_conn_t  *conn;

    conn = ev->data;

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


/* the end of a connection, which is a failure if it was not ready */

void
ngx_cigna_redis_conn_close(ngx_cigna_redis_conn_t *conn, const char *why)
{
    ngx_uint_t   level;
    ngx_queue_t  calls;

    if (conn->state != ngx_cigna_redis_ready) {
        ngx_cigna_redis_conn_fail(conn, why);
        return;
    }

    ngx_queue_init(&calls);
    ngx_cigna_redis_check_end(conn, &calls);

    level = conn->queue.n ? NGX_LOG_WARN : NGX_LOG_INFO;

    ngx_log_error(level, &conn->shared->log.log, 0,
                  "redis \"%V\" is disconnected, %ui commands were pending: "
                  "%s", &conn->peer.origin->name, conn->queue.n, why);

    ngx_cigna_redis_queue_end(&conn->queue, &calls);
    ngx_cigna_redis_conn_disconnect(conn);

    conn->deadline.cancelable = 1;

    conn->ops->closed(conn, &calls);
}


static void
ngx_cigna_redis_conn_fail(ngx_cigna_redis_conn_t *conn, const char *error)
{
    ngx_cigna_redis_conn_disconnect(conn);

    conn->ops->failed(conn, error);
}


static void
ngx_cigna_redis_conn_disconnect(ngx_cigna_redis_conn_t *conn)
{
    conn->state = ngx_cigna_redis_closed;

    ngx_cigna_peer_done(&conn->peer);

    if (conn->reader) {
        cigna_reader_destroy(conn->reader);
        conn->reader = NULL;
    }

    if (conn->setup_timer.timer_set) {
        ngx_del_timer(&conn->setup_timer);
    }

    if (conn->check_timer.timer_set) {
        ngx_del_timer(&conn->check_timer);
    }

    ngx_cigna_redis_out_free(&conn->greeting);
}


void
ngx_cigna_redis_conn_leave(ngx_cigna_redis_conn_t *conn)
{
    if (conn->state != ngx_cigna_redis_ready) {
        return;
    }

    conn->leaving = 1;

    if (conn->queue.n == 0) {
        ngx_cigna_redis_conn_close(conn, "it is needed no more");
    }
}


void
ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn)
{
    ngx_queue_t              calls;
    ngx_cigna_redis_call_t  *call;

    ngx_cigna_redis_conn_disconnect(conn);

    if (conn->deadline.timer_set) {
        ngx_del_timer(&conn->deadline);
    }

    ngx_queue_init(&calls);
    ngx_cigna_redis_check_end(conn, &calls);
    ngx_cigna_redis_queue_end(&conn->queue, &calls);

    while (!ngx_queue_empty(&calls)) {
        call = ngx_cigna_redis_call_first(&calls);
        ngx_queue_remove(&call->link);

        ngx_cigna_redis_call_destroy(&conn->shared->calls, call);
    }
}


#include "ngx_cigna_redis_conn.h"


/*
 * One connection to Redis: commands go out in the order in which they were
 * queued, replies come back in the same order.
 *
 *               queue()               connected            set-up is through
 *     closed ------------> connecting ----------> setup ----------------+
 *       ^                   ^      |                |                   |
 *       |                   |      | no origin of   |                   v
 *       |             timer |      | the round      |                 ready
 *       |                   |      v is usable      |                   |
 *       |                  backoff <----------------+                   |
 *       |                                                               |
 *       +---------------------------------------------------------------+
 *              end of connection, time-out, malformed reply
 *
 * Invariants:
 *
 * 1. Commands wait in "connecting" and "setup" only if what came before was
 *    no failure; otherwise, and in "backoff", they are refused at once.  While
 *    Redis counts as down some connection is on its way out of "backoff".
 * 2. The slots are the commands whose bytes are between the oldest reply that
 *    is missing and out.last, in this order, and of growing deadlines.
 * 3. A slot is "unsent" if its last byte cannot have left, as Redis runs no
 *    command of which a byte is missing, and "lost" if it may have.
 * 4. After a time-out the connection is closed, since replies would be taken
 *    for those of other commands.
 * 5. Handlers are called by replies(), expire() and end_slots() only, and
 *    never while the connection is between two states.
 *
 * The deadline timer keeps an exiting worker alive as long as there are slots.
 * It is not moved or removed for each command: when it fires it looks at the
 * oldest one, and while there is none it is cancelable.
 */


#define NGX_CIGNA_REDIS_BACKOFF_MIN  100   /* ms */
#define NGX_CIGNA_REDIS_BACKOFF_MAX  2000


static void ngx_cigna_redis_connect(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_peer_handler(ngx_cigna_peer_t *peer);
static void ngx_cigna_redis_connected(ngx_cigna_redis_conn_t *conn);
static ngx_int_t ngx_cigna_redis_setup_next(ngx_cigna_redis_conn_t *conn,
    cigna_ev_e type, cigna_reply_t *reply);
static void ngx_cigna_redis_up(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_fail(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_next_origin(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_back_off(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_wait_handler(ngx_event_t *ev);
static void ngx_cigna_redis_write_handler(ngx_event_t *wev);
static void ngx_cigna_redis_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_cigna_redis_replies(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_deadline_handler(ngx_event_t *ev);
static void ngx_cigna_redis_expire(ngx_cigna_redis_conn_t *conn, uint64_t end);
static void ngx_cigna_redis_close(ngx_cigna_redis_conn_t *conn,
    const char *why);
static void ngx_cigna_redis_disconnect(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_end_slots(ngx_cigna_redis_conn_t *conn);


void
ngx_cigna_redis_conn_init(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_t *redis)
{
    conn->redis = redis;

    conn->deadline.handler = ngx_cigna_redis_deadline_handler;
    conn->deadline.data = conn;
    conn->deadline.log = &redis->log.log;
    conn->deadline.cancelable = 1;

    conn->wait.handler = ngx_cigna_redis_wait_handler;
    conn->wait.data = conn;
    conn->wait.log = &redis->log.log;
    conn->wait.cancelable = 1;

    ngx_queue_init(&conn->slots);
}


ngx_uint_t
ngx_cigna_redis_conn_usable(ngx_cigna_redis_conn_t *conn)
{
    if (conn->state == ngx_cigna_redis_ready) {
        return conn->nslots < NGX_CIGNA_REDIS_PENDING_MAX;
    }

    return conn->failures == 0 && !conn->redis->down
           && conn->nslots < NGX_CIGNA_REDIS_WAITING_MAX;
}


ngx_int_t
ngx_cigna_redis_conn_queue(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc)
{
    uint64_t                 gone;
    ngx_connection_t        *c;
    ngx_cigna_redis_t       *redis;
    ngx_cigna_redis_slot_t  *slot;

    redis = conn->redis;

    if (conn->state == ngx_cigna_redis_closed) {
        ngx_cigna_redis_connect(conn);

        if (conn->state == ngx_cigna_redis_backoff) {
            return NGX_ERROR;
        }
    }

    slot = ngx_cigna_redis_get_slot(redis);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    gone = ngx_cigna_redis_gone(conn);

    if (ngx_cigna_redis_append(&conn->out, argv, argc) != NGX_OK) {
        ngx_cigna_redis_free_slot(redis, slot);
        return NGX_ERROR;
    }

    conn->queued = gone + (conn->out.last - conn->out.pos);

    ngx_cigna_redis_push_slot(conn, slot, cmd);

    if (conn->state == ngx_cigna_redis_ready) {
        c = conn->peer.connection;

        /* posted: all commands of this turn go out at once */

        if (c->write->ready) {
            ngx_post_event(c->write, &ngx_posted_events);
        }
    }

    return NGX_AGAIN;
}


static void
ngx_cigna_redis_connect(ngx_cigna_redis_conn_t *conn)
{
    ngx_int_t                rc;
    ngx_cigna_peer_t        *peer;
    ngx_cigna_redis_t       *redis;
    ngx_cigna_redis_conf_t  *conf;

    redis = conn->redis;
    conf = redis->conf;

    conn->state = ngx_cigna_redis_connecting;
    conn->tried++;
    conn->connect_by = ngx_current_msec + conf->connect_timeout;

    peer = &conn->peer;

    conn->origin = redis->origin;

    peer->origin = &conf->origins[conn->origin];
    peer->log = &redis->log.log;
    peer->timeout = conf->connect_timeout;
    peer->cancelable = 1;
    peer->keepalive = 1;
    peer->handler = ngx_cigna_redis_peer_handler;
    peer->data = conn;

    rc = ngx_cigna_peer_start(peer);

    if (rc != NGX_AGAIN) {
        ngx_cigna_redis_peer_handler(peer);
    }
}


static void
ngx_cigna_redis_peer_handler(ngx_cigna_peer_t *peer)
{
    ngx_cigna_redis_conn_t  *conn;

    conn = peer->data;

    if (peer->rc != NGX_OK) {
        ngx_cigna_redis_fail(conn, peer->error);
        return;
    }

    ngx_cigna_redis_connected(conn);
}


static void
ngx_cigna_redis_connected(ngx_cigna_redis_conn_t *conn)
{
    cigna_slice_t            password, username;
    ngx_msec_int_t           left;
    ngx_connection_t        *c;
    ngx_cigna_redis_conf_t  *conf;

    conf = conn->redis->conf;

    conn->reader = cigna_reader_create();

    if (conn->reader == NULL) {
        ngx_cigna_redis_fail(conn, "no memory");
        return;
    }

    c = conn->peer.connection;

    c->read->handler = ngx_cigna_redis_read_handler;
    c->write->handler = ngx_cigna_redis_write_handler;

    conn->state = ngx_cigna_redis_setup;

    left = (ngx_msec_int_t) (conn->connect_by - ngx_current_msec);
    ngx_add_timer(&conn->wait, (ngx_msec_t) ngx_max(left, 1));

    username.data = conf->username.data;
    username.len = conf->username.len;

    password.data = conf->password.data;
    password.len = conf->password.len;

    ngx_memzero(&conn->setup, sizeof(cigna_setup_t));

    conn->setup.username = username;
    conn->setup.password = password;
    conn->setup.db = conf->db;

    cigna_setup_init(&conn->setup);

    if (ngx_cigna_redis_setup_next(conn, cigna_ev_start, NULL) != NGX_OK) {
        return;
    }

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


/* NGX_ERROR: see ngx_cigna_redis_replies() */

static ngx_int_t
ngx_cigna_redis_setup_next(ngx_cigna_redis_conn_t *conn, cigna_ev_e type,
    cigna_reply_t *reply)
{
    cigna_op_t         op;
    cigna_event_t      ev;
    ngx_connection_t  *c;

    ngx_memzero(&ev, sizeof(cigna_event_t));

    ev.type = type;
    ev.now_ms = (int64_t) ngx_time() * 1000;
    ev.reply = reply;

    cigna_setup_next(&conn->setup, &ev, &op);

    if (op.type == cigna_op_done) {

        if (conn->setup.rc == cigna_setup_ok) {
            ngx_cigna_redis_up(conn);
            return NGX_OK;
        }

        ngx_cigna_redis_fail(conn, conn->setup.error);
        return NGX_ERROR;
    }

    if (ngx_cigna_redis_append(&conn->greeting, op.argv, op.argc) != NGX_OK) {
        ngx_cigna_redis_fail(conn, "no memory");
        return NGX_ERROR;
    }

    c = conn->peer.connection;

    ngx_post_event(c->write, &ngx_posted_events);

    return NGX_OK;
}


static void
ngx_cigna_redis_up(ngx_cigna_redis_conn_t *conn)
{
    ngx_uint_t          level;
    ngx_cigna_redis_t  *redis;

    redis = conn->redis;

    if (conn->wait.timer_set) {
        ngx_del_timer(&conn->wait);
    }

    ngx_cigna_redis_free(&conn->greeting);

    conn->state = ngx_cigna_redis_ready;
    conn->failures = 0;
    conn->tried = 0;

    level = redis->down ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    ngx_log_error(level, &redis->log.log, 0, "redis \"%V\" is connected",
                  &conn->peer.origin->name);

    redis->down = 0;

    if (conn->out.pos < conn->out.last) {
        ngx_post_event(conn->peer.connection->write, &ngx_posted_events);
    }
}


/*
 * This origin is of no use: the next one, or a pause if all have been tried.
 * Nothing has been offered yet, so that commands may wait for the next one.
 */

static void
ngx_cigna_redis_fail(ngx_cigna_redis_conn_t *conn, const char *error)
{
    ngx_uint_t          level;
    ngx_cigna_redis_t  *redis;

    redis = conn->redis;
    level = NGX_LOG_INFO;

    if (conn->tried == redis->conf->norigins && !redis->down) {
        redis->down = 1;
        level = NGX_LOG_ERR;
    }

    ngx_log_error(level, &redis->log.log, 0, "redis \"%V\" cannot be used: %s",
                  &conn->peer.origin->name, error);

    ngx_cigna_redis_disconnect(conn);
    ngx_cigna_redis_next_origin(conn);

    if (conn->tried < redis->conf->norigins) {
        ngx_cigna_redis_connect(conn);
        return;
    }

    ngx_cigna_redis_back_off(conn);
}


/* unless another connection has found out the same before */

static void
ngx_cigna_redis_next_origin(ngx_cigna_redis_conn_t *conn)
{
    ngx_cigna_redis_t  *redis;

    redis = conn->redis;

    if (redis->origin == conn->origin) {
        redis->origin = (redis->origin + 1) % redis->conf->norigins;
    }
}


static void
ngx_cigna_redis_back_off(ngx_cigna_redis_conn_t *conn)
{
    ngx_msec_t  delay;

    delay = NGX_CIGNA_REDIS_BACKOFF_MIN << ngx_min(conn->failures, 8);
    delay = ngx_min(delay, NGX_CIGNA_REDIS_BACKOFF_MAX);

    /* the workers of all nodes shall not come back at the same moment */

    delay = delay / 2 + (ngx_msec_t) ngx_random() % (delay / 2 + 1);

    conn->state = ngx_cigna_redis_backoff;
    conn->failures++;
    conn->tried = 0;

    ngx_add_timer(&conn->wait, delay);

    ngx_cigna_redis_end_slots(conn);
}


static void
ngx_cigna_redis_wait_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_conn_t  *conn;

    conn = ev->data;

    if (conn->state == ngx_cigna_redis_setup) {
        ngx_cigna_redis_fail(conn, "timed out in the set-up");
        return;
    }

    ngx_cigna_redis_connect(conn);
}


static void
ngx_cigna_redis_write_handler(ngx_event_t *wev)
{
    ssize_t                  n;
    ngx_connection_t        *c;
    ngx_cigna_redis_out_t   *out;
    ngx_cigna_redis_conn_t  *conn;

    c = wev->data;
    conn = ((ngx_cigna_peer_t *) c->data)->data;

    out = (conn->state == ngx_cigna_redis_setup) ? &conn->greeting
                                                 : &conn->out;

    while (out->pos < out->last) {

        if (c->ssl && out == &conn->out) {

            /* a failed write does not tell what has left before */

            conn->offered = conn->queued;
        }

        n = c->send(c, out->pos, out->last - out->pos);

        if (n == NGX_ERROR) {
            ngx_cigna_redis_close(conn, ngx_cigna_peer_broken(&conn->peer,
                                                              "send() failed"));
            return;
        }

        if (n <= 0) {
            break;
        }

        out->pos += n;

        if (out == &conn->out) {
            conn->offered = ngx_max(conn->offered, ngx_cigna_redis_gone(conn));
        }
    }

    if (out->pos == out->last) {
        ngx_cigna_redis_rewind(out);
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_cigna_redis_close(conn, "event could not be set");
    }
}


static void
ngx_cigna_redis_read_handler(ngx_event_t *rev)
{
    ssize_t                  n;
    u_char                  *in;
    ngx_connection_t        *c;
    ngx_cigna_redis_conn_t  *conn;

    c = rev->data;
    conn = ((ngx_cigna_peer_t *) c->data)->data;
    in = conn->redis->in;

    if (c->close) {
        ngx_cigna_redis_close(conn, "worker is shutting down");
        return;
    }

    do {
        n = c->recv(c, in, NGX_CIGNA_REDIS_IN_SIZE);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_cigna_redis_close(conn, ngx_cigna_peer_broken(&conn->peer,
                                                              "recv() failed"));
            return;
        }

        if (n == 0) {
            ngx_cigna_redis_close(conn, "connection was closed by Redis");
            return;
        }

        /* the reader takes a copy, before any handler is called */

        if (cigna_reader_feed(conn->reader, cigna_slice_make(in, in + n))
            != CIGNA_OK)
        {
            ngx_cigna_redis_close(conn, "reply is malformed or too large");
            return;
        }

        if (ngx_cigna_redis_replies(conn) != NGX_OK) {
            return;
        }

    } while (rev->ready);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_cigna_redis_close(conn, "event could not be set");
        return;
    }

    if (ngx_exiting && conn->state == ngx_cigna_redis_ready
        && conn->nslots == 0)
    {
        ngx_cigna_redis_close(conn, "worker is shutting down");
    }
}


/* NGX_ERROR: the connection is closed, and conn may be on its way to another */

static ngx_int_t
ngx_cigna_redis_replies(ngx_cigna_redis_conn_t *conn)
{
    int                     rc;
    ngx_int_t               replica;
    cigna_reply_t          *reply;
    ngx_cigna_redis_cmd_t  *cmd;

    replica = 0;

    for ( ;; ) {
        rc = cigna_reader_next(conn->reader, &reply);

        if (rc == CIGNA_AGAIN) {
            break;
        }

        if (rc != CIGNA_OK) {
            ngx_cigna_redis_close(conn, "reply is malformed or too large");
            return NGX_ERROR;
        }

        if (conn->state == ngx_cigna_redis_setup) {
            rc = ngx_cigna_redis_setup_next(conn, cigna_ev_ok, reply);
            cigna_reply_destroy(reply);

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        if (conn->nslots == 0) {
            cigna_reply_destroy(reply);
            ngx_cigna_redis_close(conn, "reply without a command");
            return NGX_ERROR;
        }

        replica |= cigna_reply_is_error(reply, "READONLY");

        cmd = ngx_cigna_redis_pop_slot(conn);

        if (cmd == NULL) {
            cigna_reply_destroy(reply);
            continue;
        }

        cmd->outcome = cigna_ev_ok;
        cmd->reply = reply;
        cmd->handler(cmd);
    }

    if (replica) {

        /* the primary is somewhere else by now: look for it again */

        ngx_cigna_redis_next_origin(conn);
        ngx_cigna_redis_close(conn, "is a read-only replica");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_cigna_redis_deadline_handler(ngx_event_t *ev)
{
    ngx_msec_int_t           left;
    ngx_cigna_redis_conn_t  *conn;
    ngx_cigna_redis_slot_t  *slot;

    conn = ev->data;

    while (conn->nslots) {
        slot = ngx_queue_data(ngx_queue_head(&conn->slots),
                              ngx_cigna_redis_slot_t, queue);

        left = (ngx_msec_int_t) (slot->deadline - ngx_current_msec);

        if (left > 0) {

            if (ev->timer_set) {
                ngx_del_timer(ev);
            }

            ngx_add_timer(ev, (ngx_msec_t) left);
            return;
        }

        if (conn->state == ngx_cigna_redis_ready) {
            ngx_cigna_redis_close(conn, "timed out");

        } else {
            ngx_cigna_redis_expire(conn, slot->end);
        }
    }
}


/* the oldest command has waited too long for the connection: never send it */

static void
ngx_cigna_redis_expire(ngx_cigna_redis_conn_t *conn, uint64_t end)
{
    ngx_cigna_redis_cmd_t  *cmd;

    conn->out.pos += end - ngx_cigna_redis_gone(conn);

    if (conn->out.pos == conn->out.last) {
        ngx_cigna_redis_rewind(&conn->out);
    }

    cmd = ngx_cigna_redis_pop_slot(conn);

    if (cmd) {
        cmd->outcome = cigna_ev_unsent;
        cmd->handler(cmd);
    }
}


/* the end of a connection, which is a failure if it was still in set-up */

static void
ngx_cigna_redis_close(ngx_cigna_redis_conn_t *conn, const char *why)
{
    ngx_log_t  *log;

    if (conn->state == ngx_cigna_redis_setup) {
        ngx_cigna_redis_fail(conn, why);
        return;
    }

    log = &conn->redis->log.log;

    if (conn->nslots) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "redis \"%V\": %s, %ui commands were under way",
                      &conn->peer.origin->name, why, conn->nslots);

    } else {
        ngx_log_error(NGX_LOG_INFO, log, 0, "redis \"%V\": %s",
                      &conn->peer.origin->name, why);
    }

    ngx_cigna_redis_disconnect(conn);
    ngx_cigna_redis_end_slots(conn);
}


static void
ngx_cigna_redis_disconnect(ngx_cigna_redis_conn_t *conn)
{
    conn->state = ngx_cigna_redis_closed;

    ngx_cigna_peer_done(&conn->peer);

    if (conn->reader) {
        cigna_reader_destroy(conn->reader);
        conn->reader = NULL;
    }

    if (conn->wait.timer_set) {
        ngx_del_timer(&conn->wait);
    }

    ngx_cigna_redis_free(&conn->greeting);
}


/*
 * All that was queued ends here.  The connection is as new before the first
 * handler is called: handlers may start commands, or cancel those whose turn
 * has not come yet.
 */

static void
ngx_cigna_redis_end_slots(ngx_cigna_redis_conn_t *conn)
{
    uint64_t                 offered;
    ngx_queue_t              ended, *q;
    ngx_cigna_redis_cmd_t   *cmd;
    ngx_cigna_redis_slot_t  *slot;

    ngx_queue_init(&ended);

    if (conn->nslots) {
        ngx_queue_add(&ended, &conn->slots);
        ngx_queue_init(&conn->slots);
    }

    offered = conn->offered;

    conn->nslots = 0;
    conn->queued = 0;
    conn->offered = 0;
    conn->deadline.cancelable = 1;

    ngx_cigna_redis_free(&conn->out);

    while (!ngx_queue_empty(&ended)) {
        q = ngx_queue_head(&ended);
        slot = ngx_queue_data(q, ngx_cigna_redis_slot_t, queue);

        ngx_queue_remove(q);

        cmd = slot->cmd;

        if (cmd) {
            cmd->outcome = (slot->end <= offered) ? cigna_ev_lost
                                                  : cigna_ev_unsent;
        }

        ngx_cigna_redis_free_slot(conn->redis, slot);

        if (cmd) {
            cmd->handler(cmd);
        }
    }
}


void
ngx_cigna_redis_conn_destroy(ngx_cigna_redis_conn_t *conn)
{
    ngx_queue_t             *q;
    ngx_cigna_redis_slot_t  *slot;

    ngx_cigna_redis_disconnect(conn);
    ngx_cigna_redis_free(&conn->out);

    if (conn->deadline.timer_set) {
        ngx_del_timer(&conn->deadline);
    }

    while (!ngx_queue_empty(&conn->slots)) {
        q = ngx_queue_head(&conn->slots);
        slot = ngx_queue_data(q, ngx_cigna_redis_slot_t, queue);

        ngx_queue_remove(q);
        ngx_cigna_redis_free_slot(conn->redis, slot);
    }

    conn->nslots = 0;
}

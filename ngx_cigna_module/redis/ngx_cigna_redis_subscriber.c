
#include "ngx_cigna_redis_subscriber.h"
#include "ngx_cigna_redis_client.h"


/*
 * A connection that is subscribed to one channel.
 *
 *     resting --> connecting --> ready: SUBSCRIBE --> confirmed: up()
 *        ^            |                |                  |
 *        +------------+----------------+------------------+
 *          failed, closed, or nothing heard for too long
 *
 * A subscriber has no calls with a deadline that would show that the server is
 * gone.  So it sends PING after a time without messages.
 */


#define NGX_CIGNA_REDIS_LOOK_MS    2500    /* ms between two checks of
                                              "heard" */
#define NGX_CIGNA_REDIS_QUIET_MS   2000    /* silence before a PING */
#define NGX_CIGNA_REDIS_SILENT_MS  7400    /* silence before a close */


struct ngx_cigna_redis_subscriber_s {
    ngx_cigna_redis_t           *redis;
    ngx_cigna_redis_conn_t       conn;

    ngx_str_t                    channel;
    ngx_cigna_redis_up_pt        up;
    ngx_cigna_redis_message_pt   handler;
    void                        *data;

    ngx_event_t                  retry;
    ngx_event_t                  look;
    ngx_msec_t                   heard;    /* when the last reply came */
    ngx_uint_t                   failures;
    unsigned                     down:1;   /* it was logged that the
                                              subscription fails */
};


static void ngx_cigna_redis_subscriber_init(ngx_cigna_redis_subscriber_t *sub);
static void ngx_cigna_redis_subscriber_connect(ngx_event_t *ev);
static void ngx_cigna_redis_subscriber_ready(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_subscriber_push(ngx_cigna_redis_conn_t *conn,
    cigna_reply_t *reply);
static void ngx_cigna_redis_subscriber_confirmed(
    ngx_cigna_redis_subscriber_t *sub);
static void ngx_cigna_redis_subscriber_look(ngx_event_t *ev);
static void ngx_cigna_redis_subscriber_failed(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_subscriber_closed(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls);
static void ngx_cigna_redis_subscriber_rest(ngx_cigna_redis_subscriber_t *sub);


static const ngx_cigna_redis_conn_ops_t  ngx_cigna_redis_subscriber_ops = {
    ngx_cigna_redis_subscriber_ready,
    ngx_cigna_redis_subscriber_failed,
    NULL,
    ngx_cigna_redis_subscriber_closed,
    ngx_cigna_redis_subscriber_push
};


ngx_int_t
ngx_cigna_redis_subscribe(ngx_cigna_redis_t *redis, ngx_str_t *channel,
    ngx_cigna_redis_up_pt up, ngx_cigna_redis_message_pt handler, void *data)
{
    ngx_cigna_redis_subscriber_t  *sub;

    sub = ngx_pcalloc(redis->pool, sizeof(ngx_cigna_redis_subscriber_t));
    if (sub == NULL) {
        return NGX_ERROR;
    }

    sub->channel.data = ngx_pstrdup(redis->pool, channel);
    if (sub->channel.data == NULL) {
        return NGX_ERROR;
    }

    sub->channel.len = channel->len;
    sub->redis = redis;
    sub->up = up;
    sub->handler = handler;
    sub->data = data;

    ngx_cigna_redis_subscriber_init(sub);

    redis->subscriber = sub;

    ngx_add_timer(&sub->retry, 1);

    return NGX_OK;
}


static void
ngx_cigna_redis_subscriber_init(ngx_cigna_redis_subscriber_t *sub)
{
    ngx_log_t                 *log;
    ngx_cigna_redis_shared_t  *shared;

    shared = &sub->redis->shared;
    log = &shared->log.log;

    ngx_cigna_timer_init(&sub->retry, ngx_cigna_redis_subscriber_connect, sub,
                         log, 1);
    ngx_cigna_timer_init(&sub->look, ngx_cigna_redis_subscriber_look, sub, log,
                         1);

    ngx_cigna_redis_conn_init(&sub->conn, shared,
                              &ngx_cigna_redis_subscriber_ops, sub,
                              &shared->conf->login,
                              cigna_redis_handshake_check_none);
}


static void
ngx_cigna_redis_subscriber_connect(ngx_event_t *ev)
{
    ngx_cigna_origin_t            *origin;
    ngx_cigna_redis_subscriber_t  *sub = ev->data;

    origin = sub->redis->topology->origin(sub->redis);

    if (origin == NULL) {
        ngx_cigna_redis_subscriber_rest(sub);
        return;
    }

    ngx_cigna_redis_conn_connect(&sub->conn, origin);
}


static void
ngx_cigna_redis_subscriber_ready(ngx_cigna_redis_conn_t *conn)
{
    cigna_slice_t                  argv[2];
    ngx_cigna_redis_subscriber_t  *sub = conn->owner;

    argv[0] = cigna_slice("SUBSCRIBE");
    argv[1] = ngx_cigna_slice(&sub->channel);

    /* if this fails, no reply comes, and the silence closes the connection */

    (void) ngx_cigna_redis_conn_say(conn, argv, 2);

    sub->heard = ngx_current_msec;

    ngx_add_timer(&sub->look, NGX_CIGNA_REDIS_LOOK_MS);
}


/* the reply is an error, or kind, channel, and a message or a number */

static void
ngx_cigna_redis_subscriber_push(ngx_cigna_redis_conn_t *conn,
    cigna_reply_t *reply)
{
    cigna_slice_t                  kind;
    ngx_cigna_redis_subscriber_t  *sub = conn->owner;

    sub->heard = ngx_current_msec;

    kind = cigna_reply_slice(cigna_reply_item(reply, 0));

    if (cigna_slice_eq(kind, cigna_slice("message"))) {
        sub->handler(sub->data, cigna_reply_slice(cigna_reply_item(reply, 2)));
        return;
    }

    if (cigna_slice_eq(kind, cigna_slice("subscribe"))) {
        ngx_cigna_redis_subscriber_confirmed(sub);
        return;
    }

    if (cigna_reply_type(reply) == cigna_reply_error) {
        conn->error = "SUBSCRIBE is refused, the Redis user needs the channel";
    }
}


static void
ngx_cigna_redis_subscriber_confirmed(ngx_cigna_redis_subscriber_t *sub)
{
    ngx_uint_t  level;

    level = sub->down ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    ngx_log_error(level, ngx_cigna_redis_log(sub->redis), 0,
                  "redis \"%V\" is listened to", &sub->conn.peer.origin->name);

    sub->down = 0;
    sub->failures = 0;

    sub->up(sub->data);
}


static void
ngx_cigna_redis_subscriber_look(ngx_event_t *ev)
{
    ngx_msec_t                     quiet;
    ngx_cigna_redis_subscriber_t  *sub;

    static const cigna_slice_t  ping = { (const uint8_t *) "PING", 4 };

    sub = ev->data;

    quiet = ngx_current_msec - sub->heard;

    if (quiet >= NGX_CIGNA_REDIS_SILENT_MS) {
        ngx_cigna_redis_conn_close(&sub->conn, "silent for too long");
        return;
    }

    if (quiet >= NGX_CIGNA_REDIS_QUIET_MS) {
        (void) ngx_cigna_redis_conn_say(&sub->conn, &ping, 1);
    }

    ngx_add_timer(ev, NGX_CIGNA_REDIS_LOOK_MS);
}


static void
ngx_cigna_redis_subscriber_failed(ngx_cigna_redis_conn_t *conn,
    const char *error)
{
    ngx_uint_t                     level;
    ngx_cigna_redis_subscriber_t  *sub = conn->owner;

    level = sub->down ? NGX_LOG_INFO : NGX_LOG_WARN;

    ngx_log_error(level, ngx_cigna_redis_log(sub->redis), 0,
                  "redis \"%V\" cannot be listened to: %s",
                  &conn->peer.origin->name, error);

    sub->down = 1;

    ngx_cigna_redis_subscriber_rest(sub);
}


static void
ngx_cigna_redis_subscriber_closed(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls)
{
    ngx_cigna_redis_subscriber_t  *sub = conn->owner;

    ngx_cigna_timer_stop(&sub->look);

    ngx_cigna_redis_subscriber_rest(sub);
}


static void
ngx_cigna_redis_subscriber_rest(ngx_cigna_redis_subscriber_t *sub)
{
    if (!ngx_exiting) {
        ngx_add_timer(&sub->retry, ngx_cigna_redis_backoff(sub->failures++));
    }
}


void
ngx_cigna_redis_subscriber_move(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_subscriber_t  *sub = redis->subscriber;

    if (sub && sub->conn.state == ngx_cigna_redis_conn_ready) {
        ngx_cigna_redis_conn_close(&sub->conn, "the primary has changed");
    }
}


void
ngx_cigna_redis_subscriber_done(ngx_cigna_redis_t *redis)
{
    ngx_cigna_redis_subscriber_t  *sub = redis->subscriber;

    if (sub) {
        ngx_cigna_timer_stop(&sub->look);
        ngx_cigna_timer_stop(&sub->retry);

        ngx_cigna_redis_conn_destroy(&sub->conn);
    }
}

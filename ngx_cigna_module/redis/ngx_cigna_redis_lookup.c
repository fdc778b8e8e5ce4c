
#include "ngx_cigna_redis_lookup.h"


static void ngx_cigna_redis_lookup_begin(ngx_event_t *ev);
static void ngx_cigna_redis_lookup_step(ngx_event_t *ev);
static void ngx_cigna_redis_lookup_post(ngx_cigna_redis_lookup_t *ask);
static void ngx_cigna_redis_lookup_up(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_lookup_failed(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_lookup_say(ngx_cigna_redis_lookup_t *ask,
    const char *error);
static void ngx_cigna_redis_lookup_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);
static void ngx_cigna_redis_lookup_closed(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls);
static void ngx_cigna_redis_lookup_handler(ngx_cigna_redis_cmd_t *cmd);


static const ngx_cigna_redis_conn_ops_t  ngx_cigna_redis_lookup_ops = {
    ngx_cigna_redis_lookup_up,
    ngx_cigna_redis_lookup_failed,
    ngx_cigna_redis_lookup_answered,
    ngx_cigna_redis_lookup_closed,
    NULL
};


void
ngx_cigna_redis_lookup_init(ngx_cigna_redis_lookup_t *ask)
{
    ngx_cigna_redis_conn_t  *conn;

    conn = &ask->conn;

    conn->shared = &ask->redis->shared;
    conn->ops = &ngx_cigna_redis_lookup_ops;
    conn->owner = ask;
    conn->login = ask->login;
    conn->check = cigna_redis_handshake_check_none;

    ngx_cigna_redis_conn_init(conn);

    ask->again.handler = ngx_cigna_redis_lookup_begin;
    ask->again.data = ask;
    ask->again.log = ngx_cigna_redis_log(ask->redis);
    ask->again.cancelable = 1;

    ask->step.handler = ngx_cigna_redis_lookup_step;
    ask->step.data = ask;
    ask->step.log = ngx_cigna_redis_log(ask->redis);
}


void
ngx_cigna_redis_lookup_soon(ngx_cigna_redis_lookup_t *ask)
{
    ngx_msec_t  since;

    if (ask->active) {

        /* an answer that is under way may be from before */

        ask->more = 1;
        return;
    }

    since = ngx_current_msec - ask->asked;

    if (ask->again.timer_set) {
        ngx_del_timer(&ask->again);
    }

    ngx_add_timer(&ask->again,
                  (ask->asked && since < NGX_CIGNA_REDIS_LOOKUP_LEAST)
                  ? NGX_CIGNA_REDIS_LOOKUP_LEAST - since : 1);
}


ngx_uint_t
ngx_cigna_redis_lookup_again(ngx_cigna_redis_lookup_t *ask)
{
    if (!ask->more) {
        return 0;
    }

    ask->more = 0;
    ngx_cigna_redis_lookup_soon(ask);

    return 1;
}


void
ngx_cigna_redis_lookup_later(ngx_cigna_redis_lookup_t *ask, ngx_msec_t idle_ms)
{
    ngx_msec_t  pause;

    if (idle_ms) {
        ask->failures = 0;
        pause = idle_ms * 3 / 4 + (ngx_msec_t) ngx_random() % (idle_ms / 2);

    } else {
        pause = ngx_cigna_redis_pause(ngx_min(ask->failures++, 3));
    }

    ngx_add_timer(&ask->again, pause);
}


static void
ngx_cigna_redis_lookup_begin(ngx_event_t *ev)
{
    ngx_cigna_redis_lookup_t  *ask;

    ask = ev->data;

    ask->asked = ngx_current_msec;
    ask->more = 0;
    ask->active = 1;
    ask->i = 0;
    ask->rc = NGX_DECLINED;

    ask->n = 0;
    ask->whom(ask);

    ngx_cigna_redis_lookup_post(ask);
}


/* after each connection, and before the first one */

static void
ngx_cigna_redis_lookup_step(ngx_event_t *ev)
{
    ngx_cigna_redis_lookup_t  *ask;

    ask = ev->data;

    if (ask->rc != NGX_OK && ask->i < ask->n) {
        ngx_cigna_redis_conn_connect(&ask->conn, ask->origins[ask->i++]);
        return;
    }

    ask->active = 0;
    ask->failed = (ask->rc != NGX_OK);

    ask->over(ask->redis, ask->rc);
}


static void
ngx_cigna_redis_lookup_post(ngx_cigna_redis_lookup_t *ask)
{
    ngx_event_t  *ev;

    ev = &ask->step;
    ngx_post_event(ev, &ngx_posted_events);
}


static void
ngx_cigna_redis_lookup_up(ngx_cigna_redis_conn_t *conn)
{
    ngx_cigna_redis_lookup_t  *ask;
    ngx_cigna_redis_call_t    *call;
    ngx_cigna_redis_shared_t  *shared;

    ask = conn->owner;
    shared = conn->shared;

    ngx_memzero(&ask->cmd, sizeof(ngx_cigna_redis_cmd_t));

    ask->cmd.handler = ngx_cigna_redis_lookup_handler;

    call = ngx_cigna_redis_call_create(&shared->calls, &ask->cmd, ask->argv,
                                       ask->argc, shared->conf->timeout);

    if (call && ngx_cigna_redis_conn_send_call(conn, call) == NGX_OK) {
        return;
    }

    if (call) {
        ngx_cigna_redis_call_destroy(&shared->calls, call);
    }

    conn->error = "no memory";
}


/* calls that are needed, but have no handler to be called */

static void
ngx_cigna_redis_lookup_handler(ngx_cigna_redis_cmd_t *cmd)
{
    cigna_reply_destroy(cmd->reply);
    cmd->reply = NULL;
}


static void
ngx_cigna_redis_lookup_failed(ngx_cigna_redis_conn_t *conn, const char *error)
{
    ngx_cigna_redis_lookup_t  *ask;

    ask = conn->owner;

    ngx_cigna_redis_lookup_say(ask, error);
    ngx_cigna_redis_lookup_post(ask);
}


/* once, until there is an answer again */

static void
ngx_cigna_redis_lookup_say(ngx_cigna_redis_lookup_t *ask, const char *error)
{
    ngx_uint_t  level;

    level = (ask->failed || ask->i < ask->n) ? NGX_LOG_INFO : NGX_LOG_ERR;

    ngx_log_error(level, ngx_cigna_redis_log(ask->redis), 0,
                  "redis \"%V\" does not tell %s: %s",
                  &ask->origins[ask->i - 1]->name, ask->what, error);
}


static void
ngx_cigna_redis_lookup_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    ngx_cigna_redis_lookup_t  *ask;

    ask = conn->owner;

    ask->rc = ask->answer(ask->redis, reply, conn->peer.origin);

    if (ask->rc != NGX_OK) {
        ngx_cigna_redis_lookup_say(ask, cigna_reply_is_error(reply, "NOPERM")
                                     ? "the user lacks a permission"
                                     : "it does not know, or makes no sense");
    }

    ngx_cigna_redis_call_finish(&conn->shared->calls, call, cigna_ev_ok,
                                reply);

    conn->error = "it was asked";
}


static void
ngx_cigna_redis_lookup_closed(ngx_cigna_redis_conn_t *conn, ngx_queue_t *calls)
{
    ngx_cigna_redis_lookup_t  *ask;
    ngx_cigna_redis_call_t    *call;

    ask = conn->owner;

    while (!ngx_queue_empty(calls)) {
        call = ngx_cigna_redis_call_first(calls);
        ngx_queue_remove(&call->link);

        ngx_cigna_redis_call_destroy(&conn->shared->calls, call);

        ngx_cigna_redis_lookup_say(ask, "it has not answered");
    }

    ngx_cigna_redis_lookup_post(ask);
}


void
ngx_cigna_redis_lookup_done(ngx_cigna_redis_lookup_t *ask)
{
    if (ask->again.timer_set) {
        ngx_del_timer(&ask->again);
    }

    ngx_cigna_redis_conn_destroy(&ask->conn);

    if (ask->step.posted) {
        ngx_delete_posted_event(&ask->step);
    }
}

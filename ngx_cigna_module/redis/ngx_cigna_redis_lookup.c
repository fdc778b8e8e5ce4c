
#include "ngx_cigna_redis_lookup.h"


static void ngx_cigna_redis_lookup_begin(ngx_event_t *ev);
static void ngx_cigna_redis_lookup_step(ngx_event_t *ev);
static void ngx_cigna_redis_lookup_later(ngx_cigna_redis_lookup_t *lookup);
static void ngx_cigna_redis_lookup_up(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_lookup_failed(ngx_cigna_redis_conn_t *conn,
    const char *error);
static void ngx_cigna_redis_lookup_say(ngx_cigna_redis_lookup_t *lookup,
    const char *error);
static void ngx_cigna_redis_lookup_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply);
static void ngx_cigna_redis_lookup_closed(ngx_cigna_redis_conn_t *conn,
    ngx_queue_t *calls);


static const ngx_cigna_redis_conn_ops_t  ngx_cigna_redis_lookup_ops = {
    ngx_cigna_redis_lookup_up,
    ngx_cigna_redis_lookup_failed,
    ngx_cigna_redis_lookup_answered,
    ngx_cigna_redis_lookup_closed,
    NULL
};


void
ngx_cigna_redis_lookup_init(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_cigna_redis_conn_init(&lookup->conn, &lookup->redis->shared,
                              &ngx_cigna_redis_lookup_ops, lookup,
                              lookup->login, cigna_redis_handshake_check_none);

    ngx_cigna_timer_init(&lookup->again, ngx_cigna_redis_lookup_begin, lookup,
                         ngx_cigna_redis_log(lookup->redis), 1);
    ngx_cigna_timer_init(&lookup->step, ngx_cigna_redis_lookup_step, lookup,
                         ngx_cigna_redis_log(lookup->redis), 0);

    lookup->redis->lookup = lookup;
}


void
ngx_cigna_redis_lookup_soon(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_msec_t  left;

    if (lookup->active) {

        /* the answer to the question in flight may be too old */

        lookup->more = 1;
        return;
    }

    left = lookup->asked ? ngx_cigna_timer_left(lookup->asked
                                                + NGX_CIGNA_REDIS_LOOKUP_LEAST)
                         : 0;

    ngx_cigna_timer_stop(&lookup->again);
    ngx_add_timer(&lookup->again, ngx_max(left, 1));
}


static void
ngx_cigna_redis_lookup_begin(ngx_event_t *ev)
{
    ngx_cigna_redis_lookup_t  *lookup = ev->data;

    lookup->asked = ngx_current_msec;
    lookup->more = 0;
    lookup->active = 1;
    lookup->i = 0;
    lookup->rc = NGX_DECLINED;

    lookup->n = 0;
    lookup->servers(lookup);

    ngx_post_event(&lookup->step, &ngx_posted_events);
}


void
ngx_cigna_redis_lookup_seeds(ngx_cigna_redis_lookup_t *lookup, ngx_uint_t first)
{
    ngx_uint_t               i;
    ngx_cigna_redis_conf_t  *conf = lookup->redis->shared.conf;

    for (i = 0;
         i < conf->norigins && lookup->n < NGX_CIGNA_REDIS_LOOKUP_MAX;
         i++)
    {
        lookup->origins[lookup->n++] =
            &conf->origins[(first + i) % conf->norigins];
    }
}


/*
 * Runs when a question begins, and after each connection.  Connects to the next
 * server, or ends the question.
 */

static void
ngx_cigna_redis_lookup_step(ngx_event_t *ev)
{
    ngx_cigna_redis_lookup_t  *lookup = ev->data;

    if (lookup->rc != NGX_OK && lookup->i < lookup->n) {
        ngx_cigna_redis_conn_connect(&lookup->conn,
                                     lookup->origins[lookup->i++]);
        return;
    }

    lookup->active = 0;
    lookup->failed = (lookup->rc != NGX_OK);

    if (lookup->more) {
        ngx_cigna_redis_lookup_soon(lookup);

    } else {
        ngx_cigna_redis_lookup_later(lookup);
    }

    ngx_cigna_redis_pending_wake(&lookup->redis->pending);
}


/*
 * Sets the timer of the next question.  After a failure, or while a server is
 * down, the pause is short at first, and grows.
 */

static void
ngx_cigna_redis_lookup_later(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_msec_t  pause;

    if (lookup->settle(lookup->redis) && !lookup->failed) {
        lookup->failures = 0;
        pause = lookup->idle * 3 / 4
                + (ngx_msec_t) ngx_random() % (lookup->idle / 2);

    } else {
        pause = ngx_cigna_redis_backoff(ngx_min(lookup->failures++, 3));
    }

    ngx_add_timer(&lookup->again, pause);
}


static void
ngx_cigna_redis_lookup_up(ngx_cigna_redis_conn_t *conn)
{
    ngx_cigna_redis_lookup_t  *lookup = conn->owner;

    if (ngx_cigna_redis_conn_start(conn, NULL, lookup->argv, lookup->argc,
                                   conn->shared->conf->timeout)
        != NGX_OK)
    {
        conn->error = "no memory";
    }
}


static void
ngx_cigna_redis_lookup_failed(ngx_cigna_redis_conn_t *conn, const char *error)
{
    ngx_cigna_redis_lookup_t  *lookup = conn->owner;

    ngx_cigna_redis_lookup_say(lookup, error);
    ngx_post_event(&lookup->step, &ngx_posted_events);
}


/*
 * Logs at "error" if the last server does not know the answer, but only once
 * until a server answers.  Otherwise logs at "info".
 */

static void
ngx_cigna_redis_lookup_say(ngx_cigna_redis_lookup_t *lookup, const char *error)
{
    ngx_uint_t  level;

    level = (lookup->failed || lookup->i < lookup->n) ? NGX_LOG_INFO
                                                      : NGX_LOG_ERR;

    ngx_log_error(level, ngx_cigna_redis_log(lookup->redis), 0,
                  "redis \"%V\" does not tell %s: %s",
                  &lookup->origins[lookup->i - 1]->name, lookup->what, error);
}


static void
ngx_cigna_redis_lookup_answered(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    ngx_cigna_redis_lookup_t  *lookup = conn->owner;

    lookup->rc = lookup->answer(lookup->redis, reply, conn->peer.origin);

    if (lookup->rc != NGX_OK) {
        ngx_cigna_redis_lookup_say(lookup, cigna_reply_is_error(reply, "NOPERM")
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
    ngx_cigna_redis_lookup_t  *lookup = conn->owner;
    ngx_cigna_redis_call_t    *call;

    while ((call = ngx_cigna_redis_call_shift(calls))) {
        ngx_cigna_redis_call_destroy(&conn->shared->calls, call);

        ngx_cigna_redis_lookup_say(lookup, "it has not answered");
    }

    ngx_post_event(&lookup->step, &ngx_posted_events);
}


void
ngx_cigna_redis_lookup_done(ngx_cigna_redis_lookup_t *lookup)
{
    ngx_cigna_timer_stop(&lookup->again);

    ngx_cigna_redis_conn_destroy(&lookup->conn);

    ngx_cigna_timer_stop(&lookup->step);
}


#include "ngx_cigna_redis_check.h"


#define NGX_CIGNA_REDIS_CHECK_MS  10000


static void ngx_cigna_redis_check_handler(ngx_event_t *ev);
static ngx_uint_t ngx_cigna_redis_check_nothing(const cigna_reply_t *reply);
static ngx_int_t ngx_cigna_redis_check_start(ngx_cigna_redis_check_t *check,
    ngx_msec_t timeout);
static void ngx_cigna_redis_check_answered(ngx_cigna_redis_cmd_t *cmd);
static void ngx_cigna_redis_check_passed(ngx_cigna_redis_check_t *check);
static void ngx_cigna_redis_check_next(ngx_cigna_redis_check_t *check);


void
ngx_cigna_redis_check_init(ngx_cigna_redis_check_t *check,
    ngx_cigna_redis_conn_t *conn)
{
    check->conn = conn;

    ngx_queue_init(&check->unconfirmed);
    ngx_queue_init(&check->next);

    ngx_cigna_timer_init(&check->timer, ngx_cigna_redis_check_handler, check,
                         &conn->shared->log.log, 1);
}


void
ngx_cigna_redis_check_later(ngx_cigna_redis_check_t *check)
{
    ngx_msec_t  ms;

    ms = NGX_CIGNA_REDIS_CHECK_MS;

    ngx_add_timer(&check->timer, ms - (ngx_msec_t) ngx_random() % (ms / 4));
}


static void
ngx_cigna_redis_check_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_check_t  *check = ev->data;

    ngx_cigna_redis_check_later(check);

    if (ngx_exiting || ngx_cigna_redis_in_flight(&check->cmd)) {
        return;
    }

    (void) ngx_cigna_redis_check_start(check,
                                       check->conn->shared->conf->timeout);
}


ngx_int_t
ngx_cigna_redis_check_confirm(ngx_cigna_redis_check_t *check,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    ngx_cigna_redis_conn_t  *conn = check->conn;

    if (conn->handshake.check != cigna_redis_handshake_check_vault
        || call->cmd == NULL
        || !ngx_cigna_redis_check_nothing(reply))
    {
        return NGX_DECLINED;
    }

    call->reply = reply;

    ngx_queue_insert_tail(&check->next, &call->link);

    /*
     * a check in flight proves nothing for this call: perhaps Redis ran the
     * check before the call
     */

    if (conn->error == NULL && !ngx_cigna_redis_in_flight(&check->cmd)) {
        ngx_cigna_redis_check_next(check);
    }

    return NGX_OK;
}


/*
 * Returns 1 if the reply means "no record": nil, or an array of nil.  A script
 * may begin the array with a word for "no record".  Arrays may be nested.
 */

static ngx_uint_t
ngx_cigna_redis_check_nothing(const cigna_reply_t *reply)
{
    size_t         i, n;
    cigna_slice_t  word;

    if (cigna_reply_type(reply) == cigna_reply_nil) {
        return 1;
    }

    n = cigna_reply_count(reply);
    word = cigna_reply_slice(cigna_reply_item(reply, 0));

    i = (cigna_slice_eq(word, cigna_slice("none"))
         || cigna_slice_eq(word, cigna_slice("absent"))
         || (n > 1 && cigna_slice_eq(word, cigna_slice("stale"))));

    if (n == 0) {
        return 0;
    }

    for ( /* void */ ; i < n; i++) {

        if (!ngx_cigna_redis_check_nothing(cigna_reply_item(reply, i))) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_cigna_redis_check_start(ngx_cigna_redis_check_t *check, ngx_msec_t timeout)
{
    ngx_uint_t               argc;
    cigna_slice_t            argv[CIGNA_REDIS_ARGS_MAX];
    ngx_cigna_redis_conn_t  *conn = check->conn;

    argc = ngx_cigna_redis_handshake_start(&conn->handshake, 1, argv);

    ngx_memzero(&check->cmd, sizeof(ngx_cigna_redis_cmd_t));

    check->cmd.handler = ngx_cigna_redis_check_answered;
    check->cmd.data = check;

    return ngx_cigna_redis_conn_start(conn, &check->cmd, argv, argc, timeout);
}


static void
ngx_cigna_redis_check_answered(ngx_cigna_redis_cmd_t *cmd)
{
    cigna_slice_t             argv[CIGNA_REDIS_ARGS_MAX];
    ngx_cigna_redis_conn_t   *conn;
    ngx_cigna_redis_check_t  *check = cmd->data;

    conn = check->conn;

    (void) ngx_cigna_redis_handshake_next(&conn->handshake, cmd->outcome,
                                          cmd->reply, argv);
    ngx_cigna_redis_done(cmd);

    switch (conn->handshake.core.rc) {

    case cigna_redis_handshake_ok:
    case cigna_redis_handshake_busy:
    case cigna_redis_handshake_elsewhere:

        /*
         * the results "busy" and "elsewhere" do not mean that the vault was
         * replaced
         */

        ngx_cigna_redis_check_passed(check);
        break;

    case cigna_redis_handshake_replica:
        conn->replica = 1;

        /* fall through */

    default:
        conn->error = conn->handshake.core.error;
    }
}


/*
 * Finishes the calls that were answered before this check was sent: the check
 * did not find that Redis has lost our vault, so a reply "no record" counts as
 * true.  Starts the next check if other calls wait for it.
 */

static void
ngx_cigna_redis_check_passed(ngx_cigna_redis_check_t *check)
{
    ngx_queue_t               confirmed;
    cigna_reply_t            *reply;
    ngx_cigna_redis_call_t   *call;

    ngx_queue_init(&confirmed);
    ngx_cigna_redis_calls_move(&check->unconfirmed, &confirmed);

    if (!ngx_queue_empty(&check->next)) {
        ngx_cigna_redis_check_next(check);
    }

    while ((call = ngx_cigna_redis_call_shift(&confirmed))) {
        reply = call->reply;
        call->reply = NULL;

        ngx_cigna_redis_call_finish(&check->conn->shared->calls, call,
                                    cigna_ev_ok, reply);
    }
}


/* sends a check, for whose reply the calls in check->next then wait */

static void
ngx_cigna_redis_check_next(ngx_cigna_redis_check_t *check)
{
    ngx_msec_t  left;

    left = ngx_cigna_redis_call_left(ngx_cigna_redis_call_first(&check->next));

    if (ngx_cigna_redis_check_start(check, left) == NGX_OK) {
        ngx_cigna_redis_calls_move(&check->next, &check->unconfirmed);

    } else {
        check->conn->error = "no memory for a check";
    }
}


void
ngx_cigna_redis_check_end(ngx_cigna_redis_check_t *check, ngx_queue_t *calls)
{
    ngx_cigna_redis_call_t  *call;

    ngx_cigna_timer_stop(&check->timer);

    ngx_cigna_redis_cancel(&check->cmd);

    ngx_cigna_redis_calls_move(&check->next, &check->unconfirmed);

    while ((call = ngx_cigna_redis_call_shift(&check->unconfirmed))) {
        ngx_queue_insert_tail(calls, &call->link);

        call->lost = 1;
    }
}


#include "ngx_cigna_redis_check.h"


#define NGX_CIGNA_REDIS_CHECK_MS  10000


static ngx_uint_t ngx_cigna_redis_check_nothing(const cigna_reply_t *reply);
static ngx_int_t ngx_cigna_redis_check_start(ngx_cigna_redis_conn_t *conn,
    ngx_msec_t timeout);
static void ngx_cigna_redis_check_answered(ngx_cigna_redis_cmd_t *cmd);
static void ngx_cigna_redis_check_settle(ngx_cigna_redis_conn_t *conn);
static void ngx_cigna_redis_check_move(ngx_queue_t *from, ngx_queue_t *to);


void
ngx_cigna_redis_check_init(ngx_cigna_redis_conn_t *conn, unsigned again)
{
    cigna_redis_handshake_t  *setup;
    ngx_cigna_redis_login_t  *login;

    setup = &conn->setup;
    login = conn->login;

    ngx_memzero(setup, sizeof(cigna_redis_handshake_t));

    setup->username.data = login->username.data;
    setup->username.len = login->username.len;
    setup->password.data = login->password.data;
    setup->password.len = login->password.len;
    setup->db = conn->db;
    setup->check = conn->check;
    setup->vault = conn->shared->conf->vault;
    setup->slot = conn->slot ? *conn->slot : CIGNA_MARKER_NO_SLOT;
    setup->again = again;

    if (setup->check == cigna_redis_handshake_check_vault
        && setup->slot == CIGNA_MARKER_NO_SLOT
        && conn->shared->conf->mode == ngx_cigna_redis_clustered)
    {
        /* has no slots, but may be about to get its first one */

        setup->check = cigna_redis_handshake_check_policy;
    }

    cigna_redis_handshake_init(setup);
}


void
ngx_cigna_redis_check_next(ngx_cigna_redis_conn_t *conn, cigna_ev_e type,
    cigna_reply_t *reply, cigna_op_t *op)
{
    cigna_event_t  ev;

    ngx_memzero(&ev, sizeof(cigna_event_t));

    ev.type = type;
    ev.now_ms = (int64_t) ngx_time() * 1000;
    ev.reply = reply;

    cigna_redis_handshake_next(&conn->setup, &ev, op);
}


/* a script goes as a whole: who knows what this Redis has */

ngx_uint_t
ngx_cigna_redis_check_args(cigna_op_t *op, cigna_slice_t *argv)
{
    ngx_uint_t  n;

    n = 0;

    if (op->type == cigna_op_script) {
        argv[n++] = cigna_slice("EVAL");
        argv[n++] = cigna_slice_str(op->redis.script->text);
        argv[n++] = cigna_slice("1");
    }

    ngx_memcpy(&argv[n], op->redis.argv,
               op->redis.argc * sizeof(cigna_slice_t));

    return n + op->redis.argc;
}


/* a policy can be changed, and a primary demoted, behind an open connection */

void
ngx_cigna_redis_check_later(ngx_cigna_redis_conn_t *conn)
{
    ngx_msec_t  ms;

    ms = NGX_CIGNA_REDIS_CHECK_MS;

    ngx_add_timer(&conn->check_timer,
                  ms - (ngx_msec_t) ngx_random() % (ms / 4));
}


void
ngx_cigna_redis_check_handler(ngx_event_t *ev)
{
    ngx_cigna_redis_conn_t  *conn;

    conn = ev->data;

    ngx_cigna_redis_check_later(conn);

    if (ngx_exiting || ngx_cigna_redis_in_flight(&conn->checking)) {
        return;
    }

    (void) ngx_cigna_redis_check_start(conn, conn->shared->conf->timeout);
}


ngx_int_t
ngx_cigna_redis_check_doubt(ngx_cigna_redis_conn_t *conn,
    ngx_cigna_redis_call_t *call, cigna_reply_t *reply)
{
    if (conn->check != cigna_redis_handshake_check_vault
        || call->cmd == NULL
        || !ngx_cigna_redis_check_nothing(reply))
    {
        return NGX_DECLINED;
    }

    call->reply = reply;

    if (conn->error || ngx_cigna_redis_in_flight(&conn->checking)) {

        /* a check that was sent before may have been answered before, too */

        ngx_queue_insert_tail(&conn->doubts, &call->link);
        return NGX_OK;
    }

    ngx_queue_insert_tail(&conn->doubted, &call->link);

    if (ngx_cigna_redis_check_start(conn, ngx_cigna_redis_call_left(call))
        != NGX_OK)
    {
        conn->error = "no memory for a check";
    }

    return NGX_OK;
}


/* all fields are nil, or a word of a script's and no record behind it */

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
ngx_cigna_redis_check_start(ngx_cigna_redis_conn_t *conn, ngx_msec_t timeout)
{
    cigna_op_t                 op;
    ngx_uint_t                 argc;
    cigna_slice_t              argv[CIGNA_REDIS_ARGS_MAX];
    ngx_cigna_redis_cmd_t     *cmd;
    ngx_cigna_redis_call_t    *call;
    ngx_cigna_redis_shared_t  *shared;

    shared = conn->shared;

    ngx_cigna_redis_check_init(conn, 1);
    ngx_cigna_redis_check_next(conn, cigna_ev_start, NULL, &op);

    argc = ngx_cigna_redis_check_args(&op, argv);

    cmd = &conn->checking;
    ngx_memzero(cmd, sizeof(ngx_cigna_redis_cmd_t));

    cmd->handler = ngx_cigna_redis_check_answered;
    cmd->data = conn;

    call = ngx_cigna_redis_call_create(&shared->calls, cmd, argv, argc,
                                       timeout);
    if (call == NULL) {
        return NGX_ERROR;
    }

    if (ngx_cigna_redis_conn_send_call(conn, call) != NGX_OK) {
        ngx_cigna_redis_call_destroy(&shared->calls, call);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_cigna_redis_check_answered(ngx_cigna_redis_cmd_t *cmd)
{
    cigna_op_t               op;
    ngx_cigna_redis_conn_t  *conn;

    conn = cmd->data;

    ngx_cigna_redis_check_next(conn, cmd->outcome, cmd->reply, &op);

    cigna_reply_destroy(cmd->reply);
    cmd->reply = NULL;

    switch (conn->setup.rc) {

    case cigna_redis_handshake_ok:
        break;

    case cigna_redis_handshake_busy:
    case cigna_redis_handshake_elsewhere:

        /* says nothing on what is to be known */

        break;

    case cigna_redis_handshake_replica:
        conn->replica = 1;

        /* fall through */

    default:
        conn->error = conn->setup.error;
        return;
    }

    ngx_cigna_redis_check_settle(conn);
}


/* nothing is there indeed, where it was said before the check was sent */

static void
ngx_cigna_redis_check_settle(ngx_cigna_redis_conn_t *conn)
{
    ngx_msec_t               left;
    ngx_queue_t              settled;
    cigna_reply_t           *reply;
    ngx_cigna_redis_call_t  *call;

    ngx_queue_init(&settled);
    ngx_cigna_redis_check_move(&conn->doubted, &settled);

    if (!ngx_queue_empty(&conn->doubts)) {
        left = ngx_cigna_redis_call_left(
                                    ngx_cigna_redis_call_first(&conn->doubts));

        if (ngx_cigna_redis_check_start(conn, left) == NGX_OK) {
            ngx_cigna_redis_check_move(&conn->doubts, &conn->doubted);

        } else {
            conn->error = "no memory for a check";
        }
    }

    while (!ngx_queue_empty(&settled)) {
        call = ngx_cigna_redis_call_first(&settled);
        ngx_queue_remove(&call->link);

        reply = call->reply;
        call->reply = NULL;

        ngx_cigna_redis_call_finish(&conn->shared->calls, call, cigna_ev_ok,
                                    reply);
    }
}


static void
ngx_cigna_redis_check_move(ngx_queue_t *from, ngx_queue_t *to)
{
    if (!ngx_queue_empty(from)) {
        ngx_queue_add(to, from);
        ngx_queue_init(from);
    }
}


void
ngx_cigna_redis_check_end(ngx_cigna_redis_conn_t *conn, ngx_queue_t *calls)
{
    ngx_queue_t              list;
    ngx_cigna_redis_call_t  *call;

    ngx_cigna_redis_cancel(&conn->checking);

    ngx_queue_init(&list);
    ngx_cigna_redis_check_move(&conn->doubted, &list);
    ngx_cigna_redis_check_move(&conn->doubts, &list);

    while (!ngx_queue_empty(&list)) {
        call = ngx_cigna_redis_call_first(&list);

        ngx_queue_remove(&call->link);
        ngx_queue_insert_tail(calls, &call->link);

        call->lost = 1;

        cigna_reply_destroy(call->reply);
        call->reply = NULL;
    }
}

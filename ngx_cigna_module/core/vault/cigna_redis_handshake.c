
/*
 * The handshake of a Redis connection.
 *
 *   start --> auth --> select --> name --> check --> done
 *     |                  ^  |      ^ |       ^  |      ^
 *     +------------------+--+------+-+-------+  +------+
 *                            steps that are not configured are left out
 *
 * Invariants, checked by t/fuzz/vault/fuzz_redis_handshake.c:
 *
 *   (1) with a check, rc is "ok" only after Redis has answered "noeviction".
 *       With the check of the vault, it is "ok" only after Redis has shown the
 *       marker as well;
 *   (2) the error text has no byte of the password and no text of a reply: if
 *       Redis does not know a command, its reply repeats the arguments;
 *   (3) there are at most four commands; AUTH, if there is one, is the first.
 */


#include "cigna_redis_handshake.h"
#include "base/cigna_siphash.h"


typedef enum {
    cigna_redis_handshake_st_start = 0,
    cigna_redis_handshake_st_auth,
    cigna_redis_handshake_st_select,
    cigna_redis_handshake_st_name,
    cigna_redis_handshake_st_check,
    cigna_redis_handshake_st_done
} cigna_redis_handshake_state_e;


/* an error of Redis, by its first word, and its meaning */

typedef struct {
    const char               *code;
    cigna_redis_handshake_e   rc;
    const char               *text;
} cigna_redis_handshake_error_t;


static const cigna_redis_handshake_error_t  cigna_redis_handshake_errors[] = {
    { "LOADING", cigna_redis_handshake_busy, "Redis is loading its data" },
    { "MASTERDOWN", cigna_redis_handshake_busy,
      "the replica has lost its primary" },
    { "CLUSTERDOWN", cigna_redis_handshake_busy, "the cluster is down" },
    { "READONLY", cigna_redis_handshake_replica, "this is a replica" },
    { "MOVED", cigna_redis_handshake_elsewhere,
      "the slot is served elsewhere" },
    { "ASK", cigna_redis_handshake_elsewhere, "the slot is moving" },
    { "TRYAGAIN", cigna_redis_handshake_elsewhere, "the slot is moving" },
    { "BUSY", cigna_redis_handshake_busy, "Redis is busy running a script" },
    { "NOAUTH", cigna_redis_handshake_refused, "Redis wants a password" },
    { "WRONGPASS", cigna_redis_handshake_refused,
      "wrong username or password" },
    { "NOPERM", cigna_redis_handshake_refused,
      "the Redis user lacks a permission" },
    { "DENIED", cigna_redis_handshake_refused,
      "Redis runs in protected mode and admits no remote clients" }
};

#define CIGNA_REDIS_HANDSHAKE_ERRORS                                          \
    (sizeof(cigna_redis_handshake_errors)                                     \
     / sizeof(cigna_redis_handshake_errors[0]))


static void cigna_redis_handshake_start(cigna_redis_handshake_t *f,
    cigna_op_t *op);
static int cigna_redis_handshake_passed(cigna_redis_handshake_t *f,
    const cigna_event_t *ev, cigna_op_t *op, const char *command);
static void cigna_redis_handshake_auth(cigna_redis_handshake_t *f,
    cigna_op_t *op);
static void cigna_redis_handshake_select(cigna_redis_handshake_t *f,
    cigna_op_t *op);
static void cigna_redis_handshake_name(cigna_redis_handshake_t *f,
    cigna_op_t *op);
static void cigna_redis_handshake_check(cigna_redis_handshake_t *f,
    cigna_op_t *op);
static cigna_redis_handshake_e cigna_redis_handshake_checked(
    cigna_redis_handshake_t *f, const cigna_event_t *ev);
static cigna_redis_handshake_e cigna_redis_handshake_vault(
    cigna_redis_handshake_t *f, const cigna_event_t *ev);
static cigna_redis_handshake_e cigna_redis_handshake_policy(
    cigna_redis_handshake_t *f, cigna_slice_t policy);
static cigna_redis_handshake_e cigna_redis_handshake_answer(
    cigna_redis_handshake_t *f, const cigna_event_t *ev, const char *command);
static cigna_slice_t cigna_redis_handshake_info(cigna_slice_t info);
static cigna_redis_handshake_e cigna_redis_handshake_fail(
    cigna_redis_handshake_t *f, cigna_redis_handshake_e rc, const char *text);
static void cigna_redis_handshake_done(cigna_redis_handshake_t *f,
    cigna_op_t *op, cigna_redis_handshake_e rc);


void
cigna_redis_handshake_next(cigna_redis_handshake_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_redis_handshake_state_e) f->state) {

    case cigna_redis_handshake_st_start:
        cigna_redis_handshake_start(f, op);
        return;

    case cigna_redis_handshake_st_auth:
        if (cigna_redis_handshake_passed(f, ev, op, "AUTH")) {
            cigna_redis_handshake_select(f, op);
        }

        return;

    case cigna_redis_handshake_st_select:
        if (cigna_redis_handshake_passed(f, ev, op, "SELECT")) {
            cigna_redis_handshake_name(f, op);
        }

        return;

    case cigna_redis_handshake_st_name:

        /*
         * the connection's name only helps operators, so an ACL may forbid
         * CLIENT
         */

        if ((ev->type == cigna_ev_ok
             && cigna_reply_is_error(ev->reply, "NOPERM"))
            || cigna_redis_handshake_passed(f, ev, op, "CLIENT"))
        {
            cigna_redis_handshake_check(f, op);
        }

        return;

    case cigna_redis_handshake_st_check:
        f->rc = cigna_redis_handshake_checked(f, ev);
        break;

    case cigna_redis_handshake_st_done:
        break;
    }

    cigna_redis_handshake_done(f, op, f->rc);
}


static void
cigna_redis_handshake_start(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    f->rc = cigna_redis_handshake_pending;
    f->age_ms = -1;

    if (f->again) {
        cigna_redis_handshake_check(f, op);

    } else if (f->password.len) {
        cigna_redis_handshake_auth(f, op);

    } else {
        cigna_redis_handshake_select(f, op);
    }
}


/* 1 if the command succeeded; otherwise the flow is done */

static int
cigna_redis_handshake_passed(cigna_redis_handshake_t *f,
    const cigna_event_t *ev, cigna_op_t *op, const char *command)
{
    cigna_redis_handshake_e  rc;

    rc = cigna_redis_handshake_answer(f, ev, command);

    if (rc != cigna_redis_handshake_ok) {
        cigna_redis_handshake_done(f, op, rc);
        return 0;
    }

    return 1;
}


static void
cigna_redis_handshake_auth(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    f->state = cigna_redis_handshake_st_auth;

    if (f->username.len) {
        cigna_flow_command(op, cigna_slice("AUTH"), f->username, f->password);

    } else {
        cigna_flow_command(op, cigna_slice("AUTH"), f->password);
    }
}


static void
cigna_redis_handshake_select(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    cigna_buf_t  b;

    /*
     * each connection begins in database 0, and a cluster has no other database
     */

    if (f->db == 0) {
        cigna_redis_handshake_name(f, op);
        return;
    }

    cigna_buf_init(&b, f->number, sizeof(f->number));
    cigna_buf_append_uint(&b, f->db);

    f->state = cigna_redis_handshake_st_select;
    cigna_flow_command(op, cigna_slice("SELECT"), cigna_buf_slice(&b));
}


static void
cigna_redis_handshake_name(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    f->state = cigna_redis_handshake_st_name;
    cigna_flow_command(op, cigna_slice("CLIENT"), cigna_slice("SETNAME"),
                       cigna_slice("cigna"));
}


static void
cigna_redis_handshake_check(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    cigna_buf_t              b;
    cigna_redis_handshake_e  rc;

    rc = cigna_redis_handshake_ok;
    f->state = cigna_redis_handshake_st_check;

    switch (f->check) {

    case cigna_redis_handshake_check_vault:
        cigna_buf_init(&b, f->key_mem, sizeof(f->key_mem));

        if (cigna_marker_append_key(&b, f->vault, f->slot) == CIGNA_OK) {
            f->key = cigna_buf_slice(&b);
            cigna_script_call(op, cigna_script_vault_check, f->key);
            return;
        }

        rc = cigna_redis_handshake_fail(f, cigna_redis_handshake_broken,
                                        "the marker's key cannot be made");
        break;

    case cigna_redis_handshake_check_policy:
        cigna_flow_command(op, cigna_slice("INFO"), cigna_slice("memory"));
        return;

    case cigna_redis_handshake_check_none:
        break;
    }

    cigna_redis_handshake_done(f, op, rc);
}


static cigna_redis_handshake_e
cigna_redis_handshake_checked(cigna_redis_handshake_t *f,
    const cigna_event_t *ev)
{
    int                      policy;
    cigna_slice_t            info;
    cigna_redis_handshake_e  rc;

    policy = f->check == cigna_redis_handshake_check_policy;

    rc = cigna_redis_handshake_answer(f, ev, policy ? "INFO" : "EVAL");

    if (rc != cigna_redis_handshake_ok) {
        return rc;
    }

    if (policy) {
        info = cigna_redis_handshake_info(cigna_reply_slice(ev->reply));
        return cigna_redis_handshake_policy(f, info);
    }

    if (cigna_script_said(ev, "replica")) {
        return cigna_redis_handshake_fail(f, cigna_redis_handshake_replica,
                                          "this is a replica");
    }

    rc = cigna_redis_handshake_policy(f, cigna_script_slice(ev, 1));

    return rc == cigna_redis_handshake_ok ? cigna_redis_handshake_vault(f, ev)
                                          : rc;
}


static cigna_redis_handshake_e
cigna_redis_handshake_vault(cigna_redis_handshake_t *f, const cigna_event_t *ev)
{
    int            rc;
    cigna_slice_t  name;

    rc = cigna_script_said(ev, "none") ? CIGNA_NONE : CIGNA_ERROR;

    if (cigna_script_said(ev, "ok")) {
        rc = cigna_marker_open(f->vault, f->key, cigna_script_slice(ev, 2));
    }

    if (rc != CIGNA_OK) {
        return cigna_redis_handshake_fail(f, rc == CIGNA_ERROR
                                             ? cigna_redis_handshake_broken
                                             : cigna_redis_handshake_foreign,
                                          cigna_marker_error(rc));
    }

    name = cigna_script_slice(ev, 4);

    f->age_ms = cigna_reply_int(cigna_reply_item(ev->reply, 3), -1);
    f->primary = name.len ? cigna_siphash_plain(name) : 0;

    return cigna_redis_handshake_ok;
}


static cigna_redis_handshake_e
cigna_redis_handshake_policy(cigna_redis_handshake_t *f, cigna_slice_t policy)
{
    if (policy.len == 0) {
        return cigna_redis_handshake_fail(f, cigna_redis_handshake_broken,
                                     "INFO memory shows no maxmemory_policy");
    }

    if (!cigna_slice_eq(policy, cigna_slice("noeviction"))) {
        return cigna_redis_handshake_fail(f, cigna_redis_handshake_evicts,
                                          "maxmemory-policy must be "
                                          "noeviction, or Redis drops grants");
    }

    return cigna_redis_handshake_ok;
}


/*
 * the meaning of the event of a command; if it is not "ok", f->error gets it in
 * words, without text of the reply
 */

static cigna_redis_handshake_e
cigna_redis_handshake_answer(cigna_redis_handshake_t *f,
    const cigna_event_t *ev, const char *command)
{
    size_t                                i;
    const char                           *text;
    cigna_redis_handshake_e               rc;
    const cigna_redis_handshake_error_t  *e;

    if (cigna_flow_answered(ev)) {
        return cigna_redis_handshake_ok;
    }

    rc = cigna_redis_handshake_refused;
    text = "Redis refused";

    if (ev->type != cigna_ev_ok) {
        rc = cigna_redis_handshake_broken;
        text = "the connection failed at";
    }

    for (i = 0; ev->type == cigna_ev_ok && i < CIGNA_REDIS_HANDSHAKE_ERRORS;
         i++)
    {
        e = &cigna_redis_handshake_errors[i];

        if (cigna_reply_is_error(ev->reply, e->code)) {
            rc = e->rc;
            text = e->text;
            break;
        }
    }

    cigna_flow_say(f->error, sizeof(f->error), text, cigna_slice_str(command));

    return rc;
}


/* the maxmemory_policy in the reply to INFO; empty if it is missing */

static cigna_slice_t
cigna_redis_handshake_info(cigna_slice_t info)
{
    cigna_slice_t  line, name;

    name = cigna_slice("maxmemory_policy:");

    while (info.len) {
        line = cigna_slice_cut(&info, '\n');

        if (cigna_slice_starts(line, name)) {
            line = cigna_slice_cut(&line, '\r');
            return cigna_slice_skip(line, name.len);
        }
    }

    return cigna_slice_null;
}


static cigna_redis_handshake_e
cigna_redis_handshake_fail(cigna_redis_handshake_t *f,
    cigna_redis_handshake_e rc, const char *text)
{
    cigna_flow_say(f->error, sizeof(f->error), text, cigna_slice_null);

    return rc;
}


static void
cigna_redis_handshake_done(cigna_redis_handshake_t *f, cigna_op_t *op,
    cigna_redis_handshake_e rc)
{
    f->rc = rc;
    f->state = cigna_redis_handshake_st_done;
    cigna_flow_done(op);
}

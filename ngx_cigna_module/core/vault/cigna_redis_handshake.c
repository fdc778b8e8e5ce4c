
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
 *   (1) with a check, "ok" is said only after Redis has said "noeviction"; with
 *       the check of the vault, only after it has also shown the marker;
 *   (2) the error text has no byte of the password and no text of a reply: if
 *       Redis does not know a command, its reply repeats the arguments;
 *   (3) there are at most four commands, and AUTH is the first.
 */


#include <string.h>

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
static uint64_t cigna_redis_handshake_primary(cigna_slice_t name);
static cigna_redis_handshake_e cigna_redis_handshake_marker(
    cigna_redis_handshake_t *f, int rc);
static cigna_redis_handshake_e cigna_redis_handshake_policy(
    cigna_redis_handshake_t *f, cigna_slice_t policy);
static cigna_redis_handshake_e cigna_redis_handshake_answer(
    cigna_redis_handshake_t *f, const cigna_event_t *ev, const char *command);
static cigna_slice_t cigna_redis_handshake_info(cigna_slice_t info);
static void cigna_redis_handshake_done(cigna_redis_handshake_t *f,
    cigna_op_t *op, cigna_redis_handshake_e rc);


void
cigna_redis_handshake_init(cigna_redis_handshake_t *f)
{
    f->rc = cigna_redis_handshake_pending;
    f->age_ms = -1;
    f->primary = 0;
    f->error[0] = '\0';
    f->state = cigna_redis_handshake_st_start;
}


void
cigna_redis_handshake_next(cigna_redis_handshake_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_redis_handshake_state_e) f->state) {

    case cigna_redis_handshake_st_start:

        if (f->again) {
            cigna_redis_handshake_check(f, op);
            return;
        }

        if (f->password.len) {
            cigna_redis_handshake_auth(f, op);
            return;
        }

        cigna_redis_handshake_select(f, op);
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

        /* the name only helps operators, so it may be forbidden */

        if ((ev->type == cigna_ev_ok
             && cigna_reply_is_error(ev->reply, "NOPERM"))
            || cigna_redis_handshake_passed(f, ev, op, "CLIENT"))
        {
            cigna_redis_handshake_check(f, op);
        }

        return;

    case cigna_redis_handshake_st_check:

        cigna_redis_handshake_done(f, op, cigna_redis_handshake_checked(f, ev));
        return;

    case cigna_redis_handshake_st_done:
        break;
    }

    cigna_redis_handshake_done(f, op, f->rc);
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
    unsigned       n;
    cigna_slice_t  argv[3];

    n = 0;
    argv[n++] = cigna_slice("AUTH");

    if (f->username.len) {
        argv[n++] = f->username;
    }

    argv[n++] = f->password;

    f->state = cigna_redis_handshake_st_auth;
    cigna_flow_redis(op, argv, n);
}


static void
cigna_redis_handshake_select(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    cigna_buf_t    b;
    cigna_slice_t  argv[2];

    /* each connection begins in database 0, and a cluster has no other */

    if (f->db == 0) {
        cigna_redis_handshake_name(f, op);
        return;
    }

    cigna_buf_init(&b, f->number, sizeof(f->number));
    cigna_buf_append_uint(&b, f->db);

    argv[0] = cigna_slice("SELECT");
    argv[1] = cigna_buf_slice(&b);

    f->state = cigna_redis_handshake_st_select;
    cigna_flow_redis(op, argv, 2);
}


static void
cigna_redis_handshake_name(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    static const cigna_slice_t  argv[] = {
        { (const uint8_t *) "CLIENT", 6 },
        { (const uint8_t *) "SETNAME", 7 },
        { (const uint8_t *) "cigna", 5 }
    };

    f->state = cigna_redis_handshake_st_name;
    cigna_flow_redis(op, argv, 3);
}


static void
cigna_redis_handshake_check(cigna_redis_handshake_t *f, cigna_op_t *op)
{
    cigna_buf_t    b;
    cigna_slice_t  argv[2];

    f->state = cigna_redis_handshake_st_check;

    switch (f->check) {

    case cigna_redis_handshake_check_vault:

        cigna_buf_init(&b, f->key_mem, sizeof(f->key_mem));

        if (cigna_marker_append_key(&b, f->vault, f->slot) != CIGNA_OK) {
            cigna_flow_say(f->error, sizeof(f->error),
                           "the marker's key cannot be made",
                           cigna_slice_null);
            cigna_redis_handshake_done(f, op, cigna_redis_handshake_broken);
            return;
        }

        f->key = cigna_buf_slice(&b);
        argv[0] = f->key;

        cigna_script_run(op, cigna_script_vault_check, argv, 1);
        return;

    case cigna_redis_handshake_check_policy:

        argv[0] = cigna_slice("INFO");
        argv[1] = cigna_slice("memory");

        cigna_flow_redis(op, argv, 2);
        return;

    case cigna_redis_handshake_check_none:
        break;
    }

    f->error[0] = '\0';
    cigna_redis_handshake_done(f, op, cigna_redis_handshake_ok);
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
        cigna_flow_say(f->error, sizeof(f->error), "this is a replica",
                       cigna_slice_null);
        return cigna_redis_handshake_replica;
    }

    rc = cigna_redis_handshake_policy(f, cigna_script_slice(ev, 1));

    if (rc != cigna_redis_handshake_ok) {
        return rc;
    }

    if (cigna_script_said(ev, "none")) {
        return cigna_redis_handshake_marker(f, CIGNA_NONE);
    }

    if (!cigna_script_said(ev, "ok")) {
        return cigna_redis_handshake_marker(f, CIGNA_ERROR);
    }

    f->age_ms = cigna_reply_int(cigna_reply_item(ev->reply, 3), -1);
    f->primary = cigna_redis_handshake_primary(cigna_script_slice(ev, 4));

    return cigna_redis_handshake_marker(f,
               cigna_marker_open(f->vault, f->key, cigna_script_slice(ev, 2)));
}


static cigna_redis_handshake_e
cigna_redis_handshake_policy(cigna_redis_handshake_t *f, cigna_slice_t policy)
{
    if (policy.len == 0) {
        cigna_flow_say(f->error, sizeof(f->error),
                       "INFO memory shows no maxmemory_policy",
                       cigna_slice_null);
        return cigna_redis_handshake_broken;
    }

    if (!cigna_slice_eq(policy, cigna_slice("noeviction"))) {
        cigna_flow_say(f->error, sizeof(f->error),
                       "maxmemory-policy must be noeviction, or Redis drops "
                       "grants", cigna_slice_null);
        return cigna_redis_handshake_evicts;
    }

    f->error[0] = '\0';

    return cigna_redis_handshake_ok;
}


/* a hash of the primary's name; it protects nothing, so its key is zero */

static uint64_t
cigna_redis_handshake_primary(cigna_slice_t name)
{
    uint8_t   hash[CIGNA_SIPHASH_LEN];
    uint64_t  primary;

    static const uint8_t  key[CIGNA_SIPHASH_KEY_LEN];

    if (name.len == 0) {
        return 0;
    }

    cigna_siphash(key, name, hash);
    memcpy(&primary, hash, sizeof(primary));

    return primary;
}


static cigna_redis_handshake_e
cigna_redis_handshake_marker(cigna_redis_handshake_t *f, int rc)
{
    if (rc == CIGNA_OK) {
        f->error[0] = '\0';
        return cigna_redis_handshake_ok;
    }

    f->age_ms = -1;
    f->primary = 0;

    cigna_flow_say(f->error, sizeof(f->error), cigna_marker_error(rc),
                   cigna_slice_null);

    return rc == CIGNA_ERROR ? cigna_redis_handshake_broken
                             : cigna_redis_handshake_foreign;
}


/* the meaning of a reply; f->error tells it in our own words */

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

    } else {

        for (i = 0; i < CIGNA_REDIS_HANDSHAKE_ERRORS; i++) {
            e = &cigna_redis_handshake_errors[i];

            if (cigna_reply_is_error(ev->reply, e->code)) {
                rc = e->rc;
                text = e->text;
                break;
            }
        }
    }

    cigna_flow_say(f->error, sizeof(f->error), text,
                   cigna_slice_str(command));

    return rc;
}


/* the value of the line "maxmemory_policy:"; empty if there is none */

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


static void
cigna_redis_handshake_done(cigna_redis_handshake_t *f, cigna_op_t *op,
    cigna_redis_handshake_e rc)
{
    f->rc = rc;
    f->state = cigna_redis_handshake_st_done;
    cigna_flow_done(op);
}


/*
 * Set-up of a Redis connection.
 *
 *   start --> auth --> select --> name --> check --> done
 *     |                  ^  |      ^ |       ^  |      ^
 *     +------------------+--+------+-+-------+  +------+
 *                                             what is not wanted is left out
 *
 * Invariants, checked by t/fuzz/vault/fuzz_setup.c:
 *
 *   (1) "ok" with a check comes only after Redis itself has said "noeviction",
 *       and with that of the vault only after it has shown its marker;
 *   (2) the error text has no byte of the password, nor any other that Redis
 *       chose: an unknown command is answered with its arguments;
 *   (3) there are at most four commands, and AUTH is the first of them.
 */


#include <string.h>

#include "cigna_setup.h"
#include "base/cigna_siphash.h"


typedef enum {
    cigna_setup_st_start = 0,
    cigna_setup_st_auth,
    cigna_setup_st_select,
    cigna_setup_st_name,
    cigna_setup_st_check,
    cigna_setup_st_done
} cigna_setup_state_e;


/* errors that pass by themselves, and those that an operator must mend */

typedef struct {
    const char     *code;
    cigna_setup_e   rc;
    const char     *text;
} cigna_setup_error_t;


static const cigna_setup_error_t  cigna_setup_errors[] = {
    { "LOADING", cigna_setup_busy, "Redis is loading its data" },
    { "MASTERDOWN", cigna_setup_busy, "the replica has lost its primary" },
    { "CLUSTERDOWN", cigna_setup_busy, "the cluster is down" },
    { "READONLY", cigna_setup_replica, "this is a replica" },
    { "MOVED", cigna_setup_elsewhere, "the slot is served elsewhere" },
    { "ASK", cigna_setup_elsewhere, "the slot is moving" },
    { "TRYAGAIN", cigna_setup_elsewhere, "the slot is moving" },
    { "BUSY", cigna_setup_busy, "Redis is busy running a script" },
    { "NOAUTH", cigna_setup_refused, "Redis wants a password" },
    { "WRONGPASS", cigna_setup_refused, "wrong username or password" },
    { "NOPERM", cigna_setup_refused,
      "the Redis user lacks a permission" },
    { "DENIED", cigna_setup_refused,
      "Redis runs in protected mode and admits no remote clients" }
};

#define CIGNA_SETUP_ERRORS                                                    \
    (sizeof(cigna_setup_errors) / sizeof(cigna_setup_errors[0]))


static void cigna_setup_auth(cigna_setup_t *f, cigna_op_t *op);
static void cigna_setup_select(cigna_setup_t *f, cigna_op_t *op);
static void cigna_setup_name(cigna_setup_t *f, cigna_op_t *op);
static void cigna_setup_check(cigna_setup_t *f, cigna_op_t *op);
static cigna_setup_e cigna_setup_checked(cigna_setup_t *f,
    const cigna_event_t *ev);
static uint64_t cigna_setup_primary(cigna_slice_t name);
static cigna_setup_e cigna_setup_marker(cigna_setup_t *f, int rc);
static cigna_setup_e cigna_setup_policy(cigna_setup_t *f,
    cigna_slice_t policy);
static cigna_setup_e cigna_setup_answer(cigna_setup_t *f,
    const cigna_event_t *ev, const char *command);
static cigna_slice_t cigna_setup_info(cigna_slice_t info);
static void cigna_setup_done(cigna_setup_t *f, cigna_op_t *op,
    cigna_setup_e rc);


void
cigna_setup_init(cigna_setup_t *f)
{
    f->rc = cigna_setup_pending;
    f->age_ms = -1;
    f->primary = 0;
    f->error[0] = '\0';
    f->state = cigna_setup_st_start;
}


void
cigna_setup_next(cigna_setup_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_setup_e  rc;

    switch ((cigna_setup_state_e) f->state) {

    case cigna_setup_st_start:

        if (f->again) {
            cigna_setup_check(f, op);
            return;
        }

        if (f->password.len) {
            cigna_setup_auth(f, op);
            return;
        }

        cigna_setup_select(f, op);
        return;

    case cigna_setup_st_auth:

        rc = cigna_setup_answer(f, ev, "AUTH");

        if (rc != cigna_setup_ok) {
            cigna_setup_done(f, op, rc);
            return;
        }

        cigna_setup_select(f, op);
        return;

    case cigna_setup_st_select:

        rc = cigna_setup_answer(f, ev, "SELECT");

        if (rc != cigna_setup_ok) {
            cigna_setup_done(f, op, rc);
            return;
        }

        cigna_setup_name(f, op);
        return;

    case cigna_setup_st_name:

        rc = cigna_setup_answer(f, ev, "CLIENT");

        /* the name is for the eyes of operators only */

        if (rc == cigna_setup_refused
            && cigna_reply_is_error(ev->reply, "NOPERM"))
        {
            rc = cigna_setup_ok;
        }

        if (rc != cigna_setup_ok) {
            cigna_setup_done(f, op, rc);
            return;
        }

        cigna_setup_check(f, op);
        return;

    case cigna_setup_st_check:

        cigna_setup_done(f, op, cigna_setup_checked(f, ev));
        return;

    case cigna_setup_st_done:
        break;
    }

    cigna_setup_done(f, op, f->rc);
}


static void
cigna_setup_auth(cigna_setup_t *f, cigna_op_t *op)
{
    unsigned       n;
    cigna_slice_t  argv[3];

    n = 0;
    argv[n++] = cigna_slice("AUTH");

    if (f->username.len) {
        argv[n++] = f->username;
    }

    argv[n++] = f->password;

    f->state = cigna_setup_st_auth;
    cigna_flow_redis(op, argv, n);
}


static void
cigna_setup_select(cigna_setup_t *f, cigna_op_t *op)
{
    cigna_buf_t    b;
    cigna_slice_t  argv[2];

    /* every connection starts in 0, and a cluster has no other */

    if (f->db == 0) {
        cigna_setup_name(f, op);
        return;
    }

    cigna_buf_init(&b, f->number, sizeof(f->number));
    cigna_buf_append_uint(&b, f->db);

    argv[0] = cigna_slice("SELECT");
    argv[1] = cigna_buf_slice(&b);

    f->state = cigna_setup_st_select;
    cigna_flow_redis(op, argv, 2);
}


static void
cigna_setup_name(cigna_setup_t *f, cigna_op_t *op)
{
    static const cigna_slice_t  argv[] = {
        { (const uint8_t *) "CLIENT", 6 },
        { (const uint8_t *) "SETNAME", 7 },
        { (const uint8_t *) "cigna", 5 }
    };

    f->state = cigna_setup_st_name;
    cigna_flow_redis(op, argv, 3);
}


static void
cigna_setup_check(cigna_setup_t *f, cigna_op_t *op)
{
    cigna_buf_t    b;
    cigna_slice_t  argv[2];

    f->state = cigna_setup_st_check;

    switch (f->check) {

    case cigna_setup_check_vault:

        cigna_buf_init(&b, f->key_mem, sizeof(f->key_mem));

        if (cigna_marker_append_key(&b, f->vault, f->slot) != CIGNA_OK) {
            cigna_flow_say(f->error, sizeof(f->error),
                           "the marker's key cannot be made",
                           cigna_slice_null);
            cigna_setup_done(f, op, cigna_setup_broken);
            return;
        }

        f->key = cigna_buf_slice(&b);
        argv[0] = f->key;

        cigna_script_run(op, cigna_script_vault_check, argv, 1);
        return;

    case cigna_setup_check_policy:

        argv[0] = cigna_slice("INFO");
        argv[1] = cigna_slice("memory");

        cigna_flow_redis(op, argv, 2);
        return;

    case cigna_setup_check_none:
        break;
    }

    f->error[0] = '\0';
    cigna_setup_done(f, op, cigna_setup_ok);
}


static cigna_setup_e
cigna_setup_checked(cigna_setup_t *f, const cigna_event_t *ev)
{
    cigna_setup_e  rc;
    cigna_slice_t  info;

    if (f->check == cigna_setup_check_policy) {
        rc = cigna_setup_answer(f, ev, "INFO");

        if (rc != cigna_setup_ok) {
            return rc;
        }

        info = cigna_reply_slice(ev->reply);

        return cigna_setup_policy(f, cigna_setup_info(info));
    }

    rc = cigna_setup_answer(f, ev, "EVAL");

    if (rc != cigna_setup_ok) {
        return rc;
    }

    if (cigna_script_said(ev, "replica")) {
        cigna_flow_say(f->error, sizeof(f->error), "this is a replica",
                       cigna_slice_null);
        return cigna_setup_replica;
    }

    rc = cigna_setup_policy(f, cigna_script_slice(ev, 1));

    if (rc != cigna_setup_ok) {
        return rc;
    }

    if (cigna_script_said(ev, "none")) {
        return cigna_setup_marker(f, CIGNA_NONE);
    }

    if (!cigna_script_said(ev, "ok")) {
        return cigna_setup_marker(f, CIGNA_ERROR);
    }

    f->age_ms = cigna_reply_int(cigna_reply_item(ev->reply, 3), -1);
    f->primary = cigna_setup_primary(cigna_script_slice(ev, 4));

    return cigna_setup_marker(f, cigna_marker_open(f->vault, f->key,
                                                   cigna_script_slice(ev, 2),
                                                   NULL));
}


static cigna_setup_e
cigna_setup_policy(cigna_setup_t *f, cigna_slice_t policy)
{
    if (policy.len == 0) {
        cigna_flow_say(f->error, sizeof(f->error),
                       "INFO memory shows no maxmemory_policy",
                       cigna_slice_null);
        return cigna_setup_broken;
    }

    if (!cigna_slice_eq(policy, cigna_slice("noeviction"))) {
        cigna_flow_say(f->error, sizeof(f->error),
                       "maxmemory-policy must be noeviction, or Redis drops "
                       "grants", cigna_slice_null);
        return cigna_setup_evicts;
    }

    f->error[0] = '\0';

    return cigna_setup_ok;
}


/* a number for a name that no stranger chooses */

static uint64_t
cigna_setup_primary(cigna_slice_t name)
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


static cigna_setup_e
cigna_setup_marker(cigna_setup_t *f, int rc)
{
    if (rc == CIGNA_OK) {
        f->error[0] = '\0';
        return cigna_setup_ok;
    }

    f->age_ms = -1;
    f->primary = 0;

    cigna_flow_say(f->error, sizeof(f->error), cigna_marker_error(rc),
                   cigna_slice_null);

    return (rc == CIGNA_ERROR) ? cigna_setup_broken : cigna_setup_foreign;
}


/* what a reply means; f->error says it in words of our own */

static cigna_setup_e
cigna_setup_answer(cigna_setup_t *f, const cigna_event_t *ev,
    const char *command)
{
    size_t                      i;
    const char                 *text;
    cigna_setup_e               rc;
    const cigna_setup_error_t  *e;

    if (cigna_flow_answered(ev)) {
        return cigna_setup_ok;
    }

    rc = cigna_setup_refused;
    text = "Redis refused";

    if (ev->type != cigna_ev_ok) {
        rc = cigna_setup_broken;
        text = "the connection failed at";

    } else {

        for (i = 0; i < CIGNA_SETUP_ERRORS; i++) {
            e = &cigna_setup_errors[i];

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


/* the value of the line "maxmemory_policy:", empty if there is none */

static cigna_slice_t
cigna_setup_info(cigna_slice_t info)
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
cigna_setup_done(cigna_setup_t *f, cigna_op_t *op, cigna_setup_e rc)
{
    f->rc = rc;
    f->state = cigna_setup_st_done;
    cigna_flow_done(op);
}

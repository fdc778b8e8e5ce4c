
/*
 * Sealing a grant again.
 *
 *   start --> read --> set --> done
 *               |               ^
 *               +---------------+
 *
 * Nobody waits for it and nothing depends on it: whatever fails is left to the
 * next one who uses the grant, or to scripts/vault.
 *
 * Invariants, checked by t/fuzz/vault/fuzz_reseal.c:
 *
 *   (1) only the bytes that were read are replaced, and only under a key that
 *       is not the first one;
 *   (2) what replaces them opens to the same grant, under the first key;
 *   (3) there are two commands at most, and none that could delete anything.
 */


#include "cigna_reseal.h"


typedef enum {
    cigna_reseal_st_start = 0,
    cigna_reseal_st_read,
    cigna_reseal_st_set,
    cigna_reseal_st_done
} cigna_reseal_state_e;


static void cigna_reseal_read(cigna_reseal_t *f, cigna_op_t *op);
static cigna_reseal_e cigna_reseal_set(cigna_reseal_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static cigna_reseal_e cigna_reseal_record(cigna_reseal_t *f,
    const cigna_event_t *ev, cigna_grant_t *g, cigna_slice_t *blob);
static cigna_reseal_e cigna_reseal_result(const cigna_event_t *ev);
static void cigna_reseal_done(cigna_reseal_t *f, cigna_op_t *op,
    cigna_reseal_e rc);


void
cigna_reseal_init(cigna_reseal_t *f)
{
    f->rc = cigna_reseal_pending;
    f->state = cigna_reseal_st_start;
}


void
cigna_reseal_next(cigna_reseal_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_reseal_e  rc;

    switch ((cigna_reseal_state_e) f->state) {

    case cigna_reseal_st_start:

        cigna_reseal_read(f, op);
        return;

    case cigna_reseal_st_read:

        rc = cigna_reseal_set(f, ev, op);

        if (rc != cigna_reseal_pending) {
            cigna_reseal_done(f, op, rc);
        }

        return;

    case cigna_reseal_st_set:

        cigna_reseal_done(f, op, cigna_reseal_result(ev));
        return;

    case cigna_reseal_st_done:
        break;
    }

    cigna_reseal_done(f, op, f->rc);
}


static void
cigna_reseal_read(cigna_reseal_t *f, cigna_op_t *op)
{
    f->state = cigna_reseal_st_read;
    cigna_script_read(op, f->subject->identity);
}


/* "pending" if there is an operation to be done */

static cigna_reseal_e
cigna_reseal_set(cigna_reseal_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_grant_t   g;
    cigna_slice_t   blob, argv[3];
    cigna_reseal_e  rc;

    rc = cigna_reseal_record(f, ev, &g, &blob);
    if (rc != cigna_reseal_pending) {
        return rc;
    }

    argv[0] = f->subject->identity->grant_key;

    /* the event's bytes do not live as long as the operation's */

    if (cigna_arena_copy(f->subject->arena, blob, &argv[1]) != CIGNA_OK) {
        return cigna_reseal_unavailable;
    }

    switch (cigna_vault_reseal_grant(f->subject, &g, blob, &argv[2]))
    {

    case CIGNA_OK:
        break;

    case CIGNA_SEAL_UNKNOWN_KEY:
        return cigna_reseal_unknown_key;

    case CIGNA_SEAL_DAMAGED:
        return cigna_reseal_damaged;

    default:
        return cigna_reseal_unavailable;
    }

    f->state = cigna_reseal_st_set;
    cigna_script_run(op, cigna_script_grant_reseal, argv, 3);

    return cigna_reseal_pending;
}


/* id and generation of what was read, and its sealed bytes, borrowed */

static cigna_reseal_e
cigna_reseal_record(cigna_reseal_t *f, const cigna_event_t *ev,
    cigna_grant_t *g, cigna_slice_t *blob)
{
    if (!cigna_flow_answered(ev)) {
        return cigna_reseal_unavailable;
    }

    switch (cigna_vault_read_head(ev->reply, g, blob)) {

    case CIGNA_OK:
        break;

    case CIGNA_NONE:
        return cigna_reseal_gone;

    case CIGNA_SEAL_DAMAGED:
        return cigna_reseal_damaged;

    default:
        return cigna_reseal_unavailable;
    }

    return cigna_vault_current(f->subject->vault, *blob) ? cigna_reseal_current
                                                : cigna_reseal_pending;
}


static cigna_reseal_e
cigna_reseal_result(const cigna_event_t *ev)
{
    if (cigna_script_said(ev, "ok")) {
        return cigna_reseal_ok;
    }

    if (cigna_script_said(ev, "stale")) {
        return cigna_reseal_changed;
    }

    return cigna_reseal_unavailable;
}


static void
cigna_reseal_done(cigna_reseal_t *f, cigna_op_t *op, cigna_reseal_e rc)
{
    f->rc = rc;
    f->state = cigna_reseal_st_done;
    cigna_flow_done(op);
}


const char *
cigna_reseal_name(cigna_reseal_e rc)
{
    static const char  *names[] = {
        "resealed", "pending", "current", "changed", "no_grant", "key_unknown",
        "record_damaged", "unavailable"
    };

    return names[rc];
}

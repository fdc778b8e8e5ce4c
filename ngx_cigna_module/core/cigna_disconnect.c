
/*
 * Disconnect: forgets a grant.
 *
 *   start --> delete --> report --> revoke --> done
 *              ^ |          ^
 *              | v          |
 *             sleep --------+
 *
 * Invariants, checked by t/fuzz/fuzz_disconnect.c:
 *
 *   (1) "disconnected" is said only after Redis has said that the grant is
 *       gone: a failure to ask is never taken for a yes;
 *   (2) the flow reports exactly once, before anything is revoked: the
 *       member does not wait for the authorization server;
 *   (3) only the tokens of the deleted grant are revoked.
 */


#include <string.h>

#include "cigna_disconnect.h"
#include "cigna_scripts.h"


#define CIGNA_DISCONNECT_TRIES     3
#define CIGNA_DISCONNECT_SLEEP_MS  50
#define CIGNA_DISCONNECT_MAX_MS    200


typedef enum {
    cigna_disconnect_st_start = 0,
    cigna_disconnect_st_delete,
    cigna_disconnect_st_sleep,
    cigna_disconnect_st_report,
    cigna_disconnect_st_revoke,
    cigna_disconnect_st_done
} cigna_disconnect_state_e;


static int cigna_disconnect_delete(cigna_disconnect_t *f, cigna_op_t *op);
static void cigna_disconnect_read(cigna_disconnect_t *f,
    const cigna_event_t *ev);
static void cigna_disconnect_report(cigna_disconnect_t *f, cigna_op_t *op,
    cigna_outcome_e outcome, const char *text);


void
cigna_disconnect_init(cigna_disconnect_t *f)
{
    f->outcome = cigna_outcome_none;
    f->existed = 0;
    f->detail[0] = '\0';

    f->state = cigna_disconnect_st_start;
    memset(&f->grant, 0, sizeof(cigna_grant_t));
    cigna_revoke_init(&f->revoke);
}


void
cigna_disconnect_next(cigna_disconnect_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_disconnect_state_e) f->state) {

    case cigna_disconnect_st_start:

        f->state = cigna_disconnect_st_delete;

        if (cigna_disconnect_delete(f, op) != CIGNA_OK) {
            cigna_disconnect_report(f, op, cigna_outcome_not_disconnected,
                                    "no room");
        }

        return;

    case cigna_disconnect_st_delete:

        if (cigna_script_said(ev, "none")) {
            cigna_disconnect_report(f, op, cigna_outcome_disconnected,
                                    f->retry.tries > 1
                                    ? "there was no grant, or none after a "
                                      "reply was lost" : "there was no grant");
            return;
        }

        if (cigna_script_said(ev, "ok")) {
            f->existed = 1;
            cigna_disconnect_report(f, op, cigna_outcome_disconnected, "");
            cigna_disconnect_read(f, ev);
            return;
        }

        /* deleting twice is the same as once */

        if (cigna_retry_sleep(&f->retry, op, CIGNA_DISCONNECT_TRIES,
                              CIGNA_DISCONNECT_SLEEP_MS,
                              CIGNA_DISCONNECT_MAX_MS)
            == CIGNA_OK)
        {
            f->state = cigna_disconnect_st_sleep;
            return;
        }

        cigna_disconnect_report(f, op, cigna_outcome_not_disconnected,
                                "Redis cannot be asked");
        return;

    case cigna_disconnect_st_sleep:

        f->state = cigna_retry_again(&f->retry, op);
        return;

    case cigna_disconnect_st_report:
    case cigna_disconnect_st_revoke:

        f->state = cigna_disconnect_st_revoke;

        if (cigna_revoke_next(&f->revoke, op) == CIGNA_AGAIN) {
            return;
        }

        f->state = cigna_disconnect_st_done;
        break;

    case cigna_disconnect_st_done:
        break;
    }

    cigna_flow_done(op);
}


static int
cigna_disconnect_delete(cigna_disconnect_t *f, cigna_op_t *op)
{
    cigna_slice_t  argv[5];

    argv[0] = f->identity->grant_key;
    argv[1] = f->identity->lock_key;
    argv[4] = cigna_script_who(f->identity);

    if (cigna_flow_uint(f->arena, CIGNA_TOMB_MS, &argv[2])
        != CIGNA_OK
        || cigna_script_channel(f->vault, f->arena, &argv[3]) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    cigna_script_run(op, cigna_script_grant_delete, argv, 5);
    cigna_retry_init(&f->retry, op, cigna_disconnect_st_delete);

    return CIGNA_OK;
}


/* a record that cannot be opened is deleted all the same */

static void
cigna_disconnect_read(cigna_disconnect_t *f, const cigna_event_t *ev)
{
    if (cigna_vault_read_grant(f->vault, f->provider, f->identity,
                               cigna_reply_item(ev->reply, 1), f->arena,
                               &f->grant, NULL, NULL)
        != CIGNA_OK)
    {
        cigna_flow_say(f->detail, sizeof(f->detail),
                       "the record could not be opened, so its tokens are "
                       "not revoked", cigna_slice_null);
        return;
    }

    cigna_revoke_prepare(&f->revoke, f->grant.refresh_token,
                         f->grant.access_token);
}


static void
cigna_disconnect_report(cigna_disconnect_t *f, cigna_op_t *op,
    cigna_outcome_e outcome, const char *text)
{
    cigna_flow_say(f->detail, sizeof(f->detail), text, cigna_slice_null);

    f->outcome = outcome;
    f->state = cigna_disconnect_st_report;
    cigna_flow_report(op);
}


/*
 * Disconnect: ends a grant.
 *
 *   start --> look --> delete --> journal --> report --> revoke --> done
 *                       ^ | |                   ^
 *                       | v +-------------------+ no grant, or Redis fails
 *                      sleep
 *
 * The reply to the deletion has the deleted record.  "look" reads the record
 * before the deletion, because that reply may be lost.
 *
 * Invariants, checked by t/fuzz/dance/fuzz_disconnect.c:
 *
 *   (1) the outcome is "disconnected" only if Redis has said that the grant is
 *       gone;
 *   (2) the flow reports exactly once, and before it revokes: the member does
 *       not wait for the authorization server;
 *   (3) only tokens of the deleted grant are revoked;
 *   (4) a deletion that Redis has confirmed is in the journal before the flow
 *       reports, because a failover may still undo the deletion; except if the
 *       record had no grant id, or if the journal is full.
 */


#include <string.h>

#include "cigna_disconnect.h"
#include "vault/cigna_grant_write.h"


typedef enum {
    cigna_disconnect_st_start = 0,
    cigna_disconnect_st_look,
    cigna_disconnect_st_delete,
    cigna_disconnect_st_sleep,
    cigna_disconnect_st_journal,
    cigna_disconnect_st_report,
    cigna_disconnect_st_revoke
} cigna_disconnect_state_e;


static void cigna_disconnect_delete(cigna_disconnect_t *f, cigna_op_t *op);
static void cigna_disconnect_deleted(cigna_disconnect_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_disconnect_read(cigna_disconnect_t *f,
    const cigna_reply_t *record);
static void cigna_disconnect_journal(cigna_disconnect_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_disconnect_report(cigna_disconnect_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome, const char *text);


void
cigna_disconnect_next(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_disconnect_t  *f = flow;

    switch ((cigna_disconnect_state_e) f->state) {

    case cigna_disconnect_st_start:

        f->state = cigna_disconnect_st_look;
        cigna_script_read(op, f->subject->identity);
        return;

    case cigna_disconnect_st_look:

        if (cigna_flow_answered(ev)) {
            cigna_disconnect_read(f, ev->reply);
        }

        cigna_disconnect_delete(f, op);
        return;

    case cigna_disconnect_st_delete:

        cigna_disconnect_deleted(f, ev, op);
        return;

    case cigna_disconnect_st_sleep:

        f->state = cigna_retry_again(&f->retry, op);
        return;

    case cigna_disconnect_st_journal:

        cigna_disconnect_report(f, op, cigna_dance_outcome_disconnected, "");
        return;

    case cigna_disconnect_st_report:
    case cigna_disconnect_st_revoke:

        f->state = cigna_disconnect_st_revoke;

        if (cigna_revoke_handoff_next(&f->revoke, op) == CIGNA_AGAIN) {
            return;
        }

        break;
    }

    cigna_flow_done(op);
}


static void
cigna_disconnect_delete(cigna_disconnect_t *f, cigna_op_t *op)
{
    const cigna_subject_t  *s = f->subject;

    cigna_script_call(op, cigna_script_grant_delete, s->identity->grant_key,
                      s->identity->lock_key,
                      cigna_flow_uint(s->arena, CIGNA_TOMB_MS),
                      cigna_script_channel(s),
                      cigna_script_identity(s->identity));

    if (s->arena->overflow) {
        cigna_disconnect_report(f, op, cigna_dance_outcome_not_disconnected,
                                "no room");
        return;
    }

    f->state = cigna_retry_init(&f->retry, op, cigna_disconnect_st_delete);
}


static void
cigna_disconnect_deleted(cigna_disconnect_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_script_said(ev, "ok")) {
        f->existed = 1;
        cigna_disconnect_read(f, cigna_reply_item(ev->reply, 1));
        cigna_disconnect_journal(f, ev, op);
        return;
    }

    if (cigna_script_said(ev, "none")) {

        /*
         * the grant was deleted after this flow had read it: by an earlier try
         * whose reply was lost, or by another run
         */

        if (f->grant.id.len) {
            f->existed = 1;
            cigna_disconnect_journal(f, ev, op);
            return;
        }

        cigna_disconnect_report(f, op, cigna_dance_outcome_disconnected,
                                f->retry.tries > 1
                                ? "there was no grant, or none after a reply "
                                  "was lost" : "there was no grant");
        return;
    }

    /* it is harmless to delete a grant twice */

    if (cigna_retry_redis(&f->retry, op, &f->state, cigna_disconnect_st_sleep)
        != CIGNA_AGAIN)
    {
        cigna_disconnect_report(f, op, cigna_dance_outcome_not_disconnected,
                                "Redis cannot be asked");
    }
}


/* reads the grant in the record; sets "unread" if it cannot be opened */

static void
cigna_disconnect_read(cigna_disconnect_t *f, const cigna_reply_t *record)
{
    int  rc;

    memset(&f->grant, 0, sizeof(cigna_grant_t));

    rc = cigna_vault_read_grant(f->subject, record, &f->grant, NULL);

    f->unread = rc != CIGNA_OK && rc != CIGNA_NONE && rc != CIGNA_AGAIN;

    if (rc != CIGNA_OK) {
        f->grant.access_token = cigna_slice_null;
        f->grant.refresh_token = cigna_slice_null;
    }
}


/*
 * Enters the deletion into the journal.  A replay also deletes grants that were
 * connected before this one.  If the time of the connection is not known, the
 * entry has the earliest time, so that a replay deletes only this grant.
 */

static void
cigna_disconnect_journal(cigna_disconnect_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    uint64_t         connected;
    cigna_journal_t  entry;

    /*
     * the damaged record had no grant id, so the journal cannot name the grant
     */

    if (f->grant.id.len == 0) {
        cigna_disconnect_report(f, op, cigna_dance_outcome_disconnected, "");
        return;
    }

    cigna_revoke_handoff_prepare(&f->revoke, f->grant.refresh_token,
                                 f->grant.access_token);

    if (cigna_slice_uint(cigna_script_slice(ev, 2), INT64_MAX, &connected)
        != CIGNA_OK)
    {
        connected = 1;
    }

    entry = cigna_grant_write_entry(f->subject, &f->grant, cigna_slice_null,
                                    ev->now_ms, CIGNA_TOMB_MS);
    entry.connected_ms = (int64_t) connected;

    f->state = cigna_disconnect_st_journal;
    cigna_flow_journal(op, &entry, 1);
}


static void
cigna_disconnect_report(cigna_disconnect_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome, const char *text)
{
    cigna_flow_detail(f, text, cigna_slice_null);

    f->outcome = outcome;
    f->state = cigna_disconnect_st_report;
    cigna_flow_report(op);
}


/*
 * The replay of an entry of the node's journal to Redis.
 *
 *   start --> write --> settle --> report --> revoke --> done
 *              ^ |
 *              | v
 *             sleep
 *
 * "start" goes to "settle" if the entry is not needed any more.  "start" and
 * "write" go to "report" if the entry has to stay.
 *
 * Several nodes may replay entries of the same grant at the same time: the
 * scripts never replace a newer grant, and a second replay changes nothing.
 *
 * Invariants, checked by t/fuzz/refresh/fuzz_journal_replay.c:
 *
 *   (1) an entry is confirmed only if Redis has the generation or the deletion,
 *       and forgotten only if Redis has something newer, or if the entry is too
 *       old or of another vault; it stays if Redis does not answer;
 *   (2) an entry never replaces a newer grant or a newer generation, and never
 *       brings back a deleted grant;
 *   (3) only tokens of a grant that is gone are revoked, and only if Redis
 *       never had them: otherwise the run that replaced or deleted the grant
 *       has revoked them;
 *   (4) the flow reports exactly once, and revokes tokens only after that.
 */


#include "cigna_journal_replay.h"


typedef enum {
    cigna_journal_replay_st_start = 0,
    cigna_journal_replay_st_write,
    cigna_journal_replay_st_sleep,
    cigna_journal_replay_st_settle,
    cigna_journal_replay_st_report,
    cigna_journal_replay_st_done
} cigna_journal_replay_state_e;


static void cigna_journal_replay_start(cigna_journal_replay_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_journal_replay_foreign(cigna_journal_replay_t *f);
static int cigna_journal_replay_write(cigna_journal_replay_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_journal_replay_written(cigna_journal_replay_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_journal_replay_discard(cigna_journal_replay_t *f);
static void cigna_journal_replay_settle(cigna_journal_replay_t *f,
    cigna_op_t *op, cigna_journal_replay_e rc, const char *why);
static void cigna_journal_replay_report(cigna_journal_replay_t *f,
    cigna_op_t *op, cigna_journal_replay_e rc, const char *why);


void
cigna_journal_replay_next(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_journal_replay_t  *f = flow;

    switch ((cigna_journal_replay_state_e) f->state) {

    case cigna_journal_replay_st_start:
        cigna_journal_replay_start(f, ev, op);
        return;

    case cigna_journal_replay_st_write:
        cigna_journal_replay_written(f, ev, op);
        return;

    case cigna_journal_replay_st_sleep:
        f->state = cigna_retry_again(&f->retry, op);
        return;

    case cigna_journal_replay_st_settle:
        cigna_journal_replay_report(f, op, f->rc, NULL);
        return;

    case cigna_journal_replay_st_report:
        if (cigna_revoke_handoff_next(&f->revoke, op) == CIGNA_AGAIN) {
            return;
        }

        f->state = cigna_journal_replay_st_done;
        break;

    case cigna_journal_replay_st_done:
        break;
    }

    cigna_flow_done(op);
}


static void
cigna_journal_replay_start(cigna_journal_replay_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->subject.identity = &f->identity;

    if (f->entry.until_ms <= ev->now_ms
        || ev->now_ms - f->entry.made_ms > CIGNA_JOURNAL_REPLAY_MAX_MS)
    {
        cigna_journal_replay_settle(f, op, cigna_journal_replay_superseded,
                                    "too old");
        return;
    }

    if (cigna_vault_names_known(&f->identity, f->subject.vault,
                                f->entry.identity)
        != CIGNA_OK)
    {
        cigna_journal_replay_settle(f, op, cigna_journal_replay_superseded,
                                    "not an entry of this vault");
        return;
    }

    if (cigna_journal_replay_foreign(f)) {

        /*
         * an entry that Redis has not confirmed stays, for workers with the old
         * configuration
         */

        if (f->confirmed) {
            cigna_journal_replay_settle(f, op, cigna_journal_replay_superseded,
                                        "an entry of another vault");
            return;
        }

        cigna_journal_replay_report(f, op, cigna_journal_replay_failed,
                                    "an entry of another vault");
        return;
    }

    if (cigna_journal_replay_write(f, ev, op) != CIGNA_OK) {
        cigna_journal_replay_report(f, op, cigna_journal_replay_failed,
                                    "no room");
        return;
    }

    op->redis.durable = 1;

    f->state = cigna_retry_init(&f->retry, op, cigna_journal_replay_st_write);
}


/*
 * 1 if the entry was made before a reload, under another prefix.  Then it does
 * not open in this vault.  It must not replace this vault's grant of the same
 * member: the member's keyed hash is the same in both vaults.
 */

static int
cigna_journal_replay_foreign(cigna_journal_replay_t *f)
{
    int              rc;
    cigna_grant_t    g;
    cigna_arena_t    room;
    cigna_subject_t  subject;

    if (f->entry.generation == 0 || f->subject.provider == NULL) {
        return 0;
    }

    /*
     * The grant is opened in the free part of the arena.  That part is wiped at
     * once, so the flow can use it later.
     */

    cigna_arena_init(&room, f->subject.arena->pos,
                     (size_t) (f->subject.arena->end - f->subject.arena->pos));

    subject = f->subject;
    subject.arena = &room;

    g.id = f->entry.id;
    g.generation = f->entry.generation;

    rc = cigna_vault_open_grant(&subject, f->entry.blob, &g);

    cigna_arena_wipe(&room);

    return rc == CIGNA_SEAL_DAMAGED;
}


static int
cigna_journal_replay_write(cigna_journal_replay_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_arena_t          *a;
    cigna_slice_t           kept, connected, channel;
    const cigna_journal_t  *e;

    e = &f->entry;
    a = f->subject.arena;

    kept = cigna_flow_uint(a, (uint64_t) (e->until_ms - ev->now_ms));
    connected = cigna_flow_uint(a, (uint64_t) e->connected_ms);
    channel = cigna_script_channel(&f->subject);

    if (e->generation) {
        cigna_script_call(op, cigna_script_grant_replay, f->identity.grant_key,
                          e->id, cigna_flow_uint(a, e->generation), e->blob,
                          kept, connected, channel, e->identity);

    } else {
        cigna_script_call(op, cigna_script_grant_forget, f->identity.grant_key,
                          f->identity.lock_key, e->id, connected, kept,
                          channel, e->identity);
    }

    return a->overflow ? CIGNA_ERROR : CIGNA_OK;
}


static void
cigna_journal_replay_written(cigna_journal_replay_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_script_word(ev).len == 0) {

        if (cigna_retry_redis(&f->retry, op, &f->state,
                              cigna_journal_replay_st_sleep)
            != CIGNA_AGAIN)
        {
            cigna_journal_replay_report(f, op, cigna_journal_replay_failed,
                                        "Redis cannot be asked");
        }

        return;
    }

    /*
     * a deletion (generation 0) is complete even if Redis has a newer grant,
     * which stays
     */

    if (cigna_script_said(ev, "ok") || f->entry.generation == 0) {
        cigna_journal_replay_settle(f, op, cigna_journal_replay_ok, NULL);
        return;
    }

    if (cigna_script_said(ev, "stale")) {
        cigna_journal_replay_settle(f, op, cigna_journal_replay_superseded,
                                    "there is a later generation");
        return;
    }

    cigna_flow_detail(f, cigna_script_said(ev, "other")
                         ? "there is a newer grant" : "the grant is gone",
                      cigna_slice_null);

    if (!f->confirmed) {
        cigna_journal_replay_discard(f);
    }

    cigna_journal_replay_settle(f, op, cigna_journal_replay_superseded, NULL);
}


/* has the entry's tokens revoked: only the journal had them */

static void
cigna_journal_replay_discard(cigna_journal_replay_t *f)
{
    cigna_grant_t  g;

    g.id = f->entry.id;
    g.generation = f->entry.generation;

    if (f->subject.provider == NULL
        || cigna_vault_open_grant(&f->subject, f->entry.blob, &g)
           != CIGNA_OK)
    {
        cigna_flow_detail(f, "the grant is gone, and the entry could not be "
                             "opened, so its tokens are not revoked",
                          cigna_slice_null);
        return;
    }

    cigna_revoke_handoff_prepare(&f->revoke, g.refresh_token, g.access_token);
}


static void
cigna_journal_replay_settle(cigna_journal_replay_t *f, cigna_op_t *op,
    cigna_journal_replay_e rc, const char *why)
{
    cigna_flow_detail(f, why, cigna_slice_null);

    f->rc = rc;
    f->state = cigna_journal_replay_st_settle;
    cigna_flow_settle(op, &f->entry, rc == cigna_journal_replay_ok);
}


static void
cigna_journal_replay_report(cigna_journal_replay_t *f, cigna_op_t *op,
    cigna_journal_replay_e rc, const char *why)
{
    cigna_flow_detail(f, why, cigna_slice_null);

    f->rc = rc;
    f->state = cigna_journal_replay_st_report;
    cigna_flow_report(op);
}


const char *
cigna_journal_replay_name(cigna_journal_replay_e rc)
{
    static const char *const  names[] = {
        [cigna_journal_replay_pending] = "pending",
        [cigna_journal_replay_ok] = "ok",
        [cigna_journal_replay_superseded] = "superseded",
        [cigna_journal_replay_failed] = "failed"
    };

    return rc <= cigna_journal_replay_failed ? names[rc] : "unknown";
}


/*
 * Refresh: one per grant in the fleet.
 *
 *   start --> read --> turn --> lease <-> exchange --> commit --> report
 *              | ^        |        |         |  |         |  ^       |  ^
 *              | |        |        |         |  v         |  |       v  |
 *              | +--------+--------+         | check      |  +--- (journalled)
 *              |       (stale)     |         |  |         v          |
 *              |                   |         |  +--> spent --------->+
 *              |                   v         v         v             |
 *              |                 release --------------------------->+
 *              +-------------- (nothing to be done) ---------------->+
 *
 * and from "report" by way of "revoke" to "done".
 *
 * "read" judges the record without touching anything.  "turn" asks the node
 * whether the token endpoint may be asked now: after a row of failures only a
 * few are let through, to find out.  The lease sets lock and mark if the record
 * is still the same, else it is judged anew.
 *
 * The mark says that the refresh token is being spent, and counts how often it
 * may have been.  A run that dies, or does not learn what became of its
 * request, leaves word of it that way.  Then the old access token serves as
 * long as it can.  After that the same refresh token is tried again: as soon
 * as the endpoint has answered anybody since, or when it is this grant's turn
 * to find out, and each time after a longer pause.
 *
 * A refusal is final at once, unless the endpoint refuses too many to be true.
 * Then it is counted with the mark, and final if the endpoint refreshes others
 * again and still refuses this one.
 *
 * A client with two secrets (cigna_client_secret.c) that is refused asks for
 * the lease once more, which makes sure of lock and mark, and sends the request
 * again with the other secret: the refusal was of the client, and the refresh
 * token is not spent by it.
 *
 * "commit" (cigna_grant_commit.c) puts the new generation into the node's
 * journal and then into Redis.  It is reported in between, so that nobody waits
 * for Redis; what Redis has not confirmed by the end is left to the node's
 * upkeep (cigna_journal_replay.c).
 *
 * Invariants, checked by t/fuzz/refresh/fuzz_refresh.c:
 *
 *   (1) a refresh token is sent only by the run whose lock and mark Redis has
 *       confirmed for the very generation it comes from, never while it is
 *       quiet after a change of primary, and never while an exchange for that
 *       generation is open on a living node that reaches Redis;
 *   (2) it is sent at most once in a run, twice if the first reply was
 *       invalid_client and there are two secrets; at most four times in all
 *       where nobody knows what became of it, or where it is refused;
 *   (3) a new access token is used only after it is in the journal or stored;
 *   (4) a grant is "spent" or "no_grant" only if Redis or the authorization
 *       server has said so, or (2) leaves nothing to try: never by a failure
 *       of either;
 *   (5) nothing is stored over another grant, over a newer generation, or
 *       where there is none;
 *   (6) lock and mark are given up before the run is done, by their owner
 *       only, unless Redis fails or the outcome is unknown: then both end by
 *       themselves;
 *   (7) the flow reports exactly once, and revokes only after that, and only
 *       tokens of a grant that is gone;
 *   (8) no refresh token is sent of a generation that is older than the one of
 *       the same grant in the node's journal.
 */


#include <string.h>

#include "cigna_refresh_flow.h"


#define CIGNA_REFRESH_REDIS_MS      50
#define CIGNA_REFRESH_REDIS_MAX_MS  4000

/* how often the record may change under our eyes */

#define CIGNA_REFRESH_ROUNDS        5

/*
 * What an exchange may take of the arena, from the request to the sealed new
 * grant: once a byte has left, there must be room for what it brings.
 */

#define CIGNA_REFRESH_ROOM          (160 * 1024)


static void cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op);
static void cigna_refresh_turn(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_leased(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_exchange(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_quiet(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_refresh_has_room(const cigna_refresh_t *f);


void
cigna_refresh_init(cigna_refresh_t *f)
{
    f->rc = cigna_refresh_pending;
    memset(&f->grant, 0, sizeof(cigna_grant_t));
    f->retry_after_s = -1;
    f->detail[0] = '\0';
    f->exchanged = 0;
    f->answer = cigna_answer_none;
    f->provisional = 0;
    f->client_refused = 0;
    f->foreign = 0;
    f->superseded = 0;
    f->overtaken = 0;
    f->left = 0;

    cigna_client_secret_init(&f->secret);

    f->state = cigna_refresh_st_start;
    f->rounds = 0;
    f->failure = cigna_refresh_unavailable;
    f->end = cigna_lease_clear;
    f->sent_ms = 0;
    memset(&f->tokens, 0, sizeof(cigna_token_reply_t));
    memset(&f->fresh, 0, sizeof(cigna_grant_t));
    cigna_revoke_handoff_init(&f->revoke);
}


void
cigna_refresh_next(cigna_refresh_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    switch ((cigna_refresh_state_e) f->state) {

    case cigna_refresh_st_start:

        cigna_refresh_start(f, ev, op);
        return;

    case cigna_refresh_st_read:

        if (cigna_flow_answered(ev)) {
            cigna_refresh_judge(f, ev, ev->reply, op);
            return;
        }

        if (!cigna_refresh_again(f, op, CIGNA_REFRESH_ASK_TRIES)) {
            cigna_refresh_report(f, ev, op, cigna_refresh_vault,
                                 "Redis cannot be asked");
        }

        return;

    case cigna_refresh_st_turn:

        if (ev->type == cigna_ev_ok) {
            cigna_refresh_lease(f, ev, op);
            return;
        }

        f->retry_after_s = ev->retry_after_s;
        cigna_refresh_passing(f, ev, op, cigna_refresh_paused,
                              "the token endpoint is not asked for now");
        return;

    case cigna_refresh_st_lease:

        if (cigna_lease_next(&f->lease, ev, op) != CIGNA_AGAIN) {
            cigna_refresh_leased(f, ev, op);
        }

        return;

    case cigna_refresh_st_exchange:

        cigna_refresh_exchanged(f, ev, op);
        return;

    case cigna_refresh_st_commit:

        if (cigna_grant_commit_next(&f->commit, ev, op) != CIGNA_AGAIN) {
            cigna_refresh_committed(f, ev, op);
        }

        return;

    case cigna_refresh_st_check:

        cigna_refresh_checked(f, ev, op);
        return;

    case cigna_refresh_st_spent:

        if (cigna_script_said(ev, "stale")) {
            cigna_refresh_superseded(f, ev, op);
            return;
        }

        if (cigna_script_said(ev, "ok")) {
            cigna_refresh_report(f, ev, op, cigna_refresh_spent,
                                 "refused with invalid_grant");

        } else if (!cigna_refresh_again(f, op, CIGNA_REFRESH_ASK_TRIES)) {

            /* unmarked, it is refused once more by the next to try */

            cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                                  "refused, but Redis cannot be told");
        }

        return;

    case cigna_refresh_st_release:

        if (cigna_lease_next(&f->lease, ev, op) != CIGNA_AGAIN) {
            cigna_refresh_report(f, ev, op, f->rc, NULL);
        }

        return;

    case cigna_refresh_st_report:

        /* used from here on, and to be stored still */

        if (f->exchanged && f->commit.rc == cigna_grant_commit_usable) {
            f->state = cigna_refresh_st_commit;
            cigna_grant_commit_store(&f->commit, op);
            return;
        }

        /* fall through */

    case cigna_refresh_st_settle:
    case cigna_refresh_st_revoke:

        cigna_refresh_revoke(f, op);
        return;

    case cigna_refresh_st_sleep:

        f->state = cigna_retry_again(&f->retry, op);
        return;

    case cigna_refresh_st_done:
        break;
    }

    cigna_flow_done(op);
}


static void
cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->lease.subject = f->subject;
    f->lease.exchange_ms = f->exchange_ms;
    f->lease.wait_ms = f->wait_ms;

    f->verdict.provider = f->subject->provider;
    f->verdict.grant = &f->grant;

    f->commit.subject = f->subject;

    if (cigna_lease_init(&f->lease, ev) != CIGNA_OK) {
        cigna_refresh_report(f, ev, op, cigna_refresh_vault, "no room");
        return;
    }

    cigna_refresh_read(f, op, cigna_refresh_st_read);
}


void
cigna_refresh_read(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state)
{
    cigna_script_read(op, f->subject->identity);
    cigna_retry_init(&f->retry, op, state);
    f->state = state;
}


/* is there anything to be done, and can it be? */

static void
cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op)
{
    const char       *why;
    cigna_refresh_e   rc;

    rc = cigna_refresh_record(f, record, &f->grant, &f->verdict.mark, &why);

    if (rc == cigna_refresh_ok) {
        rc = cigna_verdict(&f->verdict, ev->now_ms);
        why = f->verdict.why;
    }

    switch (rc) {

    case cigna_refresh_pending:

        /* held up between both secrets */

        if (f->secret.turned) {
            cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                                  "held up for too long");
            return;
        }

        cigna_refresh_turn(f, ev, op);
        return;

    case cigna_refresh_paused:
        f->retry_after_s = f->verdict.retry_after_s;
        cigna_refresh_passing(f, ev, op, rc, why);
        return;

    default:
        cigna_refresh_end(f, ev, op, rc, why);
        return;
    }
}


static void
cigna_refresh_turn(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->quiet_ms > 0) {
        cigna_refresh_quiet(f, ev, op);
        return;
    }

    if (f->rounds++ == CIGNA_REFRESH_ROUNDS) {
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "the record keeps changing");
        return;
    }

    if (cigna_verdict_busy(&f->verdict, ev->now_ms)) {
        cigna_refresh_lease(f, ev, op);
        return;
    }

    f->state = cigna_refresh_st_turn;
    cigna_flow_turn(op, cigna_verdict_probes(&f->verdict));
}


/* somebody else's is waited for: what there is then is judged anew */

void
cigna_refresh_lease(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->quiet_ms > 0) {
        cigna_refresh_quiet(f, ev, op);
        return;
    }

    f->waits = cigna_verdict_busy(&f->verdict, ev->now_ms) ? 1 : 0;
    f->state = cigna_refresh_st_lease;

    if (cigna_lease_begin(&f->lease, &f->grant,
                          f->waits ? CIGNA_LEASE_NEVER
                                   : f->verdict.mark.attempts,
                          cigna_verdict_usable(&f->verdict, ev->now_ms), ev, op)
        != CIGNA_OK)
    {
        cigna_refresh_passing(f, ev, op, cigna_refresh_vault, "no room");
    }
}


static void
cigna_refresh_leased(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch (f->lease.rc) {

    case cigna_lease_mine:
        cigna_refresh_exchange(f, ev, op);
        return;

    case cigna_lease_stale:
        f->verdict.over |= f->waits;
        cigna_refresh_judge(f, ev, cigna_lease_record(ev), op);
        return;

    case cigna_lease_busy:
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "another refresh has not ended");
        return;

    case cigna_lease_quiet:
        cigna_refresh_quiet(f, ev, op);
        return;

    case cigna_lease_failed:
        break;
    }

    cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                          "Redis cannot be asked");
}


static void
cigna_refresh_exchange(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char             *why;
    cigna_http_request_t    req;
    const cigna_subject_t  *s;

    s = f->subject;

    /* the lease may have been lost with the primary that granted it */

    if (ev->quiet_ms > 0) {
        cigna_refresh_quiet(f, ev, op);
        return;
    }

    why = NULL;

    if (cigna_verdict_behind(&f->verdict)) {
        why = "the vault is behind this node's journal";

    } else if (cigna_lease_late(&f->lease, ev->now_ms)) {
        why = "held up for too long";

    } else if (s->provider->token_endpoint.len == 0
               || !cigna_refresh_has_room(f)
               || cigna_oauth_refresh_request(s->provider,
                                              cigna_client_secret(&f->secret,
                                                                  s->provider),
                                              f->grant.refresh_token, s->arena,
                                              &req)
                  != CIGNA_OK)
    {
        why = "the request cannot be made";
    }

    if (why) {
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable, why);
        return;
    }

    f->sent_ms = ev->now_ms;
    f->state = cigna_refresh_st_exchange;
    cigna_flow_exchange(op, &req);
    cigna_lease_renew(&f->lease, op);
}


/* after a change of primary, whose last writes may be lost */

static void
cigna_refresh_quiet(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->retry_after_s = (ev->quiet_ms + 999) / 1000;
    cigna_refresh_passing(f, ev, op, cigna_refresh_paused,
                          "no refresh begins right after a change of primary");
}


/* a failure that passes: the old token serves if it can */

void
cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    f->failure = rc;
    cigna_refresh_end(f, ev, op, cigna_refresh_ok, why);
}


/* gives up what is ours, then reports */

void
cigna_refresh_end(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    if (!f->lease.held) {
        cigna_refresh_report(f, ev, op, rc, why);
        return;
    }

    cigna_flow_say(f->detail, sizeof(f->detail), why, cigna_slice_null);

    f->rc = rc;
    f->state = cigna_refresh_st_release;
    cigna_lease_release(&f->lease, f->end, op);
}


void
cigna_refresh_report(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    cigna_flow_say(f->detail, sizeof(f->detail), why, cigna_slice_null);

    /* only now, since giving up the lease may have taken its time */

    if (rc == cigna_refresh_ok && !f->exchanged
        && !cigna_verdict_usable(&f->verdict, ev->now_ms))
    {
        rc = f->failure;
    }

    f->rc = rc;
    f->state = cigna_refresh_st_report;
    cigna_flow_report(op);
}


int
cigna_refresh_again(cigna_refresh_t *f, cigna_op_t *op, unsigned tries)
{
    if (cigna_retry_sleep(&f->retry, op, tries, CIGNA_REFRESH_REDIS_MS,
                          CIGNA_REFRESH_REDIS_MAX_MS)
        != CIGNA_OK)
    {
        return 0;
    }

    f->state = cigna_refresh_st_sleep;

    return 1;
}


void
cigna_refresh_revoke(cigna_refresh_t *f, cigna_op_t *op)
{
    f->state = cigna_refresh_st_revoke;

    if (cigna_revoke_handoff_next(&f->revoke, op) == CIGNA_AGAIN) {
        return;
    }

    f->state = cigna_refresh_st_done;
    cigna_flow_done(op);
}


static int
cigna_refresh_has_room(const cigna_refresh_t *f)
{
    const cigna_arena_t  *a;

    a = f->subject->arena;

    return a->end - a->pos >= CIGNA_REFRESH_ROOM;
}


cigna_refresh_e
cigna_refresh_record(const cigna_refresh_t *f, const cigna_reply_t *record,
    cigna_grant_t *g, cigna_vault_mark_t *mark, const char **why)
{
    memset(g, 0, sizeof(cigna_grant_t));

    switch (cigna_vault_read_grant(f->subject, record, g, mark))
    {
    case CIGNA_OK:
        return cigna_refresh_ok;

    case CIGNA_NONE:
        *why = "there is no grant";
        return cigna_refresh_no_grant;

    case CIGNA_VAULT_MOVED:
        *why = "made for another registration";
        return cigna_refresh_moved;

    case CIGNA_SEAL_UNKNOWN_KEY:
        *why = "the key ring lacks the record's key";
        return cigna_refresh_unknown_key;

    case CIGNA_SEAL_DAMAGED:
        *why = "the record is damaged";
        return cigna_refresh_damaged;

    case CIGNA_AGAIN:
        *why = "Redis cannot be asked";
        return cigna_refresh_vault;

    default:
        *why = "the record cannot be opened";
        return cigna_refresh_vault;
    }
}

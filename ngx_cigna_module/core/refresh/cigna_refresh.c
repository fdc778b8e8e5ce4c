
/*
 * Refresh: at any time at most one run in the fleet refreshes a grant.
 *
 *   start --> read --> turn --> lease <-> exchange --> commit --> report
 *              | ^        |        |         |         |  ^       |  ^
 *              | |        |        |         |         |  |       v  |
 *              | +--------+--------+         |         |  +--- (journalled)
 *              |       (stale)     |         |         |             |
 *              |                   v         v         v             |
 *              |                 release --------------------------->+
 *              +-------------- (nothing to be done) ---------------->+
 *
 * and from "report" through "revoke" to "done".
 *
 * "read" judges the record and changes nothing.  "turn" asks the node whether
 * the token endpoint may be used now: after several failures in a row the node
 * lets only a few refreshes try it.  "lease" sets lock and mark if the record
 * is still the same, otherwise the new record is judged.
 *
 * The mark says that a run is sending the refresh token, and counts the
 * attempts.  The mark stays if the run dies or gets no reply.  Then the old
 * access token serves until it expires.  After that the same refresh token is
 * tried again, after longer and longer pauses, once the endpoint has answered
 * any other request.  While the endpoint answers none, one grant after the
 * other gets a turn to find out whether it answers again.
 *
 * A refusal is final at once, unless the endpoint refuses so many refreshes
 * that the fault is probably not the grants'.  Then the mark counts the
 * refusal.  It becomes final if the endpoint refreshes other grants again and
 * still refuses this one.
 *
 * If the endpoint refuses a client that has two secrets
 * (cigna_client_secret.c), the flow asks for the lease again, so that lock and
 * mark are prolonged, and sends the request with the other secret.  A server
 * that refuses the client has not spent the refresh token.
 *
 * "commit" (cigna_grant_commit.c) puts the new generation into the node's
 * journal and then into Redis.  The flow reports between these two steps, so
 * that no request waits for Redis.  If Redis has not confirmed the generation
 * when the flow ends, the node's journal writer (cigna_journal_replay.c) goes
 * on with it.
 *
 * Invariants, checked by t/fuzz/refresh/fuzz_refresh.c:
 *
 *   (1) a refresh token is sent only by the run whose lock and mark Redis has
 *       confirmed for its generation, never in the quiet time after a change of
 *       primary, and never while an exchange for that generation is open on a
 *       living node that reaches Redis;
 *   (2) it is sent at most once in a run, or twice if the first reply was
 *       invalid_client and there are two secrets; and at most four times in all
 *       while its outcome is unknown, or while it is refused;
 *   (3) a new access token is used only after it is in the journal or stored;
 *   (4) a grant is "spent" or "no_grant" only if Redis or the authorization
 *       server has said so, or if (2) allows no other attempt; an outage of
 *       Redis or of the server is never a reason;
 *   (5) a new generation never replaces another grant or a newer generation,
 *       and never brings back a deleted grant;
 *   (6) the run gives up its own lock and mark before it is done, and no
 *       others; if the outcome is unknown, the mark stays until it expires, and
 *       if Redis fails, the lock, too;
 *   (7) the flow reports exactly once; after that it may revoke tokens, but
 *       only those of a grant that is gone;
 *   (8) a refresh token is not sent if the node's journal has a newer
 *       generation of the same grant.
 */


#include "cigna_refresh.h"


/* how often a run may judge a record to be due for a refresh */

#define CIGNA_REFRESH_ROUNDS  5


typedef enum {
    cigna_refresh_st_start = 0,
    cigna_refresh_st_read,
    cigna_refresh_st_turn,
    cigna_refresh_st_lease,
    cigna_refresh_st_exchange,
    cigna_refresh_st_commit,
    cigna_refresh_st_settle,
    cigna_refresh_st_release,
    cigna_refresh_st_report,
    cigna_refresh_st_revoke,
    cigna_refresh_st_sleep
} cigna_refresh_state_e;


static void cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_read(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op);
static void cigna_refresh_turn(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_turned(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_lease(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_leased(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_exchange(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_exchanged(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_refresh_commit(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_committed(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_superseded(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_refresh_same(const cigna_grant_t *a, const cigna_grant_t *b);
static void cigna_refresh_overtaken(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op, const cigna_grant_t *there);
static int cigna_refresh_quiet(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
static void cigna_refresh_end(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
static void cigna_refresh_report(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
static void cigna_refresh_after(cigna_refresh_t *f, cigna_op_t *op);


void
cigna_refresh_next(cigna_refresh_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    switch ((cigna_refresh_state_e) f->state) {

    case cigna_refresh_st_start:
        cigna_refresh_start(f, ev, op);
        return;

    case cigna_refresh_st_read:
        cigna_refresh_read(f, ev, op);
        return;

    case cigna_refresh_st_turn:
        cigna_refresh_turned(f, ev, op);
        return;

    case cigna_refresh_st_lease:
    case cigna_refresh_st_release:
        cigna_refresh_leased(f, ev, op);
        return;

    case cigna_refresh_st_exchange:
        cigna_refresh_exchanged(f, ev, op);
        return;

    case cigna_refresh_st_commit:
        cigna_refresh_committed(f, ev, op);
        return;

    case cigna_refresh_st_report:
    case cigna_refresh_st_settle:
    case cigna_refresh_st_revoke:
        cigna_refresh_after(f, op);
        return;

    case cigna_refresh_st_sleep:
        f->state = cigna_retry_again(&f->retry, op);
        return;
    }
}


static void
cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->failure = cigna_refresh_unavailable;
    f->retry_after_s = -1;

    f->verdict.provider = f->subject->provider;
    f->verdict.grant = &f->grant;

    f->lease.subject = f->subject;
    f->lease.exchange_ms = f->exchange_ms;
    f->lease.wait_ms = f->wait_ms;

    f->exchange.subject = f->subject;
    f->exchange.verdict = &f->verdict;
    f->exchange.lease = &f->lease;

    f->commit.subject = f->subject;

    if (cigna_lease_init(&f->lease, ev) != CIGNA_OK) {
        cigna_refresh_report(f, ev, op, cigna_refresh_vault, "no room");
        return;
    }

    cigna_script_read(op, f->subject->identity);
    f->state = cigna_retry_init(&f->retry, op, cigna_refresh_st_read);
}


static void
cigna_refresh_read(cigna_refresh_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    if (cigna_flow_answered(ev)) {
        cigna_refresh_judge(f, ev, ev->reply, op);
        return;
    }

    if (cigna_retry_redis(&f->retry, op, &f->state, cigna_refresh_st_sleep)
        != CIGNA_AGAIN)
    {
        cigna_refresh_report(f, ev, op, cigna_refresh_vault,
                             "Redis cannot be asked");
    }
}


/* judges the record that was read; then the flow goes on, or ends */

static void
cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op)
{
    const char       *why;
    cigna_refresh_e   rc;

    rc = cigna_verdict_read(f->subject, record, &f->grant, &f->verdict.mark,
                            &why);

    if (rc == cigna_refresh_ok) {
        rc = cigna_verdict(&f->verdict, ev->now_ms);
        why = f->verdict.why;
    }

    switch (rc) {

    case cigna_refresh_pending:

        /*
         * the run lost lock and mark before it could try the client's other
         * secret
         */

        if (f->exchange.secret.turned) {
            cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                                  "delayed for too long");
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
    if (cigna_refresh_quiet(f, ev, op)) {
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


static void
cigna_refresh_turned(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->type == cigna_ev_ok) {
        cigna_refresh_lease(f, ev, op);
        return;
    }

    f->retry_after_s = ev->retry_after_s;
    cigna_refresh_passing(f, ev, op, cigna_refresh_paused,
                          "the token endpoint is not asked for now");
}


/* asks for the grant's lease, or waits until another run's exchange ends */

static void
cigna_refresh_lease(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_refresh_quiet(f, ev, op)) {
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
    if (cigna_lease_next(&f->lease, ev, op) == CIGNA_AGAIN) {
        return;
    }

    if (f->state == cigna_refresh_st_release) {
        cigna_refresh_report(f, ev, op, f->rc, NULL);
        return;
    }

    switch (f->lease.rc) {

    case cigna_lease_mine:
        cigna_refresh_exchange(f, ev, op);
        return;

    case cigna_lease_stale:
        f->verdict.over |= f->waits;
        cigna_refresh_judge(f, ev, cigna_script_record(ev), op);
        return;

    case cigna_lease_busy:
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "another refresh has not ended");
        return;

    case cigna_lease_quiet:
        (void) cigna_refresh_quiet(f, ev, op);
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
    /* lock and mark may have been lost with the primary that had them */

    if (cigna_refresh_quiet(f, ev, op)) {
        return;
    }

    f->state = cigna_refresh_st_exchange;

    if (cigna_exchange_begin(&f->exchange, ev, op) != CIGNA_OK) {
        cigna_refresh_exchanged(f, ev, op);
    }
}


static void
cigna_refresh_exchanged(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_exchange_t  *x;

    x = &f->exchange;

    if (cigna_exchange_next(x, ev, op) == CIGNA_AGAIN) {
        return;
    }

    switch (x->rc) {

    case cigna_exchange_ok:
        cigna_refresh_commit(f, ev, op);
        return;

    case cigna_exchange_secret:
        cigna_refresh_lease(f, ev, op);
        return;

    case cigna_exchange_spent:
        cigna_refresh_report(f, ev, op, cigna_refresh_spent,
                             "refused with invalid_grant");
        return;

    case cigna_exchange_overtaken:
        cigna_refresh_overtaken(f, ev, op, &x->there);
        return;

    case cigna_exchange_stale:
        cigna_refresh_superseded(f, ev, op);
        return;

    case cigna_exchange_gone:
        cigna_refresh_end(f, ev, op, x->failure, x->why);
        return;

    case cigna_exchange_failed:
        break;
    }

    cigna_flow_detail(f, x->why, x->quoted);
    f->retry_after_s = x->retry_after_s;
    cigna_refresh_passing(f, ev, op, x->failure, NULL);
}


static void
cigna_refresh_commit(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->state = cigna_refresh_st_commit;

    if (cigna_grant_commit_begin(&f->commit, &f->exchange.fresh,
                                 f->lease.owner, f->lease.connected_ms, ev, op)
        != CIGNA_OK)
    {
        cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                              "the grant cannot be sealed");
    }
}


static void
cigna_refresh_committed(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_grant_commit_next(&f->commit, ev, op) == CIGNA_AGAIN) {
        return;
    }

    switch (f->commit.rc) {

    case cigna_grant_commit_usable:
        f->grant = f->exchange.fresh;
        f->exchanged = 1;
        cigna_refresh_report(f, ev, op, cigna_refresh_ok, NULL);
        return;

    case cigna_grant_commit_stored:
        cigna_refresh_stored(f, ev, op);
        return;

    case cigna_grant_commit_stale:
        cigna_refresh_superseded(f, ev, op);
        return;

    case cigna_grant_commit_left:
        f->left = 1;
        cigna_refresh_after(f, op);
        return;

    case cigna_grant_commit_failed:
        break;
    }

    /* new tokens are not revoked: the grant may still work with the old ones */

    cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                          "the new tokens could not be stored");
}


static void
cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->lease.taken = 0;

    if (f->exchanged) {
        f->state = cigna_refresh_st_settle;
        cigna_flow_settle(op, &f->commit.entry, 1);
        return;
    }

    f->grant = f->exchange.fresh;
    f->exchanged = 1;
    cigna_refresh_report(f, ev, op, cigna_refresh_ok, NULL);
}


/*
 * Redis has answered "stale": the record has changed, and this run has lost
 * lock and mark.  If the record is this run's own new generation, the flow goes
 * on as if this answer were "ok".  Otherwise the run drops its new tokens, if
 * it has some.  If the vault has another grant or none, the run has these
 * tokens revoked.  If the vault has a newer generation of the same grant, the
 * run does not: a revocation would end that generation, too.
 */

static void
cigna_refresh_superseded(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char       *why;
    cigna_grant_t     there;
    cigna_refresh_e   rc;

    f->lease.taken = 0;

    rc = cigna_verdict_read(f->subject, cigna_script_record(ev), &there,
                            NULL, &why);

    if (rc == cigna_refresh_ok && there.state == cigna_grant_spent) {
        rc = cigna_refresh_spent;
        why = "refused before";
    }

    if (rc == cigna_refresh_ok
        && cigna_refresh_same(&there, &f->exchange.fresh))
    {
        cigna_refresh_stored(f, ev, op);
        return;
    }

    if (rc == cigna_refresh_no_grant
        || (there.id.len && !cigna_slice_eq(there.id, f->grant.id)))
    {
        cigna_revoke_handoff_prepare(&f->revoke,
                                     f->exchange.tokens.refresh_token,
                                     f->exchange.tokens.access_token);
    }

    if (f->exchanged) {
        f->superseded = 1;
        cigna_flow_detail(f, rc == cigna_refresh_ok ? "somebody else was first"
                                                    : why, cigna_slice_null);
        f->state = cigna_refresh_st_settle;
        cigna_flow_settle(op, &f->commit.entry, 0);
        return;
    }

    if (rc != cigna_refresh_ok) {
        cigna_refresh_report(f, ev, op, rc, why);
        return;
    }

    cigna_refresh_overtaken(f, ev, op, &there);
}


/* 1 if both are the same generation, perhaps sealed under different keys */

static int
cigna_refresh_same(const cigna_grant_t *a, const cigna_grant_t *b)
{
    return a->generation == b->generation && cigna_slice_eq(a->id, b->id)
           && a->state == b->state
           && cigna_slice_eq(a->access_token, b->access_token);
}


/* reports that another run has changed the grant first */

static void
cigna_refresh_overtaken(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, const cigna_grant_t *there)
{
    f->overtaken = 1;
    f->grant = *there;

    if (there->state == cigna_grant_spent) {
        cigna_refresh_end(f, ev, op, cigna_refresh_spent, "refused before");
        return;
    }

    cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                          "somebody else was first");
}


/*
 * A new primary of Redis may lack the last writes, so no refresh starts for a
 * while.  Returns 1 if the flow ends for this reason.
 */

static int
cigna_refresh_quiet(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->quiet_ms <= 0) {
        return 0;
    }

    f->retry_after_s = (ev->quiet_ms + 999) / 1000;
    cigna_refresh_passing(f, ev, op, cigna_refresh_paused,
                          "no refresh begins right after a change of primary");

    return 1;
}


/* ends after a temporary failure; the old token serves until it expires */

static void
cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    f->failure = rc;
    cigna_refresh_end(f, ev, op, cigna_refresh_ok, why);
}


/* gives up the lease (lock and mark) if this run has it, and then reports */

static void
cigna_refresh_end(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    if (!f->lease.taken) {
        cigna_refresh_report(f, ev, op, rc, why);
        return;
    }

    cigna_flow_detail(f, why, cigna_slice_null);

    f->rc = rc;
    f->state = cigna_refresh_st_release;
    cigna_lease_release(&f->lease, f->exchange.mark, op);
}


static void
cigna_refresh_report(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    cigna_flow_detail(f, why, cigna_slice_null);

    /*
     * the old token is judged only now, because giving up the lease may have
     * taken long
     */

    if (rc == cigna_refresh_ok && !f->exchanged
        && !cigna_verdict_usable(&f->verdict, ev->now_ms))
    {
        rc = f->failure;
    }

    f->rc = rc;
    f->state = cigna_refresh_st_report;
    cigna_flow_report(op);
}


/*
 * after the report: stores new tokens that Redis does not have yet; otherwise
 * revokes tokens, if there are any to revoke
 */

static void
cigna_refresh_after(cigna_refresh_t *f, cigna_op_t *op)
{
    /* requests use the new token now; Redis does not have it yet */

    if (f->state == cigna_refresh_st_report
        && f->exchanged && f->commit.rc == cigna_grant_commit_usable)
    {
        f->state = cigna_refresh_st_commit;
        cigna_grant_commit_store(&f->commit, op);
        return;
    }

    f->state = cigna_refresh_st_revoke;

    if (cigna_revoke_handoff_next(&f->revoke, op) != CIGNA_AGAIN) {
        cigna_flow_done(op);
    }
}

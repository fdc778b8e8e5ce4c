
/*
 * Refresh: one per grant in the fleet.
 *
 *   start --> read --> lease <-> exchange --> commit --> report --> revoke
 *              | ^      |         |  |         |  ^       |  ^        |
 *              | |      |         |  v         |  |       v  |        v
 *              | +------+         | check      |  +--- (journalled)  done
 *              |  (stale)         |  |         v             |
 *              |                  |  +--> spent ------------>+
 *              |                  v  v         v             |
 *              |                release --------------------->+
 *              +-------------- (nothing to be done) --------->+
 *
 * "read" judges the record without touching anything.  The lease sets lock
 * and mark if the record is still the same, else it is judged anew.
 *
 * The mark says that the refresh token is being spent.  A run which dies, or
 * does not learn what became of its request, leaves word of it that way.  Past
 * the mark's deadline the outcome is "unknown": the old access token serves as
 * long as it can, then the same refresh token is tried once more, and never
 * again after that.
 *
 * A client with two secrets (cigna_client_secret.c) that is refused asks for
 * the lease once more, which makes sure of lock and mark, and sends the request
 * again with the other secret: the refusal was of the client, and the refresh
 * token is not spent by it.
 *
 * "commit" (cigna_commit.c) puts the new generation into the node's journal
 * and then into Redis.  It is reported in between, so that nobody waits for
 * Redis; what Redis has not confirmed by the end is left to the node's upkeep
 * (cigna_restore.c).
 *
 * Invariants, checked by t/fuzz/fuzz_refresh.c:
 *
 *   (1) a refresh token is sent only by the run whose lock and mark Redis has
 *       confirmed for the very generation it comes from, and never while it is
 *       quiet after a change of primary;
 *   (2) it is sent at most once in a run, twice if the first reply was
 *       invalid_client and there are two secrets; while nobody knows what
 *       became of it, at most twice in all;
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
 *       tokens of a grant that is gone.
 */


#include <string.h>

#include "cigna_refresh_flow.h"


#define CIGNA_REFRESH_REDIS_MS      50
#define CIGNA_REFRESH_REDIS_MAX_MS  4000

/* how often the record may change under our eyes */

#define CIGNA_REFRESH_ROUNDS        5

/* with one refresh token: the first attempt, and one after an unknown end */

#define CIGNA_REFRESH_ATTEMPTS      2

/*
 * What an exchange may take of the arena, from the request to the sealed new
 * grant: once a byte has left, there must be room for what it brings.
 */

#define CIGNA_REFRESH_ROOM          (160 * 1024)


static void cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op);
static void cigna_refresh_leased(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_unknown(cigna_refresh_t *f, const cigna_event_t *ev,
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
    f->refused = 0;
    f->client_refused = 0;
    f->foreign = 0;
    f->superseded = 0;
    f->overtaken = 0;
    f->left = 0;

    cigna_client_secret_init(&f->secret);

    f->state = cigna_refresh_st_start;
    f->rounds = 0;
    f->failure = cigna_refresh_unavailable;
    f->mark = cigna_lease_clear;
    f->sent_ms = 0;
    memset(&f->tokens, 0, sizeof(cigna_token_reply_t));
    memset(&f->fresh, 0, sizeof(cigna_grant_t));
    cigna_revoke_init(&f->revoke);
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

    case cigna_refresh_st_lease:

        if (cigna_lease_next(&f->lease, ev, op) != CIGNA_AGAIN) {
            cigna_refresh_leased(f, ev, op);
        }

        return;

    case cigna_refresh_st_exchange:

        cigna_refresh_exchanged(f, ev, op);
        return;

    case cigna_refresh_st_commit:

        if (cigna_commit_next(&f->commit, ev, op) != CIGNA_AGAIN) {
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

        /* unmarked, it is refused once more by the next to try */

        if (cigna_script_said(ev, "ok")
            || !cigna_refresh_again(f, op, CIGNA_REFRESH_ASK_TRIES))
        {
            cigna_refresh_report(f, ev, op, cigna_refresh_spent,
                                 "refused with invalid_grant");
        }

        return;

    case cigna_refresh_st_release:

        if (cigna_lease_next(&f->lease, ev, op) != CIGNA_AGAIN) {
            cigna_refresh_report(f, ev, op, f->rc, NULL);
        }

        return;

    case cigna_refresh_st_report:

        /* used from here on, and to be stored still */

        if (f->exchanged && f->commit.rc == cigna_commit_usable) {
            f->state = cigna_refresh_st_commit;
            cigna_commit_store(&f->commit, op);
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
    f->lease.identity = f->identity;
    f->lease.arena = f->arena;
    f->lease.exchange_ms = f->exchange_ms;
    f->lease.wait_ms = f->wait_ms;

    f->commit.vault = f->vault;
    f->commit.provider = f->provider;
    f->commit.identity = f->identity;
    f->commit.arena = f->arena;

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
    cigna_script_read(op, f->identity);
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

    rc = cigna_refresh_record(f, record, &f->grant, &why);

    if (rc == cigna_refresh_ok) {
        rc = cigna_refresh_verdict(f, ev->now_ms, &why);
    }

    if (rc != cigna_refresh_pending) {
        cigna_refresh_end(f, ev, op, rc, why);
        return;
    }

    cigna_refresh_lease(f, ev, op, 0);
}


void
cigna_refresh_lease(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, unsigned attempts)
{
    f->state = cigna_refresh_st_lease;

    if (ev->quiet_ms > 0) {
        cigna_refresh_quiet(f, ev, op);
        return;
    }

    if (f->rounds++ == CIGNA_REFRESH_ROUNDS) {
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "the record keeps changing");
        return;
    }

    if (cigna_lease_begin(&f->lease, &f->grant, attempts,
                          cigna_refresh_usable(f, ev->now_ms), ev, op)
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

    case cigna_lease_unknown:
        cigna_refresh_unknown(f, ev, op);
        return;

    case cigna_lease_stale:
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


/* an earlier attempt may have gone through */

static void
cigna_refresh_unknown(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_refresh_usable(f, ev->now_ms) || f->secret.turned) {
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "the end of an earlier refresh is not known");
        return;
    }

    /* not marked spent: nobody has refused it */

    if (f->lease.attempts >= CIGNA_REFRESH_ATTEMPTS) {
        cigna_refresh_end(f, ev, op, cigna_refresh_spent,
                          "the end of both attempts is not known");
        return;
    }

    cigna_refresh_lease(f, ev, op, f->lease.attempts);
}


static void
cigna_refresh_exchange(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char            *why;
    cigna_http_request_t   req;

    /* the lease may have been lost with the primary that granted it */

    if (ev->quiet_ms > 0) {
        cigna_refresh_quiet(f, ev, op);
        return;
    }

    why = NULL;

    if (cigna_lease_late(&f->lease, ev->now_ms)) {
        why = "held up for too long";

    } else if (f->provider->token_endpoint.len == 0
               || !cigna_refresh_has_room(f)
               || cigna_oauth_refresh_request(f->provider,
                                              cigna_client_secret(&f->secret,
                                                                  f->provider),
                                              f->grant.refresh_token,
                                              f->arena, &req)
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
    cigna_flow_http(op, &req);
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
    cigna_lease_release(&f->lease, f->mark, op);
}


void
cigna_refresh_report(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    cigna_flow_say(f->detail, sizeof(f->detail), why, cigna_slice_null);

    /* only now, since giving up the lease may have taken its time */

    if (rc == cigna_refresh_ok && !f->exchanged
        && !cigna_refresh_usable(f, ev->now_ms))
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

    if (cigna_revoke_next(&f->revoke, op) == CIGNA_AGAIN) {
        return;
    }

    f->state = cigna_refresh_st_done;
    cigna_flow_done(op);
}


static int
cigna_refresh_has_room(const cigna_refresh_t *f)
{
    return f->arena->end - f->arena->pos >= CIGNA_REFRESH_ROOM;
}


/*
 * Refresh: one per grant in the fleet.
 *
 *   start --> read --> lease --> exchange --> store -----> report --> revoke
 *              | ^      |         |  |          |             ^          |
 *              | |      |         |  v          |             |          v
 *              | +------+         | check --> spent --------->|         done
 *              |  (stale)         |  |          |             |
 *              |                  v  v          v             |
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
 * Invariants, checked by t/fuzz/fuzz_refresh.c:
 *
 *   (1) a refresh token is sent only by the run whose lock and mark Redis has
 *       confirmed for the very generation it comes from;
 *   (2) it is sent at most once in a run, and while nobody knows what became
 *       of it, at most twice in all;
 *   (3) a new access token is used only after it is stored;
 *   (4) a grant is "spent" or "no_grant" only if Redis or the authorization
 *       server has said so, or (2) leaves nothing to try: never by a failure
 *       of either;
 *   (5) nothing is stored over another grant, over a newer generation, or
 *       where there is none;
 *   (6) lock and mark are given up before the run reports, unless Redis fails
 *       or the outcome is unknown: then both end by themselves;
 *   (7) the flow reports exactly once, and revokes only after that, and only
 *       tokens that it did not store.
 */


#include <string.h>

#include "cigna_refresh.h"
#include "cigna_store.h"


#define CIGNA_REFRESH_STORE_TRIES   20     /* about a minute of sleeps */
#define CIGNA_REFRESH_ASK_TRIES     3
#define CIGNA_REFRESH_REDIS_MS      50
#define CIGNA_REFRESH_REDIS_MAX_MS  4000

/* how often the record may change under our eyes */

#define CIGNA_REFRESH_ROUNDS        5

/* with one refresh token: the first attempt, and one after an unknown end */

#define CIGNA_REFRESH_ATTEMPTS      2

#define CIGNA_REFRESH_SPENT_MS      (30 * 24 * 3600 * (uint64_t) 1000)


typedef enum {
    cigna_refresh_st_start = 0,
    cigna_refresh_st_read,
    cigna_refresh_st_lease,
    cigna_refresh_st_exchange,
    cigna_refresh_st_store,
    cigna_refresh_st_check,
    cigna_refresh_st_spent,
    cigna_refresh_st_release,
    cigna_refresh_st_report,
    cigna_refresh_st_revoke,
    cigna_refresh_st_done,
    cigna_refresh_st_sleep
} cigna_refresh_state_e;


static void cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_read(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state);
static void cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op);
static void cigna_refresh_lease(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, unsigned attempts);
static void cigna_refresh_leased(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_unknown(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_exchange(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_exchanged(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_refresh_tokens(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_swap(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, uint64_t kept_ms, cigna_refresh_state_e state);
static void cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_superseded(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_refresh_checked(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_overtaken(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op, const cigna_grant_t *there);
static void cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
static void cigna_refresh_end(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
static void cigna_refresh_report(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why);
static int cigna_refresh_again(cigna_refresh_t *f, cigna_op_t *op,
    unsigned tries);
static void cigna_refresh_discard(cigna_refresh_t *f);


void
cigna_refresh_init(cigna_refresh_t *f)
{
    f->rc = cigna_refresh_pending;
    memset(&f->grant, 0, sizeof(cigna_grant_t));
    f->retry_after_s = -1;
    f->detail[0] = '\0';
    f->exchanged = 0;
    f->refused = 0;

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

    case cigna_refresh_st_store:

        cigna_refresh_stored(f, ev, op);
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
    case cigna_refresh_st_revoke:

        f->state = cigna_refresh_st_revoke;

        if (cigna_revoke_next(&f->revoke, op) == CIGNA_AGAIN) {
            return;
        }

        f->state = cigna_refresh_st_done;
        break;

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
    f->lease.lease_ms = f->lease_ms;
    f->lease.wait_ms = f->wait_ms;

    if (cigna_lease_init(&f->lease, ev) != CIGNA_OK) {
        cigna_refresh_report(f, ev, op, cigna_refresh_vault, "no room");
        return;
    }

    cigna_refresh_read(f, op, cigna_refresh_st_read);
}


static void
cigna_refresh_read(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state)
{
    cigna_slice_t  argv[CIGNA_GRANT_READ_ARGC];

    (void) cigna_vault_read_args(f->identity, argv);

    cigna_flow_redis(op, argv, CIGNA_GRANT_READ_ARGC);
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


static void
cigna_refresh_lease(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, unsigned attempts)
{
    f->state = cigna_refresh_st_lease;

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
    if (cigna_refresh_usable(f, ev->now_ms)) {
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

    why = NULL;

    if (cigna_lease_late(&f->lease, ev->now_ms)) {
        why = "held up for too long";

    } else if (f->provider->token_endpoint.len == 0
               || cigna_oauth_refresh_request(f->provider,
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
}


static void
cigna_refresh_exchanged(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_token_e  e;

    if (ev->type == cigna_ev_lost) {
        f->mark = cigna_lease_keep;
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "the token endpoint took the refresh token and "
                              "did not answer");
        return;
    }

    if (ev->type == cigna_ev_unsent) {
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              "the token endpoint cannot be reached");
        return;
    }

    e = cigna_oauth_token_reply(ev->status, ev->body, f->arena, &f->tokens);

    if (e == cigna_token_ok) {
        cigna_refresh_tokens(f, ev, op);
        return;
    }

    f->refused = e == cigna_token_invalid_grant;

    if (f->refused && !f->hold) {
        cigna_refresh_read(f, op, cigna_refresh_st_check);
        return;
    }

    /* also our own fault, such as invalid_client, is not the member's */

    cigna_flow_say(f->detail, sizeof(f->detail), cigna_token_name(e),
                   f->tokens.error);
    f->retry_after_s = ev->retry_after_s;
    cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable, NULL);
}


/*
 * The refresh token is spent now, and what replaces it exists only here.  A
 * journal in shared memory belongs before the swap: with it the result would
 * be reported from there on, and stored by whoever finds it.
 */

static void
cigna_refresh_tokens(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char  *why;

    f->fresh = f->grant;

    if (cigna_store_same(f->provider, &f->tokens, ev->now_ms, f->arena,
                         &f->fresh, &why)
        != CIGNA_OK)
    {
        cigna_refresh_discard(f);
        cigna_refresh_end(f, ev, op, cigna_refresh_unavailable, why);
        return;
    }

    f->mark = cigna_lease_keep;

    cigna_store_tokens(f->provider, &f->tokens, f->sent_ms, &f->fresh);
    f->fresh.generation++;

    cigna_refresh_swap(f, ev, op,
                       cigna_store_kept_ms(f->provider, &f->fresh, ev->now_ms),
                       cigna_refresh_st_store);
}


/* puts f->fresh over f->grant, and gives up the lease in the same moment */

static void
cigna_refresh_swap(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, uint64_t kept_ms, cigna_refresh_state_e state)
{
    cigna_slice_t  argv[4 + CIGNA_STORE_ARGC];

    argv[0] = f->identity->grant_key;
    argv[1] = f->identity->lock_key;
    argv[2] = f->lease.owner;
    argv[9] = f->fresh.state == cigna_grant_spent ? cigna_slice("1")
                                                  : cigna_slice("");

    if (cigna_store_args(f->vault, f->provider, f->identity, &f->fresh,
                         kept_ms, ev->random, f->arena, &argv[3])
        != CIGNA_OK)
    {
        cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                              "the grant cannot be sealed");
        return;
    }

    cigna_script_run(op, cigna_script_grant_swap, argv, 4 + CIGNA_STORE_ARGC);
    cigna_retry_init(&f->retry, op, state);
    f->state = state;
}


static void
cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_script_said(ev, "ok")) {
        f->grant = f->fresh;
        f->exchanged = 1;
        cigna_refresh_report(f, ev, op, cigna_refresh_ok, NULL);
        return;
    }

    if (cigna_script_said(ev, "stale")) {
        cigna_refresh_superseded(f, ev, op);
        return;
    }

    if (cigna_refresh_again(f, op, CIGNA_REFRESH_STORE_TRIES)) {
        return;
    }

    /* not revoked: if the old refresh token still works, so does the grant */

    cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                          "the new tokens could not be stored");
}


/*
 * The grant is another one, or a newer one, or gone, and the lease with it.
 * What is there counts.  Tokens of a dead grant are revoked; those of the same
 * grant are not, since revoking them would take the newer generation along.
 */

static void
cigna_refresh_superseded(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char       *why;
    cigna_grant_t     there;
    cigna_refresh_e   rc;

    f->lease.held = 0;

    rc = cigna_refresh_record(f, cigna_reply_item(ev->reply, 1), &there, &why);

    if (rc == cigna_refresh_no_grant
        || (there.id.len && !cigna_slice_eq(there.id, f->grant.id)))
    {
        cigna_refresh_discard(f);
    }

    if (rc != cigna_refresh_ok) {
        cigna_refresh_report(f, ev, op, rc, why);
        return;
    }

    cigna_refresh_overtaken(f, ev, op, &there);
}


/* invalid_grant: is it the token that the vault still has? */

static void
cigna_refresh_checked(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char       *why;
    cigna_grant_t     there;
    cigna_refresh_e   rc;

    if (!cigna_flow_answered(ev)) {

        if (!cigna_refresh_again(f, op, CIGNA_REFRESH_ASK_TRIES)) {
            cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                                  "refused, but Redis cannot be asked");
        }

        return;
    }

    rc = cigna_refresh_record(f, ev->reply, &there, &why);

    if (rc != cigna_refresh_ok) {
        cigna_refresh_end(f, ev, op, rc, why);
        return;
    }

    if (there.generation != f->grant.generation
        || !cigna_slice_eq(there.id, f->grant.id))
    {
        cigna_refresh_overtaken(f, ev, op, &there);
        return;
    }

    f->fresh = f->grant;
    f->fresh.state = cigna_grant_spent;
    f->fresh.generation++;

    cigna_refresh_swap(f, ev, op, CIGNA_REFRESH_SPENT_MS,
                       cigna_refresh_st_spent);
}


/* a race that was lost is not a grant that is gone */

static void
cigna_refresh_overtaken(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, const cigna_grant_t *there)
{
    f->grant = *there;
    cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                          "somebody else was first");
}


/* a failure that passes: the old token serves if it can */

static void
cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, const char *why)
{
    f->failure = rc;
    cigna_refresh_end(f, ev, op, cigna_refresh_ok, why);
}


/* gives up what is ours, then reports */

static void
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


static void
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


static int
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


static void
cigna_refresh_discard(cigna_refresh_t *f)
{
    cigna_revoke_prepare(&f->revoke, f->tokens.refresh_token,
                         f->tokens.access_token);
}

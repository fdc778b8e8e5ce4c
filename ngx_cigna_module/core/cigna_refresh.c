
/*
 * Refresh: one per grant in the fleet.
 *
 *   start --> read --> begin --> exchange --> store --> report --> revoke
 *              | ^      |  ^        |           |         ^          |
 *              | |      |  +-sleep  |           |         |          v
 *              | +------+  (busy)   +--> check  |         |         done
 *              |  (changed)         |      |    |         |
 *              |                    |      v    |         |
 *              |                    |    spent -+-------->+
 *              |                    v                     |
 *              |                  release --------------->+
 *              +--(nothing to be done)------------------->+
 *
 * "read" judges the record without touching anything.  "begin" sets lock and
 * mark if it is still the same, otherwise it is judged anew.  Whoever holds
 * the lock tells the others nothing; they ask until the record has changed.
 *
 * The mark says that the refresh token is being spent.  It outlives the lock,
 * so that a run which dies, or does not learn what became of its request,
 * leaves word of it.  Past its deadline, the outcome is "unknown": the old
 * access token serves as long as it can, then the same refresh token is tried
 * once more, and never again after that.
 *
 * Invariants, checked by t/fuzz/fuzz_refresh.c:
 *
 *   (1) a refresh token is sent only by the run whose lock and mark Redis has
 *       confirmed for the very generation it comes from;
 *   (2) it is sent at most once in a run;
 *   (3) a new access token is used only after it is stored;
 *   (4) a grant is "spent" or "no_grant" only if Redis or the authorization
 *       server has said so: never by a failure of either;
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


/*
 * The mark covers the lease, in which the exchange ends, and the time in which
 * its result may still be waiting to be stored.
 */

#define CIGNA_REFRESH_STORE_MS     (90 * 1000)

#define CIGNA_REFRESH_STORE_TRIES  20      /* about a minute of sleeps */
#define CIGNA_REFRESH_REDIS_TRIES  3
#define CIGNA_REFRESH_REDIS_MS     50
#define CIGNA_REFRESH_REDIS_MAX_MS 4000

#define CIGNA_REFRESH_POLL_MS      20
#define CIGNA_REFRESH_POLL_MAX_MS  40

/* how often the record may change under our eyes */

#define CIGNA_REFRESH_ROUNDS       8

/* with one refresh token: the first attempt, and one after an unknown end */

#define CIGNA_REFRESH_ATTEMPTS     2

#define CIGNA_REFRESH_SPENT_MS     (30 * 24 * 3600 * (uint64_t) 1000)


typedef enum {
    cigna_refresh_st_start = 0,
    cigna_refresh_st_read,
    cigna_refresh_st_begin,
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


/* what becomes of the mark when the lock is given up */

typedef enum {
    cigna_refresh_clear = 0,               /* the attempt had no effect */
    cigna_refresh_keep                     /* nobody knows */
} cigna_refresh_mark_e;


static int cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev);
static void cigna_refresh_read(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state);
static void cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op);
static cigna_refresh_e cigna_refresh_open(cigna_refresh_t *f,
    const cigna_reply_t *record, cigna_grant_t *g);
static int cigna_refresh_usable(const cigna_refresh_t *f,
    const cigna_event_t *ev);
static void cigna_refresh_begin(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, int again);
static void cigna_refresh_begun(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_busy(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_unknown(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_exchange(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_exchanged(cigna_refresh_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_refresh_tokens(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_refresh_same(cigna_refresh_t *f, const cigna_event_t *ev);
static void cigna_refresh_swap(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, uint64_t kept_ms, cigna_refresh_state_e state);
static void cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_superseded(cigna_refresh_t *f,
    const cigna_event_t *ev, const cigna_reply_t *record, cigna_op_t *op);
static void cigna_refresh_checked(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, cigna_refresh_mark_e mark);
static void cigna_refresh_end(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_e rc, cigna_refresh_mark_e mark);
static void cigna_refresh_report(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_e rc);
static void cigna_refresh_issue(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state);
static int cigna_refresh_again(cigna_refresh_t *f, cigna_op_t *op,
    unsigned tries);
static void cigna_refresh_discard(cigna_refresh_t *f);
static void cigna_refresh_say(cigna_refresh_t *f, const char *text,
    cigna_slice_t quoted);


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
    f->waited_ms = 0;
    f->rounds = 0;
    f->begun = 0;
    f->begun_ms = 0;
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

        if (cigna_refresh_start(f, ev) != CIGNA_OK) {
            cigna_refresh_say(f, "no room", cigna_slice_null);
            cigna_refresh_report(f, op, cigna_refresh_vault);
            return;
        }

        cigna_refresh_read(f, op, cigna_refresh_st_read);
        return;

    case cigna_refresh_st_read:

        if (cigna_flow_answered(ev)) {
            cigna_refresh_judge(f, ev, ev->reply, op);
            return;
        }

        if (!cigna_refresh_again(f, op, CIGNA_REFRESH_REDIS_TRIES)) {
            cigna_refresh_say(f, "Redis cannot be asked", cigna_slice_null);
            cigna_refresh_report(f, op, cigna_refresh_vault);
        }

        return;

    case cigna_refresh_st_begin:

        cigna_refresh_begun(f, ev, op);
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
            cigna_refresh_superseded(f, ev, cigna_reply_item(ev->reply, 1),
                                     op);
            return;
        }

        /* unmarked, it is refused once more by the next to try */

        if (cigna_script_said(ev, "ok")
            || !cigna_refresh_again(f, op, CIGNA_REFRESH_REDIS_TRIES))
        {
            cigna_refresh_report(f, op, cigna_refresh_spent);
        }

        return;

    case cigna_refresh_st_release:

        if (cigna_script_word(ev).len
            || !cigna_refresh_again(f, op, CIGNA_REFRESH_REDIS_TRIES))
        {
            cigna_refresh_report(f, op, f->rc);
        }

        return;

    case cigna_refresh_st_report:
    case cigna_refresh_st_revoke:

        f->state = cigna_refresh_st_revoke;

        if (cigna_revoke_next(&f->revoke, ev, op) == CIGNA_AGAIN) {
            return;
        }

        f->state = cigna_refresh_st_done;
        break;

    case cigna_refresh_st_sleep:

        f->state = cigna_retry_again(&f->retry, op);
        f->begun_ms = ev->now_ms;
        return;

    case cigna_refresh_st_done:
        break;
    }

    cigna_flow_done(op);
}


static int
cigna_refresh_start(cigna_refresh_t *f, const cigna_event_t *ev)
{
    if (cigna_flow_token(f->arena, ev->random, 16, &f->owner) != CIGNA_OK
        || cigna_flow_uint(f->arena, f->lease_ms, &f->lease) != CIGNA_OK
        || cigna_flow_uint(f->arena, (uint64_t) f->lease_ms
                                     + CIGNA_REFRESH_STORE_MS, &f->mark)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


static void
cigna_refresh_read(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state)
{
    cigna_slice_t  argv[CIGNA_GRANT_READ_ARGC];

    (void) cigna_vault_read_args(f->identity, argv);

    cigna_flow_redis(op, argv, CIGNA_GRANT_READ_ARGC);
    cigna_refresh_issue(f, op, state);
}


/* is there anything to be done, and can it be? */

static void
cigna_refresh_judge(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op)
{
    int              usable;
    cigna_refresh_e  rc;

    rc = cigna_refresh_open(f, record, &f->grant);

    if (rc != cigna_refresh_ok) {
        cigna_refresh_report(f, op, rc);
        return;
    }

    usable = cigna_refresh_usable(f, ev);

    if (usable
        && (f->grant.refresh_token.len == 0
            || ev->now_ms < cigna_refresh_due_ms(f->provider, &f->grant)))
    {
        cigna_refresh_report(f, op, cigna_refresh_ok);
        return;
    }

    if (f->grant.refresh_token.len == 0) {
        cigna_refresh_say(f, "there is no refresh token", cigna_slice_null);
        cigna_refresh_report(f, op, cigna_refresh_spent);
        return;
    }

    if (f->rounds++ == CIGNA_REFRESH_ROUNDS) {
        cigna_refresh_say(f, "the record keeps changing", cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              cigna_refresh_clear);
        return;
    }

    cigna_refresh_begin(f, ev, op, 0);
}


/* "ok": a live grant */

static cigna_refresh_e
cigna_refresh_open(cigna_refresh_t *f, const cigna_reply_t *record,
    cigna_grant_t *g)
{
    switch (cigna_vault_read_grant(f->vault, f->provider, f->identity, record,
                                   f->arena, g, NULL, NULL))
    {
    case CIGNA_OK:

        if (g->state == cigna_grant_spent) {
            cigna_refresh_say(f, "refused before", cigna_slice_null);
            return cigna_refresh_spent;
        }

        return cigna_refresh_ok;

    case CIGNA_NONE:
        return cigna_refresh_no_grant;

    case CIGNA_VAULT_MOVED:
        cigna_refresh_say(f, "made for another registration",
                          cigna_slice_null);
        return cigna_refresh_moved;

    case CIGNA_SEAL_UNKNOWN_KEY:
        cigna_refresh_say(f, "the key ring lacks the record's key",
                          cigna_slice_null);
        return cigna_refresh_unknown_key;

    case CIGNA_SEAL_DAMAGED:
        cigna_refresh_say(f, "the record is damaged", cigna_slice_null);
        return cigna_refresh_damaged;

    case CIGNA_AGAIN:
        cigna_refresh_say(f, "Redis cannot be asked", cigna_slice_null);
        return cigna_refresh_vault;

    default:
        cigna_refresh_say(f, "the record cannot be opened", cigna_slice_null);
        return cigna_refresh_vault;
    }
}


/* does the access token of f->grant still serve? */

static int
cigna_refresh_usable(const cigna_refresh_t *f, const cigna_event_t *ev)
{
    const cigna_grant_t  *g;

    g = &f->grant;

    if (g->generation == f->refused_generation
        && f->refused_id.len && cigna_slice_eq(g->id, f->refused_id))
    {
        return 0;
    }

    return g->access_token.len && ev->now_ms < g->expires_ms;
}


int64_t
cigna_refresh_due_ms(const cigna_provider_t *p, const cigna_grant_t *g)
{
    int64_t  life_ms, ahead_ms;

    /* no earlier than half way, however short the life is */

    life_ms = g->expires_ms - g->obtained_ms;
    ahead_ms = p->refresh_ahead_s * 1000;

    return g->expires_ms - (ahead_ms < life_ms / 2 ? ahead_ms : life_ms / 2);
}


static void
cigna_refresh_begin(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, int again)
{
    cigna_slice_t  argv[8];

    argv[0] = f->identity->grant_key;
    argv[1] = f->identity->lock_key;
    argv[2] = f->owner;
    argv[3] = f->grant.id;
    argv[5] = f->lease;
    argv[6] = f->mark;
    argv[7] = again ? cigna_slice("again") : cigna_slice("");

    if (cigna_flow_uint(f->arena, f->grant.generation, &argv[4]) != CIGNA_OK) {
        cigna_refresh_say(f, "no room", cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                              cigna_refresh_clear);
        return;
    }

    f->begun_ms = ev->now_ms;

    cigna_script_run(op, cigna_script_grant_begin, argv, 8);
    cigna_refresh_issue(f, op, cigna_refresh_st_begin);
}


static void
cigna_refresh_begun(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_slice_t  word;

    word = cigna_script_word(ev);

    if (word.len == 0) {

        /* the same owner may ask again, and must clean up what went through */

        f->begun |= ev->type == cigna_ev_lost;

        if (!cigna_refresh_again(f, op, CIGNA_REFRESH_REDIS_TRIES)) {
            cigna_refresh_say(f, "Redis cannot be asked", cigna_slice_null);
            cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                                  cigna_refresh_clear);
        }

        return;
    }

    f->begun = 0;

    if (cigna_slice_eq(word, cigna_slice("mine"))) {
        f->begun = 1;
        cigna_refresh_exchange(f, ev, op);

    } else if (cigna_slice_eq(word, cigna_slice("unknown"))) {
        f->begun = 1;
        cigna_refresh_unknown(f, ev, op);

    } else if (cigna_slice_eq(word, cigna_slice("stale"))) {
        cigna_refresh_judge(f, ev, cigna_reply_item(ev->reply, 1), op);

    } else {
        cigna_refresh_busy(f, ev, op);
    }
}


/* somebody else is at it, and what comes of it will do */

static void
cigna_refresh_busy(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    unsigned  ms;

    /* a mark without a lock may last, and there is no need to wait for it */

    if (f->waited_ms >= f->wait_ms
        || (cigna_script_said(ev, "marked") && cigna_refresh_usable(f, ev)))
    {
        cigna_refresh_say(f, "another refresh has not ended",
                          cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              cigna_refresh_clear);
        return;
    }

    ms = cigna_flow_jitter(ev, CIGNA_REFRESH_POLL_MS,
                           CIGNA_REFRESH_POLL_MAX_MS);

    f->waited_ms += ms;
    f->retry.tries = 1;
    f->state = cigna_refresh_st_sleep;
    cigna_flow_sleep(op, ms);
}


/* the lock is ours, but an earlier attempt may have gone through */

static void
cigna_refresh_unknown(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    int64_t  attempts;

    attempts = cigna_reply_int(cigna_reply_item(ev->reply, 1),
                               CIGNA_REFRESH_ATTEMPTS);

    if (cigna_refresh_usable(f, ev)) {
        cigna_refresh_say(f, "the end of an earlier refresh is not known",
                          cigna_slice_null);
        cigna_refresh_end(f, op, cigna_refresh_ok, cigna_refresh_clear);
        return;
    }

    /* not marked spent: nobody has refused it */

    if (attempts >= CIGNA_REFRESH_ATTEMPTS) {
        cigna_refresh_say(f, "the end of both attempts is not known",
                          cigna_slice_null);
        cigna_refresh_end(f, op, cigna_refresh_spent, cigna_refresh_clear);
        return;
    }

    cigna_refresh_begin(f, ev, op, 1);
}


static void
cigna_refresh_exchange(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_http_request_t  req;

    /* the lease runs since Redis granted it, at the earliest when asked */

    if (ev->now_ms - f->begun_ms > f->lease_ms / 4) {
        cigna_refresh_say(f, "held up for too long", cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              cigna_refresh_clear);
        return;
    }

    if (f->provider->token_endpoint.len == 0
        || cigna_oauth_refresh_request(f->provider, f->grant.refresh_token,
                                       f->arena, &req)
           != CIGNA_OK)
    {
        cigna_refresh_say(f, "the request cannot be made", cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              cigna_refresh_clear);
        return;
    }

    f->sent_ms = ev->now_ms;

    cigna_flow_http(op, &req);
    cigna_refresh_issue(f, op, cigna_refresh_st_exchange);
}


static void
cigna_refresh_exchanged(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_token_e  e;

    if (ev->type != cigna_ev_ok) {

        if (ev->type == cigna_ev_lost) {
            cigna_refresh_say(f, "the token endpoint took the refresh token "
                              "and did not answer", cigna_slice_null);
            cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                                  cigna_refresh_keep);
            return;
        }

        cigna_refresh_say(f, "the token endpoint cannot be reached",
                          cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              cigna_refresh_clear);
        return;
    }

    e = cigna_oauth_token_reply(ev->status, ev->body, f->arena, &f->tokens);

    if (e == cigna_token_ok) {
        cigna_refresh_tokens(f, ev, op);
        return;
    }

    if (e == cigna_token_invalid_grant) {
        f->refused = 1;

        if (!f->hold) {
            cigna_refresh_read(f, op, cigna_refresh_st_check);
            return;
        }
    }

    /* also our own fault, such as invalid_client, is not the member's */

    cigna_refresh_say(f, cigna_token_name(e), f->tokens.error);
    f->retry_after_s = ev->retry_after_s;
    cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                          cigna_refresh_clear);
}


/*
 * The refresh token is spent now, and what replaces it exists only here.  A
 * journal in shared memory belongs before this: with it the result would be
 * reported from here on, and stored by whoever finds it there.
 */

static void
cigna_refresh_tokens(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->fresh = f->grant;

    if (cigna_refresh_same(f, ev) != CIGNA_OK) {

        /* whoever these belong to, it is not this member */

        cigna_refresh_discard(f);
        cigna_refresh_end(f, op, cigna_refresh_unavailable,
                          cigna_refresh_clear);
        return;
    }

    cigna_store_tokens(f->provider, &f->tokens, f->sent_ms, &f->fresh);
    f->fresh.generation++;

    cigna_refresh_swap(f, ev, op,
                       cigna_store_kept_ms(f->provider, &f->fresh, ev->now_ms),
                       cigna_refresh_st_store);
}


/*
 * Holds what came against subject and patient of the grant.  An id_token is
 * optional here (OpenID Connect Core, 12.2), and one that is merely odd is no
 * reason to drop the only refresh token that works.  It came straight over
 * TLS, so its claims are believed without keys, which may have changed.
 */

static int
cigna_refresh_same(cigna_refresh_t *f, const cigna_event_t *ev)
{
    cigna_grant_t       *g;
    cigna_id_token_t     claims;
    cigna_jwt_expect_t   expect;

    g = &f->fresh;

    if (g->patient.len && f->tokens.patient.len
        && !cigna_slice_eq(g->patient, f->tokens.patient))
    {
        cigna_refresh_say(f, "tokens for another patient came",
                          cigna_slice_null);
        return CIGNA_ERROR;
    }

    if (f->tokens.id_token.len == 0) {
        return CIGNA_OK;
    }

    memset(&expect, 0, sizeof(cigna_jwt_expect_t));
    expect.iss = f->provider->issuer;
    expect.aud = f->provider->client_id;
    expect.now_s = ev->now_ms / 1000;
    expect.leeway_s = f->provider->clock_leeway_s;

    switch (cigna_jwt_verify(f->tokens.id_token, NULL, &expect, f->arena,
                             &claims))
    {
    case cigna_jwt_ok:
        break;

    case cigna_jwt_iss:
    case cigna_jwt_aud:
        cigna_refresh_say(f, "an id_token of another issuer or for another "
                          "client came", cigna_slice_null);
        return CIGNA_ERROR;

    default:
        return CIGNA_OK;
    }

    if (g->sub.len == 0) {
        g->sub = claims.sub;
    }

    if (!cigna_slice_eq(g->sub, claims.sub)) {
        cigna_refresh_say(f, "tokens of another subject came",
                          cigna_slice_null);
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


static void
cigna_refresh_swap(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, uint64_t kept_ms, cigna_refresh_state_e state)
{
    cigna_slice_t  argv[3 + CIGNA_STORE_ARGC];

    argv[0] = f->identity->grant_key;
    argv[1] = f->identity->lock_key;
    argv[2] = f->owner;

    if (cigna_store_args(f->vault, f->provider, f->identity, &f->fresh,
                         kept_ms, ev->random, f->arena, &argv[3])
        != CIGNA_OK)
    {
        cigna_refresh_say(f, "the grant cannot be sealed", cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                              cigna_refresh_keep);
        return;
    }

    cigna_script_run(op, cigna_script_grant_swap, argv, 3 + CIGNA_STORE_ARGC);
    cigna_refresh_issue(f, op, state);
}


static void
cigna_refresh_stored(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_script_said(ev, "ok")) {
        f->grant = f->fresh;
        f->exchanged = 1;
        cigna_refresh_report(f, op, cigna_refresh_ok);
        return;
    }

    if (cigna_script_said(ev, "stale")) {
        cigna_refresh_superseded(f, ev, cigna_reply_item(ev->reply, 1), op);
        return;
    }

    if (cigna_refresh_again(f, op, CIGNA_REFRESH_STORE_TRIES)) {
        return;
    }

    /* not revoked: if the old refresh token still works, so does the grant */

    cigna_refresh_say(f, "the new tokens could not be stored",
                      cigna_slice_null);
    cigna_refresh_passing(f, ev, op, cigna_refresh_vault, cigna_refresh_keep);
}


/*
 * The grant is another one, or a newer one, or gone.  What is there counts.
 * Tokens of a dead grant are revoked; those of the same grant are not, since
 * revoking them would take the newer generation with them.
 */

static void
cigna_refresh_superseded(cigna_refresh_t *f, const cigna_event_t *ev,
    const cigna_reply_t *record, cigna_op_t *op)
{
    cigna_grant_t    there;
    cigna_refresh_e  rc;

    f->begun = 0;

    memset(&there, 0, sizeof(cigna_grant_t));
    rc = cigna_refresh_open(f, record, &there);

    if (rc == cigna_refresh_no_grant
        || (there.id.len && !cigna_slice_eq(there.id, f->grant.id)))
    {
        cigna_refresh_discard(f);
    }

    if (rc != cigna_refresh_ok) {
        cigna_refresh_report(f, op, rc);
        return;
    }

    f->grant = there;
    cigna_refresh_say(f, "somebody else was first", cigna_slice_null);
    cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                          cigna_refresh_clear);
}


/* invalid_grant: is it the token that the vault still has? */

static void
cigna_refresh_checked(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_grant_t    there;
    cigna_refresh_e  rc;

    if (!cigna_flow_answered(ev)) {

        if (!cigna_refresh_again(f, op, CIGNA_REFRESH_REDIS_TRIES)) {
            cigna_refresh_say(f, "refused, but Redis cannot be asked",
                              cigna_slice_null);
            cigna_refresh_passing(f, ev, op, cigna_refresh_vault,
                                  cigna_refresh_clear);
        }

        return;
    }

    memset(&there, 0, sizeof(cigna_grant_t));
    rc = cigna_refresh_open(f, ev->reply, &there);

    if (rc != cigna_refresh_ok) {
        cigna_refresh_end(f, op, rc, cigna_refresh_clear);
        return;
    }

    if (there.generation != f->grant.generation
        || !cigna_slice_eq(there.id, f->grant.id))
    {
        f->grant = there;
        cigna_refresh_say(f, "somebody else was first", cigna_slice_null);
        cigna_refresh_passing(f, ev, op, cigna_refresh_unavailable,
                              cigna_refresh_clear);
        return;
    }

    cigna_refresh_say(f, "refused", f->tokens.error);

    f->fresh = f->grant;
    f->fresh.state = cigna_grant_spent;
    f->fresh.generation++;

    cigna_refresh_swap(f, ev, op, CIGNA_REFRESH_SPENT_MS,
                       cigna_refresh_st_spent);
}


/* a failure that passes: the old token serves if it can */

static void
cigna_refresh_passing(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op, cigna_refresh_e rc, cigna_refresh_mark_e mark)
{
    cigna_refresh_end(f, op, cigna_refresh_usable(f, ev) ? cigna_refresh_ok
                                                         : rc, mark);
}


/* gives up what is ours, then reports */

static void
cigna_refresh_end(cigna_refresh_t *f, cigna_op_t *op, cigna_refresh_e rc,
    cigna_refresh_mark_e mark)
{
    cigna_slice_t  argv[4];

    if (!f->begun) {
        cigna_refresh_report(f, op, rc);
        return;
    }

    f->rc = rc;

    argv[0] = f->identity->grant_key;
    argv[1] = f->identity->lock_key;
    argv[2] = f->owner;
    argv[3] = mark == cigna_refresh_keep ? f->lease : cigna_slice("");

    cigna_script_run(op, cigna_script_grant_release, argv, 4);
    cigna_refresh_issue(f, op, cigna_refresh_st_release);
}


static void
cigna_refresh_report(cigna_refresh_t *f, cigna_op_t *op, cigna_refresh_e rc)
{
    f->rc = rc;
    f->state = cigna_refresh_st_report;
    cigna_flow_report(op);
}


static void
cigna_refresh_issue(cigna_refresh_t *f, cigna_op_t *op,
    cigna_refresh_state_e state)
{
    f->state = state;
    cigna_retry_init(&f->retry, op, state);
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
    cigna_revoke_prepare(&f->revoke, f->provider, f->tokens.refresh_token,
                         f->tokens.access_token, f->arena);
}


static void
cigna_refresh_say(cigna_refresh_t *f, const char *text, cigna_slice_t quoted)
{
    cigna_flow_say(f->detail, sizeof(f->detail), text, quoted);
}


const char *
cigna_refresh_name(cigna_refresh_e rc)
{
    switch (rc) {

    case cigna_refresh_pending:
        return "pending";

    case cigna_refresh_ok:
        return "ok";

    case cigna_refresh_no_grant:
        return "no_grant";

    case cigna_refresh_spent:
        return "spent";

    case cigna_refresh_moved:
        return "moved";

    case cigna_refresh_unavailable:
        return "unavailable";

    case cigna_refresh_vault:
        return "vault";

    case cigna_refresh_damaged:
        return "damaged";

    case cigna_refresh_unknown_key:
        return "unknown_key";
    }

    return "unknown";
}

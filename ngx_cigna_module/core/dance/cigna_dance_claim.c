
/*
 * The claim of a dance, within the callback.
 *
 *   start --> ask --> over            end --> over
 *              ^ |                    ^ |
 *              | v                    | v
 *             sleep                  sleep
 *
 * Invariants:
 *
 *   (1) the outcome is "none" only if Redis has given the dance to this run,
 *       and if the dance could be opened;
 *   (2) if Redis fails, the flow asks a limited number of times; if another hit
 *       has the dance, it asks for a limited time.
 */


#include "cigna_connect.h"
#include "cigna_dance_claim.h"


/* the longest wait for the outcome of another hit, and the pauses in it */

#define CIGNA_DANCE_CLAIM_WAIT_MS      (10 * 1000)
#define CIGNA_DANCE_CLAIM_POLL_MS      50
#define CIGNA_DANCE_CLAIM_POLLS        8   /* short pauses, then longer ones */
#define CIGNA_DANCE_CLAIM_POLL_MAX_MS  200


typedef enum {
    cigna_dance_claim_st_start = 0,
    cigna_dance_claim_st_ask,
    cigna_dance_claim_st_end,
    cigna_dance_claim_st_sleep,
    cigna_dance_claim_st_over
} cigna_dance_claim_state_e;


static int cigna_dance_claim_start(cigna_dance_claim_t *t,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_dance_claim_asked(cigna_dance_claim_t *t,
    const cigna_event_t *ev, cigna_op_t *op);
static cigna_dance_outcome_e cigna_dance_claim_refusal(
    const cigna_dance_claim_t *t, cigna_slice_t word);
static int cigna_dance_claim_failed(cigna_dance_claim_t *t,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_dance_claim_ours(cigna_dance_claim_t *t,
    const cigna_event_t *ev);
static int cigna_dance_claim_wait(cigna_dance_claim_t *t,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_dance_claim_other(cigna_dance_claim_t *t,
    const cigna_event_t *ev, cigna_dance_outcome_e outcome);
static void cigna_dance_claim_keep(cigna_dance_claim_t *t,
    const cigna_event_t *ev);
static int cigna_dance_claim_again(cigna_dance_claim_t *t, cigna_op_t *op);
static int cigna_dance_claim_over(cigna_dance_claim_t *t,
    cigna_dance_outcome_e outcome, const char *why);


int
cigna_dance_claim_next(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_dance_claim_state_e) t->state) {

    case cigna_dance_claim_st_start:

        if (cigna_dance_claim_start(t, ev, op) != CIGNA_OK) {
            return cigna_dance_claim_over(t, cigna_dance_outcome_store_failed,
                                          "no room");
        }

        return CIGNA_AGAIN;

    case cigna_dance_claim_st_ask:

        return cigna_dance_claim_asked(t, ev, op);

    case cigna_dance_claim_st_end:

        /* any reply of the script is final; only failures are repeated */

        if (cigna_script_word(ev).len == 0
            && cigna_dance_claim_again(t, op) == CIGNA_AGAIN)
        {
            return CIGNA_AGAIN;
        }

        break;

    case cigna_dance_claim_st_sleep:

        t->state = cigna_retry_again(&t->retry, op);
        return CIGNA_AGAIN;

    case cigna_dance_claim_st_over:
        break;
    }

    t->state = cigna_dance_claim_st_over;

    return CIGNA_OK;
}


static int
cigna_dance_claim_start(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_slice_t           hash, ms;
    const cigna_subject_t  *s;

    s = t->subject;

    t->taker = cigna_flow_token(s->arena, ev->random, 16);
    ms = cigna_flow_uint(s->arena,
                         CIGNA_DANCE_CLAIM_MS + (uint64_t) t->exchange_ms);

    if (cigna_vault_dance_key(s, t->state_param, &t->dance_key) != CIGNA_OK
        || cigna_connect_secret_hash(t->secret, s->arena, &hash) != CIGNA_OK
        || s->arena->overflow)
    {
        return CIGNA_ERROR;
    }

    cigna_script_call(op, cigna_script_dance_claim, t->dance_key, hash,
                      cigna_script_identity(s->identity), t->taker, ms);
    t->state = cigna_retry_init(&t->retry, op, cigna_dance_claim_st_ask);

    return CIGNA_OK;
}


static int
cigna_dance_claim_asked(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_slice_t  word;

    word = cigna_script_word(ev);

    if (word.len == 0) {
        return cigna_dance_claim_failed(t, ev, op);
    }

    t->taken = 0;

    if (t->dance_id.len == 0) {
        (void) cigna_arena_copy(t->subject->arena, cigna_script_slice(ev, 1),
                                &t->dance_id);
    }

    if (cigna_slice_eq(word, cigna_slice("yours"))) {
        return cigna_dance_claim_ours(t, ev);
    }

    if (cigna_slice_eq(word, cigna_slice("taken"))) {
        return cigna_dance_claim_wait(t, ev, op);
    }

    if (cigna_slice_eq(word, cigna_slice("interrupted"))) {
        return cigna_dance_claim_other(t, ev, cigna_dance_outcome_interrupted);
    }

    if (cigna_slice_eq(word, cigna_slice("ended"))) {
        word = cigna_script_slice(ev, 2);

        return cigna_dance_claim_other(t, ev, cigna_dance_outcome_find(word));
    }

    return cigna_dance_claim_over(t, cigna_dance_claim_refusal(t, word), NULL);
}


/* the outcome if the dance is another browser's or member's, or is gone */

static cigna_dance_outcome_e
cigna_dance_claim_refusal(const cigna_dance_claim_t *t, cigna_slice_t word)
{
    if (cigna_slice_eq(word, cigna_slice("other"))) {
        return cigna_dance_outcome_identity_mismatch;
    }

    if (cigna_slice_eq(word, cigna_slice("expired"))) {
        return cigna_dance_outcome_state_expired;
    }

    if (cigna_slice_eq(word, cigna_slice("mismatch"))) {
        return t->secret.len ? cigna_dance_outcome_cookie_mismatch
                             : cigna_dance_outcome_cookie_missing;
    }

    return cigna_dance_outcome_state_unknown;
}


/*
 * Handles a command without a reply.  The run asks again with the same token,
 * so it gets the dance even if the lost command has already taken it.
 */

static int
cigna_dance_claim_failed(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->type == cigna_ev_lost) {
        t->taken = 1;
    }

    if (cigna_dance_claim_again(t, op) == CIGNA_AGAIN) {
        return CIGNA_AGAIN;
    }

    return cigna_dance_claim_over(t, cigna_dance_outcome_store_failed,
                                  "Redis cannot be asked");
}


static int
cigna_dance_claim_ours(cigna_dance_claim_t *t, const cigna_event_t *ev)
{
    int  rc;

    t->taken = 1;
    t->taken_ms = ev->now_ms;

    rc = cigna_vault_open_dance(t->subject, t->dance_key,
                                cigna_script_slice(ev, 2), &t->dance);

    if (rc != CIGNA_OK) {
        return cigna_dance_claim_over(t, cigna_dance_outcome_store_failed,
                                      rc == CIGNA_SEAL_UNKNOWN_KEY
                                      ? "the key ring lacks the dance's key"
                                      : "the dance cannot be opened");
    }

    t->return_to = t->dance.return_to;
    cigna_dance_claim_keep(t, ev);

    return cigna_dance_claim_over(t, cigna_dance_outcome_none, NULL);
}


/* another hit has the dance: waits for that hit's outcome and repeats it */

static int
cigna_dance_claim_wait(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op)
{
    unsigned  ms;

    if (t->waited_ms >= CIGNA_DANCE_CLAIM_WAIT_MS) {
        return cigna_dance_claim_other(t, ev, cigna_dance_outcome_in_progress);
    }

    ms = t->waited_ms < CIGNA_DANCE_CLAIM_POLLS * CIGNA_DANCE_CLAIM_POLL_MS
         ? CIGNA_DANCE_CLAIM_POLL_MS : CIGNA_DANCE_CLAIM_POLL_MAX_MS;

    t->waited_ms += ms;
    t->retry.tries = 1;
    t->state = cigna_dance_claim_st_sleep;
    cigna_flow_sleep(op, ms);

    return CIGNA_AGAIN;
}


/* ends with the outcome of another hit and with the dance's return_to */

static int
cigna_dance_claim_other(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_dance_outcome_e outcome)
{
    cigna_slice_t  blob, asked;

    t->repeated = 1;

    /* a newer gateway has written an outcome that this version does not know */

    if (outcome == cigna_dance_outcome_none) {
        outcome = cigna_dance_outcome_interrupted;
    }

    blob = cigna_script_slice(ev, cigna_script_said(ev, "ended") ? 3 : 2);

    asked = cigna_vault_open_dance(t->subject, t->dance_key, blob, &t->dance)
            == CIGNA_OK
            ? t->dance.return_to : cigna_slice_null;

    /* checked again, as the configuration may have changed since connect */

    if (asked.len
        && cigna_connect_return_to(t->subject->provider, asked,
                                   t->subject->arena, &t->return_to)
           != CIGNA_OK)
    {
        t->return_to = cigna_slice_null;
    }

    return cigna_dance_claim_over(t, outcome, NULL);
}


/*
 * Seals the dance without its secrets, so that later hits find return_to.  An
 * app's URL may tell who the member is, so it is not stored in clear.  If the
 * seal fails, later hits go to the default URL.
 */

static void
cigna_dance_claim_keep(cigna_dance_claim_t *t, const cigna_event_t *ev)
{
    cigna_dance_t  d;

    d = t->dance;
    d.verifier = cigna_slice_null;
    d.nonce = cigna_slice_null;

    (void) cigna_vault_seal_dance(t->subject, t->dance_key, &d, ev->random,
                                  &t->rest);
}


/* CIGNA_AGAIN: the flow sleeps and sends the command again */

static int
cigna_dance_claim_again(cigna_dance_claim_t *t, cigna_op_t *op)
{
    if (cigna_retry_redis(&t->retry, op) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    t->state = cigna_dance_claim_st_sleep;

    return CIGNA_AGAIN;
}


static int
cigna_dance_claim_over(cigna_dance_claim_t *t, cigna_dance_outcome_e outcome,
    const char *why)
{
    t->outcome = outcome;
    t->why = why;
    t->state = cigna_dance_claim_st_over;

    return CIGNA_OK;
}


void
cigna_dance_claim_end(cigna_dance_claim_t *t, cigna_dance_outcome_e outcome,
    cigna_op_t *op)
{
    cigna_slice_t  argv[4];

    argv[0] = t->dance_key;
    argv[1] = t->taker;
    argv[2] = cigna_slice_str(cigna_dance_outcome_row(outcome)->name);
    argv[3] = t->rest;

    cigna_script_run(op, cigna_script_dance_end, argv, 4);
    t->state = cigna_retry_init(&t->retry, op, cigna_dance_claim_st_end);
}


void
cigna_dance_claim_forget(const cigna_dance_claim_t *t, cigna_op_t *op)
{
    cigna_slice_t  argv[3];

    argv[0] = cigna_slice("ZREM");
    argv[1] = t->subject->identity->dances_key;
    argv[2] = t->dance_key;

    cigna_flow_redis(op, argv, 3);
}


/*
 * The claim of a dance, within the callback.  The script dance_claim may also
 * end the dance: if the request is another member's, or comes too late.
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
 *   (2) if Redis fails, the flow asks a limited number of times; if another run
 *       has the dance, the flow asks for a limited time.
 */


#include "cigna_connect.h"
#include "cigna_dance_claim.h"


/* elements of the reply of dance_claim */

#define CIGNA_DANCE_CLAIM_MINE   5
#define CIGNA_DANCE_CLAIM_REST   6         /* the sealed dance; after "ended":
                                              the outcome, followed by the
                                              sealed dance */


/* the longest wait for the outcome of another run, and the pauses in it */

#define CIGNA_DANCE_CLAIM_WAIT_MS      (10 * 1000)
#define CIGNA_DANCE_CLAIM_POLL_MS      50
#define CIGNA_DANCE_CLAIM_POLLS        8   /* number of short pauses; later
                                              pauses are longer */
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
static int cigna_dance_claim_learn(cigna_dance_claim_t *t,
    const cigna_event_t *ev);
static void cigna_dance_claim_ended(cigna_dance_claim_t *t,
    const cigna_event_t *ev);
static void cigna_dance_claim_keep(cigna_dance_claim_t *t,
    const cigna_event_t *ev);
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
            && cigna_retry_redis(&t->retry, op, &t->state,
                                 cigna_dance_claim_st_sleep)
               == CIGNA_AGAIN)
        {
            return CIGNA_AGAIN;
        }

        cigna_dance_claim_ended(t, ev);
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
    cigna_slice_t           hash, ms, line;
    cigna_dance_story_t     story = { 0 };
    const cigna_subject_t  *s = t->subject;

    story.request = t->request;
    line = cigna_dance_story_line(s->vault, s->arena, "returned", &story);

    t->taker = cigna_flow_token(s->arena, ev->random, 16);
    ms = cigna_flow_uint(s->arena,
                         CIGNA_DANCE_CLAIM_MS + (uint64_t) t->exchange_ms);

    if (cigna_vault_dance_key(s, t->state_param, &t->dance_key,
                              &t->forget.entry.name)
        != CIGNA_OK
        || cigna_connect_secret_hash(t->secret, s->arena, &hash) != CIGNA_OK
        || s->arena->overflow)
    {
        return CIGNA_ERROR;
    }

    cigna_script_call(op, cigna_script_dance_claim, t->dance_key, hash,
                      cigna_script_identity(s->identity), t->taker, ms, line);
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

    if (cigna_dance_claim_learn(t, ev) != CIGNA_OK) {
        return cigna_dance_claim_over(t, cigna_dance_outcome_store_failed,
                                      "no room");
    }

    t->ended = cigna_slice_eq(cigna_script_slice(ev, CIGNA_DANCE_CLAIM_MINE),
                              cigna_slice("1"));

    if (cigna_slice_eq(word, cigna_slice("yours"))) {
        return cigna_dance_claim_ours(t, ev);
    }

    if (cigna_slice_eq(word, cigna_slice("taken"))) {
        return cigna_dance_claim_wait(t, ev, op);
    }

    if (cigna_slice_eq(word, cigna_slice("ended"))) {
        word = cigna_script_slice(ev, CIGNA_DANCE_CLAIM_REST);

        return cigna_dance_claim_other(t, ev, cigna_dance_outcome_find(word));
    }

    return cigna_dance_claim_over(t, cigna_dance_claim_refusal(t, word), NULL);
}


/*
 * Copies the description of the dance, which the reply has after its first
 * word: id, tenant, start and identity.
 */

static int
cigna_dance_claim_learn(cigna_dance_claim_t *t, const cigna_event_t *ev)
{
    size_t                i;
    cigna_dance_forget_t  *f;

    f = &t->forget;

    cigna_slice_t *const  to[] = {
        &f->entry.id, &f->entry.tenant, &f->started, &f->entry.identity
    };

    if (t->dance_id.len) {
        return CIGNA_OK;
    }

    for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {

        if (cigna_arena_copy(t->subject->arena, cigna_script_slice(ev, 1 + i),
                             to[i])
            != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }
    }

    t->dance_id = f->entry.id;

    return CIGNA_OK;
}


/*
 * the outcome if another browser or another member started the dance, or if
 * Redis has no such dance
 */

static cigna_dance_outcome_e
cigna_dance_claim_refusal(const cigna_dance_claim_t *t, cigna_slice_t word)
{
    if (cigna_slice_eq(word, cigna_slice("other"))) {
        return cigna_dance_outcome_identity_mismatch;
    }

    if (cigna_slice_eq(word, cigna_slice("mismatch"))) {
        return t->secret.len ? cigna_dance_outcome_cookie_mismatch
                             : cigna_dance_outcome_cookie_missing;
    }

    return cigna_dance_outcome_state_unknown;
}


/*
 * Handles a failure of Redis.  The run asks again as the same taker, so it gets
 * the dance even if a lost command has already taken the dance.
 */

static int
cigna_dance_claim_failed(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->type == cigna_ev_lost) {
        t->taken = 1;
    }

    if (cigna_retry_redis(&t->retry, op, &t->state, cigna_dance_claim_st_sleep)
        == CIGNA_AGAIN)
    {
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
                                cigna_script_slice(ev, CIGNA_DANCE_CLAIM_REST),
                                &t->dance);

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


/*
 * Another run has the dance: waits for that run's outcome and repeats it.  If
 * there is none after CIGNA_DANCE_CLAIM_WAIT_MS, the outcome is "in_progress".
 */

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


/*
 * Ends the flow with the dance's return_to and with this outcome: "in_progress"
 * if another run has the dance, otherwise the outcome that the dance has in
 * Redis.  This run's own claim may have caused that outcome.
 */

static int
cigna_dance_claim_other(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_dance_outcome_e outcome)
{
    cigna_slice_t  blob, asked;

    t->repeated = !t->ended;

    /* a newer gateway has written an outcome that this version does not know */

    if (outcome == cigna_dance_outcome_none) {
        outcome = cigna_dance_outcome_interrupted;
    }

    blob = cigna_script_slice(ev, CIGNA_DANCE_CLAIM_REST
                                  + cigna_script_said(ev, "ended"));

    asked = cigna_vault_open_dance(t->subject, t->dance_key, blob, &t->dance)
            == CIGNA_OK
            ? t->dance.return_to : cigna_slice_null;

    /*
     * return_to is checked again, as the configuration may have changed since
     * connect
     */

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
 * Seals the dance without its secrets, so that later requests find return_to.
 * An app's URL may tell who the member is, so it is not stored in clear.  If
 * the sealing fails, later requests go to the default URL.  Only a dance that
 * version 0.4.0 has started needs this: other records have these bytes from the
 * start.
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
    cigna_dance_story_t *story, cigna_op_t *op)
{
    cigna_slice_t           name, line;
    const cigna_subject_t  *s = t->subject;

    t->outcome = outcome;

    name = cigna_slice_str(cigna_dance_outcome_row(outcome)->name);

    story->request = t->request;
    story->outcome = name;
    line = cigna_dance_story_line(s->vault, s->arena, "ended", story);

    cigna_script_call(op, cigna_script_dance_end, t->dance_key, t->taker, name,
                      t->rest, line);
    t->state = cigna_retry_init(&t->retry, op, cigna_dance_claim_st_end);
}


/* after dance_end: if another run ended the dance first, its outcome counts */

static void
cigna_dance_claim_ended(cigna_dance_claim_t *t, const cigna_event_t *ev)
{
    cigna_dance_outcome_e  outcome;

    t->ended = cigna_script_said(ev, "ok");

    if (!cigna_script_said(ev, "ended")) {
        return;
    }

    outcome = cigna_dance_outcome_find(cigna_script_slice(ev, 1));

    t->outcome = outcome == cigna_dance_outcome_none
                 ? cigna_dance_outcome_interrupted : outcome;
    t->repeated = 1;
}


int
cigna_dance_claim_forget(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_dance_forget_t  *f;

    f = &t->forget;

    if (f->state == 0) {
        f->vault = t->subject->vault;
        f->arena = t->subject->arena;
        f->outcome = cigna_slice_str(cigna_dance_outcome_row(t->outcome)->name);
    }

    return cigna_dance_forget_next(f, ev, op);
}

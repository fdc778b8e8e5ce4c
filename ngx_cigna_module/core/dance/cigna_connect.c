
/*
 * Connect: starts a dance.
 *
 *   start --> list --> open --> report --> close --> done
 *     |         |        |        ^ |       ^  |      ^
 *     |         |        |        | |       +--+ one dance at a time
 *     +---------+--------+--------+ |                 |
 *        (with an outcome)          +---> unlist -----+
 *
 * Invariants, checked by t/fuzz/dance/fuzz_connect.c:
 *
 *   (1) "location", to which the browser is redirected, is set only if the
 *       outcome is "none"; then the dance is listed and stored;
 *   (2) a dance is stored only if its return_to is on the allow list;
 *   (3) verifier, nonce and browser secret are new in each run, and state is
 *       new for each dance id; none of them goes to Redis in clear;
 *   (4) the new dance is never closed;
 *   (5) no dance is stored that is not in the index of open dances
 *       (cigna_dance_entry.h).
 *
 * "unlist" takes a dance out of the index if Redis certainly has not stored it.
 * If Redis may have stored the dance, it stays in the index, and later ends as
 * "abandoned" or as "lost".
 */


#include <string.h>

#include "cigna_connect.h"
#include "cigna_dance_story.h"
#include "cigna_dance_upkeep.h"
#include "vault/cigna_scripts.h"


/* index of the story's line in the arguments of dance_open */
#define CIGNA_CONNECT_LINE  9


typedef enum {
    cigna_connect_st_start = 0,
    cigna_connect_st_list,
    cigna_connect_st_open,
    cigna_connect_st_report,
    cigna_connect_st_unlist,
    cigna_connect_st_close
} cigna_connect_state_e;


/* how the random bytes of an event are used */

typedef struct {
    uint8_t   verifier[32];
    uint8_t   nonce[16];
    uint8_t   secret[16];
    uint8_t   seal[CIGNA_SEAL_NONCE_LEN];
    uint8_t   seal_rest[CIGNA_SEAL_NONCE_LEN];
} cigna_connect_random_t;


typedef char  cigna_connect_random_fits[
    sizeof(cigna_connect_random_t) <= CIGNA_RANDOM_LEN ? 1 : -1];


static cigna_dance_outcome_e cigna_connect_begin(cigna_connect_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static cigna_dance_outcome_e cigna_connect_refusal(const cigna_connect_t *f,
    cigna_dance_t *d);
static int cigna_connect_make(cigna_connect_t *f,
    const cigna_connect_random_t *r, cigna_dance_t *d, cigna_slice_t *state);
static int cigna_connect_locate(cigna_connect_t *f, const cigna_dance_t *d,
    cigna_slice_t state);
static int cigna_connect_prepare(cigna_connect_t *f, const cigna_dance_t *d,
    const cigna_connect_random_t *r);
static int cigna_connect_list(cigna_connect_t *f, cigna_op_t *op);
static int cigna_connect_listed(cigna_connect_t *f, const cigna_event_t *ev);
static void cigna_connect_open(cigna_connect_t *f, cigna_op_t *op);
static void cigna_connect_opened(cigna_connect_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_connect_unlist(cigna_connect_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_connect_report(cigna_connect_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome);


void
cigna_connect_next(void *flow, const cigna_event_t *ev, cigna_op_t *op)
{
    cigna_connect_t        *f = flow;
    cigna_dance_outcome_e   outcome;

    switch ((cigna_connect_state_e) f->state) {

    case cigna_connect_st_start:

        outcome = cigna_connect_begin(f, ev, op);

        if (outcome != cigna_dance_outcome_none) {
            cigna_connect_report(f, op, outcome);
        }

        return;

    case cigna_connect_st_list:

        if (cigna_connect_listed(f, ev) != CIGNA_OK) {
            f->unlist = ev->type != cigna_ev_unsent;
            cigna_connect_report(f, op, cigna_dance_outcome_store_failed);
            return;
        }

        cigna_connect_open(f, op);
        return;

    case cigna_connect_st_open:

        cigna_connect_opened(f, ev, op);
        return;

    case cigna_connect_st_report:
    case cigna_connect_st_unlist:

        if (f->unlist && cigna_connect_unlist(f, ev, op) == CIGNA_AGAIN) {
            return;
        }

        f->state = cigna_connect_st_close;

        /* fall through */

    case cigna_connect_st_close:

        if (cigna_dance_closer_next(&f->closer, ev, op) == CIGNA_AGAIN) {
            return;
        }

        break;
    }

    cigna_flow_done(op);
}


/* makes the dance, the authorize URL and the first operation */

static cigna_dance_outcome_e
cigna_connect_begin(cigna_connect_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    int                      rc;
    cigna_dance_t            d;
    cigna_slice_t            state;
    cigna_dance_outcome_e    outcome;
    cigna_connect_random_t   r;

    memset(&d, 0, sizeof(cigna_dance_t));
    memcpy(&r, ev->random, sizeof(cigna_connect_random_t));

    f->started_ms = d.started_ms = ev->now_ms;

    rc = cigna_connect_make(f, &r, &d, &state);
    outcome = cigna_connect_refusal(f, &d);

    if (outcome == cigna_dance_outcome_none
        && (rc != CIGNA_OK
            || cigna_connect_locate(f, &d, state) != CIGNA_OK
            || cigna_connect_prepare(f, &d, &r) != CIGNA_OK
            || cigna_connect_list(f, op) != CIGNA_OK))
    {
        outcome = cigna_dance_outcome_store_failed;
    }

    cigna_secret_wipe(&r, sizeof(cigna_connect_random_t));

    return outcome;
}


/*
 * sets return_to, redirect_uri and issuer of the dance; returns the outcome of
 * a refusal, or "none" if the dance may begin
 */

static cigna_dance_outcome_e
cigna_connect_refusal(const cigna_connect_t *f, cigna_dance_t *d)
{
    const cigna_subject_t  *s = f->subject;

    if (cigna_connect_return_to(s->provider, f->return_to, s->arena,
                                &d->return_to)
        == CIGNA_ERROR)
    {
        return cigna_dance_outcome_return_to_refused;
    }

    if (s->provider->authorization_endpoint.len == 0) {
        return cigna_dance_outcome_discovery_failed;
    }

    d->redirect_uri = s->provider->redirect_uri;
    d->issuer = s->provider->issuer;

    return cigna_dance_outcome_none;
}


int
cigna_connect_return_to(const cigna_provider_t *p, cigna_slice_t asked,
    cigna_arena_t *arena, cigna_slice_t *return_to)
{
    unsigned            i;
    cigna_buf_t         b;
    cigna_uri_t         uri;
    const cigna_uri_t  *target;

    *return_to = cigna_slice_null;
    target = NULL;

    if (asked.len == 0) {

        if (p->nreturn_to == 0) {
            return CIGNA_NONE;
        }

        target = &p->return_to[0];

    } else if (asked.len <= CIGNA_RETURN_TO_LEN_MAX
               && cigna_uri_parse(asked, &uri) == CIGNA_OK)
    {

        for (i = 0; i < p->nreturn_to && target == NULL; i++) {
            if (cigna_uri_allows(&p->return_to[i], &uri)) {
                target = &uri;
            }
        }
    }

    if (target == NULL) {
        return CIGNA_ERROR;
    }

    cigna_arena_open(arena, &b);
    cigna_uri_append(&b, target);
    *return_to = cigna_arena_close(arena, &b);

    return return_to->len == 0 ? CIGNA_ERROR : CIGNA_OK;
}


/* makes the secrets of the dance; tag and browser secret are results */

static int
cigna_connect_make(cigna_connect_t *f, const cigna_connect_random_t *r,
    cigna_dance_t *d, cigna_slice_t *state)
{
    int             rc;
    cigna_buf_t     b;
    cigna_arena_t  *a = f->subject->arena;

    d->id = f->dance_id;

    cigna_arena_open(a, &b);
    rc = cigna_dance_id_append_state(&b, f->subject->vault, d->id);
    *state = cigna_flow_text(a, &b);

    f->secret = cigna_flow_token(a, r->secret, sizeof(r->secret));
    d->verifier = cigna_flow_token(a, r->verifier, sizeof(r->verifier));
    d->nonce = cigna_flow_token(a, r->nonce, sizeof(r->nonce));

    f->tag = d->id;

    if (rc != CIGNA_OK || a->overflow) {
        return CIGNA_ERROR;
    }

    f->tag.len = CIGNA_DANCE_TAG_LEN;

    return CIGNA_OK;
}


static int
cigna_connect_locate(cigna_connect_t *f, const cigna_dance_t *d,
    cigna_slice_t state)
{
    int                         rc;
    cigna_buf_t                 b;
    const cigna_subject_t      *s = f->subject;
    const cigna_vault_names_t  *id = s->identity;

    if (cigna_vault_dance_key(s, state, &f->dance_key, &f->entry.name)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    f->entry.id = d->id;
    f->entry.tenant = cigna_slice_make(id->tenant,
                                       id->tenant + CIGNA_TENANT_LEN);
    f->entry.identity = cigna_script_identity(id);

    cigna_arena_open(s->arena, &b);
    rc = cigna_oauth_append_authorize(&b, s->provider, state, d->nonce,
                                      d->verifier);
    f->location = cigna_arena_close(s->arena, &b);

    return rc != CIGNA_OK || f->location.len == 0 ? CIGNA_ERROR : CIGNA_OK;
}


/*
 * Makes the call of dance_open, which comes after dance_list.  The dance is
 * sealed once with its secrets, for the callback, and once without them, for
 * requests after its end.
 */

static int
cigna_connect_prepare(cigna_connect_t *f, const cigna_dance_t *d,
    const cigna_connect_random_t *r)
{
    cigna_dance_t           rest;
    cigna_slice_t           blob, kept, hash, line;
    cigna_dance_story_t     story = { 0 };
    const cigna_subject_t  *s = f->subject;

    rest = *d;
    rest.verifier = cigna_slice_null;
    rest.nonce = cigna_slice_null;

    if (cigna_vault_seal_dance(s, f->dance_key, d, r->seal, &blob) != CIGNA_OK
        || cigna_vault_seal_dance(s, f->dance_key, &rest, r->seal_rest, &kept)
           != CIGNA_OK
        || cigna_connect_secret_hash(f->secret, s->arena, &hash) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    story.request = f->request;
    line = s->vault->stories
           ? cigna_dance_story_line(s->vault, s->arena, "started", &story)
           : cigna_slice_null;

    cigna_script_call(&f->open, cigna_script_dance_open, f->dance_key, blob,
                      hash, f->entry.identity, d->id,
                      cigna_flow_uint(s->arena, CIGNA_DANCE_LIFE_MS),
                      cigna_flow_uint(s->arena, CIGNA_DANCE_KEPT_MS), kept,
                      f->entry.tenant, line,
                      cigna_flow_uint(s->arena, CIGNA_DANCE_STORY_MS));

    return s->arena->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_connect_secret_hash(cigna_slice_t secret, cigna_arena_t *arena,
    cigna_slice_t *hash)
{
    uint8_t  digest[CIGNA_SHA256_LEN];

    *hash = cigna_slice_null;

    if (secret.len == 0) {
        return CIGNA_OK;
    }

    if (cigna_secret_sha256(secret, digest) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    *hash = cigna_flow_token(arena, digest, CIGNA_SHA256_LEN);

    return arena->overflow ? CIGNA_ERROR : CIGNA_OK;
}


static int
cigna_connect_list(cigna_connect_t *f, cigna_op_t *op)
{
    const cigna_subject_t  *s = f->subject;

    cigna_script_call(op, cigna_script_dance_list, s->identity->dances_key,
                      s->identity->open_key,
                      cigna_dance_entry_text(s->arena, &f->entry),
                      cigna_flow_uint(s->arena, s->provider->dances_per_member),
                      cigna_flow_uint(s->arena, CIGNA_DANCE_LIFE_MS),
                      cigna_flow_uint(s->arena, CIGNA_DANCE_LIFE_MS
                                                + CIGNA_DANCE_GRACE_MS),
                      cigna_flow_uint(s->arena, CIGNA_DANCE_STORY_MS),
                      cigna_flow_uint(s->arena,
                                      cigna_vault_shard_stories(s->vault)));

    if (s->arena->overflow) {
        return CIGNA_ERROR;
    }

    f->state = cigna_connect_st_list;

    return CIGNA_OK;
}


static int
cigna_connect_listed(cigna_connect_t *f, const cigna_event_t *ev)
{
    if (!cigna_script_said(ev, "ok")) {
        return CIGNA_ERROR;
    }

    f->room = cigna_slice_eq(cigna_script_slice(ev, 1), cigna_slice("1"));

    f->closer.vault = f->subject->vault;
    f->closer.arena = f->subject->arena;

    return cigna_dance_closer_list(&f->closer, ev, 2);
}


static void
cigna_connect_open(cigna_connect_t *f, cigna_op_t *op)
{
    *op = f->open;

    if (!f->room) {
        op->redis.argv[CIGNA_CONNECT_LINE] = cigna_slice_null;
    }

    f->state = cigna_connect_st_open;
}


static void
cigna_connect_opened(cigna_connect_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (cigna_script_said(ev, "ok")) {
        f->dropped = f->subject->vault->stories
                     && !cigna_slice_eq(cigna_script_slice(ev, 1),
                                        cigna_slice("1"));
        cigna_connect_report(f, op, cigna_dance_outcome_none);
        return;
    }

    /* without the new dance, the dances that it would displace go on */

    f->closer.count = 0;
    f->unlist = ev->type != cigna_ev_lost;
    cigna_connect_report(f, op, cigna_dance_outcome_store_failed);
}


static int
cigna_connect_unlist(cigna_connect_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    f->forget.vault = f->subject->vault;
    f->forget.arena = f->subject->arena;
    f->forget.entry = f->entry;

    f->state = cigna_connect_st_unlist;

    return cigna_dance_forget_next(&f->forget, ev, op);
}


/* reports the result; a failed dance must not redirect or set a cookie */

static void
cigna_connect_report(cigna_connect_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome)
{
    f->outcome = outcome;
    f->state = cigna_connect_st_report;

    if (outcome != cigna_dance_outcome_none) {
        f->location = cigna_slice_null;
        f->secret = cigna_slice_null;
    }

    cigna_flow_report(op);
}

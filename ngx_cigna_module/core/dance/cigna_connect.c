
/*
 * Connect: starts a dance.
 *
 *   start --> open --> list --> evict --> done
 *     |         |        |        |  ^
 *     |         |        |        +--+ one dance at a time
 *     +---------+--------+-----------------> done (with an outcome)
 *
 * Invariants, checked by t/fuzz/dance/fuzz_connect.c:
 *
 *   (1) the browser is redirected only after the dance is stored and listed:
 *       "location" is set if the outcome is "none", and only then;
 *   (2) a dance is stored only if its return_to is on the allow list;
 *   (3) state, verifier, nonce and browser secret are new in each run, and none
 *       of them goes to Redis in clear;
 *   (4) the new dance is never evicted.
 */


#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_connect.h"
#include "vault/cigna_scripts.h"


typedef enum {
    cigna_connect_st_start = 0,
    cigna_connect_st_open,
    cigna_connect_st_list,
    cigna_connect_st_evict,
    cigna_connect_st_done
} cigna_connect_state_e;


/* how the random bytes of an event are used */

typedef struct {
    uint8_t   tag[6];
    uint8_t   state[18];
    uint8_t   id[3];
    uint8_t   verifier[32];
    uint8_t   nonce[16];
    uint8_t   secret[16];
    uint8_t   seal[CIGNA_SEAL_NONCE_LEN];
} cigna_connect_random_t;


typedef char  cigna_connect_random_fits[
    sizeof(cigna_connect_random_t) <= CIGNA_RANDOM_LEN ? 1 : -1];


static cigna_dance_outcome_e cigna_connect_begin(cigna_connect_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_connect_make(cigna_connect_t *f,
    const cigna_connect_random_t *r, cigna_dance_t *d, cigna_slice_t *state);
static int cigna_connect_locate(cigna_connect_t *f, const cigna_dance_t *d,
    cigna_slice_t state);
static int cigna_connect_open(cigna_connect_t *f, const cigna_dance_t *d,
    const uint8_t *nonce, cigna_op_t *op);
static void cigna_connect_list(cigna_connect_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_connect_listed(cigna_connect_t *f, const cigna_event_t *ev);
static void cigna_connect_evict(cigna_connect_t *f, cigna_op_t *op);
static void cigna_connect_done(cigna_connect_t *f, cigna_op_t *op,
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
            cigna_connect_done(f, op, outcome);
        }

        return;

    case cigna_connect_st_open:

        cigna_connect_list(f, ev, op);
        return;

    case cigna_connect_st_list:

        if (cigna_connect_listed(f, ev) != CIGNA_OK) {
            cigna_connect_done(f, op, cigna_dance_outcome_store_failed);
            return;
        }

        f->state = cigna_connect_st_evict;

        /* fall through */

    case cigna_connect_st_evict:

        /* failures do not matter: a dance that is not deleted expires */

        if (f->evicted) {
            cigna_connect_evict(f, op);
            return;
        }

        break;

    case cigna_connect_st_done:
        break;
    }

    cigna_connect_done(f, op, f->outcome);
}


/* makes the dance and the authorize URL, and the first operation */

static cigna_dance_outcome_e
cigna_connect_begin(cigna_connect_t *f, const cigna_event_t *ev, cigna_op_t *op)
{
    int                      rc;
    cigna_dance_t            d;
    cigna_slice_t            state;
    cigna_connect_random_t   r;
    const cigna_subject_t   *s;

    s = f->subject;

    memset(&d, 0, sizeof(cigna_dance_t));

    if (cigna_connect_return_to(s->provider, f->return_to, s->arena,
                                &d.return_to)
        == CIGNA_ERROR)
    {
        return cigna_dance_outcome_return_to_refused;
    }

    if (s->provider->authorization_endpoint.len == 0) {
        return cigna_dance_outcome_discovery_failed;
    }

    d.redirect_uri = s->provider->redirect_uri;
    d.issuer = s->provider->issuer;
    d.started_ms = ev->now_ms;

    memcpy(&r, ev->random, sizeof(cigna_connect_random_t));

    rc = cigna_connect_make(f, &r, &d, &state);

    if (rc == CIGNA_OK) {
        rc = cigna_connect_locate(f, &d, state);
    }

    if (rc == CIGNA_OK) {
        rc = cigna_connect_open(f, &d, r.seal, op);
    }

    cigna_secret_wipe(&r, sizeof(cigna_connect_random_t));

    return rc == CIGNA_OK ? cigna_dance_outcome_none
                          : cigna_dance_outcome_store_failed;
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


/* joins a prefix and random bytes, which it encodes in base64url */

static cigna_slice_t
cigna_connect_join(cigna_arena_t *a, cigna_slice_t prefix,
    const uint8_t *random, size_t len)
{
    cigna_buf_t  b;

    cigna_arena_open(a, &b);
    cigna_buf_append(&b, prefix);
    cigna_base64url_append(&b, cigna_slice_make(random, random + len));

    return cigna_flow_text(a, &b);
}


/* makes the secrets of the dance; tag, id and browser secret are results */

static int
cigna_connect_make(cigna_connect_t *f, const cigna_connect_random_t *r,
    cigna_dance_t *d, cigna_slice_t *state)
{
    cigna_arena_t  *a;

    a = f->subject->arena;

    f->tag = cigna_flow_token(a, r->tag, sizeof(r->tag));
    f->secret = cigna_flow_token(a, r->secret, sizeof(r->secret));
    *state = cigna_connect_join(a, f->tag, r->state, sizeof(r->state));
    d->id = cigna_connect_join(a, f->tag, r->id, sizeof(r->id));
    d->verifier = cigna_flow_token(a, r->verifier, sizeof(r->verifier));
    d->nonce = cigna_flow_token(a, r->nonce, sizeof(r->nonce));

    f->dance_id = d->id;
    f->started_ms = d->started_ms;

    return a->overflow ? CIGNA_ERROR : CIGNA_OK;
}


static int
cigna_connect_locate(cigna_connect_t *f, const cigna_dance_t *d,
    cigna_slice_t state)
{
    int                     rc;
    cigna_buf_t             b;
    const cigna_subject_t  *s;

    s = f->subject;

    if (cigna_vault_dance_key(s, state, &f->dance_key) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_arena_open(s->arena, &b);
    rc = cigna_oauth_append_authorize(&b, s->provider, state, d->nonce,
                                      d->verifier);
    f->location = cigna_arena_close(s->arena, &b);

    return rc != CIGNA_OK || f->location.len == 0 ? CIGNA_ERROR : CIGNA_OK;
}


static int
cigna_connect_open(cigna_connect_t *f, const cigna_dance_t *d,
    const uint8_t *nonce, cigna_op_t *op)
{
    cigna_slice_t           blob, hash;
    const cigna_subject_t  *s;

    s = f->subject;

    if (cigna_vault_seal_dance(s, f->dance_key, d, nonce, &blob) != CIGNA_OK
        || cigna_connect_secret_hash(f->secret, s->arena, &hash) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    cigna_script_call(op, cigna_script_dance_open, f->dance_key, blob, hash,
                      cigna_script_identity(s->identity), d->id,
                      cigna_flow_uint(s->arena, CIGNA_DANCE_LIFE_MS),
                      cigna_flow_uint(s->arena, CIGNA_DANCE_KEPT_MS));
    f->state = cigna_connect_st_open;

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


static void
cigna_connect_list(cigna_connect_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const cigna_subject_t  *s;

    s = f->subject;

    cigna_script_call(op, cigna_script_dance_list, s->identity->dances_key,
                      f->dance_key,
                      cigna_flow_uint(s->arena, s->provider->dances_per_member),
                      cigna_flow_uint(s->arena, CIGNA_DANCE_LIFE_MS));

    if (!cigna_script_said(ev, "ok") || s->arena->overflow) {
        cigna_connect_done(f, op, cigna_dance_outcome_store_failed);
        return;
    }

    f->state = cigna_connect_st_list;
}


/* copies the keys of the evicted dances, because the event owns the reply */

static int
cigna_connect_listed(cigna_connect_t *f, const cigna_event_t *ev)
{
    size_t         i;
    cigna_slice_t  key;

    if (!cigna_script_said(ev, "ok")) {
        return CIGNA_ERROR;
    }

    for (i = 1; f->evicted < CIGNA_EVICTED_MAX; i++) {
        key = cigna_script_slice(ev, i);

        if (key.len == 0) {
            break;
        }

        if (cigna_arena_copy(f->subject->arena, key, &f->evict[f->evicted])
            != CIGNA_OK)
        {
            return CIGNA_ERROR;
        }

        f->evicted++;
    }

    return CIGNA_OK;
}


static void
cigna_connect_evict(cigna_connect_t *f, cigna_op_t *op)
{
    cigna_slice_t  argv[2];

    argv[0] = cigna_slice("UNLINK");
    argv[1] = f->evict[--f->evicted];

    cigna_flow_redis(op, argv, 2);
}


/* ends the flow; a failed one must not redirect or set a cookie */

static void
cigna_connect_done(cigna_connect_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome)
{
    f->outcome = outcome;
    f->state = cigna_connect_st_done;

    if (outcome != cigna_dance_outcome_none) {
        f->location = cigna_slice_null;
        f->secret = cigna_slice_null;
    }

    cigna_flow_done(op);
}

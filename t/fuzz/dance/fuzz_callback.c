
#define _GNU_SOURCE

#include "scene.h"

#include "dance/cigna_callback.h"
#include "dance/cigna_dance_close.h"
#include "dance/cigna_dance_forget.h"
#include "dance/cigna_dance_upkeep.h"
#include "dance/cigna_grant_install.h"
#include "dance/cigna_dance_claim.h"


/*
 * Requests for the callback of two dances.  They come from the browser that
 * began the dances, again and again, from other browsers, and from another
 * member.  Meanwhile replies come late or not at all, and the authorization
 * server answers anything.  The upkeep of other nodes closes overdue dances.
 */

#define DANCES  2


typedef enum {
    visitor_browser = 0,                   /* began the dance */
    visitor_stranger,                      /* has another secret */
    visitor_bare,                          /* has no secret */
    visitor_other,                         /* began the dance, but now has
                                              another member */
    visitor_denied,                        /* began the dance, and now brings an
                                              error of the server */
    visitor_upkeep,                        /* the upkeep, not a browser */
    visitor_max
} visitor_e;


typedef struct {
    char      code[64];
    char      state[64];
    char      secret[64];
    char      wrong[64];
    char      key[CIGNA_KEY_MAX];
    char      id[CIGNA_DANCE_ID_LEN + 1];
    unsigned  stored;                      /* runs that stored its grant */
    unsigned  ended;                       /* number of runs that have counted
                                              the dance's end */
} dance_t;


static scene_t              scene;
static dance_t              dances[DANCES];
static cigna_vault_names_t  other;

/* the dance and the visitor of each actor */

static dance_t           *dance_of[SCENE_ACTORS];
static visitor_e          visitor_of[SCENE_ACTORS];
static unsigned           counted[SCENE_ACTORS];
static unsigned           faults;          /* of Redis; 0: there were none */


static const world_field_t *
field(const dance_t *d, const char *name)
{
    return world_get(&scene.w.redis, cigna_slice_str(d->key), name);
}


static int
field_is(const world_field_t *f, cigna_slice_t s)
{
    return f && cigna_slice_eq((cigna_slice_t) { f->data, f->len }, s);
}


static int
is_token_request(const world_actor_t *a)
{
    return a->op.type == cigna_op_http
           && cigna_slice_eq(a->op.http.request.url,
                             scene.w.provider.token_endpoint);
}


/*
 * (6) The outcomes for a visitor without a right to the dance.  The numbers in
 * this file are those of the invariants of cigna_callback.c.
 */

static void
check_stranger(const cigna_callback_t *f, visitor_e visitor)
{
    fuzz_assert(!f->stored && !f->claim.dance.verifier.len);
    fuzz_assert(f->return_to.len == 0);

    switch (f->outcome) {

    case cigna_dance_outcome_cookie_mismatch:
        fuzz_assert(visitor == visitor_stranger);
        break;

    case cigna_dance_outcome_cookie_missing:
        fuzz_assert(visitor == visitor_bare);
        break;

    case cigna_dance_outcome_identity_mismatch:
        fuzz_assert(visitor == visitor_other);
        break;

    case cigna_dance_outcome_state_unknown:
    case cigna_dance_outcome_store_failed:
        break;

    default:
        fuzz_assert(0);
    }
}


static void
on_closed(void *data, const cigna_dance_close_t *closed)
{
    unsigned  i;

    (void) data;

    for (i = 0; i < DANCES; i++) {
        if (cigna_slice_eq(closed->forget.entry.id,
                           cigna_slice_str(dances[i].id)))
        {
            fuzz_assert(++dances[i].ended == 1);
        }
    }
}


static void
check_report(const world_actor_t *a, dance_t *d, visitor_e visitor)
{
    const cigna_callback_t  *f;

    f = &a->flow.callback;

    /* invariant (3) of cigna_callback.c */

    d->ended += f->claim.ended;
    fuzz_assert(d->ended <= 1);

    fuzz_assert(f->outcome != cigna_dance_outcome_none);
    fuzz_assert(f->dance_id.len);
    fuzz_assert(strstr(f->detail, WORLD_MARKER) == NULL);

    if (visitor == visitor_stranger || visitor == visitor_bare
        || visitor == visitor_other)
    {
        check_stranger(f, visitor);
        fuzz_assert(a->tokens_sent == 0);
        return;
    }

    /* invariant (2) of cigna_callback.c */

    if (f->outcome == cigna_dance_outcome_connected && !f->repeated) {
        fuzz_assert(f->stored);
    }

    fuzz_assert(!f->stored || f->repeated
                || f->outcome == cigna_dance_outcome_connected);
    fuzz_assert(f->outcome != cigna_dance_outcome_connected || d->stored);

    /* invariant (3) of cigna_callback.c */

    if (a->redis_faults == 0 && field(d, "k")
        && field_is(field(d, "k"), f->claim.taker))
    {
        fuzz_assert(field(d, "o")
                    || (int64_t) strtoll((char *) field(d, "t")->data, NULL,
                                         10)
                       <= scene.w.now_ms);
    }

    fuzz_assert(f->return_to.len == 0
                || cigna_slice_starts(f->return_to,
                                      cigna_slice("https://app.example/")));
}


/* 1 if the vault has this grant */

static int
is_stored(const cigna_grant_t *g)
{
    return field_is(world_get(&scene.w.redis, scene.w.identity.grant_key, "i"),
                    g->id);
}


/* invariant (4) of cigna_callback.c */

static void
check_revoked(const world_actor_t *a, const cigna_callback_t *f)
{
    if (!f->stored) {
        fuzz_assert(cigna_slice_eq(a->op.revoke.token,
                                   f->tokens.refresh_token));
        return;
    }

    fuzz_assert(f->install.replaced && !is_stored(&f->install.old));
    fuzz_assert(cigna_slice_eq(a->op.revoke.token,
                               f->install.old.refresh_token));
    fuzz_assert(!cigna_slice_eq(a->op.revoke.token, f->grant.refresh_token));
}


/*
 * Only an entry whose grant Redis has stored is confirmed.  Otherwise the entry
 * is a deletion.
 */

static void
check_journal(const cigna_op_t *op, const cigna_callback_t *f)
{
    fuzz_assert(cigna_slice_eq(op->journal.entry.id, f->install.entry.id));

    if (op->journal.confirmed) {
        fuzz_assert(op->journal.entry.generation == 1
                    && op->journal.entry.blob.len);
        fuzz_assert(f->install.rc == cigna_grant_install_ok);

    } else {
        fuzz_assert(op->journal.entry.generation == 0 && f->install.lost);
        fuzz_assert(f->install.rc == cigna_grant_install_failed);
    }
}


static void
check(scene_t *s, world_actor_t *a)
{
    unsigned           n;
    dance_t           *d;
    cigna_callback_t  *f;

    n = (unsigned) (a - s->actors);
    d = dance_of[n];
    f = &a->flow.callback;

    faults += a->redis_faults;

    if (visitor_of[n] == visitor_upkeep) {
        return;
    }

    /* invariant (1) of cigna_callback.c */

    if (is_token_request(a)) {
        fuzz_assert(visitor_of[n] == visitor_browser);
        fuzz_assert(field_is(field(d, "k"), f->claim.taker));
        fuzz_assert(field(d, "o") == NULL);
    }

    fuzz_assert(s->w.auth.codes_posted
                <= (s->w.provider.older_secret.len ? 2 : 1) * DANCES);

    /* a dance brings one grant at most */

    if (f->stored && !counted[n]) {
        counted[n] = 1;
        fuzz_assert(++d->stored == 1);
    }

    /* invariant (5) of cigna_callback.c */

    if (a->op.type == cigna_op_revoke) {
        fuzz_assert(a->reports == 1);
        check_revoked(a, f);
    }

    if (a->op.type == cigna_op_journal) {
        check_journal(&a->op, f);
    }

    if (a->op.type == cigna_op_report) {
        fuzz_assert(a->reports == 1);
        check_report(a, d, visitor_of[n]);
    }

    if (!a->done) {
        return;
    }

    fuzz_assert(a->reports == 1);

    /* invariant (4) of cigna_callback.c */

    if (f->stored) {
        fuzz_assert(world_alive(&s->w.auth, f->grant.access_token)
                    || !is_stored(&f->grant));

    } else if (f->tokens.access_token.len && a->faults == 0) {
        fuzz_assert(!world_alive(&s->w.auth, f->tokens.access_token));
    }
}


static void
begin_dance(dance_t *d)
{
    world_actor_t     a;
    cigna_connect_t  *f;

    a.watch = NULL;
    world_connect(&scene.w, &a, "");
    world_run(&scene.w, &a);

    f = &a.flow.connect;

    fuzz_assert(world_login(&scene.w.auth, f->location, d->code, d->state)
                == CIGNA_OK);
    (void) snprintf(d->secret, sizeof(d->secret), "%.*s",
                    (int) f->secret.len, f->secret.data);
    (void) snprintf(d->wrong, sizeof(d->wrong), "%s", d->secret);
    d->wrong[3] ^= 1;
    (void) snprintf(d->key, sizeof(d->key), "%.*s", (int) f->dance_key.len,
                    f->dance_key.data);
    (void) snprintf(d->id, sizeof(d->id), "%.*s", (int) f->dance_id.len,
                    f->dance_id.data);
    d->stored = 0;
    d->ended = 0;

    world_end(&a);
}


static void
begin_hit(unsigned n, unsigned choice)
{
    dance_t        *d;
    visitor_e       visitor;
    const char     *secret;
    world_actor_t  *a;

    a = &scene.actors[n];
    d = &dances[choice % DANCES];
    visitor = choice / DANCES % 8;
    visitor = visitor < visitor_max ? visitor : visitor_browser;

    secret = d->secret;

    if (visitor == visitor_stranger) {
        secret = d->wrong;

    } else if (visitor == visitor_bare) {
        secret = "";
    }

    a->watch = NULL;
    dance_of[n] = d;
    visitor_of[n] = visitor;
    counted[n] = 0;

    if (visitor == visitor_upkeep) {
        world_upkeep(&scene.w, a, on_closed);
        return;
    }

    world_callback(&scene.w, a, d->code, d->state, secret);

    if (visitor == visitor_other) {
        a->subject.identity = &other;

    } else if (visitor == visitor_denied) {
        a->flow.callback.error = cigna_slice("access_denied");
    }
}


static void
elsewhere(uint8_t c)
{
    unsigned  n;

    n = (c & 7) % scene.nactors;

    switch (c >> 5) {

    case 3:
        world_knows_secret(&scene.w.auth, c & 3);
        break;

    case 4:
        scene.w.auth.bad_nonce = c & 1;
        scene.w.auth.bad_signature = c >> 1 & 1;
        scene.w.auth.key = c >> 2 & 1;
        break;

    case 5:
        scene.w.auth.answer_status = 400 + (c & 3) * 50;
        (void) snprintf(scene.w.auth.answer_body,
                        sizeof(scene.w.auth.answer_body),
                        "{\"error\":\"invalid_grant\"}");
        break;

    case 6:
        scene.w.now_ms += c & 16 ? 1000 : 61 * 1000;
        break;

    case 7:
        if (scene.actors[n].done) {
            world_end(&scene.actors[n]);
            begin_hit(n, c >> 1);
        }

        break;
    }
}


/*
 * Invariant (3) of cigna_callback.c: after the last upkeep each dance has one
 * end, and the vault counts each end once.
 */

static void
check_ends(void)
{
    unsigned        i, n, sum;
    world_key_t    *key;
    world_actor_t   a;

    a.watch = NULL;
    scene.w.delay_ms = 0;
    scene.w.now_ms += CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_GRACE_MS;
    world_upkeep(&scene.w, &a, on_closed);
    world_run(&scene.w, &a);
    world_end(&a);

    for (i = 0; i < DANCES; i++) {
        fuzz_assert(field(&dances[i], "o"));
        fuzz_assert(dances[i].ended == 1 || faults);
    }

    sum = 0;

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &scene.w.redis.keys[i];

        if (key->name == NULL) {
            continue;
        }

        fuzz_assert(strncmp(key->name, "cigna:i:", 8) != 0);

        for (n = 0;
             n < key->nfields && strncmp(key->name, "cigna:c:", 8) == 0;
             n++)
        {
            sum += (unsigned) strtoul((char *) key->fields[n].data, NULL, 10);
        }
    }

    fuzz_assert(sum == DANCES);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned  i;
    uint8_t   c;

    scene.input = fuzz_input(data, size);
    c = fuzz_byte(&scene.input);

    world_init(&scene.w);
    world_identity(&scene.w, "acme", "somebody else", &other);

    scene.w.auth.id_token = c & 1;

    scene.w.provider.userinfo = c >> 7;

    if (c & 2) {
        scene.w.provider.jwks_uri = scene.w.auth.metadata.jwks_uri;
    }

    if (c & 64) {
        world_two_secrets(&scene.w);
    }

    faults = 0;

    for (i = 0; i < DANCES; i++) {
        begin_dance(&dances[i]);
    }

    scene.nactors = 2 + (c >> 2 & 31) % (SCENE_ACTORS - 1);
    scene.check = check;

    for (i = 0; i < scene.nactors; i++) {
        begin_hit(i, i < 2 ? 0 : fuzz_byte(&scene.input));
    }

    while (scene.input.len) {
        elsewhere(scene_next(&scene));
    }

    scene_finish(&scene);
    check_ends();
    scene_end(&scene);

    return 0;
}

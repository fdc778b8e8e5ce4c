
#define _GNU_SOURCE

#include "scene.h"

#include "refresh/cigna_exchange.h"
#include "refresh/cigna_grant_commit.h"
#include "refresh/cigna_lease.h"
#include "refresh/cigna_refresh.h"
#include "refresh/cigna_journal_replay.h"
#include "provider/cigna_revoke_handoff.h"


/*
 * Several refreshes of one grant.  Workers and nodes die, replies are late or
 * lost, primaries lose their last writes, the member disconnects and connects
 * again, and the authorization server answers anything.  The numbers in this
 * file are those of the invariants of cigna_refresh.c.
 */


/*
 * The replica lags by this much at most.  The journals keep entries for a
 * minute, so they have all that a primary can lose.
 */

#define LAG_MS    20000

/* most requests with one refresh token while their outcomes are unknown */

#define ATTEMPTS  4


static scene_t   scene;
static char      last_id[CIGNA_GRANT_ID_LEN + 1];
static uint64_t  last_generation;
static int       last_spent;
static int64_t   replicated_ms;

/*
 * Counts of events that explain a lost grant: losses (of a token or an entry),
 * dances that replaced the grant, disconnects, changes of primary, full
 * journals
 */

static unsigned  losses, replaced, ended, failovers, crowded;

/*
 * 1 for an actor that no longer reaches Redis, so that a new primary does not
 * know of its open exchange
 */

static unsigned  cut[SCENE_ACTORS];


static const world_field_t *
field(const char *name)
{
    return world_get(&scene.w.redis, scene.w.identity.grant_key, name);
}


static int
field_is(const world_field_t *f, cigna_slice_t s)
{
    return f && cigna_slice_eq((cigna_slice_t) { f->data, f->len }, s);
}


static uint64_t
number(const char *name)
{
    uint64_t              n;
    const world_field_t  *f;

    f = field(name);
    n = 0;

    if (f) {
        (void) cigna_slice_uint((cigna_slice_t) { f->data, f->len },
                                INT64_MAX, &n);
    }

    return n;
}


/*
 * Invariant (5) of cigna_refresh.c; also, the record counts at most ATTEMPTS
 * attempts.
 */

static void
check_store(void)
{
    char                  id[CIGNA_GRANT_ID_LEN + 1];
    unsigned              i;
    const world_field_t  *f;

    f = field("i");

    if (f == NULL) {
        fuzz_assert(field("b") == NULL && field("m") == NULL);
        last_id[0] = '\0';
        return;
    }

    (void) snprintf(id, sizeof(id), "%.*s", (int) f->len, f->data);

    for (i = 0; i < scene.w.redis.nretired; i++) {
        fuzz_assert(strcmp(scene.w.redis.retired[i], id) != 0);
    }

    /*
     * A change of primary may lose the mark of a spent grant.  Then Redis has
     * the generation before that mark, which is lower by one.
     */

    fuzz_assert(strcmp(last_id, id) != 0
                || number("g") + (last_spent && failovers) >= last_generation);

    (void) snprintf(last_id, sizeof(last_id), "%s", id);
    last_generation = number("g");
    last_spent = field("s") != NULL;

    fuzz_assert(number("n") <= ATTEMPTS);
}


static int
is_exchange(const world_actor_t *a)
{
    return !a->done && a->op.type == cigna_op_http
           && cigna_slice_eq(a->op.http.request.url,
                             scene.w.provider.token_endpoint);
}


/* invariant (8) of cigna_refresh.c */

static void
check_ahead(const world_actor_t *a)
{
    unsigned                i;
    const world_entry_t    *e;
    const cigna_refresh_t  *f;

    f = &a->flow.refresh;

    for (i = 0; i < WORLD_JOURNAL; i++) {
        e = world_entry(&scene.w.fleet, a->node, i);

        fuzz_assert(e == NULL || !cigna_slice_eq(e->entry.id, f->grant.id)
                    || (e->entry.generation
                        && e->entry.generation <= f->grant.generation));
    }
}


/*
 * (1) A run that asks the token endpoint has lock and mark for the stored
 * generation.  No other run has an open exchange with the same token, except
 * one that was delayed for longer than all deadlines, or that does not reach
 * Redis.
 */

static void
check_exchange(const world_actor_t *a)
{
    unsigned                i;
    const world_actor_t    *other;
    const cigna_refresh_t  *f;

    f = &a->flow.refresh;

    fuzz_assert(field_is(world_get(&scene.w.redis, scene.w.identity.lock_key,
                                   ""),
                         f->lease.owner));
    fuzz_assert(field_is(field("o"), f->lease.owner));
    fuzz_assert((int64_t) number("m") > scene.w.now_ms + WORLD_HTTP_MS);
    fuzz_assert(field_is(field("i"), f->grant.id));
    fuzz_assert(number("g") == f->grant.generation);
    fuzz_assert(scene.w.now_ms >= scene.w.fleet.quiet_until_ms);
    fuzz_assert(a->op.http.lease.renew
                && a->op.http.lease.ms < CIGNA_LEASE_MS / 2);

    for (i = 0; i < scene.nactors; i++) {
        other = &scene.actors[i];

        fuzz_assert(other == a || !is_exchange(other) || cut[i]
                    || scene.w.now_ms - other->asked_ms > WORLD_HTTP_MS
                    || !cigna_slice_eq(other->flow.refresh.grant.refresh_token,
                                       f->grant.refresh_token));
    }
}


/*
 * 1 if the node's journal has the run's generation or a newer one of the grant,
 * or its deletion
 */

static int
journalled(unsigned node, const cigna_refresh_t *f)
{
    unsigned              i;
    const world_entry_t  *e;

    for (i = 0; i < WORLD_JOURNAL; i++) {
        e = world_entry(&scene.w.fleet, node, i);

        if (e && (e->entry.generation >= f->grant.generation
                  || e->entry.generation == 0)
            && cigna_slice_eq(e->entry.id, f->grant.id))
        {
            return 1;
        }
    }

    return 0;
}


static void
check_report(const world_actor_t *a)
{
    const cigna_refresh_t  *f;

    f = &a->flow.refresh;

    switch (f->rc) {

    case cigna_refresh_ok:
        fuzz_assert(f->grant.access_token.len);

        /* invariant (3) of cigna_refresh.c */

        if (f->exchanged) {
            fuzz_assert(journalled(a->node, f)
                        || (field_is(field("i"), f->grant.id)
                            && number("g") == f->grant.generation));
            fuzz_assert(a->tokens_sent == 1u + f->exchange.secret.turned);

        } else {
            fuzz_assert(f->grant.expires_ms > scene.w.now_ms);
        }

        break;

    case cigna_refresh_no_grant:

        /*
         * invariant (4) of cigna_refresh.c; the member may have connected again
         */

        fuzz_assert(field("i") == NULL || replaced);
        break;

    case cigna_refresh_spent:

        fuzz_assert(scene.w.auth.refused
                    || f->verdict.mark.attempts >= ATTEMPTS);
        fuzz_assert(!f->exchange.provisional);
        break;

    case cigna_refresh_unavailable:
    case cigna_refresh_paused:
        break;

    case cigna_refresh_vault:
        fuzz_assert(a->redis_faults);
        break;

    default:
        fuzz_assert(0);
    }

    if (f->exchanged == 0 && a->tokens_sent && f->rc == cigna_refresh_vault) {
        losses++;
    }

    /* after a token request without a reply, mark and count of attempts stay */

    if (a->lost && a->redis_faults == 0 && failovers == 0
        && field_is(field("i"), f->grant.id)
        && number("g") == f->grant.generation)
    {
        fuzz_assert(number("n") && number("m"));
    }
}


/* invariant (6) of cigna_refresh.c */

static void
check_done(const world_actor_t *a)
{
    const cigna_refresh_t  *f;

    f = &a->flow.refresh;

    fuzz_assert(a->reports == 1);

    if (a->faults == 0 && failovers == 0) {
        fuzz_assert(!field_is(world_get(&scene.w.redis,
                                        scene.w.identity.lock_key,
                                        ""), f->lease.owner));
        fuzz_assert(!field_is(field("o"), f->lease.owner));
    }

    /*
     * A new generation that the journal has is stored, unless the run left it
     * to the journal writer, or another grant or generation has superseded it.
     */

    if (f->exchanged && failovers == 0) {
        fuzz_assert(f->superseded || f->left || !journalled(a->node, f)
                    || number("g") >= f->grant.generation
                    || !field_is(field("i"), f->grant.id));
    }
}


static void
catch_up(void)
{
    if (scene.w.now_ms - replicated_ms > LAG_MS) {
        world_replicate(&scene.w.redis);
        replicated_ms = scene.w.now_ms;
    }
}


static void
check(scene_t *s, world_actor_t *a)
{
    unsigned          i;
    cigna_refresh_t  *f;

    f = &a->flow.refresh;

    check_store();

    if (is_exchange(a)) {
        check_exchange(a);
        check_ahead(a);
    }

    /* invariant (7) of cigna_refresh.c */

    if (a->op.type == cigna_op_revoke) {
        fuzz_assert(a->reports == 1 && (!f->exchanged || f->superseded));
    }

    if (a->op.type == cigna_op_report) {
        fuzz_assert(a->reports == 1);
        check_report(a);

        /* after a success no refresh token has an unknown outcome */

        if (f->exchanged) {
            for (i = 0; i < s->w.auth.nrefresh; i++) {
                s->w.auth.refresh[i].unknown = 0;
            }
        }
    }

    fuzz_assert(strstr(f->detail, WORLD_MARKER) == NULL);

    if (a->done) {
        check_done(a);
    }

    /*
     * Invariant (2) of cigna_refresh.c.  world_driver.c checks how often a run
     * sends a refresh token.  A change of primary may lose the count of the
     * attempts, and then there may be more attempts.
     */

    for (i = 0; i < s->w.auth.nrefresh; i++) {
        fuzz_assert(s->w.auth.refresh[i].unknown <= ATTEMPTS
                    || (failovers && !s->w.redis.replicated));
    }

    catch_up();
}


static void
start(unsigned n)
{
    world_refresh(&scene.w, &scene.actors[n]);
    scene.actors[n].node = n % WORLD_NODES;
    cut[n] = 0;
}


/*
 * The worker of actor n dies, and the actor starts again.  The journal of the
 * node stays.  If the worker had read a token reply and not yet put it into the
 * journal, the tokens are lost, and the outcome of the request stays unknown.
 */

static void
die(unsigned n)
{
    world_actor_t    *a;
    cigna_refresh_t  *f;

    a = &scene.actors[n];
    f = &a->flow.refresh;

    if (a->done) {
        return;
    }

    if (a->tokens_sent && !a->reports && f->exchange.tokens.access_token.len
        && a->lost == 0 && !f->exchange.foreign)
    {
        world_token(&scene.w.auth, f->grant.refresh_token)->unknown++;
        losses++;
    }

    world_end(a);
    start(n);
}


/* writes all entries of all journals to Redis again */

static void
write_journal(void)
{
    unsigned  i;

    for (i = 0; i < WORLD_NODES; i++) {
        world_replay_all(&scene.w, i);
    }
}


/* a node dies with its journal, and with the workers of its actors */

static void
lose_node(unsigned n)
{
    unsigned              i;
    const world_entry_t  *e;

    for (i = 0; i < WORLD_JOURNAL; i++) {
        e = world_entry(&scene.w.fleet, n, i);
        losses += e && !e->confirmed;
    }

    world_node_lost(&scene.w.fleet, n);
    world_replicate(&scene.w.redis);

    for (i = 0; i < scene.nactors; i++) {
        if (scene.actors[i].node == n) {
            die(i);
        }
    }
}


/*
 * Makes the replica the primary.  Then the nodes write their journals again,
 * and the runs with open exchanges set lock and mark again.  Only actor "c"
 * does not: it no longer reaches Redis.
 */

static void
change_primary(unsigned c)
{
    unsigned        i;
    world_actor_t  *a;

    if (crowded) {
        world_replicate(&scene.w.redis);
    }

    world_failover(&scene.w);
    failovers++;
    write_journal();

    for (i = 0; i < scene.nactors; i++) {
        a = &scene.actors[i];

        if (!is_exchange(a)) {
            continue;
        }

        if (c == i) {
            cut[i] = 1;
            losses++;

        } else {
            world_renew(&scene.w, a);
        }
    }
}


/*
 * Moves the clock by up to 12 s.  If bit 2 of "c" is set, the runs with open
 * exchanges then prolong their locks, see world_renew().
 */

static void
pass(unsigned c)
{
    unsigned        i;
    world_actor_t  *a;

    scene.w.now_ms += (c & 3) * 4000;
    scene.delayed_ms += (c & 3) * 4000;

    for (i = 0; i < scene.nactors && (c & 4); i++) {
        a = &scene.actors[i];

        if (is_exchange(a)) {
            world_renew(&scene.w, a);
        }
    }
}


static void
answer(unsigned n)
{
    size_t  i;

    static const struct {
        unsigned     status;
        const char  *body;
    } answers[] = {
        { 503, "" }, { 429, "" }, { 200, "<html>" },
        { 401, "{\"error\":\"invalid_client\"}" }
    };

    i = n % (sizeof(answers) / sizeof(answers[0]));

    scene.w.auth.answer_status = answers[i].status;
    (void) snprintf(scene.w.auth.answer_body, sizeof(scene.w.auth.answer_body),
                    "%s",
                    answers[i].body);
}


static void
elsewhere(uint8_t c)
{
    unsigned        n;
    world_t        *w;
    world_actor_t   other;

    w = &scene.w;
    n = c % scene.nactors;
    other.watch = NULL;

    switch (c >> 4) {

    case 1:
        w->fleet.no_turn ^= 1;
        break;

    case 2:
        w->fleet.endpoint.doubted = c & 1;

        if (c & 1) {
            w->fleet.endpoint.doubted_ms = w->now_ms;

        } else {
            w->fleet.endpoint.well_ms = w->now_ms;
        }

        break;

    case 3:
        world_replicate(&w->redis);
        replicated_ms = w->now_ms;
        break;

    case 4:
        change_primary(c & 15);
        break;

    case 5:
        if (c & 1) {
            lose_node(n % WORLD_NODES);

        } else {
            world_replay_all(w, n % WORLD_NODES);
        }

        break;

    case 6:
        w->fleet.nodes[n % WORLD_NODES].full ^= 1;
        crowded = 1;
        break;

    case 7:
        pass(c);
        break;

    case 8:
        world_disconnect(w, &other);
        world_run(w, &other);
        world_end(&other);
        ended++;
        break;

    case 9:
        if (w->auth.nfamilies < 12) {
            w->auth.answer_status = 0;
            world_knows_secret(&w->auth, 0);
            world_connected(w);
            replaced++;
        }

        break;

    case 10:
        die(n);
        break;

    case 11:
        answer(c);
        break;

    case 12:
        w->now_ms += (c & 3) * 60000;
        scene.delayed_ms += (c & 3) * 60000;
        break;

    case 13:
        if (scene.actors[n].done) {
            world_end(&scene.actors[n]);
            start(n);
        }

        break;

    case 14:

        /* all access tokens expire */

        w->now_ms += 3600 * 1000;
        scene.delayed_ms += 3600 * 1000;
        break;

    case 15:
        if (c & 1) {
            w->auth.families[w->auth.nfamilies - 1].dead = 1;
            losses++;

        } else {
            world_knows_secret(&w->auth, c >> 1 & 3);
        }

        break;

    default:
        return;
    }

    catch_up();
    check_store();
}


/* if no event explains a lost grant, the member must still be connected */

static void
check_calm(void)
{
    unsigned        i, calm;
    world_actor_t  *a;

    calm = losses == 0 && ended == 0 && crowded == 0
           && scene.delayed_ms < LAG_MS && number("n") < ATTEMPTS;

    for (i = 0; i < scene.nactors; i++) {
        calm = calm && scene.actors[i].lost == 0;
    }

    if (!calm) {
        return;
    }

    for (i = 0; i < scene.nactors; i++) {
        a = &scene.actors[i];
        fuzz_assert(a->flow.refresh.rc == cigna_refresh_ok
                    || a->flow.refresh.rc == cigna_refresh_unavailable
                    || a->flow.refresh.rc == cigna_refresh_paused
                    || a->flow.refresh.rc == cigna_refresh_vault);
    }

    /* the journals have the generations that dead workers made */

    write_journal();
    scene.w.auth.answer_status = 0;
    scene.w.fleet.no_turn = 0;
    world_knows_secret(&scene.w.auth, 0);
    scene.w.now_ms += 3600 * 1000;

    a = &scene.actors[0];
    world_end(a);
    start(0);
    scene_finish(&scene);

    fuzz_assert(a->flow.refresh.rc == cigna_refresh_ok);
    fuzz_assert(world_alive(&scene.w.auth, a->flow.refresh.grant.access_token));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned  i;
    uint8_t   c;

    scene.input = fuzz_input(data, size);
    c = fuzz_byte(&scene.input);

    world_init(&scene.w);
    scene.w.auth.tokens = c & 1 ? world_constant : world_rotating;
    scene.w.redis.replicated = c >> 6 & 1;

    if (c & 32) {
        world_two_secrets(&scene.w);
    }

    world_connected(&scene.w);
    world_replicate(&scene.w.redis);
    replicated_ms = scene.w.now_ms;

    scene.nactors = 2 + (c >> 1 & 31) % (SCENE_ACTORS - 1);
    scene.delayed_ms = 0;
    scene.check = check;
    losses = 0;
    replaced = 0;
    ended = 0;
    failovers = 0;
    crowded = 0;
    last_spent = 0;
    last_id[0] = '\0';

    /* the access token is due for a refresh, or has expired */

    scene.w.now_ms = WORLD_START_MS + (c & 128 ? 3599 : 3545) * 1000;

    for (i = 0; i < scene.nactors; i++) {
        scene.actors[i].watch = NULL;
        start(i);
    }

    while (scene.input.len) {
        elsewhere(scene_next(&scene));
    }

    scene_finish(&scene);
    check_calm();
    scene_end(&scene);

    return 0;
}

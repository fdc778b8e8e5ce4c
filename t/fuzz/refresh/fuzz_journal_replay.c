
#define _GNU_SOURCE

#include "scene.h"

#include "refresh/cigna_journal_replay.h"


/*
 * Several actors write entries of the nodes' journals to Redis at the same
 * time, and some of them write the same entry.  Meanwhile grants are refreshed,
 * the member disconnects and connects again, and primaries lose their last
 * writes.  The numbers in this file are those of the invariants of
 * cigna_journal_replay.c.
 */


static scene_t  scene;

/* the member's record in Redis just before a step */

typedef struct {
    char       id[CIGNA_GRANT_ID_LEN + 1];
    char       gone[256];
    uint64_t   generation;
    uint64_t   connected;
    int        spent;
    int64_t    expires_ms;
} record_t;


static record_t  before;


static uint64_t
number(const char *name)
{
    uint64_t              n;
    const world_field_t  *f;

    f = world_get(&scene.w.redis, scene.w.identity.grant_key, name);
    n = 0;

    if (f) {
        (void) cigna_slice_uint((cigna_slice_t) { f->data, f->len },
                                INT64_MAX, &n);
    }

    return n;
}


static void
text(const char *name, char *to, size_t size)
{
    const world_field_t  *f;

    f = world_get(&scene.w.redis, scene.w.identity.grant_key, name);
    (void) snprintf(to, size, "%.*s", f ? (int) f->len : 0,
                    f ? (const char *) f->data : "");
}


static void
look(record_t *r)
{
    unsigned      i;
    world_key_t  *key;

    memset(r, 0, sizeof(record_t));

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &scene.w.redis.keys[i];

        if (key->name && cigna_slice_eq(cigna_slice_str(key->name),
                                        scene.w.identity.grant_key))
        {
            r->expires_ms = key->expires_ms;
        }
    }

    text("i", r->id, sizeof(r->id));
    text("x", r->gone, sizeof(r->gone));
    r->generation = number("g");
    r->connected = number("c");
    r->spent = world_get(&scene.w.redis, scene.w.identity.grant_key,
                         "s") != NULL;
}


static int
is(const char *id, const cigna_journal_t *e)
{
    return cigna_slice_eq(cigna_slice_str(id), e->id);
}


/* invariant (2) of cigna_journal_replay.c */

static void
check_write(const record_t *now, const cigna_journal_t *e)
{
    fuzz_assert(now->connected >= before.connected);

    if (strcmp(now->id, before.id) == 0) {
        fuzz_assert(now->generation > before.generation
                    || (now->generation == before.generation
                        && now->spent <= before.spent));
        return;
    }

    if (before.id[0]) {
        fuzz_assert(strstr(now->gone, before.id));
    }

    /* the entry deletes the record's grant, or replaces it by another grant */

    if (now->id[0] == '\0') {
        fuzz_assert(e->generation == 0);
        return;
    }

    fuzz_assert(is(now->id, e) && now->generation == e->generation);
    fuzz_assert(strstr(before.gone, now->id) == NULL);
    fuzz_assert(now->connected > before.connected);
}


/* invariant (1) of cigna_journal_replay.c */

static void
check_settle(const world_actor_t *a, const record_t *now)
{
    const cigna_journal_t  *e;

    e = &a->op.journal.entry;

    if (!a->op.journal.confirmed) {
        fuzz_assert(a->flow.replay.rc == cigna_journal_replay_superseded);
        fuzz_assert(!is(now->id, e) || now->generation >= e->generation
                    || scene.w.now_ms - e->made_ms
                       > CIGNA_JOURNAL_REPLAY_MAX_MS);
        return;
    }

    fuzz_assert(a->flow.replay.rc == cigna_journal_replay_ok);

    if (e->generation == 0) {
        fuzz_assert(!is(now->id, e));

    } else {
        fuzz_assert(is(now->id, e) && now->generation == e->generation);
    }
}


static void
check(scene_t *s, world_actor_t *a)
{
    record_t                       now;
    const cigna_journal_replay_t  *f;

    f = &a->flow.replay;
    look(&now);

    if (before.expires_ms <= scene.w.now_ms) {
        memset(&before, 0, sizeof(before));
    }

    check_write(&now, &f->entry);

    switch (a->op.type) {

    case cigna_op_settle:
        check_settle(a, &now);
        break;

    case cigna_op_report:
        fuzz_assert(a->reports == 1);
        fuzz_assert(f->rc != cigna_journal_replay_pending);
        fuzz_assert(f->rc != cigna_journal_replay_failed || a->redis_faults);
        break;

    case cigna_op_revoke:

        /* invariants (3) and (4) of cigna_journal_replay.c */

        fuzz_assert(a->reports == 1 && !f->confirmed);
        fuzz_assert(f->rc == cigna_journal_replay_superseded);
        fuzz_assert(f->entry.generation);
        break;

    case cigna_op_done:
        fuzz_assert(a->reports == 1);
        break;

    default:
        break;
    }

    fuzz_assert(strstr(f->detail, WORLD_MARKER) == NULL);
    (void) s;
}


/* lets actor n write an entry of a journal, if there is an entry */

static void
start(unsigned n, unsigned wanted)
{
    unsigned        i, node, entry;
    world_actor_t  *a;

    a = &scene.actors[n];

    for (i = 0; i < WORLD_NODES * WORLD_JOURNAL; i++) {
        node = (i + wanted) % WORLD_NODES;
        entry = (i + wanted) / WORLD_NODES % WORLD_JOURNAL;

        if (world_entry(&scene.w.fleet, node, entry)) {
            world_end(a);
            world_replay(&scene.w, a, node, entry);
            return;
        }
    }
}


/* performs at most "steps" steps of a refresh, as if the worker died then */

static void
refresh(unsigned node, unsigned steps)
{
    world_actor_t  a;

    a.watch = NULL;
    world_refresh(&scene.w, &a);
    a.node = node % WORLD_NODES;
    a.flow.refresh.wait_ms = 1;

    while (!a.done && steps--) {
        world_step(&scene.w, &a, world_fine);
    }

    world_end(&a);
}


static void
elsewhere(uint8_t c)
{
    world_t        *w;
    world_actor_t   other;

    w = &scene.w;
    other.watch = NULL;

    switch (c >> 4) {

    case 8:
        world_disconnect(w, &other);
        world_run(w, &other);
        world_end(&other);
        break;

    case 9:
        if (w->auth.nfamilies < 12) {
            world_connected(w);
        }

        break;

    case 10:
        world_replicate(&w->redis);
        break;

    case 11:
        world_failover(w);
        w->fleet.quiet_until_ms = 0;
        break;

    case 12:
        w->now_ms += 3600 * 1000;
        refresh(c, 5 + c % 8);
        break;

    case 13:
        w->now_ms += INT64_C(86400000) * (c & 15);
        break;

    case 14:
        if (scene.actors[c % scene.nactors].done) {
            start(c % scene.nactors, c);
        }

        break;

    case 15:
        w->auth.families[w->auth.nfamilies - 1].dead |= c & 1;
        break;

    default:
        break;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned  i;

    scene.input = fuzz_input(data, size);

    world_init(&scene.w);
    scene.w.auth.tokens = fuzz_byte(&scene.input) & 1 ? world_constant
                                                 : world_rotating;
    world_connected(&scene.w);
    world_replicate(&scene.w.redis);

    scene.nactors = 4;
    scene.check = check;
    scene.w.now_ms += 3600 * 1000;
    refresh(1, 6 + fuzz_byte(&scene.input) % 6);

    /* the dance puts an entry into the journal, so there is one in any case */

    world_connected(&scene.w);

    for (i = 0; i < scene.nactors; i++) {
        scene.actors[i].watch = NULL;
        start(i, i);
    }

    while (scene.input.len) {
        look(&before);
        elsewhere(scene_next(&scene));
    }

    for (i = 0; i < scene.nactors; i++) {
        while (!scene.actors[i].done) {
            look(&before);
            scene_step(&scene, &scene.actors[i], world_fine);
        }
    }

    scene_end(&scene);

    return 0;
}

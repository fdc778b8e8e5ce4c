
#define _GNU_SOURCE

#include "scene.h"

#include "dance/cigna_disconnect.h"


/*
 * The member disconnects while refreshes run and dances end.  A deleted grant
 * never comes back.  The numbers in this file are those of the invariants of
 * cigna_disconnect.c.
 */


/* the first actors disconnect, and the others refresh */

#define DISCONNECTS  3


static scene_t  scene;


static int
is_disconnect(const world_actor_t *a)
{
    return a - scene.actors < DISCONNECTS;
}


static const world_field_t *
field(const char *name)
{
    return world_get(&scene.w.redis, scene.w.identity.grant_key, name);
}


static void
check_store(void)
{
    char                  id[CIGNA_GRANT_ID_LEN + 1];
    unsigned              i;
    const world_field_t  *f;

    f = field("i");

    if (f == NULL) {
        fuzz_assert(field("b") == NULL && field("g") == NULL
                    && field("m") == NULL);
        return;
    }

    (void) snprintf(id, sizeof(id), "%.*s", (int) f->len, f->data);

    for (i = 0; i < scene.w.redis.nretired; i++) {
        fuzz_assert(strcmp(scene.w.redis.retired[i], id) != 0);
    }
}


static void
check(scene_t *s, world_actor_t *a)
{
    cigna_disconnect_t  *f;

    (void) s;

    check_store();

    if (!is_disconnect(a)) {
        return;
    }

    f = &a->flow.disconnect;

    if (a->op.type == cigna_op_revoke) {

        /* (2), (3) */

        fuzz_assert(a->reports == 1 && f->existed);
        fuzz_assert(field("i") == NULL
                    || memcmp(field("i")->data, f->grant.id.data,
                              CIGNA_GRANT_ID_LEN) != 0);
    }

    if (a->op.type == cigna_op_journal) {

        /* invariant (4) of cigna_disconnect.c */

        fuzz_assert(a->reports == 0 && f->existed && a->op.journal.confirmed);
        fuzz_assert(cigna_slice_eq(a->op.journal.entry.id, f->grant.id));
        fuzz_assert(a->op.journal.entry.generation == 0);
    }

    if (a->op.type == cigna_op_report) {
        fuzz_assert(a->reports == 1);

        /* (1) */

        if (f->outcome == cigna_dance_outcome_disconnected) {
            fuzz_assert(field("i") == NULL
                        || memcmp(field("i")->data, f->grant.id.data,
                                  CIGNA_GRANT_ID_LEN) != 0);

        } else {
            fuzz_assert(f->outcome == cigna_dance_outcome_not_disconnected);
            fuzz_assert(a->redis_faults >= 3);
        }

        fuzz_assert(strstr(f->detail, WORLD_MARKER) == NULL);
    }

    if (a->done) {
        fuzz_assert(a->reports == 1);
    }
}


static void
begin(world_actor_t *a)
{
    a->watch = NULL;

    if (is_disconnect(a)) {
        world_disconnect(&scene.w, a);

    } else {
        world_refresh(&scene.w, a);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned        i;
    uint8_t         c;
    world_actor_t  *a;

    scene.input = fuzz_input(data, size);
    c = fuzz_byte(&scene.input);

    world_init(&scene.w);
    scene.w.auth.tokens = c % 3;
    world_connected(&scene.w);
    scene.w.now_ms += c & 128 ? 3600 * 1000 : 3590 * 1000;

    scene.nactors = SCENE_ACTORS;
    scene.check = check;

    for (i = 0; i < SCENE_ACTORS; i++) {
        begin(&scene.actors[i]);
    }

    while (scene.input.len) {
        c = scene_next(&scene);
        a = &scene.actors[(c & 7) % SCENE_ACTORS];

        if ((c & 0xf0) == 0xf0 && scene.w.auth.nfamilies < 12) {
            world_connected(&scene.w);

        } else if (c & 128 && a->done) {
            world_end(a);
            begin(a);
        }
    }

    scene_finish(&scene);
    scene_end(&scene);

    return 0;
}

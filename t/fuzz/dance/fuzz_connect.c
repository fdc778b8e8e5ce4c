
#define _GNU_SOURCE

#include "scene.h"

#include "dance/cigna_connect.h"
#include "vault/cigna_scripts.h"


/*
 * Dances that begin in several tabs at once, some with a return_to that is not
 * allowed, while Redis fails and dances_per_member changes.  The numbers in
 * this file are those of the invariants of cigna_connect.c.
 */


static scene_t  scene;

static const char *const  places[] = {
    "", "https://app.example/a?b=c", "https://other.example/in/",
    "https://evil.example/", "https://app.example/../x", "nonsense"
};


static int
allowed(cigna_slice_t url)
{
    return cigna_slice_starts(url, cigna_slice("https://app.example/"))
           || cigna_slice_starts(url, cigna_slice("https://other.example/in/"));
}


static int
listed(const cigna_connect_t *f)
{
    char           key[CIGNA_DANCE_ENTRY_MAX + 1];
    cigna_arena_t  arena;
    cigna_slice_t  text;

    cigna_arena_init(&arena, key, CIGNA_DANCE_ENTRY_MAX);
    text = cigna_dance_entry_text(&arena, &f->entry);
    key[text.len] = '\0';

    return world_get(&scene.w.redis, scene.w.identity.open_key, key) != NULL;
}


/* 1 if the operation calls this script for the dance of this run */

static int
is_about(const world_actor_t *a, cigna_script_e script)
{
    return a->op.type == cigna_op_script
           && a->op.redis.script == cigna_script(script)
           && cigna_slice_eq(a->op.redis.argv[0], a->flow.connect.dance_key);
}


static void
check(scene_t *s, world_actor_t *a)
{
    char              code[64], state[64], secret[64];
    cigna_slice_t     url;
    cigna_connect_t  *f;

    f = &a->flow.connect;

    /* invariant (4) of cigna_connect.c */

    fuzz_assert(!is_about(a, cigna_script_dance_close));

    /* invariant (5) of cigna_connect.c */

    fuzz_assert(!is_about(a, cigna_script_dance_open) || listed(f));

    if (a->op.type != cigna_op_report) {
        return;
    }

    /* invariant (1) of cigna_connect.c */

    fuzz_assert((f->location.len != 0)
                == (f->outcome == cigna_dance_outcome_none));
    fuzz_assert((f->secret.len != 0)
                == (f->outcome == cigna_dance_outcome_none));

    if (f->outcome == cigna_dance_outcome_return_to_refused) {

        /* invariant (2) of cigna_connect.c */

        fuzz_assert(a->steps == 1 && f->return_to.len
                    && (!allowed(f->return_to)
                        || memmem(f->return_to.data, f->return_to.len, "..",
                                  2)));
        return;
    }

    if (f->outcome != cigna_dance_outcome_none) {
        fuzz_assert(f->outcome == cigna_dance_outcome_store_failed);
        fuzz_assert(a->redis_faults);
        return;
    }

    fuzz_assert(listed(f));

    fuzz_assert(cigna_connect_return_to(&s->w.provider, f->return_to,
                                        &a->arena, &url)
                == CIGNA_OK);
    fuzz_assert(allowed(url));

    /* invariant (3) of cigna_connect.c */

    (void) snprintf(secret, sizeof(secret), "%.*s", (int) f->secret.len,
                    f->secret.data);

    if (s->w.auth.nfamilies < WORLD_FAMILIES) {
        fuzz_assert(world_login(&s->w.auth, f->location, code,
                                state) == CIGNA_OK);
        fuzz_assert(!world_redis_has(&s->w.redis, state));
        fuzz_assert(!world_redis_has(&s->w.redis, secret));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned        i, begun;
    uint8_t         c;
    world_actor_t  *a;

    scene.input = fuzz_input(data, size);
    c = fuzz_byte(&scene.input);

    world_init(&scene.w);
    scene.w.provider.dances_per_member = c & 7;
    scene.nactors = 1 + (c >> 3) % SCENE_ACTORS;
    scene.check = check;

    for (i = 0; i < scene.nactors; i++) {
        scene.actors[i].watch = NULL;
        world_connect(&scene.w, &scene.actors[i], places[i]);
    }

    scene.w.vault.stories = 3 * CIGNA_SHARDS;

    /*
     * the number of runs has a bound: each run may leave a record, and the
     * simulated Redis has few places
     */

    begun = 0;

    while (scene.input.len) {
        c = scene_next(&scene);
        a = &scene.actors[(c & 7) % scene.nactors];

        if (c & 128) {
            scene.w.provider.dances_per_member = c >> 3 & 15;

        } else if (a->done && begun++ < WORLD_KEYS - 2 * SCENE_ACTORS) {
            world_end(a);
            world_connect(&scene.w, a, places[(c >> 3) % 6]);
        }
    }

    scene_finish(&scene);
    scene_end(&scene);

    return 0;
}

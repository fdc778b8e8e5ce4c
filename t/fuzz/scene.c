
#include "scene.h"


static const int64_t  scene_delays_ms[] = { 0, 0, 500, 40000 };


static world_fault_e scene_fault(unsigned n);


static world_fault_e
scene_fault(unsigned n)
{
    return n < 4 ? world_fine : (world_fault_e) (n - 3);
}


void
scene_step(scene_t *s, world_actor_t *a, world_fault_e fault)
{
    if (a->done) {
        return;
    }

    /*
     * The other actors' steps have moved the clock past the deadline of this
     * actor's HTTP request, so no reply can come any more.
     */

    if (a->op.type == cigna_op_http && a->steps
        && s->w.now_ms - a->asked_ms > WORLD_HTTP_MS)
    {
        fault = fault == world_unsent ? world_unsent : world_lost_before;
    }

    world_step(&s->w, a, fault);

    if (a->op.type != cigna_op_sleep) {
        a->wake_ms = s->w.now_ms;
    }

    s->check(s, a);
}


uint8_t
scene_next(scene_t *s)
{
    uint8_t         c;
    world_actor_t  *a;

    c = fuzz_byte(&s->input);
    a = &s->actors[(c & 7) % s->nactors];

    s->w.delay_ms = scene_delays_ms[c >> 6];
    s->delayed_ms += s->w.delay_ms;

    scene_step(s, a, scene_fault(c >> 3 & 7));
    s->w.delay_ms = 0;

    return fuzz_byte(&s->input);
}


void
scene_finish(scene_t *s)
{
    unsigned        i;
    world_actor_t  *a, *first;

    do {
        first = NULL;

        for (i = 0; i < s->nactors; i++) {
            a = &s->actors[i];

            if (!a->done
                && (first == NULL || world_wake_ms(&s->w, a)
                                     < world_wake_ms(&s->w, first)))
            {
                first = a;
            }
        }

        if (first) {
            scene_step(s, first, world_fine);
        }

    } while (first);
}


void
scene_end(scene_t *s)
{
    unsigned  i;

    for (i = 0; i < s->nactors; i++) {
        world_end(&s->actors[i]);
    }

    world_done(&s->w);
}


#ifndef _SCENE_H_INCLUDED_
#define _SCENE_H_INCLUDED_


#include "fuzz.h"
#include "world.h"


/*
 * Several runs in one world, in an order and with failures that the input
 * chooses.  Two bytes a step:
 *
 *     who (3 bits) | how it ends (3 bits) | how long it takes (2 bits)
 *     what else happens: see the target
 *
 * When the input is at its end, everything goes on in order and without
 * failures until all runs are over.
 */

#define SCENE_ACTORS  6


typedef struct scene_s  scene_t;

struct scene_s {
    world_t          w;
    world_actor_t    actors[SCENE_ACTORS];
    unsigned         nactors;
    cigna_slice_t    input;
    int64_t          delayed_ms;           /* by slow replies, in all */

    /* after each step */
    void           (*check)(scene_t *s, world_actor_t *a);
};


static const int64_t  scene_delays_ms[] = { 0, 0, 500, 40000 };


static inline world_fault_e
scene_fault(unsigned n)
{
    return n < 4 ? world_fine : (world_fault_e) (n - 3);
}


static inline void
scene_step(scene_t *s, world_actor_t *a, world_fault_e fault)
{
    if (a->done) {
        return;
    }

    /* whoever was held up finds that the deadline is over */

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


/* one step of the input; returns the second byte */

static inline uint8_t
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


/* whoever wakes first goes first, as in an event loop */

static inline void
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


static inline void
scene_end(scene_t *s)
{
    unsigned  i;

    for (i = 0; i < s->nactors; i++) {
        world_end(&s->actors[i]);
    }

    world_done(&s->w);
}


#endif /* _SCENE_H_INCLUDED_ */

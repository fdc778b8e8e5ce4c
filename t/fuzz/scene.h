
#ifndef _SCENE_H_INCLUDED_
#define _SCENE_H_INCLUDED_


#include "fuzz.h"
#include "world_actors.h"


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


/* one step of an actor, unless it is done, and then the check */
void scene_step(scene_t *s, world_actor_t *a, world_fault_e fault);

/* one step of the input; returns the second byte */
uint8_t scene_next(scene_t *s);

/* runs all actors to their ends; the one that wakes first goes first */
void scene_finish(scene_t *s);

void scene_end(scene_t *s);


#endif /* _SCENE_H_INCLUDED_ */

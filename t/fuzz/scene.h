
#ifndef _SCENE_H_INCLUDED_
#define _SCENE_H_INCLUDED_


#include "fuzz.h"
#include "world_actors.h"


/*
 * Several runs of flows (actors) in one simulated world.  The input chooses the
 * order of their steps, and the failures.  Each step takes two bytes of it:
 *
 *     first byte, bits 0-2: the number of the actor that performs a step
 *     first byte, bits 3-5: the result of its operation: 0-3 success, 4-7 the
 *                           failures of world_fault_e in their order
 *     first byte, bits 6-7: the delay of the operation, up to 40 s
 *     second byte:          another event, which the target defines
 *
 * After the input's end all actors run to their ends without failures.  The one
 * that wakes first goes first.
 */

#define SCENE_ACTORS  6


typedef struct scene_s  scene_t;

struct scene_s {
    world_t          w;
    world_actor_t    actors[SCENE_ACTORS];
    unsigned         nactors;
    cigna_slice_t    input;
    int64_t          delayed_ms;           /* the sum of all delays */

    /* called after each step */
    void           (*check)(scene_t *s, world_actor_t *a);
};


/* performs a step of the actor and calls check(), unless the actor is done */
void scene_step(scene_t *s, world_actor_t *a, world_fault_e fault);

/* performs the input's next step; returns the step's second byte */
uint8_t scene_next(scene_t *s);

/* runs all actors to their ends; the one that wakes first goes first */
void scene_finish(scene_t *s);

/* frees actors and world; ends the program if Redis has a secret in clear */
void scene_end(scene_t *s);


#endif /* _SCENE_H_INCLUDED_ */

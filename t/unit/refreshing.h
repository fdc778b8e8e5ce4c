
#ifndef _REFRESHING_H_INCLUDED_
#define _REFRESHING_H_INCLUDED_


#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "acting.h"

#include "vault/cigna_grant_write.h"


/* helpers for the tests of the refresh */

#define CROWD    60

#define HOUR_MS  (3600 * 1000)
#define DAY_MS   (24 * HOUR_MS)

/* begin() sets up refreshes on this node; the member connects on node 0 */

#define NODE     1


extern world_actor_t  crowd[CROWD];


/* makes a world in which the member is connected */
int setup(void **state);

/*
 * begin() sets up a refresh, finish() runs it to its end, refresh() does both
 */
cigna_refresh_t *begin(world_actor_t *actor);
cigna_refresh_t *finish(world_actor_t *actor);
cigna_refresh_t *refresh(world_actor_t *actor);

/* begin() and refresh() on another node, which has a journal of its own */
cigna_refresh_t *begin_elsewhere(world_actor_t *actor);
cigna_refresh_t *refresh_elsewhere(world_actor_t *actor);

/*
 * sets the clock to a time when the refresh is due and the access token is
 * still valid
 */
void make_due(void);

/* sets the clock to the expiry of the access token */
void make_expired(void);

/* each runs the actor until the operation in its name is pending */
void stop_before(world_actor_t *actor, cigna_script_e script);
void stop_at_turn(world_actor_t *actor);
void stop_at_exchange(world_actor_t *actor);

/* the member's grant in Redis, whose slices live until the next call */
cigna_grant_t stored(void);

/* the lock of the member's grant; NULL if there is none */
const world_field_t *lock(void);

/* the time until the mark in the member's record expires; 0: no mark */
int64_t mark_left_ms(void);

/* disconnects the member */
void disconnect(void);

/* runs a refresh whose exchange has this result */
void lose_exchange(world_fault_e fault);


/*
 * Fails the test if the grant has a lock or a mark.  A grant that is marked
 * spent must have a count of attempts, and any other grant must not.
 */

#define assert_unlocked()                                                     \
    do {                                                                      \
        assert_null(lock());                                                  \
        assert_null(field("m"));                                              \
        assert_int_equal(field("n") != NULL, field("s") != NULL);             \
        assert_null(field("o"));                                              \
    } while (0)


#endif /* _REFRESHING_H_INCLUDED_ */

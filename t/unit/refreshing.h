
#ifndef _REFRESHING_H_INCLUDED_
#define _REFRESHING_H_INCLUDED_


#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "acting.h"

#include "vault/cigna_grant_write.h"


/* for the tests of the refresh */

#define CROWD    60

#define HOUR_MS  (3600 * 1000)
#define DAY_MS   (24 * HOUR_MS)

/* members connect on node 0, and their grants are refreshed on this one */

#define NODE     1


extern world_actor_t  crowd[CROWD];


/* makes a world, and a member who is connected in it */
int setup(void **state);

/* begin: sets a refresh up; finish: runs it to its end; refresh: both */
cigna_refresh_t *begin(world_actor_t *actor);
cigna_refresh_t *finish(world_actor_t *actor);
cigna_refresh_t *refresh(world_actor_t *actor);

/* the same on another node, with a journal of its own */
cigna_refresh_t *begin_elsewhere(world_actor_t *actor);
cigna_refresh_t *refresh_elsewhere(world_actor_t *actor);

/* sets the clock: the access token is due and still serves; it has expired */
void make_due(void);
void make_expired(void);

void stop_before(world_actor_t *actor, cigna_script_e script);
void stop_at_turn(world_actor_t *actor);
void stop_at_exchange(world_actor_t *actor);

/* the member's grant, which lives until the next call */
cigna_grant_t stored(void);

/* the lock of the member's grant; NULL: there is none */
const world_field_t *lock(void);

/* how long the write-ahead mark still lasts; 0: there is none */
int64_t mark_left_ms(void);

void disconnect(void);

/* runs a refresh whose exchange ends this way */
void lose_exchange(world_fault_e fault);


/* of a grant that is marked spent the attempts stay counted */

#define assert_unlocked()                                                     \
    do {                                                                      \
        assert_null(lock());                                                  \
        assert_null(field("m"));                                              \
        assert_int_equal(field("n") != NULL, field("s") != NULL);             \
        assert_null(field("o"));                                              \
    } while (0)


#endif /* _REFRESHING_H_INCLUDED_ */

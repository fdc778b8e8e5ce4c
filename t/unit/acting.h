
#ifndef _ACTING_H_INCLUDED_
#define _ACTING_H_INCLUDED_


#include "support.h"

#include "world_actors.h"


/*
 * A simulated world for each test, and two actors in it.  Each file of tests
 * has a setup(), which calls new_world() first.
 */

extern world_t        w;
extern world_actor_t  a, b;


void new_world(void);

/* a field of the member's grant in Redis; NULL if there is none */
const world_field_t *field(const char *name);

int teardown(void **state);


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)


#endif /* _ACTING_H_INCLUDED_ */


#ifndef _ACTING_H_INCLUDED_
#define _ACTING_H_INCLUDED_


#include "support.h"

#include "world.h"


/*
 * A world for one test after the other, and who acts in it.  A file's setup()
 * begins with new_world().
 */

static world_t        w;
static world_actor_t  a, b;


static inline void
new_world(void)
{
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    world_init(&w);
}


/* of the member's grant, as Redis has it */

static inline const world_field_t *
field(const char *name)
{
    return world_get(&w, w.identity.grant_key, name);
}


static inline int
teardown(void **state)
{
    (void) state;

    world_end(&a);
    world_end(&b);
    world_done(&w);

    return 0;
}


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)


#endif /* _ACTING_H_INCLUDED_ */

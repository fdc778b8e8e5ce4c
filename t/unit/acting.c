
#define _GNU_SOURCE

#include "acting.h"


world_t        w;
world_actor_t  a, b;


void
new_world(void)
{
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    world_init(&w);
}


const world_field_t *
field(const char *name)
{
    return world_get(&w.redis, w.identity.grant_key, name);
}


int
teardown(void **state)
{
    (void) state;

    world_end(&a);
    world_end(&b);
    world_done(&w);

    return 0;
}

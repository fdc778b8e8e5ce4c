
#define _GNU_SOURCE

#include <stdlib.h>

#include "refreshing.h"


world_actor_t  crowd[CROWD];


cigna_refresh_t *
begin(world_actor_t *actor)
{
    world_end(actor);
    world_refresh(&w, actor);
    actor->node = NODE;

    return &actor->flow.refresh;
}


cigna_refresh_t *
finish(world_actor_t *actor)
{
    world_run(&w, actor);

    assert_int_equal(actor->reports, 1);
    assert_null(strstr(actor->flow.refresh.detail, WORLD_MARKER));

    return &actor->flow.refresh;
}


cigna_refresh_t *
refresh(world_actor_t *actor)
{
    (void) begin(actor);

    return finish(actor);
}


cigna_refresh_t *
begin_elsewhere(world_actor_t *actor)
{
    (void) begin(actor);
    actor->node = NODE + 1;

    return &actor->flow.refresh;
}


cigna_refresh_t *
refresh_elsewhere(world_actor_t *actor)
{
    (void) begin_elsewhere(actor);

    return finish(actor);
}


void
make_due(void)
{
    w.now_ms = WORLD_START_MS + 3599 * 1000 - 59 * 1000;
}


void
make_expired(void)
{
    w.now_ms = WORLD_START_MS + 3599 * 1000;
}


void
stop_before(world_actor_t *actor, cigna_script_e script)
{
    while (actor->op.type != cigna_op_script
           || actor->op.redis.script != cigna_script(script))
    {
        world_step(&w, actor, world_fine);
    }
}


void
stop_at_turn(world_actor_t *actor)
{
    while (actor->op.type != cigna_op_turn) {
        world_step(&w, actor, world_fine);
    }
}


void
stop_at_exchange(world_actor_t *actor)
{
    while (actor->op.type != cigna_op_http) {
        world_step(&w, actor, world_fine);
    }
}


cigna_grant_t
stored(void)
{
    cigna_grant_t   g;
    cigna_arena_t   arena;
    static uint8_t  mem[64 * 1024];

    cigna_arena_init(&arena, mem, sizeof(mem));
    (void) world_grant(&w, &arena, &g);

    return g;
}


const world_field_t *
lock(void)
{
    return world_get(&w.redis, w.identity.lock_key, "");
}


int64_t
mark_left_ms(void)
{
    return field("m") ? strtoll((char *) field("m")->data, NULL, 10)
                        - w.now_ms : 0;
}


void
disconnect(void)
{
    world_disconnect(&w, &b);
    world_run(&w, &b);
    world_end(&b);
}


void
lose_exchange(world_fault_e fault)
{
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, fault);
    (void) finish(&a);
}


int
setup(void **state)
{
    (void) state;

    memset(crowd, 0, sizeof(crowd));
    new_world();
    world_connected(&w);

    return 0;
}

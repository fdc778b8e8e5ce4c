
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>

#include "acting.h"

#include "dance/cigna_dance_forget.h"


/*
 * Runs only the flow that takes ended dances out of the index.
 * test_dance_upkeep.c and test_connect.c run it within other flows.
 */


static cigna_dance_forget_t  f;
static uint8_t               mem[64 * 1024];
static cigna_arena_t         arena;
static cigna_op_t            op;
static unsigned              commands, unlinked;


/* performs one operation; returns 1 if the flow has another one */

static int
go_on(world_fault_e fault)
{
    int             more;
    cigna_event_t   ev;
    cigna_reply_t  *reply;

    memset(&ev, 0, sizeof(ev));
    ev.type = cigna_ev_ok;
    ev.now_ms = w.now_ms;
    reply = NULL;

    if (op.type == cigna_op_script || op.type == cigna_op_redis) {
        commands++;
        unlinked += op.type == cigna_op_redis;

        if (fault == world_fine || fault == world_lost_after) {
            reply = world_redis(&w.redis, &op);
        }

        ev.type = fault == world_unsent ? cigna_ev_unsent
                  : fault == world_fine ? cigna_ev_ok : cigna_ev_lost;
        ev.reply = ev.type == cigna_ev_ok ? reply : NULL;
    }

    more = cigna_dance_forget_next(&f, &ev, &op) == CIGNA_AGAIN;
    cigna_reply_destroy(reply);

    return more;
}


/* starts to forget the dance of actor a */

static void
begin(const char *outcome)
{
    memset(&f, 0, sizeof(f));
    cigna_arena_init(&arena, mem, sizeof(mem));

    f.vault = &w.vault;
    f.arena = &arena;
    f.entry = a.flow.connect.entry;
    f.outcome = cigna_slice_str(outcome);
    f.started = cigna_slice("1700000000000");

    op.type = cigna_op_done;
    commands = 0;
    unlinked = 0;
}


static void
connect_it(void)
{
    world_end(&a);
    world_connect(&w, &a, "");
    world_run(&w, &a);
    assert_int_equal(a.flow.connect.outcome, cigna_dance_outcome_none);
}


static void
an_end_is_counted_once(void **state)
{
    (void) state;

    begin("denied");
    while (go_on(world_fine)) { /* void */ }
    assert_true(f.counted);
    assert_false(f.dropped);
    assert_int_equal(commands, 1);
    assert_null(world_get(&w.redis, w.identity.open_key, ""));

    begin("denied");
    while (go_on(world_fine)) { /* void */ }
    assert_false(f.counted);
}


static void
a_dance_that_never_started_is_not_counted(void **state)
{
    (void) state;

    begin("");
    while (go_on(world_fine)) { /* void */ }
    assert_false(f.counted);
    assert_false(f.dropped);

    /* the dance is not in the index any more, so its end is not counted */

    begin("denied");
    while (go_on(world_fine)) { /* void */ }
    assert_false(f.counted);
}


static void
without_room_for_stories_the_end_is_still_counted(void **state)
{
    (void) state;

    w.redis.full = 1;
    begin("denied");
    while (go_on(world_fine)) { /* void */ }
    assert_true(f.counted);
    assert_true(f.dropped);
}


static void
records_beyond_the_bound_are_deleted(void **state)
{
    char  key[CIGNA_KEY_MAX];

    (void) state;

    w.vault.stories = 1;
    (void) snprintf(key, sizeof(key), "%.*s",
                    (int) a.flow.connect.dance_key.len,
                    a.flow.connect.dance_key.data);

    begin("denied");
    while (go_on(world_fine)) { /* void */ }
    assert_int_equal(unlinked, 0);

    w.now_ms++;
    connect_it();
    begin("denied");
    while (go_on(world_fine)) { /* void */ }
    assert_int_equal(unlinked, 1);
    assert_null(world_get(&w.redis, cigna_slice_str(key), "s"));
    assert_non_null(world_get(&w.redis, a.flow.connect.dance_key, "s"));
}


static void
a_redis_that_fails_is_asked_three_times(void **state)
{
    (void) state;

    begin("denied");
    while (go_on(world_unsent)) { /* void */ }
    assert_int_equal(commands, 3);
    assert_false(f.counted);
}


static void
too_little_room_forgets_nothing(void **state)
{
    (void) state;

    begin("denied");
    cigna_arena_init(&arena, mem, 64);
    assert_false(go_on(world_fine));
    assert_int_equal(commands, 0);
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    connect_it();

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(an_end_is_counted_once),
        test(a_dance_that_never_started_is_not_counted),
        test(without_room_for_stories_the_end_is_still_counted),
        test(records_beyond_the_bound_are_deleted),
        test(a_redis_that_fails_is_asked_three_times),
        test(too_little_room_forgets_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

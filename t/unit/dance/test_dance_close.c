
#define _GNU_SOURCE

#include <stdio.h>

#include "acting.h"

#include "dance/cigna_dance_close.h"


/* the flow that ends overdue and displaced dances, run by itself */


static cigna_dance_close_t  c;
static uint8_t              mem[64 * 1024];
static cigna_arena_t        arena;
static cigna_op_t           op;
static unsigned             commands;
static char                 entry[CIGNA_DANCE_ENTRY_MAX];


static int
go_on(world_fault_e fault)
{
    int             more;
    cigna_event_t   ev;
    cigna_reply_t  *reply;

    memset(&ev, 0, sizeof(ev));
    ev.type = cigna_ev_ok;
    ev.now_ms = w.now_ms;
    world_random(&w, ev.random, CIGNA_RANDOM_LEN);
    reply = NULL;

    if (op.type == cigna_op_script || op.type == cigna_op_redis) {
        commands++;

        if (fault == world_fine || fault == world_lost_after) {
            reply = world_redis(&w.redis, &op);
        }

        ev.type = fault == world_unsent ? cigna_ev_unsent
                  : fault == world_fine ? cigna_ev_ok : cigna_ev_lost;
        ev.reply = ev.type == cigna_ev_ok ? reply : NULL;
    }

    more = cigna_dance_close_next(&c, &ev, &op) == CIGNA_AGAIN;
    cigna_reply_destroy(reply);

    return more;
}


static void
begin(unsigned overdue)
{
    memset(&c, 0, sizeof(c));
    cigna_arena_init(&arena, mem, sizeof(mem));

    c.vault = &w.vault;
    c.arena = &arena;
    c.entry = cigna_slice_str(entry);
    c.overdue = overdue ? 1 : 0;

    op.type = cigna_op_done;
    commands = 0;
}


static void
close_it(unsigned overdue)
{
    begin(overdue);

    while (go_on(world_fine)) { /* void */ }
}


static void
a_newer_dance_displaces_an_open_one(void **state)
{
    (void) state;

    close_it(0);
    assert_true(c.ended);
    assert_slice(c.outcome, "displaced");
    assert_true(c.forget.counted);
    assert_int_equal(commands, 2);
}


static void
a_dance_that_is_not_overdue_goes_on(void **state)
{
    (void) state;

    close_it(1);
    assert_false(c.ended);
    assert_slice(c.outcome, "");
    assert_int_equal(commands, 1);

    w.now_ms += CIGNA_DANCE_LIFE_MS;
    close_it(1);
    assert_true(c.ended);
    assert_slice(c.outcome, "abandoned");
}


static void
a_run_has_closed_the_dance_even_if_the_reply_was_lost(void **state)
{
    (void) state;

    begin(0);
    assert_true(go_on(world_fine));
    assert_true(go_on(world_lost_after));
    assert_int_equal(op.type, cigna_op_sleep);

    while (go_on(world_fine)) { /* void */ }

    assert_true(c.ended);
    assert_slice(c.outcome, "displaced");
}


static void
only_an_overdue_dance_is_lost(void **state)
{
    (void) state;

    world_delete(&w.redis, a.flow.connect.dance_key);

    close_it(0);
    assert_false(c.ended);
    assert_int_equal(commands, 1);

    close_it(1);
    assert_true(c.ended);
    assert_slice(c.outcome, "lost");

    close_it(1);
    assert_false(c.ended);
}


static void
a_malformed_entry_is_left_alone(void **state)
{
    (void) state;

    entry[3] = ' ';
    close_it(1);
    assert_false(c.ended);
    assert_int_equal(commands, 0);
}


static int
setup(void **state)
{
    cigna_arena_t  arena;
    cigna_slice_t  text;

    (void) state;

    new_world();
    world_connect(&w, &a, "");
    world_run(&w, &a);

    cigna_arena_init(&arena, entry, sizeof(entry) - 1);
    text = cigna_dance_entry_text(&arena, &a.flow.connect.entry);
    entry[text.len] = '\0';

    return arena.overflow;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_newer_dance_displaces_an_open_one),
        test(a_dance_that_is_not_overdue_goes_on),
        test(a_run_has_closed_the_dance_even_if_the_reply_was_lost),
        test(only_an_overdue_dance_is_lost),
        test(a_malformed_entry_is_left_alone)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

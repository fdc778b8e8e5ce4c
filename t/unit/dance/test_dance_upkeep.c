
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>

#include "acting.h"


/* tests of overdue dances; test_connect.c tests displaced dances */


static unsigned       closed;
static char           outcome[32];
static char           closed_id[CIGNA_DANCE_ID_LEN + 1];
static world_actor_t  c;                   /* a second upkeep */


static void
on_closed(void *data, const cigna_dance_close_t *one)
{
    (void) data;

    closed++;
    (void) snprintf(outcome, sizeof(outcome), "%.*s", (int) one->outcome.len,
                    one->outcome.data);
    (void) snprintf(closed_id, sizeof(closed_id), "%.*s",
                    (int) one->forget.entry.id.len,
                    one->forget.entry.id.data);
}


static cigna_connect_t *
connect_it(void)
{
    world_connect(&w, &a, "");
    world_run(&w, &a);
    assert_int_equal(a.flow.connect.outcome, cigna_dance_outcome_none);

    return &a.flow.connect;
}


static void
upkeep(void)
{
    closed = 0;
    world_upkeep(&w, &b, on_closed);
    world_run(&w, &b);
    world_end(&b);
}


static void
assert_ended_as(const cigna_connect_t *f, const char *name)
{
    const world_field_t  *o;

    o = world_get(&w.redis, f->dance_key, "o");
    assert_non_null(o);
    assert_slice(((cigna_slice_t) { o->data, o->len }), name);
}


static int
open_dances(void)
{
    unsigned  i;

    for (i = 0; i < WORLD_KEYS; i++) {
        if (w.redis.keys[i].name
            && strncmp(w.redis.keys[i].name, "cigna:i:", 8) == 0)
        {
            return (int) w.redis.keys[i].nfields;
        }
    }

    return 0;
}


static void
a_dance_that_nobody_completes_is_abandoned_once(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    f = connect_it();

    w.now_ms += CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_GRACE_MS - 1;
    upkeep();
    assert_int_equal(closed, 0);

    w.now_ms++;
    upkeep();
    assert_int_equal(closed, 1);
    assert_string_equal(outcome, "abandoned");
    assert_slice(f->dance_id, closed_id);
    assert_ended_as(f, "abandoned");
    assert_null(world_get(&w.redis, f->dance_key, "b"));
    assert_int_equal(open_dances(), 0);

    upkeep();
    assert_int_equal(closed, 0);
}


static void
a_dance_that_a_run_left_is_interrupted(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    f = connect_it();
    world_set(&w.redis, f->dance_key, "k", "taker");
    world_set(&w.redis, f->dance_key, "t", "1700000900000");

    w.now_ms += CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_GRACE_MS;
    upkeep();
    assert_int_equal(closed, 0);
    assert_int_equal(open_dances(), 1);

    w.now_ms = INT64_C(1700000900000);
    upkeep();
    assert_int_equal(closed, 1);
    assert_ended_as(f, "interrupted");
}


static void
a_dance_that_has_ended_is_only_taken_out_of_the_index(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    f = connect_it();
    world_set(&w.redis, f->dance_key, "o", "connected");

    w.now_ms += CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_GRACE_MS;
    upkeep();
    assert_int_equal(closed, 0);
    assert_int_equal(open_dances(), 0);
    assert_ended_as(f, "connected");
}


static void
a_dance_without_a_record_is_lost_and_counted_once(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    f = connect_it();
    world_delete(&w.redis, f->dance_key);

    w.now_ms += CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_GRACE_MS;
    upkeep();
    assert_int_equal(closed, 1);
    assert_string_equal(outcome, "lost");

    upkeep();
    assert_int_equal(closed, 0);
}


static void
two_upkeeps_end_each_dance_once(void **state)
{
    unsigned  i;

    (void) state;

    w.provider.dances_per_member = 40;

    for (i = 0; i < 20; i++) {
        (void) connect_it();
        world_end(&a);
    }

    w.now_ms += CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_GRACE_MS;
    closed = 0;

    world_upkeep(&w, &b, on_closed);
    world_upkeep(&w, &c, on_closed);

    while (!b.done || !c.done) {
        if (!b.done) {
            world_step(&w, &b, world_fine);
        }

        if (!c.done) {
            world_step(&w, &c, world_fine);
        }
    }

    assert_int_equal(closed, 20);
    assert_int_equal(open_dances(), 0);

    world_end(&b);
    world_end(&c);
    (void) connect_it();
}


static void
an_upkeep_that_fails_leaves_the_dance_to_the_next_upkeep(void **state)
{
    unsigned          nth, kind, ended, shard;
    cigna_connect_t  *f;

    (void) state;

    shard = (unsigned) atoi(strchr((char *) w.identity.open_key.data, '{') + 1);

    /*
     * each of three operations fails in turn: dance_due of the member's shard,
     * dance_close, dance_forget
     */

    for (kind = world_unsent; kind < world_faults; kind++) {
        for (nth = shard + 1; nth <= shard + 3; nth++) {
            f = connect_it();
            w.now_ms += CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_GRACE_MS;

            closed = 0;
            world_upkeep(&w, &b, on_closed);
            assert_true(world_run_fault(&w, &b, nth, kind));
            world_end(&b);
            ended = closed;

            w.now_ms += 60 * 1000;
            upkeep();

            assert_int_equal(ended + closed, 1);
            assert_int_equal(open_dances(), 0);
            assert_ended_as(f, "abandoned");
            world_end(&a);
        }
    }

    (void) connect_it();
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    memset(&c, 0, sizeof(c));

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_dance_that_nobody_completes_is_abandoned_once),
        test(a_dance_that_a_run_left_is_interrupted),
        test(a_dance_that_has_ended_is_only_taken_out_of_the_index),
        test(a_dance_without_a_record_is_lost_and_counted_once),
        test(two_upkeeps_end_each_dance_once),
        test(an_upkeep_that_fails_leaves_the_dance_to_the_next_upkeep)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

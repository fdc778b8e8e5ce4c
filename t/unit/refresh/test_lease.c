
#define _GNU_SOURCE

#include <stdlib.h>

#include "acting.h"

#include "refresh/cigna_lease.h"


static cigna_grant_t    g;
static uint8_t          mem[16 * 1024], grant_mem[16 * 1024];
static cigna_arena_t    arena;
static cigna_subject_t  subject;


/* an owner of leases; all of its random bytes are "name" */

typedef struct {
    cigna_lease_t   lease;
    cigna_op_t      op;
    uint8_t         name;
    unsigned        asked;
} owner_t;


static owner_t  x, y;


static cigna_event_t
event(const owner_t *o)
{
    cigna_event_t  ev;

    memset(&ev, 0, sizeof(ev));
    ev.type = cigna_ev_ok;
    ev.now_ms = w.now_ms;
    memset(ev.random, o->name, sizeof(ev.random));

    return ev;
}


static void
init(owner_t *o, uint8_t name)
{
    cigna_event_t  ev;

    memset(o, 0, sizeof(owner_t));
    o->name = name;
    subject = world_subject(&w, &arena);
    o->lease.subject = &subject;
    o->lease.exchange_ms = WORLD_HTTP_MS;
    o->lease.wait_ms = 1000;

    ev = event(o);
    assert_int_equal(cigna_lease_init(&o->lease, &ev), CIGNA_OK);
}


static int
go_on(owner_t *o, world_fault_e fault)
{
    int             more;
    cigna_event_t   ev;
    cigna_reply_t  *reply;

    reply = NULL;
    ev = event(o);

    if (o->op.type == cigna_op_script) {
        o->asked++;

        if (fault == world_fine || fault == world_lost_after) {
            reply = world_redis(&w.redis, &o->op);
        }

        ev.type = fault == world_fine ? cigna_ev_ok
                  : fault == world_unsent ? cigna_ev_unsent : cigna_ev_lost;
        ev.reply = ev.type == cigna_ev_ok ? reply : NULL;

    } else {
        w.now_ms += o->op.sleep.ms;
        ev.now_ms = w.now_ms;
    }

    more = cigna_lease_next(&o->lease, &ev, &o->op) == CIGNA_AGAIN;
    cigna_reply_destroy(reply);

    return more;
}


static void
start(owner_t *o, unsigned attempts, int hasty)
{
    cigna_event_t  ev;

    ev = event(o);
    assert_int_equal(cigna_lease_begin(&o->lease, &g, attempts, hasty, &ev,
                                       &o->op),
                     CIGNA_OK);
}


static cigna_lease_e
begin(owner_t *o, unsigned attempts, int hasty)
{
    start(o, attempts, hasty);

    while (go_on(o, world_fine)) { /* void */ }

    return o->lease.rc;
}


static void
release(owner_t *o, cigna_lease_mark_e mark)
{
    cigna_lease_release(&o->lease, mark, &o->op);

    while (go_on(o, world_fine)) { /* void */ }
}


static const world_field_t *
lock(void)
{
    return world_get(&w.redis, w.identity.lock_key, "");
}


static const world_field_t *
mark(void)
{
    return world_get(&w.redis, w.identity.grant_key, "m");
}


static void
a_lease_is_lock_and_mark(void **state)
{
    (void) state;

    assert_int_equal(begin(&x, 0, 0), cigna_lease_mine);
    assert_true(x.lease.taken);
    assert_non_null(lock());
    assert_non_null(mark());

    release(&x, cigna_lease_clear);
    assert_false(x.lease.taken);
    assert_null(lock());
    assert_null(mark());
}


static void
the_second_run_waits_and_gives_up(void **state)
{
    int64_t  since;

    (void) state;

    (void) begin(&x, 0, 0);

    since = w.now_ms;
    assert_int_equal(begin(&y, 0, 0), cigna_lease_busy);
    assert_in_range(w.now_ms - since, 1000, 1000);
    assert_false(y.lease.taken);

    /* y has used up its time for waiting, so the next attempt does not wait */

    since = w.now_ms;
    assert_int_equal(begin(&y, 0, 0), cigna_lease_busy);
    assert_int_equal(w.now_ms, since);
}


static void
the_second_run_finds_the_record_changed(void **state)
{
    (void) state;

    (void) begin(&x, 0, 0);
    start(&y, 0, 0);
    assert_true(go_on(&y, world_fine));

    world_connected(&w);
    world_delete(&w.redis, w.identity.lock_key);

    while (go_on(&y, world_fine)) { /* void */ }

    assert_int_equal(y.lease.rc, cigna_lease_stale);
}


static void
a_hasty_run_waits_for_locks_and_not_for_marks(void **state)
{
    (void) state;

    (void) begin(&x, 0, 0);

    start(&y, 0, 1);
    assert_true(go_on(&y, world_fine));
    assert_int_equal(y.op.type, cigna_op_sleep);

    world_delete(&w.redis, w.identity.lock_key);
    assert_true(go_on(&y, world_fine));
    assert_false(go_on(&y, world_fine));
    assert_int_equal(y.lease.rc, cigna_lease_busy);
}


static void
only_a_run_with_the_right_number_of_attempts_takes_the_lease(void **state)
{
    (void) state;

    (void) begin(&x, 0, 0);
    release(&x, cigna_lease_keep);
    assert_null(lock());
    assert_non_null(mark());

    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(begin(&y, 0, 0), cigna_lease_stale);
    assert_false(y.lease.taken);
    assert_null(lock());

    assert_int_equal(begin(&y, 1, 0), cigna_lease_mine);
    release(&y, cigna_lease_keep);

    w.now_ms += CIGNA_LEASE_MS;
    init(&x, 'z');
    assert_int_equal(begin(&x, 1, 0), cigna_lease_stale);
    assert_int_equal(begin(&x, 2, 0), cigna_lease_mine);
}


static void
a_refusal_that_is_not_final_is_noted(void **state)
{
    (void) state;

    (void) begin(&x, 0, 0);
    release(&x, cigna_lease_refuse);
    assert_null(lock());
    assert_non_null(world_get(&w.redis, w.identity.grant_key, "r"));

    /* after a refusal, the next run need not wait for the mark's deadline */

    assert_int_equal(begin(&y, 1, 0), cigna_lease_mine);
    release(&y, cigna_lease_keep);
    assert_null(world_get(&w.redis, w.identity.grant_key, "r"));
}


static void
a_lease_whose_reply_was_lost_counts_as_taken(void **state)
{
    (void) state;

    start(&x, 0, 0);
    assert_true(go_on(&x, world_lost_after));
    assert_true(x.lease.taken);
    assert_non_null(lock());

    while (go_on(&x, world_unsent)) { /* void */ }

    assert_int_equal(x.lease.rc, cigna_lease_failed);
    assert_int_equal(x.asked, 3);
    assert_true(x.lease.taken);

    release(&x, cigna_lease_clear);
    assert_null(lock());
    assert_null(mark());
}


static void
a_lease_that_was_never_asked_for_is_not_taken(void **state)
{
    (void) state;

    start(&x, 0, 0);

    while (go_on(&x, world_unsent)) { /* void */ }

    assert_int_equal(x.lease.rc, cigna_lease_failed);
    assert_false(x.lease.taken);
}


static void
a_release_that_does_not_reach_redis_ends(void **state)
{
    (void) state;

    (void) begin(&x, 0, 0);
    x.asked = 0;
    cigna_lease_release(&x.lease, cigna_lease_clear, &x.op);

    while (go_on(&x, world_lost_before)) { /* void */ }

    assert_int_equal(x.asked, 3);
    assert_false(x.lease.taken);

    /* the lock expires, and the mark stays, as after a run that died */

    w.now_ms += CIGNA_LEASE_MS;
    assert_null(lock());
    assert_non_null(mark());
}


static void
a_lease_is_late_after_a_quarter_of_its_time(void **state)
{
    (void) state;

    (void) begin(&x, 0, 0);

    assert_false(cigna_lease_late(&x.lease, w.now_ms + CIGNA_LEASE_MS / 4));
    assert_true(cigna_lease_late(&x.lease, w.now_ms + CIGNA_LEASE_MS / 4 + 1));
}


static void
a_lease_counts_from_the_last_time_it_was_asked_for(void **state)
{
    (void) state;

    (void) begin(&x, 0, 0);
    start(&y, 0, 0);
    assert_true(go_on(&y, world_fine));
    release(&x, cigna_lease_clear);
    w.now_ms += CIGNA_LEASE_MS;

    while (go_on(&y, world_fine)) { /* void */ }

    assert_int_equal(y.lease.rc, cigna_lease_mine);
    assert_false(cigna_lease_late(&y.lease, w.now_ms));
}


static void
too_little_room_is_an_error(void **state)
{
    cigna_event_t  ev;

    (void) state;

    ev = event(&x);

    cigna_arena_init(&arena, mem, 0);
    assert_int_equal(cigna_lease_begin(&x.lease, &g, 0, 0, &ev, &x.op),
                     CIGNA_ERROR);
    assert_int_equal(cigna_lease_init(&x.lease, &ev), CIGNA_ERROR);
}


static int
setup(void **state)
{
    cigna_arena_t  a;

    (void) state;

    new_world();
    world_connected(&w);

    cigna_arena_init(&a, grant_mem, sizeof(grant_mem));
    cigna_arena_init(&arena, mem, sizeof(mem));

    if (world_grant(&w, &a, &g) != CIGNA_OK) {
        return -1;
    }

    init(&x, 'x');
    init(&y, 'y');

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_lease_is_lock_and_mark),
        test(the_second_run_waits_and_gives_up),
        test(the_second_run_finds_the_record_changed),
        test(a_hasty_run_waits_for_locks_and_not_for_marks),
        test(only_a_run_with_the_right_number_of_attempts_takes_the_lease),
        test(a_refusal_that_is_not_final_is_noted),
        test(a_lease_whose_reply_was_lost_counts_as_taken),
        test(a_lease_that_was_never_asked_for_is_not_taken),
        test(a_release_that_does_not_reach_redis_ends),
        test(a_lease_is_late_after_a_quarter_of_its_time),
        test(a_lease_counts_from_the_last_time_it_was_asked_for),
        test(too_little_room_is_an_error)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#define _GNU_SOURCE

#include "acting.h"

#include "refresh/cigna_grant_commit.h"


static uint8_t               mem[64 * 1024];
static cigna_arena_t         arena;
static cigna_subject_t       subject;
static cigna_grant_t         g;
static cigna_grant_commit_t  c;
static cigna_op_t            op;


static cigna_event_t
event(cigna_ev_e type)
{
    cigna_event_t  ev;

    memset(&ev, 0, sizeof(ev));
    ev.type = type;
    ev.now_ms = w.now_ms;

    return ev;
}


static void
begin(void)
{
    cigna_event_t  ev;

    ev = event(cigna_ev_ok);
    g.generation = 2;
    g.access_token = cigna_slice(WORLD_MARKER "-new");

    assert_int_equal(cigna_grant_commit_begin(&c, &g, cigna_slice("owner"), 77,
                                              &ev, &op),
                     CIGNA_OK);
}


/* gives the flow the result of its operation; 1 if it asks for another one */

static int
go_on(cigna_ev_e type)
{
    int             more;
    cigna_event_t   ev;
    cigna_reply_t  *reply;

    ev = event(type);
    reply = NULL;

    if (op.type == cigna_op_script && type == cigna_ev_ok) {
        reply = world_redis(&w.redis, &op);
        ev.reply = reply;
    }

    more = cigna_grant_commit_next(&c, &ev, &op) == CIGNA_AGAIN;
    cigna_reply_destroy(reply);

    return more;
}


static void
the_journal_comes_before_redis(void **state)
{
    (void) state;

    begin();
    assert_int_equal(op.type, cigna_op_journal);
    assert_false(op.journal.confirmed);
    assert_int_equal(op.journal.entry.generation, 2);
    assert_int_equal(op.journal.entry.connected_ms, 77);
    assert_int_equal(op.journal.entry.made_ms, w.now_ms);
    assert_true(op.journal.entry.blob.len > 0);

    assert_false(go_on(cigna_ev_ok));
    assert_int_equal(c.rc, cigna_grant_commit_usable);

    cigna_grant_commit_store(&c, &op);
    assert_int_equal(op.type, cigna_op_script);
    assert_true(op.redis.durable);
    assert_false(go_on(cigna_ev_ok));
    assert_int_equal(c.rc, cigna_grant_commit_stored);

    cigna_flow_settle(&op, &c.entry, 1);
    assert_int_equal(op.type, cigna_op_settle);
    assert_true(op.journal.confirmed);
    assert_int_equal(op.journal.entry.generation, 2);
}


static void
a_generation_that_finds_no_room_in_the_journal_goes_to_redis(void **state)
{
    (void) state;

    begin();
    assert_true(go_on(cigna_ev_unsent));
    assert_int_equal(op.type, cigna_op_script);

    /* before each further script, the flow tries the journal again */

    assert_true(go_on(cigna_ev_lost));
    assert_int_equal(op.type, cigna_op_sleep);
    assert_true(go_on(cigna_ev_ok));
    assert_int_equal(op.type, cigna_op_journal);
    assert_true(go_on(cigna_ev_unsent));

    assert_false(go_on(cigna_ev_ok));
    assert_int_equal(c.rc, cigna_grant_commit_stored);
    assert_false(c.journalled);
}


static void
a_generation_in_the_journal_is_tried_a_few_times_and_left(void **state)
{
    unsigned  n;

    (void) state;

    begin();
    assert_false(go_on(cigna_ev_ok));
    cigna_grant_commit_store(&c, &op);

    for (n = 1; go_on(cigna_ev_unsent); n++) {
        assert_int_equal(op.type, cigna_op_sleep);
        assert_true(go_on(cigna_ev_ok));
        assert_int_equal(op.type, cigna_op_script);
    }

    assert_int_equal(c.rc, cigna_grant_commit_left);
    assert_int_equal(n, 6);
}


static void
a_commit_fails_after_twenty_tries_without_journal_and_redis(void **state)
{
    unsigned  n, sleeps;

    (void) state;

    begin();

    for (n = 0, sleeps = 0; go_on(cigna_ev_unsent); n++) {
        if (op.type == cigna_op_sleep) {
            sleeps++;
        }
    }

    assert_int_equal(c.rc, cigna_grant_commit_failed);
    assert_int_equal(sleeps, 19);
}


static void
a_stale_commit_returns_the_record_in_redis(void **state)
{
    cigna_event_t  ev;

    (void) state;

    begin();
    assert_true(go_on(cigna_ev_unsent));
    world_delete(&w.redis, w.identity.grant_key);
    assert_false(go_on(cigna_ev_ok));
    assert_int_equal(c.rc, cigna_grant_commit_stale);

    ev = event(cigna_ev_lost);
    assert_null(cigna_script_record(&ev));
}


static void
too_little_room_is_an_error(void **state)
{
    cigna_event_t  ev;

    (void) state;

    ev = event(cigna_ev_ok);
    cigna_arena_init(&arena, mem, 64);
    assert_int_equal(cigna_grant_commit_begin(&c, &g, cigna_slice("owner"), 1,
                                              &ev, &op),
                     CIGNA_ERROR);
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    world_connected(&w);
    cigna_arena_init(&arena, mem, sizeof(mem));

    memset(&c, 0, sizeof(c));
    subject = world_subject(&w, &arena);
    c.subject = &subject;

    return world_grant(&w, &arena, &g) == CIGNA_OK ? 0 : -1;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_journal_comes_before_redis),
        test(a_generation_that_finds_no_room_in_the_journal_goes_to_redis),
        test(a_generation_in_the_journal_is_tried_a_few_times_and_left),
        test(a_commit_fails_after_twenty_tries_without_journal_and_redis),
        test(a_stale_commit_returns_the_record_in_redis),
        test(too_little_room_is_an_error)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

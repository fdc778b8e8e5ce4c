
#define _GNU_SOURCE

#include "support.h"

#include "flow/cigna_flow.h"


static uint8_t        mem[256];
static cigna_arena_t  arena;


static void
an_operation_keeps_its_arguments_in_order(void **state)
{
    cigna_op_t     op;
    cigna_slice_t  argv[2] = { cigna_slice("GET"), cigna_slice("key") };

    (void) state;

    cigna_flow_redis(&op, argv, 2);

    assert_int_equal(op.type, cigna_op_redis);
    assert_int_equal(op.redis.argc, 2);
    assert_null(op.redis.script);
    assert_slice(op.redis.argv[0], "GET");
    assert_slice(op.redis.argv[1], "key");
}


static void
each_operation_sets_all_fields_of_its_member(void **state)
{
    cigna_op_t            op;
    cigna_slice_t         argv[1] = { cigna_slice("PING") };
    cigna_journal_t       entry;
    cigna_http_request_t  req;

    (void) state;

    memset(&entry, 0, sizeof(entry));
    memset(&req, 0, sizeof(req));
    req.url = cigna_slice("https://as.example/token");
    entry.id = cigna_slice("id");

    memset(&op, 0xa5, sizeof(op));
    cigna_flow_http(&op, &req);
    assert_int_equal(op.type, cigna_op_http);
    assert_null(op.http.lease.renew);
    assert_int_equal(op.http.lease.ms, 0);
    assert_int_equal(op.http.timeout_ms, 0);
    assert_false(op.http.exchange);
    assert_false(op.http.fhir);

    memset(&op, 0xa5, sizeof(op));
    cigna_flow_redis(&op, argv, 1);
    assert_null(op.redis.script);
    assert_false(op.redis.durable);

    memset(&op, 0xa5, sizeof(op));
    cigna_flow_sleep(&op, 5);
    assert_false(op.sleep.watch);
    assert_false(op.sleep.idle);
    assert_int_equal(op.sleep.ms, 5);

    assert_int_equal(op.type, cigna_op_sleep);

    memset(&op, 0xa5, sizeof(op));
    cigna_flow_journal(&op, &entry, 0);
    assert_int_equal(op.type, cigna_op_journal);
    assert_slice(op.journal.entry.id, "id");
    assert_false(op.journal.confirmed);

    cigna_flow_settle(&op, &entry, 1);
    assert_int_equal(op.type, cigna_op_settle);
    assert_true(op.journal.confirmed);

    cigna_flow_revoke(&op, cigna_slice("token"), 1);
    assert_int_equal(op.type, cigna_op_revoke);
    assert_slice(op.revoke.token, "token");
    assert_true(op.revoke.refresh_token);

    cigna_flow_turn(&op, 0);
    assert_int_equal(op.type, cigna_op_turn);
    assert_false(op.turn.probe);

    memset(&op, 0xa5, sizeof(op));
    cigna_flow_report(&op);
    assert_int_equal(op.type, cigna_op_report);
}


static void
an_exchange_at_the_token_endpoint_is_told_from_others(void **state)
{
    cigna_op_t            op;
    cigna_http_request_t  req;

    (void) state;

    memset(&req, 0, sizeof(req));
    req.url = cigna_slice("https://payer.example/token");

    cigna_flow_http(&op, &req);
    assert_false(cigna_flow_is_exchange(&op));

    op.http.exchange = 1;
    assert_true(cigna_flow_is_exchange(&op));
    assert_slice(op.http.request.url, "https://payer.example/token");

    cigna_flow_sleep(&op, UINT_MAX);
    assert_false(cigna_flow_is_exchange(&op));
}


static void
numbers_and_tokens_lie_in_the_arena(void **state)
{
    cigna_slice_t   n, t;
    static uint8_t  random[16];

    (void) state;

    n = cigna_flow_uint(&arena, UINT64_MAX);
    t = cigna_flow_token(&arena, random, 16);

    assert_false(arena.overflow);
    assert_slice(n, "18446744073709551615");
    assert_slice(t, "AAAAAAAAAAAAAAAAAAAAAA");
    assert_true(t.data >= mem && t.data + t.len <= mem + sizeof(mem));
}


static void
too_little_room_is_an_error(void **state)
{
    static uint8_t  random[16];

    (void) state;

    cigna_arena_init(&arena, mem, 10);
    assert_int_equal(cigna_flow_token(&arena, random, 16).len, 0);
    assert_true(arena.overflow);

    cigna_arena_init(&arena, mem, 10);
    assert_int_equal(cigna_flow_uint(&arena, 12345678901).len, 0);
    assert_true(arena.overflow);

    /* the overflow stays set, although a shorter text fits afterwards */

    assert_slice(cigna_flow_uint(&arena, 1234567890), "1234567890");
    assert_true(arena.overflow);

    cigna_arena_wipe(&arena);
    assert_false(arena.overflow);
}


static void
jitter_stays_within_its_bounds(void **state)
{
    unsigned       i, ms, least, most;
    cigna_event_t  ev;

    (void) state;

    memset(&ev, 0, sizeof(ev));
    least = 100;
    most = 0;

    for (i = 0; i < 65536; i++) {
        ev.random[0] = (uint8_t) (i >> 8);
        ev.random[1] = (uint8_t) i;
        ms = cigna_flow_jitter(&ev, 20, 40);

        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }

    assert_int_equal(least, 20);
    assert_int_equal(most, 40);
    assert_int_equal(cigna_flow_jitter(&ev, 7, 7), 7);
}


static void
a_retry_sleeps_longer_each_time_and_ends(void **state)
{
    unsigned       i;
    cigna_op_t     op;
    cigna_retry_t  r;
    cigna_slice_t  argv[1] = { cigna_slice("PING") };

    static const unsigned  sleeps[] = { 50, 100, 200, 300, 300 };

    (void) state;

    cigna_flow_redis(&op, argv, 1);
    cigna_retry_init(&r, &op, 7);

    for (i = 0; i < 5; i++) {
        assert_int_equal(cigna_retry_sleep(&r, &op, 6, 50, 300), CIGNA_OK);
        assert_int_equal(op.type, cigna_op_sleep);
        assert_int_equal(op.sleep.ms, sleeps[i]);

        assert_int_equal(cigna_retry_again(&r, &op), 7);
        assert_int_equal(op.type, cigna_op_redis);
        assert_slice(op.redis.argv[0], "PING");
    }

    assert_int_equal(cigna_retry_sleep(&r, &op, 6, 50, 300), CIGNA_ERROR);
}


static void
bytes_that_somebody_else_chose_are_quoted_safely(void **state)
{
    char  detail[32];

    (void) state;

    cigna_flow_say(detail, sizeof(detail), "says", cigna_slice("a\r\nb \x80"));
    assert_string_equal(detail, "says: a??b??");

    cigna_flow_say(detail, sizeof(detail), "nothing", cigna_slice_null);
    assert_string_equal(detail, "nothing");

    cigna_flow_say(detail, sizeof(detail), NULL, cigna_slice_null);
    assert_string_equal(detail, "nothing");
}


static void
a_text_for_the_log_is_cut_to_its_buffer(void **state)
{
    char  detail[10];

    (void) state;

    cigna_flow_say(detail, sizeof(detail), "says", cigna_slice("abcdefgh"));
    assert_string_equal(detail, "says: abc");

    cigna_flow_say(detail, sizeof(detail), "123456789012", cigna_slice("a"));
    assert_true(strlen(detail) < sizeof(detail));
}


static void
no_reply_429_and_5xx_are_failures_that_may_pass(void **state)
{
    cigna_event_t  ev;

    (void) state;

    memset(&ev, 0, sizeof(ev));

    ev.type = cigna_ev_unsent;
    ev.status = 200;
    assert_true(cigna_flow_passing(&ev));
    assert_false(cigna_flow_answered(&ev));

    ev.type = cigna_ev_ok;
    assert_false(cigna_flow_passing(&ev));
    assert_true(cigna_flow_answered(&ev));

    ev.status = 404;
    assert_false(cigna_flow_passing(&ev));

    ev.status = 429;
    assert_true(cigna_flow_passing(&ev));

    ev.status = 500;
    assert_true(cigna_flow_passing(&ev));
}


static int
setup(void **state)
{
    (void) state;

    cigna_arena_init(&arena, mem, sizeof(mem));

    return 0;
}


#define test(name)  cmocka_unit_test_setup(name, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(an_operation_keeps_its_arguments_in_order),
        test(each_operation_sets_all_fields_of_its_member),
        test(an_exchange_at_the_token_endpoint_is_told_from_others),
        test(numbers_and_tokens_lie_in_the_arena),
        test(too_little_room_is_an_error),
        test(jitter_stays_within_its_bounds),
        test(a_retry_sleeps_longer_each_time_and_ends),
        test(bytes_that_somebody_else_chose_are_quoted_safely),
        test(a_text_for_the_log_is_cut_to_its_buffer),
        test(no_reply_429_and_5xx_are_failures_that_may_pass)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

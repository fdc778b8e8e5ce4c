
#define _GNU_SOURCE

#include "support.h"

#include "cigna_revoke.h"
#include "world.h"


static world_t         w;
static cigna_revoke_t  r;
static uint8_t         mem[16 * 1024];
static cigna_arena_t   arena;


static void
prepare(const char *refresh_token, const char *access_token)
{
    cigna_revoke_prepare(&r, &w.provider, cigna_slice_str(refresh_token),
                         cigna_slice_str(access_token), &arena);
}


/* tells it how the operation ended; 1 if there is another one */

static int
told(cigna_ev_e type, unsigned status, cigna_op_t *op)
{
    cigna_event_t  ev;

    memset(&ev, 0, sizeof(ev));
    ev.type = type;
    ev.status = status;

    return cigna_revoke_next(&r, &ev, op) == CIGNA_AGAIN;
}


static int
posts(const cigna_op_t *op, const char *text)
{
    return op->type == cigna_op_http
           && cigna_slice_eq(op->http.url, w.provider.revocation_endpoint)
           && memmem(op->http.body.data, op->http.body.len, text,
                     strlen(text));
}


static void
the_refresh_token_goes_first_and_takes_the_rest_along(void **state)
{
    cigna_op_t  op;

    (void) state;

    prepare("rt", "at");

    assert_true(told(cigna_ev_start, 0, &op));
    assert_true(posts(&op, "token=rt"));
    assert_true(posts(&op, "token_type_hint=refresh_token"));

    assert_false(told(cigna_ev_ok, 200, &op));
    assert_true(r.revoked);
}


static void
the_access_token_goes_where_there_is_no_other(void **state)
{
    cigna_op_t  op;

    (void) state;

    prepare("", "at");

    assert_true(told(cigna_ev_start, 0, &op));
    assert_true(posts(&op, "token=at"));
    assert_true(posts(&op, "token_type_hint=access_token"));
}


static void
without_tokens_or_endpoint_there_is_nothing_to_do(void **state)
{
    cigna_op_t  op;

    (void) state;

    assert_false(told(cigna_ev_start, 0, &op));

    prepare("", "");
    assert_false(told(cigna_ev_start, 0, &op));

    cigna_revoke_init(&r);
    w.provider.revocation_endpoint = cigna_slice_null;
    prepare("rt", "at");
    assert_false(told(cigna_ev_start, 0, &op));
    assert_false(r.revoked);
}


static void
without_room_nothing_is_sent(void **state)
{
    cigna_op_t  op;

    (void) state;

    cigna_arena_init(&arena, mem, 8);
    prepare("rt", "at");
    assert_false(told(cigna_ev_start, 0, &op));
}


static void
a_failure_that_passes_is_tried_four_times_with_longer_sleeps(void **state)
{
    size_t      i, n;
    cigna_op_t  op;

    static const struct {
        cigna_ev_e   type;
        unsigned     status;
    } failures[] = {
        { cigna_ev_unsent, 0 }, { cigna_ev_lost, 0 }, { cigna_ev_ok, 429 },
        { cigna_ev_ok, 500 }, { cigna_ev_ok, 503 }
    };

    static const unsigned  sleeps[] = { 500, 1000, 2000 };

    (void) state;

    for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        cigna_revoke_init(&r);
        prepare("rt", "at");
        assert_true(told(cigna_ev_start, 0, &op));

        for (n = 0; n < 3; n++) {
            assert_true(told(failures[i].type, failures[i].status, &op));
            assert_int_equal(op.type, cigna_op_sleep);
            assert_int_equal(op.ms, sleeps[n]);

            assert_true(told(cigna_ev_ok, 0, &op));
            assert_true(posts(&op, "token=rt"));
        }

        assert_false(told(failures[i].type, failures[i].status, &op));
        assert_false(r.revoked);
    }
}


static void
a_refusal_is_final(void **state)
{
    cigna_op_t  op;

    (void) state;

    prepare("rt", "at");
    assert_true(told(cigna_ev_start, 0, &op));
    assert_false(told(cigna_ev_ok, 400, &op));
    assert_false(r.revoked);
    assert_false(told(cigna_ev_ok, 200, &op));
    assert_false(r.revoked);
}


static int
setup(void **state)
{
    (void) state;

    world_init(&w);
    cigna_arena_init(&arena, mem, sizeof(mem));
    cigna_revoke_init(&r);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    world_done(&w);

    return 0;
}


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_refresh_token_goes_first_and_takes_the_rest_along),
        test(the_access_token_goes_where_there_is_no_other),
        test(without_tokens_or_endpoint_there_is_nothing_to_do),
        test(without_room_nothing_is_sent),
        test(a_failure_that_passes_is_tried_four_times_with_longer_sleeps),
        test(a_refusal_is_final)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

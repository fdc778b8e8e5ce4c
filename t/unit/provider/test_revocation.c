
#define _GNU_SOURCE

#include "acting.h"

#include "provider/cigna_revocation.h"


static cigna_revocation_t  f;
static cigna_op_t          op;
static uint8_t             mem[64 * 1024];
static cigna_arena_t       arena;
static cigna_event_t       event;


static void
begin(const char *token, unsigned refresh_token)
{
    cigna_slice_t  s;

    s = cigna_slice_str(token);

    cigna_arena_init(&arena, mem, cigna_revocation_room(&w.provider, s));
    assert_int_equal(cigna_arena_copy(&arena, s, &f.token), CIGNA_OK);

    f.provider = &w.provider;
    f.arena = &arena;
    f.refresh_token = refresh_token;
    f.known = 1;

    cigna_revocation_init(&f);
}


/*
 * tells the flow the result of its operation; 1 if the flow asks for another
 * one
 */

static int
told_body(cigna_ev_e type, unsigned status, const char *body)
{
    event.type = type;
    event.status = status;
    event.body = cigna_slice_str(body);

    memset(&op, 0xa5, sizeof(op));
    cigna_revocation_next(&f, &event, &op);

    assert_null(strstr(f.detail, WORLD_MARKER));

    return op.type != cigna_op_done;
}


static int
told(cigna_ev_e type, unsigned status)
{
    return told_body(type, status, "");
}


static int
posts(const char *text)
{
    return op.type == cigna_op_http
           && cigna_slice_eq(op.http.request.url,
                             w.provider.revocation_endpoint)
           && memmem(op.http.request.body.data, op.http.request.body.len, text,
                     strlen(text));
}


static void
a_token_is_revoked_at_once(void **state)
{
    (void) state;

    begin("rt", 1);

    assert_true(told(cigna_ev_start, 0));
    assert_true(posts("token=rt"));
    assert_true(posts("token_type_hint=refresh_token"));

    assert_false(told(cigna_ev_ok, 200));
    assert_int_equal(f.rc, cigna_revocation_ok);
    assert_int_equal(f.tries, 1);

    assert_false(told(cigna_ev_ok, 200));
}


static void
the_hint_for_an_access_token_is_access_token(void **state)
{
    (void) state;

    begin("at", 0);

    assert_true(told(cigna_ev_start, 0));
    assert_true(posts("token=at"));
    assert_true(posts("token_type_hint=access_token"));
}


/*
 * Runs the flow while each request has the same result.  Sets the number of
 * pauses, and returns the time that all of them take.
 */

static unsigned
pauses(cigna_ev_e type, unsigned status, unsigned *count)
{
    unsigned  slept, last;

    begin("rt", 1);
    assert_true(told(cigna_ev_start, 0));

    *count = 0;
    slept = 0;
    last = 0;

    while (told(type, status)) {
        assert_int_equal(op.type, cigna_op_sleep);
        assert_true(op.sleep.idle);
        assert_true(op.sleep.ms <= 60 * 1000);
        assert_true(*count > 6 || op.sleep.ms >= last
                    || op.sleep.ms >= 30 * 1000);

        last = op.sleep.ms;
        slept += op.sleep.ms;
        (*count)++;

        assert_true(told(cigna_ev_ok, 0));
        assert_true(posts("token=rt"));
    }

    assert_int_equal(f.rc, cigna_revocation_unreachable);
    assert_int_equal(f.tries, *count + 1);

    return slept;
}


static void
a_failure_that_passes_is_tried_again_for_ten_minutes(void **state)
{
    size_t    i, n;
    unsigned  count;

    static const struct {
        cigna_ev_e   type;
        unsigned     status;
    } failures[] = {
        { cigna_ev_unsent, 0 }, { cigna_ev_lost, 0 }, { cigna_ev_ok, 429 },
        { cigna_ev_ok, 500 }, { cigna_ev_ok, 503 }, { cigna_ev_ok, 302 }
    };

    (void) state;

    for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        for (n = 0; n < 256; n += 51) {
            memset(event.random, (int) n, CIGNA_RANDOM_LEN);

            assert_int_equal(pauses(failures[i].type, failures[i].status,
                                    &count), 10 * 60 * 1000);
            assert_in_range(count, 14, 28);
        }
    }
}


static void
pauses_are_random(void **state)
{
    unsigned  first;

    (void) state;

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    (void) told(cigna_ev_ok, 503);
    first = op.sleep.ms;

    memset(event.random, 0x77, CIGNA_RANDOM_LEN);
    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    (void) told(cigna_ev_ok, 503);
    assert_int_not_equal(op.sleep.ms, first);
}


static void
retry_after_is_obeyed_within_the_ten_minutes(void **state)
{
    static const int64_t  told_s[] = { 601, INT64_MAX };

    size_t  i;

    (void) state;

    event.retry_after_s = 90;
    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    (void) told(cigna_ev_ok, 429);
    assert_in_range(op.sleep.ms, 90 * 1000, 91 * 1000);

    for (i = 0; i < 2; i++) {
        event.retry_after_s = told_s[i];
        begin("rt", 1);
        (void) told(cigna_ev_start, 0);
        (void) told(cigna_ev_ok, 503);
        assert_int_equal(op.sleep.ms, CIGNA_REVOCATION_MS);

        assert_true(told(cigna_ev_ok, 0));
        assert_false(told(cigna_ev_ok, 503));
        assert_int_equal(f.rc, cigna_revocation_unreachable);
    }
}


static void
the_flow_ends_as_soon_as_the_server_is_back(void **state)
{
    (void) state;

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    (void) told(cigna_ev_lost, 0);
    (void) told(cigna_ev_ok, 0);
    assert_false(told(cigna_ev_ok, 200));
    assert_int_equal(f.rc, cigna_revocation_ok);
    assert_int_equal(f.tries, 2);
}


static void
a_refusal_is_final(void **state)
{
    size_t  i;

    static const unsigned  status[] = { 400, 401, 403, 404, 405 };

    (void) state;

    for (i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
        begin("rt", 1);
        (void) told(cigna_ev_start, 0);
        assert_false(told(cigna_ev_ok, status[i]));
        assert_int_equal(f.rc, cigna_revocation_refused);
        assert_non_null(strstr(f.detail, "4"));

        assert_false(told(cigna_ev_ok, 200));
        assert_int_equal(f.rc, cigna_revocation_refused);
    }
}


static void
a_refusal_says_why(void **state)
{
    (void) state;

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    assert_false(told_body(cigna_ev_ok, 400,
                           "{\"error\":\"unsupported_token_type\"}"));
    assert_string_equal(f.detail, "it says: unsupported_token_type");
}


/* tests of a client with two secrets */

static const char  invalid_client[] = "{\"error\":\"invalid_client\"}";


static void
a_client_that_is_not_known_tries_the_older_secret_once(void **state)
{
    (void) state;

    world_two_secrets(&w);

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    assert_true(posts("client_secret=" WORLD_NEWER));
    assert_true(told_body(cigna_ev_ok, 401, invalid_client));
    assert_true(posts("client_secret=" WORLD_OLDER));
    assert_true(posts("token=rt"));

    assert_false(told_body(cigna_ev_ok, 401, invalid_client));
    assert_int_equal(f.rc, cigna_revocation_refused);
    assert_int_equal(f.tries, 2);
    assert_false(f.secret.worked);
    assert_string_equal(f.detail, "it says: invalid_client");
}


static void
the_secret_that_worked_is_sent_first_by_the_next_flow(void **state)
{
    (void) state;

    world_two_secrets(&w);

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    (void) told_body(cigna_ev_ok, 400, invalid_client);
    assert_false(told(cigna_ev_ok, 200));
    assert_int_equal(f.rc, cigna_revocation_ok);
    assert_true(f.secret.worked && f.secret.older && f.secret.changed);

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    assert_true(posts("client_secret=" WORLD_OLDER));
    (void) told_body(cigna_ev_ok, 400, invalid_client);
    assert_true(posts("client_secret=" WORLD_NEWER));
    assert_false(told(cigna_ev_ok, 200));
    assert_true(f.secret.worked && !f.secret.older && f.secret.changed);
    assert_false(w.provider.older_works);
}


static void
a_success_with_the_first_secret_proves_no_secret(void **state)
{
    (void) state;

    world_two_secrets(&w);
    w.provider.older_works = 1;

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    assert_true(posts("client_secret=" WORLD_OLDER));
    assert_false(told(cigna_ev_ok, 200));
    assert_false(f.secret.worked);
    assert_true(w.provider.older_works);
}


static void
other_refusals_and_failures_do_not_turn_to_the_older_secret(void **state)
{
    size_t  i;

    static const struct {
        unsigned     status;
        const char  *body;
    } answers[] = {
        { 400, "{\"error\":\"invalid_request\"}" },
        { 400, "{\"error\":\"invalid_client \"}" },
        { 401, "" }, { 401, "<html>invalid_client</html>" },
        { 403, "{\"error\":\"invalid_client\"}" }
    };

    (void) state;

    world_two_secrets(&w);

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        begin("rt", 1);
        (void) told(cigna_ev_start, 0);
        assert_false(told_body(cigna_ev_ok, answers[i].status,
                               answers[i].body));
        assert_int_equal(f.rc, cigna_revocation_refused);
        assert_int_equal(f.tries, 1);
    }

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    assert_true(told_body(cigna_ev_ok, 503, invalid_client));
    assert_int_equal(op.type, cigna_op_sleep);
    (void) told(cigna_ev_ok, 0);
    assert_true(posts("client_secret=" WORLD_NEWER));
}


static void
the_other_secret_is_sent_until_the_end_once_one_was_refused(void **state)
{
    (void) state;

    world_two_secrets(&w);

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    (void) told_body(cigna_ev_ok, 401, invalid_client);
    assert_true(told(cigna_ev_lost, 0));
    assert_int_equal(op.type, cigna_op_sleep);
    (void) told(cigna_ev_ok, 0);
    assert_true(posts("client_secret=" WORLD_OLDER));
    assert_false(told(cigna_ev_ok, 200));
    assert_int_equal(f.rc, cigna_revocation_ok);
    assert_int_equal(f.tries, 3);
}


static void
a_page_with_status_200_is_not_a_success(void **state)
{
    (void) state;

    begin("rt", 1);
    (void) told(cigna_ev_start, 0);
    assert_true(told_body(cigna_ev_ok, 200, " \r\n<html>log in</html>"));
    assert_int_equal(op.type, cigna_op_sleep);

    (void) told(cigna_ev_ok, 0);
    assert_false(told_body(cigna_ev_ok, 200, "{}"));
    assert_int_equal(f.rc, cigna_revocation_ok);
}


static void
nothing_is_sent_without_an_endpoint(void **state)
{
    (void) state;

    w.provider.revocation_endpoint = cigna_slice_null;

    begin("rt", 1);
    assert_false(told(cigna_ev_start, 0));
    assert_int_equal(f.rc, cigna_revocation_unsupported);
    assert_int_equal(f.tries, 0);
}


static void
an_endpoint_that_is_not_known_yet_is_waited_for(void **state)
{
    cigna_slice_t  endpoint;

    (void) state;

    endpoint = w.provider.revocation_endpoint;
    w.provider.revocation_endpoint = cigna_slice_null;

    begin("rt", 1);
    f.known = 0;
    assert_true(told(cigna_ev_start, 0));
    assert_int_equal(op.type, cigna_op_sleep);

    w.provider.revocation_endpoint = endpoint;
    assert_true(told(cigna_ev_ok, 0));
    assert_true(posts("token=rt"));
    assert_int_equal(f.tries, 1);
}


static void
an_endpoint_that_never_gets_known_is_given_up_after_ten_minutes(void **state)
{
    unsigned  slept;

    (void) state;

    w.provider.revocation_endpoint = cigna_slice_null;

    begin("rt", 1);
    f.known = 0;
    slept = 0;

    for (event.type = cigna_ev_start; told(cigna_ev_ok,
                                           0); slept += op.sleep.ms) {
        assert_int_equal(op.type, cigna_op_sleep);
    }

    assert_int_equal(slept, CIGNA_REVOCATION_MS);
    assert_int_equal(f.rc, cigna_revocation_unreachable);
    assert_int_equal(f.tries, 0);
}


static void
the_room_is_enough_for_tokens_and_secrets_that_are_all_encoded(void **state)
{
    size_t  i;
    char    token[2049], secret[257];

    static const cigna_auth_e  auth[] = {
        cigna_auth_none, cigna_auth_post, cigna_auth_basic
    };

    (void) state;

    memset(token, '%', sizeof(token) - 1);
    token[sizeof(token) - 1] = '\0';
    memset(secret, '%', sizeof(secret) - 1);
    secret[sizeof(secret) - 1] = '\0';

    w.provider.client_id = cigna_slice_str(secret);
    w.provider.client_secret = cigna_slice_str(secret);

    for (i = 0; i < 2 * sizeof(auth) / sizeof(auth[0]); i++) {
        w.provider.auth = auth[i / 2];
        w.provider.older_secret = i % 2 ? w.provider.client_secret
                                        : cigna_slice_null;
        begin(token, 1);
        assert_true(told(cigna_ev_start, 0));
        assert_int_equal(op.type, cigna_op_http);
        assert_int_equal(told_body(cigna_ev_ok, 400, invalid_client), i % 2);

        if (i % 2 == 0) {
            continue;
        }

        assert_int_equal(op.type, cigna_op_http);
        assert_false(told_body(cigna_ev_ok, 400,
                               "{\"error\":\"invalid_client\"}"));
        assert_string_equal(f.detail, "it says: invalid_client");
    }
}


static void
nothing_is_sent_without_room(void **state)
{
    (void) state;

    begin("rt", 1);
    cigna_arena_init(&arena, mem, 8);
    assert_false(told(cigna_ev_start, 0));
    assert_int_equal(f.rc, cigna_revocation_no_room);
}


static void
every_end_has_a_name(void **state)
{
    unsigned  i;

    (void) state;

    for (i = cigna_revocation_none; i <= cigna_revocation_no_room; i++) {
        assert_true(strlen(cigna_revocation_name(i)) > 0);
    }
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    memset(&f, 0, sizeof(f));
    memset(&event, 0, sizeof(event));
    event.retry_after_s = -1;

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_token_is_revoked_at_once),
        test(the_hint_for_an_access_token_is_access_token),
        test(a_failure_that_passes_is_tried_again_for_ten_minutes),
        test(pauses_are_random),
        test(retry_after_is_obeyed_within_the_ten_minutes),
        test(the_flow_ends_as_soon_as_the_server_is_back),
        test(a_refusal_is_final),
        test(a_refusal_says_why),
        test(a_client_that_is_not_known_tries_the_older_secret_once),
        test(the_secret_that_worked_is_sent_first_by_the_next_flow),
        test(a_success_with_the_first_secret_proves_no_secret),
        test(other_refusals_and_failures_do_not_turn_to_the_older_secret),
        test(the_other_secret_is_sent_until_the_end_once_one_was_refused),
        test(a_page_with_status_200_is_not_a_success),
        test(nothing_is_sent_without_an_endpoint),
        test(an_endpoint_that_is_not_known_yet_is_waited_for),
        test(an_endpoint_that_never_gets_known_is_given_up_after_ten_minutes),
        test(the_room_is_enough_for_tokens_and_secrets_that_are_all_encoded),
        test(nothing_is_sent_without_room),
        test(every_end_has_a_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

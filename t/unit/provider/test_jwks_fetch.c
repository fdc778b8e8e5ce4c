
#define _GNU_SOURCE

#include "acting.h"

#include "provider/cigna_jwks_fetch.h"


#define NOW  WORLD_START_MS


static char  why[CIGNA_JWKS_FETCH_WHY_MAX];


/*
 * gives the provider this reply to its request for the key set; status 0: there
 * was no reply
 */

static void
answer(unsigned status, const char *body, int64_t now_ms)
{
    cigna_event_t  ev;

    memset(&ev, 0, sizeof(ev));
    ev.type = status ? cigna_ev_ok : cigna_ev_lost;
    ev.status = status;
    ev.body = cigna_slice_str(body);
    ev.now_ms = now_ms;

    cigna_jwks_fetch_done(&w.provider, &ev, why);
}


static const char *
keys(unsigned which)
{
    static char  text[512];

    world_jwks(which, text, sizeof(text));

    return text;
}


static void
keys_are_due_if_an_id_token_may_come(void **state)
{
    (void) state;

    assert_true(cigna_jwks_fetch_due(&w.provider, NOW));

    w.provider.scope = cigna_slice("patient/*.read  openid");
    assert_true(cigna_jwks_fetch_due(&w.provider, NOW));

    w.provider.scope = cigna_slice("patient/*.read openid2 xopenid");
    assert_false(cigna_jwks_fetch_due(&w.provider, NOW));

    w.provider.scope = cigna_slice_null;
    assert_false(cigna_jwks_fetch_due(&w.provider, NOW));
}


static void
keys_are_not_due_if_none_are_published(void **state)
{
    (void) state;

    w.provider.jwks_uri = cigna_slice_null;

    assert_false(cigna_jwks_fetch_due(&w.provider, NOW));
    assert_false(cigna_jwks_fetch_again(&w.provider, NOW));
}


static void
keys_are_fresh_for_an_hour(void **state)
{
    (void) state;

    answer(200, keys(0), NOW);

    assert_non_null(w.provider.keys->set);
    assert_false(cigna_jwks_fetch_due(&w.provider, NOW + 3600 * 1000));
    assert_true(cigna_jwks_fetch_due(&w.provider, NOW + 3600 * 1000 + 1));
}


static void
an_unknown_key_may_cause_a_fetch_after_ten_seconds(void **state)
{
    (void) state;

    answer(200, keys(0), NOW);

    assert_false(cigna_jwks_fetch_again(&w.provider, NOW + 10 * 1000));
    assert_true(cigna_jwks_fetch_again(&w.provider, NOW + 10 * 1000 + 1));
}


static void
a_clock_that_steps_back_makes_keys_old(void **state)
{
    (void) state;

    answer(200, keys(0), NOW);

    assert_true(cigna_jwks_fetch_due(&w.provider, NOW - 1));
    assert_true(cigna_jwks_fetch_again(&w.provider, NOW - 1));
}


static void
old_keys_are_kept_when_no_new_ones_come(void **state)
{
    size_t               i;
    const cigna_jwks_t  *old;

    static const struct {
        unsigned     status;
        const char  *body;
    } answers[] = {
        { 0, "" }, { 503, "" }, { 404, "" }, { 200, "" }, { 200, "<html>" },
        { 200, "{\"keys\":[]}" }
    };

    (void) state;

    answer(200, keys(0), NOW);
    old = w.provider.keys->set;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        answer(answers[i].status, answers[i].body, NOW + 7200 * 1000);
        assert_ptr_equal(w.provider.keys->set, old);

        /* the key set is requested again after a minute */

        assert_false(cigna_jwks_fetch_due(&w.provider, NOW + 7260 * 1000));
        assert_true(cigna_jwks_fetch_due(&w.provider, NOW + 7260 * 1000 + 1));
    }
}


static void
unusable_keys_and_failed_fetches_are_told_apart(void **state)
{
    (void) state;

    answer(0, "", NOW);
    assert_string_equal(why, "the keys cannot be fetched: no answer");

    answer(503, "oops", NOW);
    assert_string_equal(why, "the keys cannot be fetched: status 503, 4 bytes "
                             "that are no key set");

    answer(200, "<html>", NOW);
    assert_string_equal(why, "the keys cannot be fetched: status 200, 6 bytes "
                             "that are no key set");

    answer(200, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\"},5,"
                "{\"kty\":\"RSA\",\"use\":\"enc\"}]}", NOW);
    assert_string_equal(why, "none of the keys is usable: 3 keys, 1 no object,"
                             " 1 not for verifying, 1 unknown kind");
    assert_null(w.provider.keys->set);

    answer(200, "{\"keys\":[]}", NOW);
    assert_string_equal(why, "none of the keys is usable: 0 keys");

    answer(201, keys(0), NOW);
    assert_string_equal(why, "");
    assert_non_null(w.provider.keys->set);
}


static void
keys_that_were_never_fetched_stay_due(void **state)
{
    (void) state;

    answer(503, "", NOW);

    assert_null(w.provider.keys->set);
    assert_true(cigna_jwks_fetch_due(&w.provider, NOW));
    assert_true(cigna_jwks_fetch_again(&w.provider, NOW));
}


static void
keys_are_asked_for_with_a_get(void **state)
{
    cigna_op_t  op;

    (void) state;

    memset(&op, 0xa5, sizeof(op));
    cigna_jwks_fetch_start(&w.provider, &op);

    assert_int_equal(op.type, cigna_op_http);
    assert_slice(op.http.request.url, "https://as.example/jwks");
    assert_int_equal(op.http.request.body.len, 0);
    assert_int_equal(op.http.request.authorization.len, 0);
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    w.provider.jwks_uri = w.auth.metadata.jwks_uri;

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(keys_are_due_if_an_id_token_may_come),
        test(keys_are_not_due_if_none_are_published),
        test(keys_are_fresh_for_an_hour),
        test(an_unknown_key_may_cause_a_fetch_after_ten_seconds),
        test(a_clock_that_steps_back_makes_keys_old),
        test(old_keys_are_kept_when_no_new_ones_come),
        test(unusable_keys_and_failed_fetches_are_told_apart),
        test(keys_that_were_never_fetched_stay_due),
        test(keys_are_asked_for_with_a_get)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

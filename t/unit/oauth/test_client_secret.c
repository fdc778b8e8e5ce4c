
#include "support.h"

#include "oauth/cigna_client_secret.h"


static cigna_provider_t       provider;
static cigna_client_secret_t  secret;


static cigna_slice_t
sent(void)
{
    return cigna_client_secret(&secret, &provider);
}


/* the server refuses the client */

static int
again(void)
{
    cigna_token_reply_t  reply;

    memset(&reply, 0, sizeof(reply));
    reply.error = cigna_slice("invalid_client");

    return cigna_client_secret_again(&secret, &provider, 401,
                                     cigna_token_refused, &reply);
}


static void
the_new_secret_is_sent_first(void **state)
{
    (void) state;

    assert_slice(sent(), "newer");
    assert_slice(sent(), "newer");
}


static void
after_a_refusal_the_other_secret_is_sent_once(void **state)
{
    (void) state;

    (void) sent();
    assert_int_equal(again(), 1);
    assert_slice(sent(), "older");
    assert_false(secret.refused);
    assert_int_equal(again(), 0);
    assert_true(secret.refused);
    assert_slice(sent(), "older");
}


static void
the_secret_that_worked_is_sent_first(void **state)
{
    (void) state;

    (void) sent();
    (void) again();
    cigna_client_secret_works(&secret, &provider);
    assert_true(secret.worked && secret.older && secret.changed);

    cigna_client_secret_init(&secret);
    assert_slice(sent(), "older");
    cigna_client_secret_works(&secret, &provider);
    assert_true(secret.worked && secret.older && !secret.changed);

    cigna_client_secret_init(&secret);
    (void) sent();
    assert_int_equal(again(), 1);
    assert_slice(sent(), "newer");
    cigna_client_secret_works(&secret, &provider);
    assert_true(secret.worked && !secret.older && secret.changed);
}


/* after the first request, another flow learns that the older secret works */

static void
a_request_turns_to_the_secret_that_it_has_not_sent(void **state)
{
    (void) state;

    assert_slice(sent(), "newer");
    provider.older_works = 1;
    assert_int_equal(again(), 1);
    assert_slice(sent(), "older");
    cigna_client_secret_works(&secret, &provider);
    assert_false(secret.changed);
}


static void
a_single_secret_is_sent_once(void **state)
{
    (void) state;

    provider.older_secret = cigna_slice_null;

    assert_slice(sent(), "newer");
    assert_int_equal(again(), 0);
    assert_slice(sent(), "newer");
    cigna_client_secret_works(&secret, &provider);
    assert_false(secret.worked);
}


static void
only_invalid_client_refuses_the_client(void **state)
{
    size_t               i;
    cigna_token_reply_t  reply;

    static const struct {
        unsigned        status;
        cigna_token_e   e;
        const char     *error;
        int             refused;
    } replies[] = {
        { 400, cigna_token_refused, "invalid_client", 1 },
        { 401, cigna_token_refused, "invalid_client", 1 },
        { 403, cigna_token_refused, "invalid_client", 0 },
        { 200, cigna_token_refused, "invalid_client", 0 },
        { 401, cigna_token_refused, "unauthorized_client", 0 },
        { 401, cigna_token_refused, "", 0 },
        { 400, cigna_token_invalid, "invalid_client", 0 },
        { 400, cigna_token_invalid_grant, "invalid_grant", 0 }
    };

    (void) state;

    memset(&reply, 0, sizeof(reply));

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        reply.error = cigna_slice_str(replies[i].error);
        cigna_client_secret_init(&secret);
        assert_int_equal(cigna_client_secret_again(&secret, &provider,
                                                   replies[i].status,
                                                   replies[i].e, &reply),
                         replies[i].refused);
    }
}


static int
setup(void **state)
{
    (void) state;

    memset(&provider, 0, sizeof(provider));
    provider.client_secret = cigna_slice("newer");
    provider.older_secret = cigna_slice("older");
    cigna_client_secret_init(&secret);

    return 0;
}


#define test(name)  cmocka_unit_test_setup(name, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_new_secret_is_sent_first),
        test(after_a_refusal_the_other_secret_is_sent_once),
        test(the_secret_that_worked_is_sent_first),
        test(a_request_turns_to_the_secret_that_it_has_not_sent),
        test(a_single_secret_is_sent_once),
        test(only_invalid_client_refuses_the_client)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

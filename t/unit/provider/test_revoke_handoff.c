
#include "support.h"

#include "provider/cigna_revoke_handoff.h"


static cigna_revoke_handoff_t  r;
static cigna_op_t              op;


static void
prepare(const char *refresh_token, const char *access_token)
{
    cigna_revoke_handoff_prepare(&r, cigna_slice_str(refresh_token),
                                 cigna_slice_str(access_token));
}


static void
the_refresh_token_is_revoked_if_there_is_one(void **state)
{
    (void) state;

    prepare("rt", "at");

    assert_int_equal(cigna_revoke_handoff_next(&r, &op), CIGNA_AGAIN);
    assert_int_equal(op.type, cigna_op_revoke);
    assert_slice(op.revoke.token, "rt");
    assert_true(op.revoke.refresh_token);

    assert_int_equal(cigna_revoke_handoff_next(&r, &op), CIGNA_OK);
}


static void
the_access_token_is_revoked_if_there_is_no_other(void **state)
{
    (void) state;

    prepare("", "at");

    assert_int_equal(cigna_revoke_handoff_next(&r, &op), CIGNA_AGAIN);
    assert_slice(op.revoke.token, "at");
    assert_false(op.revoke.refresh_token);
}


static void
no_tokens_mean_no_revocation(void **state)
{
    (void) state;

    assert_int_equal(cigna_revoke_handoff_next(&r, &op), CIGNA_OK);

    prepare("", "");
    assert_int_equal(cigna_revoke_handoff_next(&r, &op), CIGNA_OK);
}


static int
setup(void **state)
{
    (void) state;

    memset(&op, 0xa5, sizeof(op));
    cigna_revoke_handoff_init(&r);

    return 0;
}


#define test(name)  cmocka_unit_test_setup(name, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_refresh_token_is_revoked_if_there_is_one),
        test(the_access_token_is_revoked_if_there_is_no_other),
        test(no_tokens_mean_no_revocation)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

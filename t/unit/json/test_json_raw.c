
#include "support.h"

#include "json/cigna_json_raw.h"


static void
a_string_means_what_its_escapes_stand_for(void **state)
{
    unsigned  i;

    static const char *const  same[] = {
        "a/b", "a\\/b", "\\u0061/b", "a\\u002Fb", "a\\u002f\\u0062"
    };

    static const char *const  others[] = {
        "", "a", "a/", "a/bc", "A/b", "a\\\\b", "a\\u012fb", "a\\nb",
        "a/b\\u0000", "a\\u2f"
    };

    (void) state;

    for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_int_equal(cigna_json_raw_means(guarded(same[i]),
                                          cigna_slice("a/b")), 1);
    }

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(cigna_json_raw_means(guarded(others[i]),
                                          cigna_slice("a/b")), 0);
    }
}


static void
members_are_found_in_any_order(void **state)
{
    cigna_slice_t  object, value;

    (void) state;

    object = guarded("{\"a\" : 1.5 ,\"b\":{\"c\":\"}\\\"\"},\"c\":[{},\"]\"]}");

    assert_int_equal(cigna_json_raw_member(object, cigna_slice("a"), &value),
                     CIGNA_OK);
    assert_slice(value, "1.5");
    assert_int_equal(cigna_json_raw_member(object, cigna_slice("b"), &value),
                     CIGNA_OK);
    assert_slice(value, "{\"c\":\"}\\\"\"}");
    assert_int_equal(cigna_json_raw_member(object, cigna_slice("c"), &value),
                     CIGNA_OK);
    assert_slice(value, "[{},\"]\"]");
    assert_int_equal(cigna_json_raw_member(object, cigna_slice("d"), &value),
                     CIGNA_NONE);
    assert_int_equal(cigna_json_raw_member(guarded("[1]"), cigna_slice("a"),
                                       &value),
                     CIGNA_NONE);
    assert_int_equal(cigna_json_raw_member(guarded("{}"), cigna_slice("a"),
                                       &value),
                     CIGNA_NONE);
    assert_int_equal(cigna_json_raw_member(guarded("{\"a\":1,\"\\u0061\":2}"),
                                       cigna_slice("a"), &value),
                     CIGNA_OK);
    assert_slice(value, "2");
}


static void
values_that_differ_are_found(void **state)
{
    cigna_slice_t  a = cigna_slice("a");

    (void) state;

    assert_false(cigna_json_raw_differs(guarded(""), a));
    assert_false(cigna_json_raw_differs(guarded("[1,2]"), a));
    assert_false(cigna_json_raw_differs(guarded("{\"a\":1}"), a));
    assert_false(cigna_json_raw_differs(guarded("{\"a\":1,\"a\":1}"), a));
    assert_false(cigna_json_raw_differs(guarded("{\"b\":1,\"b\":2}"), a));
    assert_false(cigna_json_raw_differs(
                     guarded("{\"b\":{\"a\":1,\"a\":2}}"), a));

    assert_true(cigna_json_raw_differs(guarded(" {\"a\":1,\"a\":\"1\"} "),
                                       a));
    assert_true(cigna_json_raw_differs(
                    guarded("{\"a\":1,\"b\":\"}\",\"\\u0061\": 2}"), a));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_string_means_what_its_escapes_stand_for),
        cmocka_unit_test(members_are_found_in_any_order),
        cmocka_unit_test(values_that_differ_are_found)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "support.h"

#include "budget/cigna_rate.h"


static cigna_rate_t
rate(const char *text)
{
    cigna_rate_t  r;

    if (cigna_rate_parse(guarded(text), &r) != CIGNA_OK) {
        fail_msg("\"%s\" is no rate", text);
    }

    return r;
}


static void
a_rate_is_a_number_and_a_second_minute_or_day(void **state)
{
    cigna_rate_t  r;

    (void) state;

    r = rate("100r/s");
    assert_int_equal(r.n, 100);
    assert_int_equal(r.per_s, 1);

    r = rate("30r/m");
    assert_int_equal(r.n, 30);
    assert_int_equal(r.per_s, 60);

    r = rate("5000r/d");
    assert_int_equal(r.n, 5000);
    assert_int_equal(r.per_s, 86400);
}


static void
any_other_text_is_an_error(void **state)
{
    size_t              i;
    cigna_rate_t        r;
    static const char  *bad[] = {
        "", "r/s", "1", "1r", "1r/", "1r/h", "1r/S", "1 r/s", "r/s1", "-1r/s",
        "+1r/s", "1.5r/s", "0r/s", "00r/s", "100001r/s", "0x1r/s",
        "99999999999999999999999r/s", "1r/ss", "1r/s ", " 1r/s", "1R/s"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        if (cigna_rate_parse(guarded(bad[i]), &r) != CIGNA_ERROR) {
            fail_msg("\"%s\" is a rate", bad[i]);
        }
    }
}


static void
the_smallest_and_the_largest_rate_are_read(void **state)
{
    cigna_rate_t  r;

    (void) state;

    r = rate("1r/d");
    assert_int_equal(cigna_rate_per_day(&r), 1);
    assert_int_equal(cigna_rate_interval_ns(1), INT64_C(86400000000000));

    r = rate("100000r/s");
    assert_int_equal(cigna_rate_per_day(&r), UINT64_C(8640000000));
    assert_int_equal(cigna_rate_interval_ns(cigna_rate_per_day(&r)), 10000);
}


static void
an_interval_is_rounded_up_by_less_than_a_hundredth_of_a_per_cent(void **state)
{
    uint64_t  n, exact;

    (void) state;

    for (n = 1; n <= CIGNA_RATE_MAX; n += 7) {
        exact = n * (uint64_t) cigna_rate_interval_ns(n * 86400);

        assert_true(exact >= 1000000000);
        assert_true(exact - 1000000000 <= 100000);
    }

    assert_int_equal(cigna_rate_interval_ns(0), 0);
}


static void
the_default_burst_is_a_second_of_the_rate(void **state)
{
    cigna_rate_t  r;

    (void) state;

    r = rate("100r/s");
    assert_int_equal(cigna_rate_burst(&r), 100);
    r = rate("90r/m");
    assert_int_equal(cigna_rate_burst(&r), 1);
    r = rate("150r/m");
    assert_int_equal(cigna_rate_burst(&r), 2);
    r = rate("5000r/d");
    assert_int_equal(cigna_rate_burst(&r), 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_rate_is_a_number_and_a_second_minute_or_day),
        cmocka_unit_test(any_other_text_is_an_error),
        cmocka_unit_test(the_smallest_and_the_largest_rate_are_read),
        cmocka_unit_test(
            an_interval_is_rounded_up_by_less_than_a_hundredth_of_a_per_cent),
        cmocka_unit_test(the_default_burst_is_a_second_of_the_rate)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

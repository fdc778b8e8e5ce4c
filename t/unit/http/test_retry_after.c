
#include "support.h"

#include "http/cigna_retry_after.h"


/* the time of the dates in these tests: Sun, 06 Nov 1994 08:49:37 GMT */

#define THEN  INT64_C(784111777)


static int64_t
ms(const char *text, int64_t now_s)
{
    int64_t  n;

    assert_int_equal(cigna_retry_after_parse(guarded(text), now_s, &n),
                     CIGNA_OK);

    return n;
}


static void
seconds_are_read(void **state)
{
    (void) state;

    assert_int_equal(ms("120", THEN), 120000);
    assert_int_equal(ms(" 1\t", THEN), 1000);
    assert_int_equal(ms("0", THEN), 0);
}


static void
a_date_counts_from_now(void **state)
{
    (void) state;

    assert_int_equal(ms("Sun, 06 Nov 1994 08:49:37 GMT", THEN - 30), 30000);
    assert_int_equal(ms("Sun, 06 Nov 1994 08:49:37 GMT", THEN), 0);
    assert_int_equal(ms("Sun, 06 Nov 1994 08:49:37 GMT", THEN + 9), 0);

    /* dates in the obsolete forms */

    assert_int_equal(ms("Sunday, 06-Nov-94 08:49:37 GMT", THEN - 30), 30000);
    assert_int_equal(ms("Sun Nov  6 08:49:37 1994", THEN - 30), 30000);
}


static void
a_wait_is_an_hour_at_most(void **state)
{
    (void) state;

    assert_int_equal(ms("3600", THEN), CIGNA_RETRY_AFTER_MAX_MS);
    assert_int_equal(ms("3601", THEN), CIGNA_RETRY_AFTER_MAX_MS);
    assert_int_equal(ms("99999999999999999999999999999999", THEN),
                     CIGNA_RETRY_AFTER_MAX_MS);
    assert_int_equal(ms("Fri, 31 Dec 9999 23:59:59 GMT", THEN),
                     CIGNA_RETRY_AFTER_MAX_MS);
    assert_int_equal(ms("Fri, 31 Dec 9999 23:59:59 GMT", INT64_MIN),
                     CIGNA_RETRY_AFTER_MAX_MS);
    assert_int_equal(ms("Fri, 31 Dec 9999 23:59:59 GMT", INT64_MAX), 0);
}


static void
other_values_are_refused(void **state)
{
    size_t              i;
    int64_t             n;
    static const char  *bad[] = {
        "-1", "+1", "1.5", "1s", "soon", "1 2", "Sun, 06 Nov 1994",
        "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49 1994"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        n = 1;
        assert_int_equal(cigna_retry_after_parse(guarded(bad[i]), THEN, &n),
                         CIGNA_ERROR);
        assert_int_equal(n, -1);
    }

    assert_int_equal(cigna_retry_after_parse(guarded(" "), THEN, &n),
                     CIGNA_NONE);
    assert_int_equal(n, -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(seconds_are_read),
        cmocka_unit_test(a_date_counts_from_now),
        cmocka_unit_test(a_wait_is_an_hour_at_most),
        cmocka_unit_test(other_values_are_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

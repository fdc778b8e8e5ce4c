
#include "support.h"

#include "http/cigna_http_date.h"


/* the present of these tests: Sun, 22 Nov 2026 00:00:00 GMT */

#define NOW  INT64_C(1795305600)


static int64_t
date(const char *text)
{
    int64_t  time_s;

    if (cigna_http_date_parse(guarded(text), NOW, &time_s) != CIGNA_OK) {
        fail_msg("\"%s\" was refused", text);
    }

    return time_s;
}


static void
refused(const char *text)
{
    int64_t  time_s;

    time_s = 42;

    if (cigna_http_date_parse(guarded(text), NOW, &time_s) != CIGNA_ERROR) {
        fail_msg("\"%s\" was not refused", text);
    }

    assert_int_equal(time_s, 42);
}


static void
a_date_is_seconds_since_the_epoch(void **state)
{
    (void) state;

    assert_int_equal(date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    assert_int_equal(date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(date("Tue, 14 Nov 2023 22:13:20 GMT"), 1700000000);
    assert_int_equal(date("Tue, 19 Jan 2038 03:14:08 GMT"), 2147483648);
    assert_int_equal(date("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799);
}


static void
each_month_has_its_days(void **state)
{
    (void) state;

    assert_int_equal(date("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
    assert_int_equal(date("Fri, 01 Mar 2024 00:00:00 GMT"), 1709251200);
    assert_int_equal(date("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
    assert_int_equal(date("Sat, 31 Dec 2022 00:00:00 GMT"), 1672444800);

    refused("Wed, 29 Feb 2023 00:00:00 GMT");
    refused("Mon, 29 Feb 2100 00:00:00 GMT");
    refused("Wed, 31 Apr 2024 00:00:00 GMT");
    refused("Wed, 32 Jan 2024 00:00:00 GMT");
    refused("Wed, 00 Jan 2024 00:00:00 GMT");
}


static void
a_leap_second_is_the_next_minute(void **state)
{
    (void) state;

    assert_int_equal(date("Sat, 31 Dec 2016 23:59:60 GMT"),
                     date("Sun, 01 Jan 2017 00:00:00 GMT"));

    refused("Sat, 31 Dec 2016 23:59:61 GMT");
}


/* a recipient must accept the obsolete forms (RFC 9110, section 5.6.7) */

static void
the_obsolete_forms_are_read(void **state)
{
    (void) state;

    assert_int_equal(date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    assert_int_equal(date("Wednesday, 31-Dec-25 23:59:59 GMT"), 1767225599);
    assert_int_equal(date("Sun Nov  6 08:49:37 1994"), 784111777);
    assert_int_equal(date("Thu Feb 29 23:59:60 2024"), 1709251200);

    refused("Sunday, 31-Feb-94 08:49:37 GMT");
    refused("Sun Feb 30 08:49:37 1994");
    refused("Sun, 06-Nov-94 08:49:37 GMT");
    refused("Wednesdays, 06-Nov-94 08:49:37 GMT");
    refused("Sun1ay, 06-Nov-94 08:49:37 GMT");
    refused("Sunday, 06-Nov-94 08:49:37 GM");
    refused("Sunday, 06-Nov-94 08:49:37 UTC");
    refused("Sunday, 06-Nov-94 08:49:37 GXT");
    refused("Sun, 06 Nov 1994 08:49:37 GXT");
    refused("Sunday, 06-Nov-1994 08:49:37 GMT");
    refused("Sunday,06-Nov-94 08:49:37 GMT");
    refused("Sunday, ");
    refused("Sunday,");
    refused("Sunday");
    refused("Sunday, Sun, 06 Nov 1994 08:49:37 GMT");
    refused("Sunday, Sun Nov  6 08:49:37 1994");
    refused("Sun Nov 6 08:49:37 1994");
    refused("Sun Nov   6 08:49:37 1994");
    refused("Sun Nov  6 08:49:37 1994 ");
    refused("Sun Nov  6 08:49:37 94");
    refused("Sun Nov    08:49:37 1994");
    refused("Sun Nov  0 08:49:37 1994");
}


/*
 * a year of two digits that would be more than 50 years ahead means the year a
 * century before it
 */

static void
a_year_of_two_digits_is_near_the_present(void **state)
{
    int64_t              time_s;
    unsigned             i;
    const cigna_slice_t  s = cigna_slice("Friday, 01-Jan-70 00:00:00 GMT");
    static const struct {
        int64_t          now_s;
        int64_t          time_s;
    }                    is[] = {
        { NOW, INT64_C(3155760000) },               /* seen in 2026: 2070 */
        { INT64_C(1500000000), 0 },                 /* seen in 2017: 1970 */
        { INT64_C(1590000000), INT64_C(3155760000) },   /* seen in 2020: 2070 */
        { 0, 0 },                                   /* seen in 1970: 1970 */
        { -1, 0 },                                  /* time unknown: 1970 */
        { INT64_C(4500000000), INT64_C(3155760000) }    /* seen in 2112: 2070 */
    };

    (void) state;

    for (i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
        assert_int_equal(cigna_http_date_parse(s, is[i].now_s, &time_s),
                         CIGNA_OK);
        assert_int_equal(time_s, is[i].time_s);
    }

    assert_int_equal(cigna_http_date_parse(s, INT64_MAX, &time_s), CIGNA_OK);
    assert_int_equal(cigna_http_date_parse(cigna_slice("Friday, 01-Jan-69 "
                                                       "00:00:00 GMT"),
                                           -1, &time_s), CIGNA_OK);
    assert_int_equal(time_s, INT64_C(3124224000));

    /* dates before the epoch are refused */

    assert_int_equal(cigna_http_date_parse(cigna_slice("Friday, 01-Jan-69 "
                                                       "00:00:00 GMT"),
                                           0, &time_s), CIGNA_ERROR);
}


static void
other_forms_are_refused(void **state)
{
    (void) state;

    refused("");
    refused("Sun, 06 Nov 1994 08:49:37 UTC");
    refused("Sun, 06 Nov 1994 08:49:37 GMT ");
    refused("Sun, 06 Nov 1994 08:49:37 GM");
    refused("Sun, 06 nov 1994 08:49:37 GMT");
    refused("Sun, 06 Foo 1994 08:49:37 GMT");
    refused("Sun,  6 Nov 1994 08:49:37 GMT");
    refused("Sun, +6 Nov 1994 08:49:37 GMT");
}


static void
a_time_that_does_not_exist_is_refused(void **state)
{
    (void) state;

    refused("Sun, 06 Nov 1994 24:00:00 GMT");
    refused("Sun, 06 Nov 1994 08:60:00 GMT");
    refused("Wed, 31 Dec 1969 23:59:59 GMT");
    refused("Sat, 01 Jan 0000 00:00:00 GMT");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_date_is_seconds_since_the_epoch),
        cmocka_unit_test(each_month_has_its_days),
        cmocka_unit_test(a_leap_second_is_the_next_minute),
        cmocka_unit_test(the_obsolete_forms_are_read),
        cmocka_unit_test(a_year_of_two_digits_is_near_the_present),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(a_time_that_does_not_exist_is_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

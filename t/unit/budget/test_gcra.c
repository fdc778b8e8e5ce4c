
#include "support.h"

#include "budget/cigna_gcra.h"


#define MS  INT64_C(1000000)


/* one request a second, and five at once */

static const cigna_gcra_limit_t  limit = { 1000 * MS, 5000 * MS };

static cigna_gcra_t              bucket;


static int
setup(void **state)
{
    (void) state;

    bucket = (cigna_gcra_t) { 0 };

    return 0;
}


static int64_t
take(int64_t n, int64_t now_ms)
{
    cigna_gcra_drain(&bucket, 10000 * MS, now_ms * MS);
    n = cigna_gcra_room(&bucket, &limit, n);
    cigna_gcra_charge(&bucket, &limit, n);

    return n;
}


static void
a_burst_passes_at_once_and_then_the_rate(void **state)
{
    (void) state;

    assert_int_equal(take(100, 10000), 5);
    assert_int_equal(cigna_gcra_wait_ns(&bucket, &limit), 1000 * MS);
    assert_int_equal(take(1, 10999), 0);
    assert_int_equal(cigna_gcra_wait_ns(&bucket, &limit), MS);
    assert_int_equal(take(1, 11000), 1);
    assert_int_equal(take(9, 13500), 2);
    assert_int_equal(take(9, 14000), 1);
}


static void
a_quiet_time_brings_the_burst_back_and_no_more(void **state)
{
    (void) state;

    assert_int_equal(take(100, 10000), 5);
    assert_int_equal(take(100, 1000000), 5);
    assert_int_equal(take(1, 1000000), 0);
}


static void
a_request_that_is_given_back_can_be_taken_again(void **state)
{
    (void) state;

    assert_int_equal(take(5, 10000), 5);
    cigna_gcra_charge(&bucket, &limit, -2);
    assert_int_equal(take(5, 10000), 2);
    cigna_gcra_charge(&bucket, &limit, -100);
    assert_int_equal(bucket.level_ns, 0);
}


static void
a_step_back_of_the_clock_keeps_the_level(void **state)
{
    (void) state;

    assert_int_equal(take(5, 1000000), 5);
    assert_int_equal(take(5, 500000), 0);
    assert_int_equal(cigna_gcra_wait_ns(&bucket, &limit), 1000 * MS);
    assert_int_equal(take(5, 501000), 1);
    assert_int_equal(take(5, -1000), 0);
    assert_int_equal(take(5, 0), 1);
}


static void
without_a_limit_all_requests_fit(void **state)
{
    static const cigna_gcra_limit_t  none;

    (void) state;

    assert_int_equal(cigna_gcra_room(&bucket, &none, 1000), 1000);
    cigna_gcra_charge(&bucket, &none, 1000);
    assert_int_equal(bucket.level_ns, 0);
    assert_int_equal(cigna_gcra_wait_ns(&bucket, &none), 0);
}


static void
extreme_numbers_do_not_overflow(void **state)
{
    size_t                i, k, n;
    static const int64_t  ends[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1,
                                     INT64_MAX - 1, INT64_MAX };

    (void) state;

    n = sizeof(ends) / sizeof(ends[0]);

    for (i = 0; i < n * n * n; i++) {
        bucket.level_ns = ends[i % n];
        bucket.at_ns = ends[i / n % n];

        cigna_gcra_drain(&bucket, 10000 * MS, ends[i / n / n]);
        assert_in_range(bucket.level_ns, 0, 10000 * MS);
        assert_in_range(cigna_gcra_room(&bucket, &limit, INT64_MAX), 0, 5);

        for (k = 0; k < n; k++) {
            cigna_gcra_charge(&bucket, &limit, ends[k]);
            assert_true(bucket.level_ns >= 0);
            assert_true(cigna_gcra_wait_ns(&bucket, &limit) >= 0);
        }
    }
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_burst_passes_at_once_and_then_the_rate),
        test(a_quiet_time_brings_the_burst_back_and_no_more),
        test(a_request_that_is_given_back_can_be_taken_again),
        test(a_step_back_of_the_clock_keeps_the_level),
        test(without_a_limit_all_requests_fit),
        test(extreme_numbers_do_not_overflow)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

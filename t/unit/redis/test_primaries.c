
#include "support.h"

#include "redis/cigna_primaries.h"


#define NOW  UINT64_C(1000000)


static cigna_primaries_t  table;


static int
setup(void **state)
{
    (void) state;

    table = (cigna_primaries_t) { 0 };

    return 0;
}


static void
a_primary_keeps_its_time_though_its_marker_looks_newer(void **state)
{
    (void) state;

    assert_int_equal(cigna_primaries_meet(&table, 7, 500, NOW), 500);
    assert_int_equal(cigna_primaries_meet(&table, 7, 0, NOW + 40), 540);
    assert_int_equal(cigna_primaries_meet(&table, 7, 900, NOW + 50), 900);
    assert_int_equal(cigna_primaries_meet(&table, 7, 0, NOW + 60), 910);
}


static void
primaries_with_similar_numbers_keep_their_own_times(void **state)
{
    uint64_t  i;

    (void) state;

    for (i = 1; i <= CIGNA_PRIMARIES; i++) {
        assert_int_equal(cigna_primaries_meet(&table, i << 32, i, NOW), i);
    }

    for (i = 1; i <= CIGNA_PRIMARIES; i++) {
        assert_int_equal(cigna_primaries_meet(&table, i << 32, 0, NOW + 5),
                         i + 5);
    }
}


static void
the_primary_met_the_longest_ago_gives_way_in_a_full_table(void **state)
{
    uint64_t  i;

    (void) state;

    for (i = 1; i <= CIGNA_PRIMARIES; i++) {
        cigna_primaries_meet(&table, i, 1000, NOW + i);
    }

    assert_int_equal(cigna_primaries_meet(&table, 1, 0, NOW + 100), 1099);
    assert_int_equal(cigna_primaries_meet(&table, 999, 3, NOW + 101), 3);

    assert_int_equal(cigna_primaries_meet(&table, 1, 0, NOW + 102), 1101);
    assert_int_equal(cigna_primaries_meet(&table, 3, 0, NOW + 102), 1099);
    assert_int_equal(cigna_primaries_meet(&table, 2, 0, NOW + 102), 0);
}


static void
a_time_before_the_machines_start_does_not_count(void **state)
{
    (void) state;

    cigna_primaries_meet(&table, 7, 500, NOW);

    assert_int_equal(cigna_primaries_meet(&table, 7, 20, 100), 20);
    assert_int_equal(cigna_primaries_meet(&table, 7, 0, 200), 120);
}


static void
a_primary_older_than_the_clock_is_as_old_as_it_says(void **state)
{
    (void) state;

    assert_true(cigna_primaries_meet(&table, 7, INT64_MAX, NOW) == INT64_MAX);
    assert_int_equal(cigna_primaries_meet(&table, 7, 0, NOW + 1), NOW + 1);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_primary_keeps_its_time_though_its_marker_looks_newer),
        test(primaries_with_similar_numbers_keep_their_own_times),
        test(the_primary_met_the_longest_ago_gives_way_in_a_full_table),
        test(a_time_before_the_machines_start_does_not_count),
        test(a_primary_older_than_the_clock_is_as_old_as_it_says)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "budgeting.h"


#define NOW  (1000000 * MS)


static cigna_pause_t  p;


static int
setup(void **state)
{
    (void) state;

    memset(&p, 0, sizeof(p));

    return 0;
}


static void
a_pause_grows_with_the_trouble(void **state)
{
    (void) state;

    assert_int_equal(cigna_pause_ask(&p, -1, 0, NOW), 1000);
    assert_int_equal(cigna_pause_ask(&p, -1, 0, NOW + 3 * SECOND),
                     1000);
    assert_int_equal(cigna_pause_ask(&p, -1, 0, NOW + 6 * SECOND),
                     2000);
    assert_int_equal(cigna_pause_ask(&p, -1, 250, NOW + 9 * SECOND),
                     3750);
    assert_int_equal(cigna_pause_ask(&p, 300000, 0,
                                             NOW + 13 * SECOND), 300000);
    assert_int_equal(cigna_pause_ask(&p, -1, 250,
                                             NOW + 314 * SECOND), 37500);
}


static void
one_reply_asks_for_five_minutes_and_a_second_one_for_the_rest(void **state)
{
    int64_t  now;

    (void) state;

    now = NOW;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 250, now), 300000);

    /* others that had left before confirm nothing */

    now += 100 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 200000);
    assert_int_equal(p.sure, 0);

    now += 200 * SECOND;
    assert_int_equal(cigna_pause_left_ns(&p, now), 0);
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 3600000);
    assert_int_equal(p.sure, 1);

    /* and a third one, when that is over */

    now += 3600 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 1800000, 0, now), 1800000);

    /* but not after a time without trouble */

    now += 2100 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 300000);

    /* however long the first one has asked for */

    now += 600 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 300000);
}


static void
a_long_pause_is_confirmed_by_who_was_told_of_it(void **state)
{
    (void) state;

    /* that was a short one, and has nothing to do with an hour */

    (void) cigna_pause_ask(&p, 2000, 0, NOW);
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0,
                                             NOW + 3 * SECOND), 300000);
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0,
                                             NOW + 400 * SECOND), 3600000);
}


static void
an_operator_ends_a_pause_and_none_that_began_later(void **state)
{
    int64_t  now;

    (void) state;

    now = NOW + 100 * SECOND;
    (void) cigna_pause_ask(&p, 3600000, 0, NOW);

    cigna_pause_end(&p, 102 * SECOND, now);
    assert_int_equal(cigna_pause_left_ns(&p, now), 200 * SECOND);

    cigna_pause_end(&p, 5 * SECOND, now);
    assert_int_equal(cigna_pause_left_ns(&p, now), 0);

    /* nothing is left to be confirmed */

    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 300000);
}


static void
trouble_that_was_over_starts_anew(void **state)
{
    (void) state;

    (void) cigna_pause_ask(&p, 60000, 0, NOW);
    assert_int_equal(cigna_pause_ask(&p, -1, 0, NOW + 64 * SECOND),
                     1000);
}


static void
within_a_pause_it_only_grows_longer(void **state)
{
    (void) state;

    assert_int_equal(cigna_pause_ask(&p, 5000, 0, NOW), 5000);
    assert_int_equal(cigna_pause_ask(&p, -1, 250, NOW + SECOND),
                     4000);
    assert_int_equal(cigna_pause_ask(&p, 2000, 250, NOW + SECOND),
                     4000);
    assert_int_equal(cigna_pause_ask(&p, 9000, 250, NOW + SECOND),
                     9000);
}


static void
nobody_is_held_back_for_more_than_an_hour_and_a_quarter(void **state)
{
    (void) state;

    (void) cigna_pause_ask(&p, INT64_MAX, 1000, NOW);
    assert_int_equal(cigna_pause_ask(&p, INT64_MAX, 1000,
                                             NOW + 300 * SECOND),
                     3600 * 1000 * 5 / 4);
}


static void
what_others_know_of_a_pause_is_learnt(void **state)
{
    (void) state;

    cigna_pause_learn(&p, 0, NOW);
    assert_int_equal(cigna_pause_left_ns(&p, NOW), 0);
    cigna_pause_learn(&p, 3 * SECOND, NOW);
    assert_int_equal(cigna_pause_left_ns(&p, NOW), 3 * SECOND);
    cigna_pause_learn(&p, SECOND, NOW + SECOND);
    assert_int_equal(cigna_pause_left_ns(&p, NOW + SECOND), SECOND);

    /* the trouble is the same one */

    assert_int_equal(cigna_pause_ask(&p, -1, 0, NOW + 6 * SECOND),
                     1000);
    assert_int_equal(p.began_ns, NOW + 6 * SECOND);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_pause_grows_with_the_trouble),
        test(one_reply_asks_for_five_minutes_and_a_second_one_for_the_rest),
        test(a_long_pause_is_confirmed_by_who_was_told_of_it),
        test(an_operator_ends_a_pause_and_none_that_began_later),
        test(trouble_that_was_over_starts_anew),
        test(within_a_pause_it_only_grows_longer),
        test(nobody_is_held_back_for_more_than_an_hour_and_a_quarter),
        test(what_others_know_of_a_pause_is_learnt)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


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
a_pause_over_five_minutes_needs_a_second_reply(void **state)
{
    int64_t  now;

    (void) state;

    now = NOW;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 250, now), 300000);

    /* replies to requests from before the pause do not confirm the pause */

    now += 100 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 200000);
    assert_int_equal(p.sure, 0);

    now += 200 * SECOND;
    assert_int_equal(cigna_pause_left_ns(&p, now), 0);
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 3600000);
    assert_int_equal(p.sure, 1);

    /* a reply after the confirmed pause also gets the time that it asks for */

    now += 3600 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 1800000, 0, now), 1800000);

    /*
     * after a time in which no reply asked for a pause, a reply that asks for
     * an hour gets five minutes
     */

    now += 2100 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 300000);

    /*
     * a reply five minutes after the end of a pause comes too late to confirm
     * the pause
     */

    now += 600 * SECOND;
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 300000);
}


static void
a_reply_after_a_short_pause_does_not_confirm_a_long_one(void **state)
{
    (void) state;

    /*
     * the first pause is shorter than CIGNA_PAUSE_ONE_MS, so the second reply
     * does not confirm it; a pause of an hour needs a third reply
     */

    (void) cigna_pause_ask(&p, 2000, 0, NOW);
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0,
                                             NOW + 3 * SECOND), 300000);
    assert_int_equal(cigna_pause_ask(&p, 3600000, 0,
                                             NOW + 400 * SECOND), 3600000);
}


static void
an_operator_ends_a_pause_but_not_a_later_one(void **state)
{
    int64_t  now;

    (void) state;

    now = NOW + 100 * SECOND;
    (void) cigna_pause_ask(&p, 3600000, 0, NOW);

    cigna_pause_end(&p, 102 * SECOND, now);
    assert_int_equal(cigna_pause_left_ns(&p, now), 200 * SECOND);

    cigna_pause_end(&p, 5 * SECOND, now);
    assert_int_equal(cigna_pause_left_ns(&p, now), 0);

    /* the next reply does not confirm a pause that the operator has ended */

    assert_int_equal(cigna_pause_ask(&p, 3600000, 0, now), 300000);
}


static void
a_reply_after_the_ramp_begins_new_trouble(void **state)
{
    (void) state;

    (void) cigna_pause_ask(&p, 60000, 0, NOW);
    assert_int_equal(cigna_pause_ask(&p, -1, 0, NOW + 64 * SECOND),
                     1000);
}


static void
a_reply_within_a_pause_only_makes_it_longer(void **state)
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
a_pause_lasts_an_hour_and_a_quarter_at_most(void **state)
{
    (void) state;

    (void) cigna_pause_ask(&p, INT64_MAX, 1000, NOW);
    assert_int_equal(cigna_pause_ask(&p, INT64_MAX, 1000,
                                             NOW + 300 * SECOND),
                     3600 * 1000 * 5 / 4);
}


static void
a_node_learns_of_a_pause_from_others(void **state)
{
    (void) state;

    cigna_pause_learn(&p, 0, NOW);
    assert_int_equal(cigna_pause_left_ns(&p, NOW), 0);
    cigna_pause_learn(&p, 3 * SECOND, NOW);
    assert_int_equal(cigna_pause_left_ns(&p, NOW), 3 * SECOND);
    cigna_pause_learn(&p, SECOND, NOW + SECOND);
    assert_int_equal(cigna_pause_left_ns(&p, NOW + SECOND), SECOND);

    /* after the ramp, a reply begins a new series of pauses */

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
        test(a_pause_over_five_minutes_needs_a_second_reply),
        test(a_reply_after_a_short_pause_does_not_confirm_a_long_one),
        test(an_operator_ends_a_pause_but_not_a_later_one),
        test(a_reply_after_the_ramp_begins_new_trouble),
        test(a_reply_within_a_pause_only_makes_it_longer),
        test(a_pause_lasts_an_hour_and_a_quarter_at_most),
        test(a_node_learns_of_a_pause_from_others)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "refresh/cigna_refusal_rate.h"
#include "support.h"


#define SECOND  1000
#define MINUTE  60000
#define NOW     (100 * MINUTE)


static cigna_refusal_rate_t  rate;
static uint64_t              tag;


static int
setup(void **state)
{
    (void) state;

    memset(&rate, 0, sizeof(cigna_refusal_rate_t));
    tag = 0;

    return 0;
}


/*
 * Counts an answer.  Returns 1 if this answer switches throttling on, or makes
 * refusals doubted.
 */

static unsigned
answer(cigna_answer_e e, int64_t now, uint64_t of, unsigned percent)
{
    cigna_refusal_rate_t  before;

    before = rate;
    cigna_refusal_rate_answered(&rate, now, e, of, percent);

    return (rate.on && !before.on) || (rate.doubted && !before.doubted);
}


/* counts n answers of different grants; returns the sum of answer() */

static unsigned
answers(unsigned n, cigna_answer_e e, int64_t now)
{
    unsigned  on;

    on = 0;

    while (n--) {
        on += answer(e, now, ++tag, 50);
    }

    return on;
}


static void
three_refusals_alone_switch_nothing_on(void **state)
{
    (void) state;

    assert_int_equal(answers(3, cigna_answer_refused, NOW), 0);
    assert_false(rate.on);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW, 0), 0);
}


static void
throttling_starts_if_most_refreshes_of_a_minute_are_refused(void **state)
{
    (void) state;

    (void) answers(1, cigna_answer_tokens, NOW);
    assert_int_equal(answers(1, cigna_answer_refused, NOW), 0);
    (void) answers(1, cigna_answer_tokens, NOW);
    assert_int_equal(answers(2, cigna_answer_refused, NOW + 50 * SECOND), 1);

    assert_true(rate.on);
    assert_true(rate.doubted);
    assert_int_equal(rate.doubted_ms, NOW + 50 * SECOND);
}


static void
answers_older_than_a_minute_do_not_count_in_it(void **state)
{
    (void) state;

    (void) answers(1, cigna_answer_tokens, NOW);
    (void) answers(2, cigna_answer_refused, NOW);
    (void) answers(1, cigna_answer_tokens, NOW + MINUTE);
    assert_int_equal(answers(2, cigna_answer_refused, NOW + MINUTE), 0);
    assert_int_equal(answers(1, cigna_answer_refused, NOW + MINUTE), 1);
}


static void
throttling_starts_if_most_of_ten_minutes_refreshes_are_refused(void **state)
{
    unsigned  i;

    (void) state;

    /* one refusal in each of several minutes, with successes between them */

    for (i = 0; i < 5; i++) {
        assert_int_equal(answers(1, cigna_answer_refused, NOW + i * MINUTE),
                         0);
        (void) answers(1, cigna_answer_tokens, NOW + i * MINUTE);
    }

    assert_int_equal(answers(1, cigna_answer_refused, NOW + 6 * MINUTE), 1);
}


static void
hours_of_good_history_do_not_hide_a_bad_minute(void **state)
{
    int64_t  now;

    (void) state;

    for (now = NOW; now < NOW + 180 * MINUTE; now += SECOND) {
        (void) answers(1, cigna_answer_tokens, now);
    }

    assert_int_equal(answers(5, cigna_answer_refused, now), 1);
}


static void
throttling_starts_after_failures_of_several_grants_in_a_row(void **state)
{
    unsigned  i;

    (void) state;

    assert_int_equal(answers(4, cigna_answer_failed, NOW), 0);
    assert_int_equal(answers(1, cigna_answer_lost, NOW), 1);
    assert_true(rate.on);
    assert_false(rate.doubted);

    /* failures of a single grant count as one */

    assert_int_equal(setup(NULL), 0);

    for (i = 0; i < 100; i++) {
        tag = 0;
        assert_int_equal(answers(1, cigna_answer_failed, NOW), 0);
    }

    assert_int_equal(rate.failures, 1);
}


static void
no_refusal_is_believed_while_other_refreshes_fail(void **state)
{
    (void) state;

    (void) answers(5, cigna_answer_failed, NOW);
    assert_true(rate.on);
    assert_false(rate.doubted);

    /* the endpoint still fails when the first refusal comes */

    assert_int_equal(answers(1, cigna_answer_refused, NOW + 7), 1);
    assert_true(rate.doubted);
    assert_int_equal(rate.doubted_ms, NOW + 7);

    (void) answers(CIGNA_REFUSAL_RATE_WELL, cigna_answer_tokens, NOW + 8);
    assert_false(rate.doubted);
    assert_int_equal(rate.doubted_ms, NOW + 7);
    assert_int_equal(rate.sure_ms, NOW + 8);

    /* a few refusals, and then failures of other grants */

    assert_int_equal(setup(NULL), 0);
    (void) answers(3, cigna_answer_refused, NOW);
    assert_int_equal(answers(1, cigna_answer_failed, NOW + 5), 0);
    assert_false(rate.doubted);
    assert_int_equal(answers(1, cigna_answer_failed, NOW + 6), 1);
    assert_true(rate.doubted);
    assert_int_equal(rate.doubted_ms, NOW + 6);

    /* failures before a success do not count */

    assert_int_equal(setup(NULL), 0);
    (void) answers(1, cigna_answer_refused, NOW);
    (void) answers(1, cigna_answer_tokens, NOW);
    assert_int_equal(answers(5, cigna_answer_failed, NOW), 1);
    assert_false(rate.doubted);
}


static void
a_refusal_of_a_token_that_may_be_spent_is_no_failure(void **state)
{
    (void) state;

    assert_int_equal(answers(100, cigna_answer_explained, NOW), 0);
    assert_false(rate.on);
    assert_int_equal(rate.failures, 0);

    /* the refusal only shows that the endpoint answers again */

    (void) answers(5, cigna_answer_lost, NOW);
    (void) cigna_refusal_rate_take(&rate, NOW + SECOND);
    (void) answers(1, cigna_answer_explained, NOW + SECOND);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + SECOND, 1), 0);
    assert_true(rate.on);
    assert_false(rate.doubted);

    /*
     * while refusals are doubted, a refusal that an earlier attempt explains
     * does not end the throttling
     */

    assert_int_equal(setup(NULL), 0);
    (void) answers(5, cigna_answer_refused, NOW);
    assert_true(rate.doubted);
    (void) cigna_refusal_rate_take(&rate, NOW + SECOND);
    (void) answers(1, cigna_answer_explained, NOW + SECOND);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + SECOND, 0),
                     2 * SECOND);
}


static void
at_a_share_of_100_percent_no_refusal_is_doubted(void **state)
{
    unsigned  i;

    (void) state;

    for (i = 0; i < 100; i++) {
        assert_false(answer(cigna_answer_refused, NOW, i + 1, 100));
    }

    assert_false(rate.on);

    /* a share of 100 also ends a doubt that exists */

    (void) answers(5, cigna_answer_refused, NOW);
    assert_true(rate.doubted);
    (void) answer(cigna_answer_refused, NOW, 1, 100);
    assert_false(rate.doubted);
}


static void
throttling_lets_few_refreshes_through_after_growing_pauses(void **state)
{
    int64_t   now;
    unsigned  turns, passed;

    (void) state;

    (void) answers(5, cigna_answer_refused, NOW);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW, 0), SECOND);

    turns = 0;
    passed = 0;

    for (now = NOW; now < NOW + 10 * MINUTE; now += SECOND / 4) {

        if (cigna_refusal_rate_rest(&rate, now, 0) == 0) {
            (void) cigna_refusal_rate_take(&rate, now);
            (void) answers(1, cigna_answer_refused, now);
            turns++;
        }

        passed++;
    }

    assert_int_equal(passed, 2400);
    assert_in_range(turns, 12, 16);
    assert_int_equal(rate.doubted_ms, NOW);
}


static void
refreshes_that_started_before_do_not_make_the_pause_longer(void **state)
{
    (void) state;

    (void) answers(5, cigna_answer_refused, NOW);
    (void) answers(100, cigna_answer_refused, NOW);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW, 0), SECOND);
}


static void
a_turn_that_is_never_answered_does_not_stop_the_next_one(void **state)
{
    (void) state;

    (void) answers(5, cigna_answer_lost, NOW);
    (void) cigna_refusal_rate_take(&rate, NOW + SECOND);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + SECOND, 0), SECOND);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + 2 * SECOND, 0), 0);
}


static void
a_turn_that_is_given_back_serves_the_next_refresh(void **state)
{
    cigna_turn_e  turn;

    (void) state;

    (void) answers(5, cigna_answer_failed, NOW);
    turn = cigna_refusal_rate_take(&rate, NOW + SECOND);
    assert_int_equal(turn, cigna_turn_probe);
    cigna_refusal_rate_give_back(&rate, turn);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + SECOND, 0), 0);
    (void) cigna_refusal_rate_take(&rate, NOW + SECOND);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + SECOND, 0), SECOND);

    (void) answers(1, cigna_answer_tokens, NOW + SECOND);
    turn = cigna_refusal_rate_take(&rate, NOW + SECOND);
    assert_int_equal(turn, cigna_turn_credit);
    assert_int_equal(rate.credits, 3);
    cigna_refusal_rate_give_back(&rate, turn);
    assert_int_equal(rate.credits, 4);
}


static void
a_refresh_that_started_unthrottled_gives_no_turn_back(void **state)
{
    cigna_turn_e  turn;

    (void) state;

    turn = cigna_refusal_rate_take(&rate, NOW);
    assert_int_equal(turn, cigna_turn_free);
    (void) answers(5, cigna_answer_failed, NOW);
    cigna_refusal_rate_give_back(&rate, turn);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW, 0), SECOND);
    assert_int_equal(rate.credits, 0);
}


static void
refusals_far_apart_are_not_in_a_row(void **state)
{
    unsigned  i;

    (void) state;

    for (i = 0; i < 20; i++) {
        assert_int_equal(answers(1, cigna_answer_refused,
                                 NOW + i * 11 * (int64_t) MINUTE), 0);
    }

    assert_false(rate.on);
}


static void
throttling_is_off_a_day_after_the_last_failure(void **state)
{
    (void) state;

    (void) answers(5, cigna_answer_refused, NOW);
    cigna_refusal_rate_lapse(&rate, NOW + 1440 * (int64_t) MINUTE);
    assert_true(rate.doubted);
    cigna_refusal_rate_lapse(&rate, NOW + 1440 * (int64_t) MINUTE + 1);
    assert_false(rate.doubted);
    assert_false(rate.on);
}


static void
a_grant_that_may_be_spent_waits_for_those_that_are_not(void **state)
{
    (void) state;

    (void) answers(5, cigna_answer_lost, NOW);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW, 1), 2 * SECOND);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + 2 * SECOND, 1), 0);

    (void) cigna_refusal_rate_take(&rate, NOW + SECOND);
    (void) answers(1, cigna_answer_tokens, NOW + SECOND);
    assert_int_equal(cigna_refusal_rate_rest(&rate, NOW + SECOND, 1), 0);
}


static void
a_success_lets_others_start_at_once(void **state)
{
    unsigned  turns;

    (void) state;

    (void) answers(5, cigna_answer_refused, NOW);
    (void) cigna_refusal_rate_take(&rate, NOW + SECOND);
    (void) answers(1, cigna_answer_tokens, NOW + SECOND);
    assert_true(rate.on);

    for (turns = 0;
         cigna_refusal_rate_rest(&rate, NOW + SECOND, 0) == 0;
         turns++)
    {
        (void) cigna_refusal_rate_take(&rate, NOW + SECOND);
    }

    assert_in_range(turns, 4, 5);
}


static void
a_few_successes_switch_throttling_off(void **state)
{
    (void) state;

    (void) answers(5, cigna_answer_refused, NOW);
    assert_int_equal(rate.well_ms, 0);
    (void) answers(2, cigna_answer_tokens, NOW + SECOND);
    assert_true(rate.on);
    (void) answers(1, cigna_answer_tokens, NOW + SECOND);
    assert_false(rate.on);
    assert_int_equal(rate.well_ms, NOW + SECOND);
    assert_int_equal(rate.doubted_ms, NOW);

    /* answers from before the doubt do not count any more */

    assert_int_equal(answers(3, cigna_answer_refused, NOW + 2 * SECOND), 0);
}


static void
counts_do_not_overflow(void **state)
{
    unsigned  i;

    (void) state;

    (void) answers(70000, cigna_answer_tokens, NOW);
    i = NOW / MINUTE % CIGNA_REFUSAL_RATE_MINUTES;
    assert_in_range(rate.minutes[i].all, 30000, 65535);
    assert_int_equal(answers(5, cigna_answer_refused, NOW), 1);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(three_refusals_alone_switch_nothing_on),
        test(throttling_starts_if_most_refreshes_of_a_minute_are_refused),
        test(answers_older_than_a_minute_do_not_count_in_it),
        test(throttling_starts_if_most_of_ten_minutes_refreshes_are_refused),
        test(hours_of_good_history_do_not_hide_a_bad_minute),
        test(throttling_starts_after_failures_of_several_grants_in_a_row),
        test(no_refusal_is_believed_while_other_refreshes_fail),
        test(a_refusal_of_a_token_that_may_be_spent_is_no_failure),
        test(at_a_share_of_100_percent_no_refusal_is_doubted),
        test(throttling_lets_few_refreshes_through_after_growing_pauses),
        test(refreshes_that_started_before_do_not_make_the_pause_longer),
        test(a_turn_that_is_never_answered_does_not_stop_the_next_one),
        test(a_turn_that_is_given_back_serves_the_next_refresh),
        test(a_refresh_that_started_unthrottled_gives_no_turn_back),
        test(refusals_far_apart_are_not_in_a_row),
        test(throttling_is_off_a_day_after_the_last_failure),
        test(a_grant_that_may_be_spent_waits_for_those_that_are_not),
        test(a_success_lets_others_start_at_once),
        test(a_few_successes_switch_throttling_off),
        test(counts_do_not_overflow)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

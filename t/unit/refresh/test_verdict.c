
#define _GNU_SOURCE

#include "acting.h"

#include "refresh/cigna_lease.h"
#include "refresh/cigna_verdict.h"


#define NOW     WORLD_START_MS
#define MINUTE  INT64_C(60000)
#define HOUR    (60 * MINUTE)


static cigna_verdict_t  v;
static cigna_grant_t    grant;
static uint8_t          mem[64 * 1024];
static cigna_arena_t    arena;


static cigna_refresh_e
verdict(int64_t now_ms)
{
    return cigna_verdict(&v, now_ms);
}


static void
a_token_serves_until_it_expires(void **state)
{
    (void) state;

    assert_true(cigna_verdict_usable(&v, NOW + 3599 * 1000 - 1));
    assert_false(cigna_verdict_usable(&v, NOW + 3599 * 1000));
}


static void
a_token_that_was_refused_does_not_serve(void **state)
{
    (void) state;

    v.refused_id = grant.id;
    v.refused_generation = 0;
    assert_true(cigna_verdict_usable(&v, NOW));

    v.refused_generation = 1;
    assert_false(cigna_verdict_usable(&v, NOW));
    assert_int_equal(verdict(NOW), cigna_refresh_pending);

    v.refused_id = cigna_slice("CCCCCCCCCCCCCCCCCCCCCC");
    assert_true(cigna_verdict_usable(&v, NOW));

    v.refused_id = cigna_slice_null;
    assert_true(cigna_verdict_usable(&v, NOW));
}


static void
a_generation_older_than_the_one_this_node_used_is_not_refreshed(void **state)
{
    (void) state;

    v.refused_id = grant.id;
    v.refused_generation = 2;

    assert_false(cigna_verdict_usable(&v, NOW));
    assert_int_equal(verdict(NOW), cigna_refresh_unavailable);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_unavailable);
}


static void
a_token_older_than_the_journals_is_not_used(void **state)
{
    (void) state;

    v.ahead_id = grant.id;
    v.ahead_generation = 2;

    assert_true(cigna_verdict_behind(&v));
    assert_int_equal(verdict(NOW), cigna_refresh_unavailable);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_unavailable);
    assert_non_null(strstr(v.why, "journal"));

    grant.refresh_token = cigna_slice_null;
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_unavailable);
}


static void
a_token_as_new_as_the_journals_is_used(void **state)
{
    (void) state;

    v.ahead_id = grant.id;
    v.ahead_generation = 1;

    assert_false(cigna_verdict_behind(&v));
    assert_int_equal(verdict(NOW), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_pending);

    v.ahead_id = cigna_slice("CCCCCCCCCCCCCCCCCCCCCC");
    v.ahead_generation = 9;
    assert_false(cigna_verdict_behind(&v));
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_pending);
}


static void
a_token_refused_like_the_one_before_is_refreshed_in_five_minutes(void **state)
{
    (void) state;

    v.refused_id = grant.id;
    v.refused_generation = 1;
    grant.forced = 1;

    assert_int_equal(verdict(NOW), cigna_refresh_refused);
    assert_int_equal(verdict(NOW + 299 * 1000), cigna_refresh_refused);
    assert_int_equal(verdict(NOW + 300 * 1000), cigna_refresh_pending);

    /* a clock that is two minutes behind, and one that was set back an hour */

    assert_int_equal(verdict(NOW - 120 * 1000), cigna_refresh_refused);
    assert_int_equal(verdict(NOW - 3600 * 1000), cigna_refresh_pending);

    /* a token that Cigna has not refused may be used */

    v.refused_id = cigna_slice_null;
    assert_int_equal(verdict(NOW), cigna_refresh_ok);
}


static void
a_clock_that_was_set_back_makes_a_token_due(void **state)
{
    (void) state;

    assert_int_equal(verdict(NOW - 300 * 1000), cigna_refresh_ok);
    assert_int_equal(verdict(NOW - 300 * 1000 - 1), cigna_refresh_pending);
    assert_true(cigna_verdict_usable(&v, NOW - 3600 * 1000));

    grant.refresh_token = cigna_slice_null;
    assert_int_equal(verdict(NOW - 3600 * 1000), cigna_refresh_ok);
}


static void
a_grant_is_due_ahead_of_its_end(void **state)
{
    (void) state;

    assert_int_equal(verdict(NOW), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 3539 * 1000 - 1), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 3539 * 1000), cigna_refresh_pending);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_pending);
}


static void
a_grant_without_refresh_token_is_never_due(void **state)
{
    (void) state;

    grant.refresh_token = cigna_slice_null;

    assert_int_equal(verdict(NOW + 3599 * 1000 - 1), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 3599 * 1000), cigna_refresh_spent);
}


static void
a_token_without_a_lifetime_is_due_when_it_expires(void **state)
{
    (void) state;

    grant.expires_ms = grant.obtained_ms;
    assert_int_equal(cigna_verdict_due_ms(&w.provider, &grant),
                     grant.expires_ms);
    assert_int_equal(verdict(NOW), cigna_refresh_pending);
}


/* the refresh token was sent "attempts" times, with an unknown outcome */

static void
sent(unsigned attempts, int64_t until_ms)
{
    v.mark.attempts = attempts;
    v.mark.until_ms = until_ms;
}


static void
a_grant_of_unknown_outcome_is_paused_until_its_token_expires(void **state)
{
    (void) state;

    sent(1, NOW);
    assert_int_equal(verdict(NOW + 3539 * 1000), cigna_refresh_paused);
    assert_int_equal(verdict(NOW + 3599 * 1000 - 1), cigna_refresh_paused);
    assert_int_equal(verdict(NOW + 3599 * 1000), cigna_refresh_pending);
}


static void
pauses_between_attempts_grow(void **state)
{
    int64_t  end;

    (void) state;

    end = NOW + HOUR;
    v.endpoint.heard_ms = end + 1;

    /* the mark expires CIGNA_LEASE_MS after the end of the attempt */

    sent(1, end + CIGNA_LEASE_MS);
    assert_int_equal(verdict(end + CIGNA_LEASE_MS), cigna_refresh_pending);

    sent(2, end + CIGNA_LEASE_MS);
    assert_int_equal(verdict(end + 2 * MINUTE - 1), cigna_refresh_paused);
    assert_int_equal(v.retry_after_s, 1);
    assert_int_equal(verdict(end + 2 * MINUTE), cigna_refresh_pending);

    sent(3, end + CIGNA_LEASE_MS);
    assert_int_equal(verdict(end + 15 * MINUTE - 1), cigna_refresh_paused);
    assert_int_equal(verdict(end + 15 * MINUTE), cigna_refresh_pending);

    sent(4, end + CIGNA_LEASE_MS);
    assert_int_equal(verdict(end + 24 * HOUR), cigna_refresh_spent);
    sent(400, end + CIGNA_LEASE_MS);
    assert_int_equal(verdict(end + 24 * HOUR), cigna_refresh_spent);
}


static void
the_last_attempt_is_no_probe_for_a_day(void **state)
{
    int64_t  end;

    (void) state;

    end = NOW + HOUR;
    v.endpoint.heard_ms = end;

    sent(3, end + CIGNA_LEASE_MS);
    assert_int_equal(verdict(end + 24 * HOUR - 1), cigna_refresh_paused);
    assert_int_equal(verdict(end + 24 * HOUR), cigna_refresh_pending);

    v.endpoint.heard_ms++;
    assert_int_equal(verdict(end + 15 * MINUTE), cigna_refresh_pending);
}


static void
a_clock_of_redis_that_is_far_ahead_delays_no_refresh(void **state)
{
    (void) state;

    v.over = 1;
    sent(2, NOW + 9 * HOUR);
    assert_int_equal(verdict(NOW + HOUR), cigna_refresh_pending);

    v.mark.refused_ms = NOW + 9 * HOUR;
    assert_int_equal(verdict(NOW + HOUR), cigna_refresh_pending);
}


static void
a_grant_with_an_open_exchange_is_pending(void **state)
{
    (void) state;

    sent(4, NOW + HOUR + 1);
    assert_int_equal(verdict(NOW + HOUR), cigna_refresh_pending);
}


static void
a_refusal_is_final_unless_too_many_are(void **state)
{
    (void) state;

    assert_true(cigna_verdict_final(&v));

    v.endpoint.doubted = 1;
    v.endpoint.doubted_ms = NOW;
    assert_false(cigna_verdict_final(&v));

    v.mark.attempts = 1;
    v.mark.refused_ms = NOW + 5;
    assert_false(cigna_verdict_final(&v));
    v.endpoint.well_ms = NOW + 6;
    assert_false(cigna_verdict_final(&v));

    v.mark.attempts = 3;
    assert_true(cigna_verdict_final(&v));
}


static void
a_second_refusal_is_final_if_others_succeed(void **state)
{
    (void) state;

    /*
     * a node that has just started does not know whether refusals are doubted
     */

    v.mark.attempts = 1;
    v.mark.refused_ms = NOW + 5;
    assert_false(cigna_verdict_final(&v));
    v.endpoint.well_ms = NOW + 5;
    assert_false(cigna_verdict_final(&v));
    v.endpoint.well_ms = NOW + 6;
    assert_true(cigna_verdict_final(&v));
}


static void
an_attempt_of_unknown_end_explains_a_refusal(void **state)
{
    (void) state;

    assert_false(cigna_verdict_explains(&v));
    sent(1, NOW);
    assert_true(cigna_verdict_explains(&v));
    v.mark.refused_ms = NOW;
    assert_false(cigna_verdict_explains(&v));
}


static void
a_spent_grant_is_in_doubt_only_if_it_ended_just_before_too_many_did(
    void **state)
{
    (void) state;

    grant.state = cigna_grant_spent;
    grant.obtained_ms = NOW;
    assert_int_equal(verdict(NOW), cigna_refresh_spent);

    v.endpoint.doubted = 1;
    v.endpoint.doubted_ms = NOW + 10 * MINUTE;
    assert_int_equal(verdict(NOW), cigna_refresh_paused);
    v.endpoint.doubted_ms = NOW + 10 * MINUTE + 1;
    assert_int_equal(verdict(NOW), cigna_refresh_spent);

    /* the same pauses as for a grant whose refusal is not final */

    v.endpoint.doubted_ms = NOW;
    assert_int_equal(verdict(NOW + 5 * MINUTE - 1), cigna_refresh_paused);
    assert_int_equal(v.retry_after_s, 1);
    assert_int_equal(verdict(NOW + 5 * MINUTE), cigna_refresh_pending);
    assert_false(cigna_verdict_final(&v));

    v.endpoint.doubted = 0;
    v.endpoint.well_ms = NOW + 1;
    assert_int_equal(verdict(NOW + 1), cigna_refresh_pending);
    assert_true(cigna_verdict_final(&v));
    assert_false(cigna_verdict_usable(&v, NOW));

    /*
     * refusals are no longer doubted, but no refreshes have succeeded since the
     * doubt began: the grant stays spent
     */

    v.endpoint.well_ms = NOW;
    assert_int_equal(verdict(NOW + HOUR), cigna_refresh_spent);

    v.endpoint.well_ms = NOW + 1;
    sent(4, NOW + HOUR);
    assert_int_equal(verdict(NOW + 24 * HOUR), cigna_refresh_spent);

    sent(0, 0);
    grant.refresh_token = cigna_slice_null;
    assert_int_equal(verdict(NOW + HOUR), cigna_refresh_spent);
}


static void
a_spent_grant_with_a_mark_and_no_attempts_is_judged_like_one_without(
    void **state)
{
    (void) state;

    /* no script writes such a record, but Redis may hold one */

    grant.state = cigna_grant_spent;
    grant.obtained_ms = NOW;
    v.endpoint.doubted = 1;
    v.endpoint.doubted_ms = NOW;
    sent(0, NOW);

    assert_int_equal(verdict(NOW + 5 * MINUTE - 1), cigna_refresh_paused);
    assert_int_equal(v.retry_after_s, 1);
    assert_int_equal(verdict(NOW + 5 * MINUTE), cigna_refresh_pending);
}


static void
a_grant_that_another_node_ended_while_too_many_were_refused_is_in_doubt(
    void **state)
{
    (void) state;

    grant.state = cigna_grant_spent;
    grant.obtained_ms = NOW;
    v.endpoint.doubted = 1;
    v.endpoint.doubted_ms = NOW - MINUTE;
    assert_int_equal(verdict(NOW), cigna_refresh_paused);

    /*
     * when the endpoint's refusals are no longer doubted, the grant is tried
     * again
     */

    v.endpoint.doubted = 0;
    v.endpoint.sure_ms = NOW;
    v.endpoint.well_ms = NOW + 1;
    assert_int_equal(verdict(NOW + HOUR), cigna_refresh_pending);
    v.endpoint.sure_ms = NOW - 1;
    assert_int_equal(verdict(NOW + HOUR), cigna_refresh_spent);
}


static void
every_result_has_a_name_of_its_own(void **state)
{
    unsigned  i, n;

    (void) state;

    for (i = 0; i <= cigna_refresh_unknown_key; i++) {
        for (n = 0; n < i; n++) {
            assert_string_not_equal(cigna_refresh_name(i),
                                    cigna_refresh_name(n));
        }
    }

    assert_string_equal(cigna_refresh_name(99), "unknown");
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    world_connected(&w);
    cigna_arena_init(&arena, mem, sizeof(mem));

    memset(&v, 0, sizeof(v));
    v.provider = &w.provider;
    v.grant = &grant;

    return world_grant(&w, &arena, &grant) == CIGNA_OK ? 0 : -1;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_token_serves_until_it_expires),
        test(a_token_that_was_refused_does_not_serve),
        test(a_generation_older_than_the_one_this_node_used_is_not_refreshed),
        test(a_token_older_than_the_journals_is_not_used),
        test(a_token_as_new_as_the_journals_is_used),
        test(a_token_refused_like_the_one_before_is_refreshed_in_five_minutes),
        test(a_clock_that_was_set_back_makes_a_token_due),
        test(a_grant_is_due_ahead_of_its_end),
        test(a_grant_without_refresh_token_is_never_due),
        test(a_token_without_a_lifetime_is_due_when_it_expires),
        test(a_grant_of_unknown_outcome_is_paused_until_its_token_expires),
        test(pauses_between_attempts_grow),
        test(the_last_attempt_is_no_probe_for_a_day),
        test(a_clock_of_redis_that_is_far_ahead_delays_no_refresh),
        test(a_grant_with_an_open_exchange_is_pending),
        test(a_refusal_is_final_unless_too_many_are),
        test(a_second_refusal_is_final_if_others_succeed),
        test(an_attempt_of_unknown_end_explains_a_refusal),
        test(
            a_spent_grant_is_in_doubt_only_if_it_ended_just_before_too_many_did
        ),
        test(
            a_spent_grant_with_a_mark_and_no_attempts_is_judged_like_one_without
        ),
        test(
        a_grant_that_another_node_ended_while_too_many_were_refused_is_in_doubt
        ),
        test(every_result_has_a_name_of_its_own)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

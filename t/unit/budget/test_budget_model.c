
#include "budgeting.h"


/* 100r/s with a burst of 10, of which two tenants have their minimums */

#define NOW  (1000000 * MS)


static cigna_budget_plan_t     p;
static cigna_gcra_t            gateway, minimum[2], tenant[2];
static cigna_budget_hold_t     all, own[2];
static cigna_budget_grant_t    g;


static int
setup(void **state)
{
    (void) state;

    memset(&gateway, 0, sizeof(gateway));
    memset(minimum, 0, sizeof(minimum));
    memset(tenant, 0, sizeof(tenant));
    memset(&all, 0, sizeof(all));
    memset(own, 0, sizeof(own));

    p = (cigna_budget_plan_t) {
        .gateway = { 10 * MS, 50 * MS },
        .gateway_max_ns = 100 * MS,
        .minimum = { 20 * MS, 50 * MS },
        .tenant = { 10 * MS, 80 * MS },
        .ramp_all_ns = 10 * MS,
        .ramp_own_ns = 10 * MS,
        .lease_ns = 50 * MS
    };

    return 0;
}


static int64_t
take(unsigned i, int64_t want, int64_t now_ns)
{
    cigna_budget_buckets_t  b;

    b = (cigna_budget_buckets_t) { &gateway, &minimum[i], &tenant[i], &all,
                                   &own[i] };

    cigna_budget_take(&p, &b, 1, want, now_ns, &g);

    return g.granted;
}


static void
the_common_part_comes_first_then_the_minimum(void **state)
{
    (void) state;

    assert_int_equal(take(0, 100, NOW), 7);
    assert_int_equal(g.by, cigna_budget_gateway);
    assert_int_equal(gateway.level_ns, 70 * MS);
    assert_int_equal(minimum[0].level_ns, 40 * MS);

    /* the other one has its own */

    assert_int_equal(take(1, 100, NOW), 2);
    assert_int_equal(take(1, 100, NOW), 0);
    assert_int_equal(g.wait_ns, 10 * MS);
}


static void
nothing_is_charged_when_another_refuses(void **state)
{
    (void) state;

    p.tenant = (cigna_gcra_limit_t) { SECOND, SECOND };

    assert_int_equal(take(0, 5, NOW), 1);
    assert_int_equal(g.by, cigna_budget_tenant);
    assert_int_equal(g.wait_ns, SECOND);
    assert_int_equal(take(0, 5, NOW + 5 * MS), 0);
    assert_int_equal(gateway.level_ns, 5 * MS);
    assert_int_equal(minimum[0].level_ns, 0);

    p.tenant = (cigna_gcra_limit_t) { MS, 80 * MS };
    assert_int_equal(take(1, 100, NOW + 5 * MS), 6);
    assert_int_equal(tenant[1].level_ns, 6 * MS);
}


/* who is busy gets what a quiet one leaves, and not what it needs */

static void
a_quiet_tenant_finds_its_minimum_whole(void **state)
{
    int64_t  now, n;

    (void) state;

    n = 0;

    for (now = NOW; now < NOW + 10 * SECOND; now += 10 * MS) {
        n += take(0, 100, now);
    }

    assert_in_range(n, 990, 1010);

    p.tenant.span_ns = 500 * MS;
    assert_int_equal(take(1, 100, now), 2);
    n = 2;

    for (now += 10 * MS; n < 50; now += 10 * MS) {
        n += take(1, 100, now);
        (void) take(0, 100, now);
    }

    assert_true(now <= NOW + 11 * SECOND);
}


static void
a_budget_without_force_counts_what_it_would_refuse(void **state)
{
    (void) state;

    p.gateway_dry = 1;
    p.tenant_dry = 1;

    assert_int_equal(take(0, 100, NOW), 100);
    assert_int_equal(g.by, cigna_budget_none);
    assert_int_equal(g.gateway_dry, 93);
    assert_int_equal(g.tenant_dry, 92);

    /* and is as full as one that refuses */

    assert_int_equal(take(0, 5, NOW + 20 * MS), 5);
    assert_int_equal(g.tenant_dry, 3);
}


static void
a_share_of_rates_and_bursts(void **state)
{
    int64_t                 now, n;
    cigna_budget_buckets_t  b;

    (void) state;

    p.minimum.every_ns = 0;
    p.tenant.every_ns = 0;
    n = 0;

    b = (cigna_budget_buckets_t) { &gateway, &minimum[0], &tenant[0], &all,
                                   &own[0] };

    for (now = NOW; now < NOW + 10 * SECOND; now += 10 * MS) {
        cigna_budget_take(&p, &b, 4, 100, now, &g);
        n += g.granted;
    }

    assert_in_range(n, 249, 251);
}


static void
what_was_granted_elsewhere_is_charged_here(void **state)
{
    cigna_budget_buckets_t  b;

    (void) state;

    b = (cigna_budget_buckets_t) { &gateway, &minimum[0], &tenant[0], &all,
                                   &own[0] };

    cigna_budget_charge(&p, &b, 1, 6, NOW);
    assert_int_equal(gateway.level_ns, 60 * MS);
    assert_int_equal(minimum[0].level_ns, 20 * MS);
    assert_int_equal(tenant[0].level_ns, 60 * MS);

    cigna_budget_charge(&p, &b, 1, -6, NOW);
    assert_int_equal(gateway.level_ns, 0);
    assert_int_equal(tenant[0].level_ns, 0);

    cigna_budget_charge(&p, &b, 1, INT64_MAX, NOW);
    cigna_budget_charge(&p, &b, 1, INT64_MAX, NOW);
    assert_int_equal(take(0, 1, NOW), 0);
    assert_int_equal(take(0, 1, NOW + SECOND), 1);
}


/* hold-back */

static void
a_pause_grows_with_the_trouble(void **state)
{
    (void) state;

    assert_int_equal(cigna_budget_hold_pause(&all, -1, 0, NOW), 1000);
    assert_int_equal(cigna_budget_hold_pause(&all, -1, 0, NOW + 3 * SECOND),
                     1000);
    assert_int_equal(cigna_budget_hold_pause(&all, -1, 0, NOW + 6 * SECOND),
                     2000);
    assert_int_equal(cigna_budget_hold_pause(&all, -1, 250, NOW + 9 * SECOND),
                     3750);
    assert_int_equal(cigna_budget_hold_pause(&all, 300000, 0,
                                             NOW + 13 * SECOND), 300000);
    assert_int_equal(cigna_budget_hold_pause(&all, -1, 250,
                                             NOW + 314 * SECOND), 37500);
}


static void
one_reply_asks_for_five_minutes_and_a_second_one_for_the_rest(void **state)
{
    int64_t  now;

    (void) state;

    now = NOW;
    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 250, now), 300000);

    /* others that had left before confirm nothing */

    now += 100 * SECOND;
    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 0, now), 200000);
    assert_int_equal(all.sure, 0);

    now += 200 * SECOND;
    assert_int_equal(cigna_budget_hold_left_ns(&all, now), 0);
    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 0, now), 3600000);
    assert_int_equal(all.sure, 1);

    /* and a third one, when that is over */

    now += 3600 * SECOND;
    assert_int_equal(cigna_budget_hold_pause(&all, 1800000, 0, now), 1800000);

    /* but not after a time without trouble */

    now += 2100 * SECOND;
    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 0, now), 300000);

    /* however long the first one has asked for */

    now += 600 * SECOND;
    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 0, now), 300000);
}


static void
a_long_pause_is_confirmed_by_who_was_told_of_it(void **state)
{
    (void) state;

    /* that was a short one, and has nothing to do with an hour */

    (void) cigna_budget_hold_pause(&all, 2000, 0, NOW);
    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 0,
                                             NOW + 3 * SECOND), 300000);
    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 0,
                                             NOW + 400 * SECOND), 3600000);
}


static void
an_operator_ends_a_pause_and_none_that_began_later(void **state)
{
    int64_t  now;

    (void) state;

    now = NOW + 100 * SECOND;
    (void) cigna_budget_hold_pause(&all, 3600000, 0, NOW);

    cigna_budget_hold_end(&all, 102 * SECOND, now);
    assert_int_equal(cigna_budget_hold_left_ns(&all, now), 200 * SECOND);

    cigna_budget_hold_end(&all, 5 * SECOND, now);
    assert_int_equal(cigna_budget_hold_left_ns(&all, now), 0);

    /* nothing is left to be confirmed */

    assert_int_equal(cigna_budget_hold_pause(&all, 3600000, 0, now), 300000);
}


static void
trouble_that_was_over_starts_anew(void **state)
{
    (void) state;

    (void) cigna_budget_hold_pause(&all, 60000, 0, NOW);
    assert_int_equal(cigna_budget_hold_pause(&all, -1, 0, NOW + 64 * SECOND),
                     1000);
}


static void
within_a_pause_it_only_grows_longer(void **state)
{
    (void) state;

    assert_int_equal(cigna_budget_hold_pause(&all, 5000, 0, NOW), 5000);
    assert_int_equal(cigna_budget_hold_pause(&all, -1, 250, NOW + SECOND),
                     4000);
    assert_int_equal(cigna_budget_hold_pause(&all, 2000, 250, NOW + SECOND),
                     4000);
    assert_int_equal(cigna_budget_hold_pause(&all, 9000, 250, NOW + SECOND),
                     9000);
}


static void
nobody_is_held_back_for_more_than_an_hour_and_a_quarter(void **state)
{
    (void) state;

    (void) cigna_budget_hold_pause(&all, INT64_MAX, 1000, NOW);
    assert_int_equal(cigna_budget_hold_pause(&all, INT64_MAX, 1000,
                                             NOW + 300 * SECOND),
                     3600 * 1000 * 5 / 4);
}


static void
a_pause_grants_nothing_and_tells_whose_it_is(void **state)
{
    (void) state;

    (void) cigna_budget_hold_pause(&own[0], 5000, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 0);
    assert_int_equal(g.by, cigna_budget_held);
    assert_int_equal(g.pause_ns, 4 * SECOND);
    assert_int_equal(g.wait_ns, 4 * SECOND);
    assert_int_equal(g.scope, cigna_budget_scope_own);
    assert_int_equal(take(1, 5, NOW + SECOND), 5);

    (void) cigna_budget_hold_pause(&all, 9000, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 0);
    assert_int_equal(g.scope, cigna_budget_scope_all);
    assert_int_equal(take(1, 5, NOW + SECOND), 0);
}


static void
a_gateway_on_trial_pauses_for_nobody_and_tells(void **state)
{
    (void) state;

    p.gateway_dry = 1;

    (void) cigna_budget_hold_pause(&all, 5000, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 5);
    assert_int_equal(g.by, cigna_budget_none);
    assert_int_equal(g.wait_ns, 0);
    assert_int_equal(g.pause_ns, 4 * SECOND);
    assert_int_equal(g.scope, cigna_budget_scope_all);

    /* nor is there a ramp */

    assert_int_equal(take(0, 5, NOW + 5 * SECOND), 5);
    assert_int_equal(g.pause_ns, 0);
}


/* 6, 12, 25, 50 a second, and then all */

static void
after_a_pause_it_feels_its_way_back(void **state)
{
    size_t                i;
    int64_t               now, n;
    static const int64_t  per_s[] = { 6, 12, 25, 50, 100 };

    (void) state;

    p.gateway.span_ns = 100 * MS;
    p.minimum.every_ns = 0;

    (void) cigna_budget_hold_pause(&all, -1, 0, NOW);
    now = NOW + SECOND;

    assert_int_equal(take(0, 100, now), 1);
    assert_int_equal(g.by, cigna_budget_held);
    assert_int_equal(g.wait_ns, 160 * MS);

    for (i = 0; i < 5; i++) {
        n = 0;

        for ( /* void */ ; now < NOW + (int64_t) (i + 2) * SECOND;
             now += 10 * MS)
        {
            n += take(0, 100, now);
        }

        assert_in_range(n, per_s[i] - 1, per_s[i] + 10);
    }
}


/* a ramp is over in four seconds, however slow the rate is */

static void
a_ramp_makes_nobody_wait_longer_than_it_lasts(void **state)
{
    (void) state;

    p.gateway.every_ns = 0;
    p.minimum.every_ns = 0;
    p.tenant = (cigna_gcra_limit_t) { 17280 * SECOND, 86400 * SECOND };
    p.ramp_own_ns = p.tenant.every_ns;

    (void) cigna_budget_hold_pause(&own[0], -1, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 1);
    assert_int_equal(g.by, cigna_budget_held);
    assert_int_equal(g.wait_ns, 4 * SECOND);
    assert_int_equal(take(0, 5, NOW + 5 * SECOND - MS), 0);
    assert_int_equal(g.wait_ns, MS);
    assert_int_equal(take(0, 5, NOW + 5 * SECOND), 4);
}


static void
what_others_know_of_a_pause_is_learnt(void **state)
{
    (void) state;

    cigna_budget_hold_learn(&all, 0, NOW);
    assert_int_equal(cigna_budget_hold_left_ns(&all, NOW), 0);
    cigna_budget_hold_learn(&all, 3 * SECOND, NOW);
    assert_int_equal(cigna_budget_hold_left_ns(&all, NOW), 3 * SECOND);
    cigna_budget_hold_learn(&all, SECOND, NOW + SECOND);
    assert_int_equal(cigna_budget_hold_left_ns(&all, NOW + SECOND), SECOND);

    /* the trouble is the same one */

    assert_int_equal(cigna_budget_hold_pause(&all, -1, 0, NOW + 6 * SECOND),
                     1000);
    assert_int_equal(all.began_ns, NOW + 6 * SECOND);
}


static void
a_clock_that_steps_back_makes_no_pause_longer(void **state)
{
    (void) state;

    (void) cigna_budget_hold_pause(&all, 5000, 0, NOW);

    assert_int_equal(cigna_budget_hold_left_ns(&all, NOW - 3600 * SECOND),
                     5 * SECOND);
    assert_int_equal(take(0, 5, NOW - 3600 * SECOND), 0);
    assert_int_equal(take(0, 5, NOW - 3595 * SECOND + MS), 1);
    assert_int_equal(g.by, cigna_budget_held);
    assert_int_equal(take(0, 5, NOW - 3590 * SECOND), 5);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_common_part_comes_first_then_the_minimum),
        test(nothing_is_charged_when_another_refuses),
        test(a_quiet_tenant_finds_its_minimum_whole),
        test(a_budget_without_force_counts_what_it_would_refuse),
        test(a_share_of_rates_and_bursts),
        test(what_was_granted_elsewhere_is_charged_here),
        test(a_pause_grows_with_the_trouble),
        test(one_reply_asks_for_five_minutes_and_a_second_one_for_the_rest),
        test(a_long_pause_is_confirmed_by_who_was_told_of_it),
        test(an_operator_ends_a_pause_and_none_that_began_later),
        test(trouble_that_was_over_starts_anew),
        test(within_a_pause_it_only_grows_longer),
        test(nobody_is_held_back_for_more_than_an_hour_and_a_quarter),
        test(a_pause_grants_nothing_and_tells_whose_it_is),
        test(a_gateway_on_trial_pauses_for_nobody_and_tells),
        test(after_a_pause_it_feels_its_way_back),
        test(a_ramp_makes_nobody_wait_longer_than_it_lasts),
        test(what_others_know_of_a_pause_is_learnt),
        test(a_clock_that_steps_back_makes_no_pause_longer)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

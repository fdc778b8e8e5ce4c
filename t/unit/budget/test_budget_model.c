
#include "budgeting.h"
#include "budget_model.h"


/* a gateway with 100r/s and a burst of 10, and two tenants with minimums */

#define NOW  (1000000 * MS)


static cigna_budget_plan_t     p;
static cigna_gcra_t            gateway, minimum[2], tenant[2];
static model_pause_t           all, own[2];
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
    model_buckets_t  b;

    b = (model_buckets_t) { &gateway, &minimum[i], &tenant[i], &all,
                                   &own[i] };

    model_lease(&p, &b, want, now_ns, &g);

    return g.granted;
}


static void
the_common_half_pays_before_the_minimum(void **state)
{
    (void) state;

    assert_int_equal(take(0, 100, NOW), 7);
    assert_int_equal(g.by, cigna_budget_by_gateway);
    assert_int_equal(gateway.level_ns, 70 * MS);
    assert_int_equal(minimum[0].level_ns, 40 * MS);

    /* the other tenant has its own minimum */

    assert_int_equal(take(1, 100, NOW), 2);
    assert_int_equal(take(1, 100, NOW), 0);
    assert_int_equal(g.wait_ns, 10 * MS);
}


static void
requests_that_one_budget_refuses_are_charged_to_none(void **state)
{
    (void) state;

    p.tenant = (cigna_gcra_limit_t) { SECOND, SECOND };

    assert_int_equal(take(0, 5, NOW), 1);
    assert_int_equal(g.by, cigna_budget_by_tenant);
    assert_int_equal(g.wait_ns, SECOND);
    assert_int_equal(take(0, 5, NOW + 5 * MS), 0);
    assert_int_equal(gateway.level_ns, 5 * MS);
    assert_int_equal(minimum[0].level_ns, 0);

    p.tenant = (cigna_gcra_limit_t) { MS, 80 * MS };
    assert_int_equal(take(1, 100, NOW + 5 * MS), 6);
    assert_int_equal(tenant[1].level_ns, 6 * MS);
}


/*
 * a busy tenant gets the whole rate, and the quiet tenant's minimum stays full
 */

static void
a_quiet_tenant_finds_its_whole_minimum(void **state)
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
a_budget_with_dry_run_counts_what_it_would_refuse(void **state)
{
    (void) state;

    p.gateway_dry = 1;
    p.tenant_dry = 1;

    assert_int_equal(take(0, 100, NOW), 100);
    assert_int_equal(g.by, cigna_budget_by_none);
    assert_int_equal(g.gateway_dry, 93);
    assert_int_equal(g.tenant_dry, 92);

    /* with dry_run the bucket is as full as if the budget refused */

    assert_int_equal(take(0, 5, NOW + 20 * MS), 5);
    assert_int_equal(g.tenant_dry, 3);
}


static void
a_pause_grants_nothing_and_names_its_scope(void **state)
{
    (void) state;

    (void) model_pause(&own[0], 5000, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 0);
    assert_int_equal(g.by, cigna_budget_by_pause);
    assert_int_equal(g.pause_ns, 4 * SECOND);
    assert_int_equal(g.wait_ns, 4 * SECOND);
    assert_int_equal(g.scope, cigna_budget_scope_own);
    assert_int_equal(take(1, 5, NOW + SECOND), 5);

    (void) model_pause(&all, 9000, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 0);
    assert_int_equal(g.scope, cigna_budget_scope_all);
    assert_int_equal(take(1, 5, NOW + SECOND), 0);
}


static void
a_gateway_with_dry_run_reports_a_pause_and_grants(void **state)
{
    (void) state;

    p.gateway_dry = 1;

    (void) model_pause(&all, 5000, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 5);
    assert_int_equal(g.by, cigna_budget_by_none);
    assert_int_equal(g.wait_ns, 0);
    assert_int_equal(g.pause_ns, 4 * SECOND);
    assert_int_equal(g.scope, cigna_budget_scope_all);

    /* with dry_run, no ramp follows the pause */

    assert_int_equal(take(0, 5, NOW + 5 * SECOND), 5);
    assert_int_equal(g.pause_ns, 0);
}


/* 6, 12, 25 and 50 requests in the first four seconds, 100 in the fifth */

static void
the_rate_doubles_each_second_after_a_pause(void **state)
{
    size_t                i;
    int64_t               now, n;
    static const int64_t  per_s[] = { 6, 12, 25, 50, 100 };

    (void) state;

    p.gateway.span_ns = 100 * MS;
    p.minimum.every_ns = 0;

    (void) model_pause(&all, -1, 0, NOW);
    now = NOW + SECOND;

    assert_int_equal(take(0, 100, now), 1);
    assert_int_equal(g.by, cigna_budget_by_pause);
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


/*
 * the ramp is over after four seconds, even with one request in 17280 seconds
 */

static void
no_request_waits_longer_than_the_ramp_lasts(void **state)
{
    (void) state;

    p.gateway.every_ns = 0;
    p.minimum.every_ns = 0;
    p.tenant = (cigna_gcra_limit_t) { 17280 * SECOND, 86400 * SECOND };
    p.ramp_own_ns = p.tenant.every_ns;

    (void) model_pause(&own[0], -1, 0, NOW);

    assert_int_equal(take(0, 5, NOW + SECOND), 1);
    assert_int_equal(g.by, cigna_budget_by_pause);
    assert_int_equal(g.wait_ns, 4 * SECOND);
    assert_int_equal(take(0, 5, NOW + 5 * SECOND - MS), 0);
    assert_int_equal(g.wait_ns, MS);
    assert_int_equal(take(0, 5, NOW + 5 * SECOND), 4);
}


static void
a_clock_that_steps_back_makes_no_pause_longer(void **state)
{
    (void) state;

    (void) model_pause(&all, 5000, 0, NOW);

    assert_int_equal(cigna_pause_left_ns(&all.pause, NOW - 3600 * SECOND),
                     5 * SECOND);
    assert_int_equal(take(0, 5, NOW - 3600 * SECOND), 0);
    assert_int_equal(take(0, 5, NOW - 3595 * SECOND + MS), 1);
    assert_int_equal(g.by, cigna_budget_by_pause);
    assert_int_equal(take(0, 5, NOW - 3590 * SECOND), 5);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_common_half_pays_before_the_minimum),
        test(requests_that_one_budget_refuses_are_charged_to_none),
        test(a_quiet_tenant_finds_its_whole_minimum),
        test(a_budget_with_dry_run_counts_what_it_would_refuse),
        test(a_pause_grants_nothing_and_names_its_scope),
        test(a_gateway_with_dry_run_reports_a_pause_and_grants),
        test(the_rate_doubles_each_second_after_a_pause),
        test(no_request_waits_longer_than_the_ramp_lasts),
        test(a_clock_that_steps_back_makes_no_pause_longer)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

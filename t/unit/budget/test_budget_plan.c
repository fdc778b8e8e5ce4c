
#include "budgeting.h"


static cigna_budget_gateway_conf_t  g;
static cigna_budget_tenant_conf_t   t[4];
static cigna_budget_plan_t          plans[4];


static int
setup(void **state)
{
    (void) state;

    memset(t, 0, sizeof(t));
    memset(plans, 0xa5, sizeof(plans));

    g = (cigna_budget_gateway_conf_t) { .rate = a_rate("100r/s"),
                                        .lease_ms = 50 };

    return 0;
}


static void
assert_bad(unsigned n, unsigned whose, const char *text)
{
    unsigned     bad;
    const char  *error;

    assert_int_equal(cigna_budget_plan(&g, t, n, plans, &bad, &error),
                     CIGNA_ERROR);
    assert_string_equal(error, text);
    assert_int_equal(bad, whose);
}


static void
a_single_tenant_has_all_of_the_burst(void **state)
{
    (void) state;

    t[0].minimum = a_rate("10r/s");
    make_plans(&g, t, 1, plans);

    assert_int_equal(plans[0].gateway.every_ns, 10 * MS);
    assert_int_equal(plans[0].gateway.span_ns, SECOND);
    assert_int_equal(plans[0].minimum.every_ns, 0);
    assert_int_equal(plans[0].tenant.every_ns, 0);
    assert_int_equal(plans[0].member.every_ns, 0);
    assert_int_equal(real_burst(&plans[0]), 100);
}


static void
tenants_without_a_minimum_share_the_rest_equally(void **state)
{
    (void) state;

    t[1].minimum = a_rate("40r/s");
    make_plans(&g, t, 4, plans);

    assert_int_equal(plans[0].minimum.every_ns, 50 * MS);
    assert_int_equal(plans[1].minimum.every_ns, 25 * MS);
    assert_int_equal(plans[3].minimum.every_ns, 50 * MS);
}


/*
 * of a burst of 100 all tenants share 50, and their minimums hold 10, 20, 10,
 * 10
 */

static void
half_of_the_burst_is_divided_among_the_minimums(void **state)
{
    unsigned  i;

    (void) state;

    t[1].minimum = a_rate("40r/s");
    make_plans(&g, t, 4, plans);

    for (i = 0; i < 4; i++) {
        assert_int_equal(plans[i].gateway.span_ns, SECOND / 2);
        assert_int_equal(plans[i].minimum.span_ns, SECOND / 2);
        assert_int_equal(real_burst(&plans[i]), 100);
    }
}


static void
small_minimums_share_half_of_the_burst(void **state)
{
    unsigned  i;

    (void) state;

    for (i = 0; i < 4; i++) {
        t[i].minimum = a_rate("5r/s");
    }

    make_plans(&g, t, 4, plans);
    assert_int_equal(plans[0].minimum.span_ns, 2500 * MS);
    assert_int_equal(real_burst(&plans[0]), 100);
}


/* the shared bucket and each of the four minimums hold 1, so the burst is 5 */

static void
each_bucket_holds_one_request_even_if_its_burst_is_smaller(void **state)
{
    (void) state;

    g.rate = a_rate("5000r/d");
    make_plans(&g, t, 4, plans);

    assert_int_equal(plans[0].gateway.every_ns, INT64_C(17280000000));
    assert_int_equal(plans[0].gateway.span_ns, plans[0].gateway.every_ns);
    assert_int_equal(plans[0].minimum.every_ns, INT64_C(69120000000));
    assert_int_equal(plans[0].minimum.span_ns, plans[0].minimum.every_ns);
    assert_int_equal(real_burst(&plans[0]), 5);
}


static void
a_bucket_holds_the_requests_of_two_leases(void **state)
{
    (void) state;

    g.burst = 1;
    t[0].rate = a_rate("50r/s");
    t[0].burst = 1;
    make_plans(&g, t, 1, plans);

    assert_int_equal(plans[0].gateway.span_ns, 100 * MS);
    assert_int_equal(plans[0].tenant.span_ns, 100 * MS);
    assert_int_equal(real_burst(&plans[0]), 10);
}


static void
the_bucket_of_a_member_does_not_depend_on_the_lease(void **state)
{
    (void) state;

    t[0].member_rate = a_rate("50r/s");
    t[0].member_burst = 1;
    t[0].member_dry_run = 1;
    make_plans(&g, t, 1, plans);

    assert_int_equal(plans[0].member.every_ns, 20 * MS);
    assert_int_equal(plans[0].member.span_ns, 20 * MS);
    assert_int_equal(plans[0].member_dry, 1);
    assert_int_equal(plans[0].tenant_dry, 0);
}


static void
minimums_above_the_rate_are_an_error(void **state)
{
    (void) state;

    t[0].minimum = a_rate("60r/s");
    t[1].minimum = a_rate("40r/s");
    make_plans(&g, t, 3, plans);
    assert_int_equal(plans[2].minimum.every_ns, 0);

    t[1].minimum = a_rate("2401r/m");
    assert_bad(2, 2, "the minimums of the tenants are more than the rate of "
               "the gateway");

    g.rate = a_rate("");
    assert_bad(2, 0, "a minimum needs a rate of the gateway");
}


static void
a_burst_that_is_too_large_or_has_no_rate_is_an_error(void **state)
{
    (void) state;

    g.rate = a_rate("10r/d");
    g.burst = 10;
    make_plans(&g, t, 2, plans);
    g.burst = 11;
    assert_bad(2, 2, "a burst is at most what the rate brings in a day");

    g.rate = a_rate("100000r/s");
    g.burst = CIGNA_BUDGET_BURST_MAX;
    make_plans(&g, t, 2, plans);
    g.burst++;
    assert_bad(2, 2, "a burst is at most 1000000");

    g.burst = 0;
    t[1].burst = 1;
    assert_bad(2, 1, "a burst needs a rate");
    t[1].burst = 0;
    t[1].member_burst = 1;
    assert_bad(2, 1, "a burst needs a rate");
}


static void
without_tenants_only_the_gateways_settings_are_checked(void **state)
{
    unsigned     bad;
    const char  *error;

    (void) state;

    assert_int_equal(cigna_budget_plan(&g, NULL, 0, NULL, &bad, &error),
                     CIGNA_OK);
    g.burst = UINT32_MAX;
    assert_bad(0, 0, "a burst is at most 1000000");
}


/* all numbers must be below 2^53, because Lua holds only these exactly */

static void
no_setting_is_too_large_for_the_scripts(void **state)
{
    size_t                i, k;
    int64_t               max;
    static const char    *rates[] = { "1r/d", "100000r/s", "100000r/d",
                                      "1r/s", "7r/m" };

    (void) state;

    max = INT64_C(1) << 53;

    for (i = 0; i < 5; i++) {
        for (k = 0; k < 5; k++) {
            (void) setup(state);
            g.rate = a_rate(rates[i]);
            t[0].rate = a_rate(rates[k]);
            t[0].minimum = a_rate("1r/d");
            g.lease_ms = CIGNA_BUDGET_LEASE_MAX_MS;
            g.burst = cigna_rate_per_day(&g.rate) < CIGNA_BUDGET_BURST_MAX
                      ? (uint32_t) cigna_rate_per_day(&g.rate)
                      : CIGNA_BUDGET_BURST_MAX;

            make_plans(&g, t, 4, plans);

            assert_true(4 * plans[0].gateway_max_ns < max);
            assert_true(4 * plans[0].tenant.span_ns < max);
            assert_true(4 * plans[0].minimum.span_ns < max);
            assert_true(32 * plans[0].ramp_own_ns < max);
            assert_true(plans[0].gateway_max_ns >= plans[0].gateway.span_ns);
        }
    }
}


static void
without_rates_the_ramp_has_a_rate_of_its_own(void **state)
{
    (void) state;

    g.rate = a_rate("");
    t[1].rate = a_rate("10r/s");
    make_plans(&g, t, 2, plans);

    assert_int_equal(plans[0].ramp_all_ns, SECOND / CIGNA_BUDGET_RAMP_RATE);
    assert_int_equal(plans[0].ramp_own_ns, SECOND / CIGNA_BUDGET_RAMP_RATE);
    assert_int_equal(plans[1].ramp_own_ns, SECOND / 10);
    assert_int_equal(real_burst(&plans[0]), 0);
}


static void
metadata_has_a_twentieth_of_the_rates_in_addition(void **state)
{
    (void) state;

    t[0].rate = a_rate("20r/s");
    t[1].metadata = a_rate("30r/s");
    make_plans(&g, t, 3, plans);

    /*
     * metadata: 5r/s for all tenants together, and for one of several tenants
     * at most half of that
     */

    assert_int_equal(plans[0].metadata_all.every_ns, 200 * MS);
    assert_int_equal(plans[0].metadata_all.span_ns, 2 * SECOND);
    assert_int_equal(plans[0].metadata.every_ns, SECOND);
    assert_int_equal(plans[1].metadata.every_ns, SECOND / 30 + 1);
    assert_int_equal(plans[1].metadata.span_ns, 30 * (SECOND / 30 + 1));
    assert_int_equal(plans[2].metadata.every_ns, 400 * MS);

    /* the limits for metadata do not reduce the other limits */

    assert_int_equal(plans[0].gateway.every_ns, 10 * MS);
    assert_int_equal(plans[0].tenant.every_ns, SECOND / 20);

    make_plans(&g, t, 1, plans);
    t[0].rate = a_rate("");
    make_plans(&g, t, 1, plans);
    assert_int_equal(plans[0].metadata.every_ns, 200 * MS);
}


static void
without_rates_metadata_is_limited_like_one_member(void **state)
{
    (void) state;

    g.rate = a_rate("");
    t[0].member_rate = a_rate("2r/s");
    make_plans(&g, t, 2, plans);

    assert_int_equal(plans[0].metadata.every_ns, SECOND / 2);
    assert_int_equal(plans[0].metadata.span_ns, SECOND);
    assert_int_equal(plans[0].metadata_all.every_ns, 0);
    assert_int_equal(plans[1].metadata.every_ns, 0);

    g.metadata = a_rate("7r/d");
    make_plans(&g, t, 2, plans);
    assert_int_equal(plans[1].metadata.every_ns, 86400 * SECOND / 3);

    g.rate = a_rate("1r/d");
    g.metadata = a_rate("");
    make_plans(&g, t, 2, plans);
    assert_int_equal(plans[1].metadata.every_ns, 86400 * SECOND);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_single_tenant_has_all_of_the_burst),
        test(tenants_without_a_minimum_share_the_rest_equally),
        test(half_of_the_burst_is_divided_among_the_minimums),
        test(small_minimums_share_half_of_the_burst),
        test(each_bucket_holds_one_request_even_if_its_burst_is_smaller),
        test(a_bucket_holds_the_requests_of_two_leases),
        test(the_bucket_of_a_member_does_not_depend_on_the_lease),
        test(minimums_above_the_rate_are_an_error),
        test(a_burst_that_is_too_large_or_has_no_rate_is_an_error),
        test(without_tenants_only_the_gateways_settings_are_checked),
        test(no_setting_is_too_large_for_the_scripts),
        test(without_rates_the_ramp_has_a_rate_of_its_own),
        test(metadata_has_a_twentieth_of_the_rates_in_addition),
        test(without_rates_metadata_is_limited_like_one_member)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "budgeting.h"

#include "budget/cigna_budget_local.h"


/*
 * The gateway has 100r/s with a burst of 10, half of which all tenants share.
 * The tenant's rate is 100r/s, too.
 */

#define NOW  (1000000 * MS)


static cigna_budget_plan_t    plan;
static cigna_budget_node_t    node;
static cigna_budget_tenant_t  tenant, other;
static cigna_budget_t         b;
static cigna_budget_by_e      by;


static int
setup(void **state)
{
    (void) state;

    memset(&node, 0, sizeof(node));
    memset(&tenant, 0, sizeof(tenant));
    memset(&other, 0, sizeof(other));

    plan = (cigna_budget_plan_t) {
        .gateway = { 10 * MS, 50 * MS },
        .gateway_max_ns = 100 * MS,
        .minimum = { 20 * MS, 50 * MS },
        .tenant = { 10 * MS, 80 * MS }
    };

    b = (cigna_budget_t) { .plan = &plan, .node = &node, .tenant = &tenant,
                           .now_ns = NOW };

    return 0;
}


static int64_t
take(int64_t want)
{
    int64_t  n;

    for (n = 0; n < want && cigna_budget_local_take(&b, &by) == 0; n++) {
        /* void */
    }

    return n;
}


static void
a_node_of_four_grants_a_quarter_of_rate_and_burst(void **state)
{
    int64_t  n;

    (void) state;

    node.nodes = 4;
    plan.minimum.every_ns = 0;
    plan.tenant.every_ns = 0;
    plan.gateway.span_ns = 400 * MS;

    assert_int_equal(take(100), 10);
    assert_int_equal(by, cigna_budget_by_gateway);

    for (n = 0; b.now_ns < NOW + 10 * SECOND; b.now_ns += 10 * MS) {
        n += take(100);
    }

    assert_in_range(n, 249, 251);
}


static void
a_bucket_has_room_for_one_request_however_many_nodes_there_are(void **state)
{
    (void) state;

    node.nodes = 200;
    plan.minimum.every_ns = 0;
    plan.tenant.every_ns = 0;

    assert_int_equal(take(5), 1);
    assert_int_equal(cigna_budget_local_take(&b, &by), 2 * SECOND);
}


static void
a_tenant_has_its_minimum_when_another_has_taken_the_rest(void **state)
{
    (void) state;

    plan.tenant.every_ns = 0;

    assert_int_equal(take(100), 7);
    assert_int_equal(by, cigna_budget_by_gateway);

    b.tenant = &other;
    assert_int_equal(take(100), 2);
    assert_int_equal(cigna_budget_local_take(&b, &by), 10 * MS);
}


static void
nothing_is_charged_when_the_tenants_budget_refuses(void **state)
{
    (void) state;

    plan.tenant = (cigna_gcra_limit_t) { SECOND, SECOND };

    assert_int_equal(take(5), 1);
    assert_int_equal(by, cigna_budget_by_tenant);
    assert_int_equal(cigna_budget_local_take(&b, &by), SECOND);
    assert_int_equal(node.gateway.level_ns, 10 * MS);
}


static void
a_budget_with_dry_run_grants_and_says_what_would_refuse(void **state)
{
    (void) state;

    plan.minimum.every_ns = 0;
    plan.gateway_dry = 1;

    assert_int_equal(take(8), 8);
    assert_int_equal(by, cigna_budget_by_gateway);

    /*
     * With dry_run the gateway's bucket is as full as if the gateway refused
     * requests.  The tenant's budget still refuses them.
     */

    assert_int_equal(node.gateway.level_ns, 50 * MS);
    assert_int_equal(take(1), 0);
    assert_int_equal(by, cigna_budget_by_tenant);

    plan.tenant_dry = 1;
    assert_int_equal(take(50), 50);
    assert_int_equal(tenant.tenant.level_ns, 80 * MS);
}


static void
requests_that_redis_granted_are_charged_on_the_node(void **state)
{
    (void) state;

    cigna_budget_local_charge(&b, 6);
    assert_int_equal(node.gateway.level_ns, 60 * MS);
    assert_int_equal(tenant.minimum.level_ns, 20 * MS);
    assert_int_equal(tenant.tenant.level_ns, 60 * MS);

    cigna_budget_local_charge(&b, -6);
    assert_int_equal(node.gateway.level_ns, 0);
    assert_int_equal(tenant.tenant.level_ns, 0);

    cigna_budget_local_charge(&b, INT64_MAX);
    cigna_budget_local_charge(&b, INT64_MAX);
    assert_int_equal(take(1), 0);

    b.now_ns += SECOND;
    assert_int_equal(take(1), 1);
}


static void
without_limits_there_is_nothing_to_wait_for(void **state)
{
    (void) state;

    memset(&plan, 0, sizeof(plan));

    assert_int_equal(take(1000), 1000);
    assert_int_equal(by, cigna_budget_by_none);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_node_of_four_grants_a_quarter_of_rate_and_burst),
        test(a_bucket_has_room_for_one_request_however_many_nodes_there_are),
        test(a_tenant_has_its_minimum_when_another_has_taken_the_rest),
        test(nothing_is_charged_when_the_tenants_budget_refuses),
        test(a_budget_with_dry_run_grants_and_says_what_would_refuse),
        test(requests_that_redis_granted_are_charged_on_the_node),
        test(without_limits_there_is_nothing_to_wait_for)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

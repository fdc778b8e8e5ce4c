
#include "budgeting.h"

#include "budget/cigna_budget_local.h"


static cigna_budget_plan_t    plan;
static cigna_budget_node_t    node;
static cigna_budget_tenant_t  tenant;
static cigna_budget_t         b;


static int
setup(void **state)
{
    (void) state;

    memset(&node, 0, sizeof(node));
    memset(&tenant, 0, sizeof(tenant));

    plan = (cigna_budget_plan_t) {
        .metadata = { SECOND, 4 * SECOND },
        .metadata_all = { SECOND, 6 * SECOND }
    };

    b = (cigna_budget_t) {
        .plan = &plan,
        .node = &node,
        .tenant = &tenant,
        .now_ns = 1000 * SECOND
    };

    return 0;
}


static unsigned
take(unsigned want)
{
    unsigned  n;

    for (n = 0; n < want && cigna_budget_local_metadata(&b, 0) == 0; n++) {
        (void) cigna_budget_local_metadata(&b, 1);
    }

    return n;
}


static void
a_tenant_has_a_limit_and_all_tenants_have_one(void **state)
{
    cigna_budget_tenant_t  other;

    (void) state;

    memset(&other, 0, sizeof(other));

    assert_int_equal(take(100), 4);
    assert_int_equal(cigna_budget_local_metadata(&b, 0), SECOND);

    b.tenant = &other;
    assert_int_equal(take(100), 2);
    assert_int_equal(cigna_budget_local_metadata(&b, 0), SECOND);

    b.now_ns += 2 * SECOND;
    assert_int_equal(take(100), 2);
}


static void
a_node_has_its_share_and_at_least_one_request(void **state)
{
    (void) state;

    node.nodes = 2;
    assert_int_equal(take(100), 2);
    assert_int_equal(cigna_budget_local_metadata(&b, 0), 2 * SECOND);

    (void) setup(state);
    node.nodes = 200;
    assert_int_equal(take(100), 1);
}


static void
a_request_that_is_given_back_can_be_granted_again(void **state)
{
    (void) state;

    assert_int_equal(take(100), 4);
    (void) cigna_budget_local_metadata(&b, -1);
    assert_int_equal(take(100), 1);
}


static void
without_a_limit_nothing_is_counted(void **state)
{
    (void) state;

    plan = (cigna_budget_plan_t) { 0 };
    assert_int_equal(take(100), 100);
    assert_int_equal(node.metadata.level_ns, 0);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_tenant_has_a_limit_and_all_tenants_have_one),
        test(a_node_has_its_share_and_at_least_one_request),
        test(a_request_that_is_given_back_can_be_granted_again),
        test(without_a_limit_nothing_is_counted)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

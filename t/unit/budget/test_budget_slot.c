
#include "budgeting.h"

#include "budget/cigna_budget_slot.h"


static cigna_budget_plan_t    plan;
static cigna_budget_node_t    node;
static cigna_budget_origin_t  origin;
static cigna_budget_tenant_t  tenant;
static cigna_budget_t         at, b;


static int
setup(void **state)
{
    (void) state;

    memset(&node, 0, sizeof(node));
    memset(&tenant, 0, sizeof(tenant));

    plan = (cigna_budget_plan_t) { .lease_ns = 50 * MS };

    at = (cigna_budget_t) { .plan = &plan, .node = &node,
                             .origin = &origin, .tenant = &tenant,
                            .now_ns = 1000 * SECOND };

    return 0;
}


static void
a_slot_with_the_right_checksum_keeps_its_contents(void **state)
{
    (void) state;

    cigna_budget_slot_open(&at, &b);
    tenant.credits = 7;
    node.nodes = 3;
    cigna_budget_slot_close(&b);

    cigna_budget_slot_open(&at, &b);
    assert_int_equal(tenant.credits, 7);
    assert_int_equal(node.nodes, 3);
}


/* tries each byte that a writer may have changed before it died */

static void
a_half_written_slot_is_emptied(void **state)
{
    size_t                 i;
    cigna_budget_node_t    whole_node;
    cigna_budget_tenant_t  whole;

    (void) state;

    cigna_budget_slot_open(&at, &b);
    tenant.credits = 7;
    node.nodes = 3;
    cigna_budget_slot_close(&b);

    whole = tenant;
    whole_node = node;

    for (i = 0; i < offsetof(cigna_budget_tenant_t, own) + sizeof(tenant.own);
         i++)
    {
        tenant = whole;
        tenant.room[i] ^= 1;
        cigna_budget_slot_open(&at, &b);
        assert_int_equal(tenant.credits, 0);
        assert_int_equal(node.nodes, 3);
        cigna_budget_slot_close(&b);
    }

    for (i = 0; i < offsetof(cigna_budget_node_t, metadata)
                    + sizeof(node.metadata);
         i++)
    {
        tenant = whole;
        node = whole_node;
        node.room[i] ^= 0x80;
        cigna_budget_slot_open(&at, &b);
        assert_int_equal(tenant.credits, 7);
        assert_int_equal(node.nodes, 0);
        cigna_budget_slot_close(&b);
    }
}


static void
workers_whose_clocks_differ_see_one_time(void **state)
{
    (void) state;

    cigna_budget_slot_open(&at, &b);
    cigna_budget_slot_close(&b);

    at.now_ns -= 30 * MS;
    cigna_budget_slot_open(&at, &b);
    assert_int_equal(b.now_ns, 1000 * SECOND);
}


static void
a_step_back_of_the_clock_moves_all_times_back(void **state)
{
    (void) state;

    cigna_budget_slot_open(&at, &b);
    tenant.expiry_ns = b.now_ns + 100 * MS;
    tenant.refused_ns = b.now_ns + 20 * MS;
    tenant.asked_ns = b.now_ns - 10 * MS;
    node.down_ns = b.now_ns - SECOND;
    node.asked_ns = b.now_ns - 10 * MS;
    cigna_budget_slot_close(&b);

    at.now_ns = 10 * SECOND;
    cigna_budget_slot_open(&at, &b);
    assert_int_equal(b.now_ns, 10 * SECOND);
    assert_int_equal(tenant.expiry_ns, b.now_ns + 100 * MS);
    assert_int_equal(tenant.refused_ns, b.now_ns + 20 * MS);
    assert_int_equal(tenant.asked_ns, b.now_ns - 10 * MS);
    assert_int_equal(node.asked_ns, b.now_ns - 10 * MS);
    assert_int_equal(node.down_ns, b.now_ns);
}


/* in the first loop a request comes every 5 ms: 10 in the time of a lease */

static void
demand_is_an_average_that_fades(void **state)
{
    unsigned  i;

    (void) state;

    cigna_budget_slot_open(&at, &b);

    for (i = 0; i < 1000; i++) {
        b.now_ns += 5 * MS;
        cigna_budget_slot_count(&b);
    }

    assert_in_range(tenant.demand, 9 * 256, 11 * 256);

    b.now_ns += 200 * MS;
    cigna_budget_slot_count(&b);
    assert_in_range(tenant.demand, 256 / 2, 3 * 256);

    b.now_ns += SECOND;
    cigna_budget_slot_count(&b);
    assert_int_equal(tenant.demand, 0);

    b.now_ns -= 10 * SECOND;
    cigna_budget_slot_count(&b);
    assert_int_equal(tenant.demand, 0);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_slot_with_the_right_checksum_keeps_its_contents),
        test(a_half_written_slot_is_emptied),
        test(workers_whose_clocks_differ_see_one_time),
        test(a_step_back_of_the_clock_moves_all_times_back),
        test(demand_is_an_average_that_fades)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

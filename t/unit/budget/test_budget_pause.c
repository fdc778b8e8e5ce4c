
#include "budgeting.h"

#include "budget/cigna_budget_pause.h"


static cigna_budget_plan_t    plan;
static cigna_budget_node_t    node;
static cigna_budget_origin_t  origin;
static cigna_budget_tenant_t  tenant;
static cigna_budget_t         b;


static int
setup(void **state)
{
    (void) state;

    memset(&node, 0, sizeof(node));
    memset(&origin, 0, sizeof(origin));
    memset(&tenant, 0, sizeof(tenant));

    plan = (cigna_budget_plan_t) { .lease_ns = 50 * MS };

    b = (cigna_budget_t) {
        .plan = &plan,
        .node = &node,
        .origin = &origin,
        .tenant = &tenant,
        .now_ns = 1000 * SECOND,
        .pid = 1
    };

    return 0;
}


/* asks for a pause as a reply of Cigna does; 1 if no pause was under way */

static int
ask(cigna_budget_scope_e scope, int64_t ms)
{
    int  began;

    assert_int_equal(ask_pause(&b, scope, ms, 0, &began), CIGNA_OK);
    return began;
}


static void
assert_pause(cigna_budget_scope_e scope, int64_t ms)
{
    cigna_budget_scope_e  which;

    assert_int_equal(cigna_budget_pause_left_ms(&b), ms);

    if (ms) {
        (void) cigna_budget_pause_left_ns(&b, &which);
        assert_int_equal(which, scope);
    }
}


static void
a_pause_is_of_the_tenant_or_of_all(void **state)
{
    (void) state;

    assert_ptr_equal(cigna_budget_pause_of(&b, cigna_budget_scope_own),
                     &tenant.own);
    assert_ptr_equal(cigna_budget_pause_of(&b, cigna_budget_scope_all),
                     &origin.all);
}


static void
of_two_pauses_the_longer_one_counts(void **state)
{
    (void) state;

    assert_pause(cigna_budget_scope_own, 0);

    assert_int_equal(ask(cigna_budget_scope_own, 3000), 1);
    assert_pause(cigna_budget_scope_own, 3000);

    assert_int_equal(ask(cigna_budget_scope_all, 5000), 1);
    assert_pause(cigna_budget_scope_all, 5000);

    assert_int_equal(ask(cigna_budget_scope_own, 9000), 0);
    assert_pause(cigna_budget_scope_own, 9000);

    b.now_ns += 9 * SECOND;
    assert_pause(cigna_budget_scope_own, 0);
}


static void
a_pause_known_from_redis_counts_to_the_last_millisecond(void **state)
{
    (void) state;

    cigna_budget_pause_learn(&b, cigna_budget_scope_own, 40);
    assert_pause(cigna_budget_scope_own, 40);

    b.now_ns += 40 * MS - 1;
    assert_pause(cigna_budget_scope_own, 1);

    b.now_ns++;
    assert_pause(cigna_budget_scope_own, 0);
}


static void
a_pause_voids_the_lease_unless_the_gateway_has_dry_run(void **state)
{
    int             trial;
    cigna_budget_t  slot;

    for (trial = 0; trial < 2; trial++) {
        setup(state);
        plan.gateway_dry = trial;

        cigna_budget_slot_open(&b, &slot);
        slot.tenant->credits = 5;
        cigna_budget_slot_close(&slot);

        (void) ask(cigna_budget_scope_own, -1);
        assert_int_equal(tenant.credits, trial ? 5 : 0);
    }
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_pause_is_of_the_tenant_or_of_all),
        test(of_two_pauses_the_longer_one_counts),
        test(a_pause_known_from_redis_counts_to_the_last_millisecond),
        test(a_pause_voids_the_lease_unless_the_gateway_has_dry_run)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

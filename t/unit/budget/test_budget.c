
#include "budgeting.h"


/* one node with two tenants; the tests give the replies of Redis */

static cigna_budget_plan_t          plan;
static cigna_budget_node_t          node;
static cigna_budget_origin_t        origin;
static cigna_budget_tenant_t        tenant, other;
static uint64_t                     table[CIGNA_BUDGET_MEMBERS_MIN / 8];
static cigna_budget_t               b;
static cigna_budget_answer_t        a;
static cigna_budget_lease_reply_t   r;


static int
setup(void **state)
{
    (void) state;

    memset(&node, 0, sizeof(node));
    memset(&origin, 0, sizeof(origin));
    memset(&tenant, 0, sizeof(tenant));
    memset(&other, 0, sizeof(other));
    memset(table, 0, sizeof(table));

    plan = (cigna_budget_plan_t) {
        .gateway = { 10 * MS, SECOND },
        .gateway_max_ns = SECOND,
        .member = { SECOND, 2 * SECOND },
        .ramp_all_ns = 10 * MS,
        .ramp_own_ns = 10 * MS,
        .lease_ns = 50 * MS
    };

    r = (cigna_budget_lease_reply_t) { .nodes = 1 };

    b = (cigna_budget_t) {
        .plan = &plan,
        .node = &node,
        .origin = &origin,
        .tenant = &tenant,
        .members = cigna_budget_members_init(table, sizeof(table)),
        .now_ns = 1000 * SECOND,
        .pid = 1
    };

    return 0;
}


static void
after(int64_t ms)
{
    b.now_ns += ms * MS;
}


static cigna_budget_rc_e
decide(void)
{
    cigna_budget_decide(&b, 1, 0, &a);

    return a.rc;
}


static int
reply(uint64_t call, int64_t want, int64_t granted)
{
    r.grant.granted = granted;

    return cigna_budget_leased(&b, call, want, &r);
}


/* a request asks Redis, which grants "granted" requests */

static void
lease(int64_t granted)
{
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_true(a.ask > 0);
    assert_int_equal(reply(a.call, 1, granted), 0);
}


static unsigned
spend(unsigned n)
{
    unsigned  i;

    for (i = 0; i < n && decide() == cigna_budget_rc_granted; i++) {
        /* void */
    }

    return i;
}


static void
the_first_request_asks_and_the_others_wait_for_it(void **state)
{
    uint64_t  call;

    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 1);
    assert_int_equal(a.wait_ms, CIGNA_BUDGET_POLL_MS);
    call = a.call;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 0);

    assert_int_equal(reply(call, 1, 1), 0);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.by, cigna_budget_by_none);
    assert_int_equal(a.ask, 0);

    /* one lease for all four requests that wait at the same time */

    cigna_budget_decide(&b, 4, 0, &a);
    assert_int_equal(a.rc, cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 4);
    assert_int_equal(reply(a.call, 4, 4), 0);
    assert_int_equal(spend(10), 4);
}


static void
at_most_two_calls_are_made_in_2_2_times_the_lease(void **state)
{
    (void) state;

    lease(1);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    after(10);
    lease(1);
    assert_int_equal(decide(), cigna_budget_rc_granted);

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 0);
    assert_int_equal(a.wait_ms, 100);

    after(100);
    cigna_budget_decide(&b, 5, 1, &a);
    assert_int_equal(a.rc, cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 5);
}


static void
after_a_refusal_no_call_is_made_before_the_lease_time(void **state)
{
    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    r.grant.by = cigna_budget_by_gateway;
    r.grant.wait_ns = MS;
    assert_int_equal(reply(a.call, 2, 1), 0);
    assert_int_equal(decide(), cigna_budget_rc_granted);

    after(49);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    after(1);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_true(a.ask > 0);
}


/* the rates or the data in Redis may have changed since the refusal */

static void
a_long_refusal_is_asked_about_again(void **state)
{
    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    r.grant.by = cigna_budget_by_tenant;
    r.grant.wait_ns = 3600 * SECOND;
    assert_int_equal(reply(a.call, 1, 0), 0);

    after(2999);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.ask, 0);

    after(1);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.wait_ms, 3597000);
    assert_true(a.ask > 0);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.ask, 0);

    r.grant.wait_ns -= 3 * SECOND;
    assert_int_equal(reply(tenant.call, 1, 0), 0);
    after(3000);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.wait_ms, 3594000);
    assert_true(a.ask > 0);

    r.grant.by = cigna_budget_by_none;
    r.grant.wait_ns = 0;
    assert_int_equal(reply(tenant.call, 1, 1), 0);
    assert_int_equal(decide(), cigna_budget_rc_granted);
}


static void
credits_expire_after_twice_the_lease(void **state)
{
    (void) state;

    lease(3);
    after(99);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    after(1);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 1);
}


static void
a_new_lease_adds_to_the_rest_of_the_last_one(void **state)
{
    (void) state;

    plan.member.every_ns = 0;

    lease(3);
    after(60);
    assert_int_equal(reply(0, 1, 2), 0);
    after(60);
    assert_int_equal(spend(10), 5);
}


static void
a_busy_tenant_asks_before_its_credits_are_spent(void **state)
{
    unsigned  i, waited, asked;

    (void) state;

    lease(1);
    waited = 0;
    asked = 0;

    for (i = 0; i < 2000; i++) {
        after(1 + i % 5);

        if (decide() == cigna_budget_rc_waiting) {
            waited++;
        }

        if (a.ask) {
            asked++;
            assert_int_equal(reply(a.call, a.ask, a.ask), 0);
        }
    }

    /* of 2000 requests within 6 s few waited, and few asked Redis */

    assert_in_range(waited, 0, 60);
    assert_in_range(asked, 60, 120);
}


static void
no_call_is_made_before_a_refusal_is_over(void **state)
{
    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);

    r.grant.by = cigna_budget_by_tenant;
    r.grant.wait_ns = 200 * MS;
    assert_int_equal(reply(a.call, 2, 1), 0);

    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_tenant);
    assert_int_equal(a.wait_ms, 200);
    assert_int_equal(a.ask, 0);

    after(199);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.wait_ms, 1);
    after(1);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_true(a.ask > 0);
}


static void
a_refused_request_is_charged_to_neither_member_nor_lease(void **state)
{
    (void) state;

    b.member = 7;
    lease(10);

    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.member, 1);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_member);
    assert_int_equal(a.wait_ms, 1000);
    assert_int_equal(tenant.credits, 8);

    b.member = 8;
    tenant.credits = 0;
    tenant.sum = 0;
    after(200);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(reply(a.call, 2, 2), 0);
    assert_int_equal(spend(10), 2);
}


static void
a_request_that_was_not_sent_is_given_back_while_the_lease_lasts(void **state)
{
    cigna_budget_answer_t  first;

    (void) state;

    b.member = 7;
    lease(2);

    assert_int_equal(decide(), cigna_budget_rc_granted);
    first = a;
    assert_int_equal(decide(), cigna_budget_rc_granted);
    cigna_budget_give_back(&b, &first);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_member);

    after(100);
    cigna_budget_give_back(&b, &first);
    assert_int_equal(tenant.credits, 0);
    after(2000);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
}


static void
later_requests_pay_for_another_attempt(void **state)
{
    (void) state;

    lease(1);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    cigna_budget_charge_after(&b);
    cigna_budget_charge_after(&b);
    assert_int_equal(tenant.credits, -2);

    after(1000);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 3);
    assert_int_equal(reply(a.call, 3, 3), 0);
    assert_int_equal(decide(), cigna_budget_rc_granted);
}


static void
a_dry_run_grants_and_says_what_would_have_refused(void **state)
{
    (void) state;

    plan.gateway_dry = 1;
    plan.member_dry = 1;
    b.member = 7;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    r.grant.gateway_dry = 1;
    assert_int_equal(reply(a.call, 4, 4), 0);

    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.by, cigna_budget_by_gateway);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.by, cigna_budget_by_none);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.by, cigna_budget_by_member);
    assert_int_equal(a.member, 0);

    r.grant.pause_ns = SECOND;
    assert_int_equal(reply(0, 1, 0), 0);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.by, cigna_budget_by_pause);
}


/* tests of pauses */

static void
a_429_pauses_the_node_at_once(void **state)
{
    int  began;

    (void) state;

    lease(10);

    assert_int_equal(ask_pause(&b, cigna_budget_scope_own, -1, 0, &began),
                     CIGNA_OK);
    assert_int_equal(began, 1);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_pause);
    assert_int_equal(a.wait_ms, 1000);

    /* late replies to earlier requests begin no new pause */

    after(100);
    assert_int_equal(ask_pause(&b, cigna_budget_scope_own, -1, 0, &began),
                     CIGNA_NONE);
    assert_int_equal(began, 0);
    assert_int_equal(ask_pause(&b, cigna_budget_scope_own, 3000, 0, &began),
                     CIGNA_OK);
    assert_int_equal(began, 0);

    /*
     * An operator may have ended the pause in Redis.  One request asks Redis
     * about the pause only, and wants no requests granted.
     */

    after(2900);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_true(a.call > 0);
    assert_int_equal(a.ask, 0);
    r.grant.pause_ns = 100 * MS;
    assert_int_equal(reply(a.call, 0, 0), 0);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.call, 0);
    r.grant.pause_ns = 0;
    after(100);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 1);
}


static void
a_503_pauses_all_tenants_and_voids_their_leases(void **state)
{
    int                    began;
    cigna_budget_scope_e   scope;

    (void) state;

    lease(10);
    after(10);
    b.tenant = &other;
    assert_int_equal(ask_pause(&b, cigna_budget_scope_all, 60, 0, &began),
                     CIGNA_OK);

    b.tenant = &tenant;
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(cigna_budget_pause_left_ms(&b), 1000);
    (void) cigna_budget_pause_left_ns(&b, &scope);
    assert_int_equal(scope, cigna_budget_scope_all);

    cigna_budget_pause_learn(&b, cigna_budget_scope_all, 40);
    after(40);
    assert_int_equal(cigna_budget_pause_left_ms(&b), 0);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
}


static void
a_lease_asked_for_before_a_pause_is_void(void **state)
{
    int       began;
    uint64_t  call;

    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    call = a.call;

    (void) ask_pause(&b, cigna_budget_scope_own, -1, 0, &began);
    assert_int_equal(reply(call, 1, 10), 0);
    assert_int_equal(tenant.credits, 0);
    after(1000);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
}


static void
a_reply_with_a_pause_makes_all_tenants_pause(void **state)
{
    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);

    r.grant.by = cigna_budget_by_pause;
    r.grant.wait_ns = 2 * SECOND;
    r.grant.pause_ns = 2 * SECOND;
    r.grant.scope = cigna_budget_scope_all;
    assert_int_equal(reply(a.call, 1, 0), 0);

    b.tenant = &other;
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_pause);
    assert_int_equal(a.wait_ms, 2000);
}


static void
a_pause_that_an_operator_ends_is_over_for_all_within_seconds(void **state)
{
    int  began;

    (void) state;

    lease(10);
    (void) ask_pause(&b, cigna_budget_scope_all, 300000, 0, &began);

    /* another tenant of the origin is refused, too */

    b.tenant = &other;
    assert_int_equal(decide(), cigna_budget_rc_refused);

    after(60000);
    b.tenant = &tenant;
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 0);
    r.all_ended_ms = 1 + 2000;
    assert_int_equal(reply(a.call, 0, 0), 0);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 1);

    b.tenant = &other;
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 1);

    /* the end of an earlier pause does not end a later one */

    after(1000);
    (void) ask_pause(&b, cigna_budget_scope_all, 300000, 0, &began);
    r.all_ended_ms = 1 + 3000;
    assert_int_equal(reply(a.call, 1, 0), 0);
    assert_int_equal(decide(), cigna_budget_rc_refused);
}


static void
tenants_of_another_origin_do_not_pause(void **state)
{
    int                     began;
    cigna_budget_origins_t  origins;

    (void) state;

    memset(&origins, 0, sizeof(origins));

    b.origin = cigna_budget_origin(&origins, 1, b.now_ns);
    (void) ask_pause(&b, cigna_budget_scope_all, 300000, 0, &began);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(cigna_budget_origin_known(&origins, 1)->pauses, 1);

    b.tenant = &other;
    b.origin = cigna_budget_origin(&origins, 2, b.now_ns);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_null(cigna_budget_origin_known(&origins, 3));

    /* the pause of a tenant at one origin does not count at another origin */

    b.tenant = &tenant;
    (void) ask_pause(&b, cigna_budget_scope_own, 300000, 0, &began);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    b.origin = cigna_budget_origin(&origins, 3, b.now_ns);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
}


static void
origins_without_a_pause_give_way_in_a_full_table(void **state)
{
    int                     began;
    uint64_t                key;
    cigna_budget_origins_t  origins;

    (void) state;

    memset(&origins, 0, sizeof(origins));

    for (key = 1; key <= 4 * CIGNA_BUDGET_ORIGINS; key++) {
        b.origin = cigna_budget_origin(&origins, key, b.now_ns);

        if (key < CIGNA_BUDGET_ORIGINS) {
            (void) ask_pause(&b, cigna_budget_scope_all, 300000, 0, &began);
        }
    }

    for (key = 1; key < CIGNA_BUDGET_ORIGINS; key++) {
        b.origin = cigna_budget_origin(&origins, key, b.now_ns);
        assert_int_equal(decide(), cigna_budget_rc_refused);
    }

    assert_int_equal(b.origin->pauses, 1);
}


/* requests for metadata: a burst of 2 for a tenant, and of 3 for all tenants */

static void
metadata_has_a_limit_of_its_own(void **state)
{
    int64_t  level_ns;

    (void) state;

    plan.metadata = (cigna_gcra_limit_t) { 10 * SECOND, 20 * SECOND };
    plan.metadata_all = (cigna_gcra_limit_t) { 10 * SECOND, 30 * SECOND };

    lease(10);
    level_ns = node.gateway.level_ns;
    b.member = CIGNA_BUDGET_METADATA;

    assert_int_equal(spend(50), 2);
    assert_int_equal(a.rc, cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_metadata);
    assert_int_equal(a.wait_ms, 10000);
    assert_int_equal(tenant.credits, 10);
    assert_int_equal(node.gateway.level_ns, level_ns);

    /* another tenant gets the rest of the burst that all tenants share */

    b.tenant = &other;
    assert_int_equal(spend(50), 1);
    assert_int_equal(other.credits, 0);

    /* a request that was not sent is given back; another attempt is charged */

    b.tenant = &tenant;
    after(10000);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    cigna_budget_give_back(&b, &a);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    cigna_budget_charge_after(&b);
    after(10000);
    assert_int_equal(decide(), cigna_budget_rc_refused);

    /* each of two nodes has half of the limit */

    after(100000);
    node.nodes = 0;
    memset(&node, 0, sizeof(node));
    r.nodes = 2;
    assert_int_equal(reply(0, 0, 0), 0);
    assert_int_equal(spend(50), 1);
    assert_int_equal(a.wait_ms, 20000);
}


static void
a_pause_refuses_metadata_at_once(void **state)
{
    int  began;

    (void) state;

    b.member = CIGNA_BUDGET_METADATA;

    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_true(a.call > 0);
    assert_int_equal(a.ask, 0);
    assert_int_equal(reply(a.call, 0, 0), 0);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.call, 0);

    (void) ask_pause(&b, cigna_budget_scope_all, 60000, 0, &began);
    after(1500);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_pause);

    /* requests for metadata while Redis does not answer */

    assert_int_equal(cigna_budget_failed(&b, a.call), 1);
    after(100000);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    plan.outage = cigna_budget_outage_closed;
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_outage);
}


/* a tenant's dry_run concerns its rate and not its pauses */

static void
a_tenant_with_dry_run_pauses_like_others(void **state)
{
    int  began;

    (void) state;

    plan.tenant_dry = 1;
    lease(10);

    (void) ask_pause(&b, cigna_budget_scope_all, 5000, 0, &began);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_pause);

    plan.outage = cigna_budget_outage_closed;
    after(9000);
    assert_int_equal(cigna_budget_failed(&b, 0), 1);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_outage);
}


/* with the gateway's dry_run the budgets of tenants and members still refuse */

static void
a_gateway_with_dry_run_charges_but_does_not_pause(void **state)
{
    int                   began;

    (void) state;

    plan.gateway_dry = 1;
    b.member = 7;

    (void) ask_pause(&b, cigna_budget_scope_own, 5000, 0, &began);
    r.grant.pause_ns = 5 * SECOND;
    lease(5);
    assert_int_equal(cigna_budget_pause_left_ms(&b), 5000);

    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.by, cigna_budget_by_pause);
    assert_int_equal(a.leased, 1);
    assert_int_equal(a.member, 1);
    assert_int_equal(decide(), cigna_budget_rc_granted);

    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_member);
    assert_int_equal(tenant.credits, 3);
}


static void
outage_closed_with_dry_run_leaves_tenants_limited(void **state)
{
    (void) state;

    plan.outage = cigna_budget_outage_closed;
    plan.gateway_dry = 1;
    plan.tenant = (cigna_gcra_limit_t) { SECOND, 2 * SECOND };

    assert_int_equal(cigna_budget_failed(&b, 0), 1);

    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.by, cigna_budget_by_outage);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_tenant);
}


/* tests of outages of Redis */

static void
when_redis_is_down_a_node_has_its_share(void **state)
{
    (void) state;

    r.nodes = 4;
    lease(0);
    after(50);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(cigna_budget_failed(&b, a.call), 1);

    /* one of 4 nodes has a quarter of 100r/s with a burst of 100 */

    assert_int_equal(spend(100), 25);
    assert_int_equal(a.rc, cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_gateway);
    assert_int_equal(a.outage, 1);
    assert_int_equal(a.wait_ms, 40);

    after(40);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.local, 1);
    cigna_budget_give_back(&b, &a);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    cigna_budget_charge_after(&b);
    after(40);
    assert_int_equal(decide(), cigna_budget_rc_refused);
}


static void
one_call_per_lease_looks_whether_redis_is_back(void **state)
{
    unsigned  i, asked;

    (void) state;

    (void) decide();
    assert_int_equal(cigna_budget_failed(&b, a.call), 1);
    asked = 0;

    for (i = 0; i < 1000; i++) {
        after(1);
        b.tenant = i % 2 ? &tenant : &other;
        (void) decide();
        assert_int_equal(a.outage_began, 0);

        if (a.ask) {
            asked++;
            assert_int_equal(cigna_budget_failed(&b, a.call), 0);
        }
    }

    assert_in_range(asked, 18, 20);

    after(50);
    (void) decide();
    assert_true(a.ask > 0);
    assert_int_equal(reply(a.call, 1, 1), 1);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.outage, 0);
}


static void
a_late_reply_begins_an_outage(void **state)
{
    uint64_t  call;

    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    call = a.call;

    after(CIGNA_BUDGET_PATIENCE_MS - 1);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    after(1);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.outage, 1);
    assert_int_equal(a.outage_began, 1);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.outage_began, 0);

    assert_int_equal(reply(call, 1, 1), 1);
}


static void
outage_open_grants_all_and_outage_closed_none(void **state)
{
    (void) state;

    (void) decide();
    (void) cigna_budget_failed(&b, a.call);

    plan.outage = cigna_budget_outage_open;
    assert_int_equal(spend(1000), 1000);

    plan.outage = cigna_budget_outage_closed;
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.by, cigna_budget_by_outage);
    assert_int_equal(a.wait_ms, 1000);

    b.member = 7;
    plan.outage = cigna_budget_outage_open;
    assert_int_equal(spend(10), 2);
}


/* alive() for a worker with pid 1 that has died */

static int
dead(int32_t pid)
{
    assert_int_equal(pid, 1);

    return 0;
}


static void
a_worker_that_dies_while_it_asks_is_replaced(void **state)
{
    uint64_t  call;

    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    call = a.call;

    b.pid = 2;
    b.alive = dead;
    after(49);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 0);
    after(1);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_true(a.ask > 0);
    assert_true(a.call != call);

    /*
     * the late reply to the first call counts, and does not end the second call
     */

    b.alive = NULL;
    assert_int_equal(reply(call, 1, 1), 0);
    assert_int_equal(tenant.under_way, 1);
    assert_int_equal(decide(), cigna_budget_rc_granted);
}


static void
a_half_written_slot_loses_its_lease(void **state)
{
    (void) state;

    lease(10);
    tenant.credits = 11;
    after(1);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_int_equal(a.ask, 1);
}


static void
a_clock_that_steps_back_delays_no_request(void **state)
{
    (void) state;

    assert_int_equal(decide(), cigna_budget_rc_waiting);
    r.grant.by = cigna_budget_by_gateway;
    r.grant.wait_ns = 200 * MS;
    assert_int_equal(reply(a.call, 2, 1), 0);
    assert_int_equal(decide(), cigna_budget_rc_granted);

    after(-3600 * 1000);
    assert_int_equal(decide(), cigna_budget_rc_refused);
    assert_int_equal(a.wait_ms, 200);
    after(200);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    assert_true(a.ask > 0);
    after(-3600 * 1000);
    assert_int_equal(decide(), cigna_budget_rc_waiting);
    after(CIGNA_BUDGET_PATIENCE_MS);
    assert_int_equal(decide(), cigna_budget_rc_granted);
    assert_int_equal(a.outage, 1);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_first_request_asks_and_the_others_wait_for_it),
        test(at_most_two_calls_are_made_in_2_2_times_the_lease),
        test(after_a_refusal_no_call_is_made_before_the_lease_time),
        test(a_long_refusal_is_asked_about_again),
        test(credits_expire_after_twice_the_lease),
        test(a_new_lease_adds_to_the_rest_of_the_last_one),
        test(a_busy_tenant_asks_before_its_credits_are_spent),
        test(no_call_is_made_before_a_refusal_is_over),
        test(a_refused_request_is_charged_to_neither_member_nor_lease),
        test(a_request_that_was_not_sent_is_given_back_while_the_lease_lasts),
        test(later_requests_pay_for_another_attempt),
        test(a_dry_run_grants_and_says_what_would_have_refused),
        test(a_429_pauses_the_node_at_once),
        test(a_tenant_with_dry_run_pauses_like_others),
        test(a_gateway_with_dry_run_charges_but_does_not_pause),
        test(outage_closed_with_dry_run_leaves_tenants_limited),
        test(a_503_pauses_all_tenants_and_voids_their_leases),
        test(a_lease_asked_for_before_a_pause_is_void),
        test(a_reply_with_a_pause_makes_all_tenants_pause),
        test(a_pause_that_an_operator_ends_is_over_for_all_within_seconds),
        test(tenants_of_another_origin_do_not_pause),
        test(origins_without_a_pause_give_way_in_a_full_table),
        test(metadata_has_a_limit_of_its_own),
        test(a_pause_refuses_metadata_at_once),
        test(when_redis_is_down_a_node_has_its_share),
        test(one_call_per_lease_looks_whether_redis_is_back),
        test(a_late_reply_begins_an_outage),
        test(outage_open_grants_all_and_outage_closed_none),
        test(a_worker_that_dies_while_it_asks_is_replaced),
        test(a_half_written_slot_loses_its_lease),
        test(a_clock_that_steps_back_delays_no_request)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

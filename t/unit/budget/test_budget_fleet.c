
#include <stdio.h>
#include <stdlib.h>

#include "budgeting.h"
#include "budget_model.h"


/*
 * Fleets of nodes, a Redis, and an upstream that may ask for a pause, in
 * virtual time.  model_lease() stands for Redis: test_budget_scripts.c compares
 * it with the script.  A call to Redis takes 1 ms, and a request to the
 * upstream 20 ms.
 */

#define NODES_MAX    6
#define TENANTS_MAX  4
#define QUEUE_MAX    64
#define CALLS_MAX    256

#define CALL_MS      1
#define UPSTREAM_MS  20


typedef enum {
    call_lease = 0,
    call_pause,
    call_upstream
} call_e;


typedef struct {
    call_e                       type;
    int64_t                      due_ms;   /* when the call ends; 0: the struct
                                              is not in use */
    unsigned                     node;
    unsigned                     tenant;
    uint64_t                     call;
    int64_t                      want;
    cigna_budget_lease_reply_t   lease;
    cigna_budget_scope_e         scope;
    int64_t                      left_ms;
    unsigned                     failed;
} call_t;


typedef struct {
    cigna_budget_node_t          node;
    cigna_budget_origin_t        origin;
    cigna_budget_tenant_t        tenants[TENANTS_MAX];
    unsigned                     queue[TENANTS_MAX];   /* waiting requests */
    unsigned                     fresh[TENANTS_MAX];   /* requests in the queue
                                                          that came during a
                                                          call */
    int64_t                      calls[TENANTS_MAX];
    int64_t                      skew_ms;  /* the node's clock minus now_ms */
} node_t;


typedef struct {
    unsigned                     nodes;
    unsigned                     tenants;
    int64_t                      now_ms;
    uint64_t                     seed;

    cigna_budget_plan_t          plans[TENANTS_MAX];
    unsigned                     offered[TENANTS_MAX];  /* requests a second
                                                           on all nodes */

    node_t                       node[NODES_MAX];
    call_t                       calls[CALLS_MAX];

    cigna_gcra_t                 gateway;
    cigna_gcra_t                 minimum[TENANTS_MAX];
    cigna_gcra_t                 tenant[TENANTS_MAX];
    model_pause_t          all;
    model_pause_t          own[TENANTS_MAX];

    int64_t                      redis_skew_ms;
    unsigned                     redis_down;
    unsigned                     too_many;     /* 1: the upstream answers 429 */

    int64_t                      arrived[TENANTS_MAX];
    int64_t                      sent[TENANTS_MAX];
    int64_t                      refused[TENANTS_MAX];
} fleet_t;


static fleet_t  fleet;


static int64_t
sent(void)
{
    int64_t   n;
    unsigned  i;

    n = 0;

    for (i = 0; i < fleet.tenants; i++) {
        n += fleet.sent[i];
    }

    return n;
}


static cigna_budget_t
place(unsigned n, unsigned i)
{
    return (cigna_budget_t) {
        .plan = &fleet.plans[i],
        .node = &fleet.node[n].node,
        .origin = &fleet.node[n].origin,
        .tenant = &fleet.node[n].tenants[i],
        .now_ns = (fleet.now_ms + fleet.node[n].skew_ms) * MS,
        .pid = 1
    };
}


static call_t *
add_call(call_e type, unsigned n, unsigned i, int64_t ms)
{
    call_t    *c;
    unsigned   k;

    for (k = 0; k < CALLS_MAX && fleet.calls[k].due_ms; k++) { /* void */ }

    if (k == CALLS_MAX) {
        fail_msg("too many calls are under way");
    }

    c = &fleet.calls[k];

    *c = (call_t) { .type = type, .node = n, .tenant = i,
                    .due_ms = fleet.now_ms + ms };

    return c;
}


static void
ask_redis(unsigned n, unsigned i, const cigna_budget_answer_t *a)
{
    call_t                  *c;
    model_buckets_t   b;

    fleet.node[n].calls[i]++;

    c = add_call(call_lease, n, i, CALL_MS);
    c->call = a->call;
    c->want = a->ask;
    c->failed = fleet.redis_down;

    if (c->failed) {
        return;
    }

    b = (model_buckets_t) { &fleet.gateway, &fleet.minimum[i],
                                   &fleet.tenant[i], &fleet.all,
                                   &fleet.own[i] };

    model_lease(&fleet.plans[i], &b, a->ask,
                      (fleet.now_ms + fleet.redis_skew_ms) * MS,
                      &c->lease.grant);
    c->lease.nodes = fleet.nodes;
}


static cigna_budget_rc_e
decide(unsigned n, unsigned i, int again)
{
    cigna_budget_t         b;
    cigna_budget_answer_t  a;

    b = place(n, i);
    cigna_budget_decide(&b, fleet.node[n].queue[i] + 1, again, &a);

    if (a.call) {
        ask_redis(n, i, &a);
    }

    switch (a.rc) {

    case cigna_budget_rc_granted:
        fleet.sent[i]++;

        if (fleet.too_many) {
            (void) add_call(call_upstream, n, i, UPSTREAM_MS);
        }

        break;

    case cigna_budget_rc_refused:
        assert_true(a.wait_ms > 0);
        fleet.refused[i]++;
        break;

    case cigna_budget_rc_waiting:
        assert_true(a.wait_ms > 0);
        break;
    }

    return a.rc;
}


static void
serve_queue(unsigned n, unsigned i)
{
    int      again;
    node_t  *node;

    node = &fleet.node[n];

    while (node->queue[i]) {
        again = node->queue[i] > node->fresh[i];

        node->queue[i]--;
        node->fresh[i] -= !again;

        if (decide(n, i, again) == cigna_budget_rc_waiting) {
            node->queue[i]++;
            return;
        }
    }
}


static void
too_many(unsigned n, unsigned i)
{
    int              began;
    call_t          *c;
    unsigned         jitter;
    cigna_budget_t   b;

    b = place(n, i);
    jitter = (unsigned) some(&fleet.seed, CIGNA_PAUSE_JITTER_MAX + 1);

    if (ask_pause(&b, cigna_budget_scope_own, -1, jitter, &began)
        != CIGNA_OK)
    {
        return;
    }

    c = add_call(call_pause, n, i, CALL_MS);
    c->left_ms = model_pause(&fleet.own[i], -1, jitter,
                                         fleet.now_ms * MS);
}


static void
end_call(call_t *c)
{
    cigna_budget_t  b;

    b = place(c->node, c->tenant);
    c->due_ms = 0;

    switch (c->type) {

    case call_lease:

        if (c->failed) {
            (void) cigna_budget_failed(&b, c->call);

        } else {
            (void) cigna_budget_leased(&b, c->call, c->want, &c->lease);
        }

        serve_queue(c->node, c->tenant);
        break;

    case call_pause:
        cigna_budget_pause_learn(&b, cigna_budget_scope_own, c->left_ms);
        break;

    case call_upstream:
        too_many(c->node, c->tenant);
        break;
    }
}


/* runs one ms: ends due calls, and gives each new request to a random node */

static void
run_ms(void)
{
    unsigned  i, k, n;

    fleet.now_ms++;

    for (k = 0; k < CALLS_MAX; k++) {
        if (fleet.calls[k].due_ms && fleet.calls[k].due_ms <= fleet.now_ms) {
            end_call(&fleet.calls[k]);
        }
    }

    for (i = 0; i < fleet.tenants; i++) {

        for (n = 0; n < fleet.nodes; n++) {
            serve_queue(n, i);
        }

        k = fleet.offered[i] / 1000
            + (some(&fleet.seed, 1000) < fleet.offered[i] % 1000);

        for ( /* void */ ; k; k--) {
            n = (unsigned) some(&fleet.seed, fleet.nodes);
            fleet.arrived[i]++;

            if (fleet.node[n].queue[i]) {

                if (fleet.node[n].queue[i] < QUEUE_MAX) {
                    fleet.node[n].queue[i]++;
                    fleet.node[n].fresh[i]++;
                }

            } else if (decide(n, i, 0) == cigna_budget_rc_waiting) {
                fleet.node[n].queue[i]++;
            }
        }
    }
}


static void
run_for(int64_t ms)
{
    for ( /* void */ ; ms; ms--) {
        run_ms();
    }
}


static void
start_counting(void)
{
    memset(fleet.arrived, 0, sizeof(fleet.arrived));
    memset(fleet.sent, 0, sizeof(fleet.sent));
    memset(fleet.refused, 0, sizeof(fleet.refused));
}


static void
make_fleet(unsigned nodes, const char *rate, unsigned burst,
    const cigna_budget_tenant_conf_t *t, unsigned tenants)
{
    cigna_budget_gateway_conf_t  g;

    memset(&fleet, 0, sizeof(fleet));

    fleet.nodes = nodes;
    fleet.tenants = tenants;
    fleet.now_ms = 1000000;
    fleet.seed = 1;

    g = (cigna_budget_gateway_conf_t) { .rate = a_rate(rate), .burst = burst,
                                        .lease_ms = 50 };

    make_plans(&g, t, tenants, fleet.plans);
}


static const cigna_budget_tenant_conf_t  plain[TENANTS_MAX];


static void
assert_between(const char *what, int64_t n, int64_t low, int64_t high)
{
    if (getenv("CIGNA_FIGURES")) {
        print_message("%s: %ld of %ld..%ld\n", what, n, low, high);
    }

    if (n < low || n > high) {
        fail_msg("%s: %ld is not %ld..%ld", what, n, low, high);
    }
}


static void
a_fleet_sends_rate_times_time_and_the_burst(void **state)
{
    size_t  i;

    static const struct {
        const char  *rate;
        unsigned     per_s;
        unsigned     burst;
        unsigned     nodes;
        unsigned     tenants;
    } cases[] = {
        { "100r/s", 100, 100, 1, 1 },
        { "100r/s", 100, 100, 2, 1 },
        { "100r/s", 100, 100, 2, 2 },
        { "100r/s", 100, 20, 6, 4 },
        { "1000r/s", 1000, 1000, 2, 1 },
        { "5000r/s", 5000, 100, 3, 2 },
        { "600r/m", 10, 10, 2, 1 }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned  k;
        int64_t   most;

        make_fleet(cases[i].nodes, cases[i].rate, cases[i].burst, plain,
                   cases[i].tenants);

        for (k = 0; k < cases[i].tenants; k++) {
            fleet.offered[k] = 3 * cases[i].per_s / cases[i].tenants;
        }

        run_for(30000);

        most = 30 * cases[i].per_s
               + (int64_t) real_burst(&fleet.plans[0]);

        assert_between(cases[i].rate, sent(), most - most / 100, most);
    }
}


static void
a_node_makes_no_more_than_twenty_calls_a_second(void **state)
{
    unsigned  i, n;

    (void) state;

    make_fleet(2, "1000r/s", 0, plain, 2);
    fleet.offered[0] = 3000;
    fleet.offered[1] = 300;

    run_for(30000);

    for (n = 0; n < fleet.nodes; n++) {
        for (i = 0; i < fleet.tenants; i++) {
            assert_between("calls", fleet.node[n].calls[i], 100, 30 * 20);
        }
    }
}


/* requests may wait, but all are sent, except for a few that wait at the end */

static void
a_tenant_below_its_rate_is_not_refused(void **state)
{
    (void) state;

    make_fleet(3, "200r/s", 0, plain, 2);
    fleet.offered[0] = 120;
    fleet.offered[1] = 3;

    run_for(60000);

    assert_between("refused", fleet.refused[0] + fleet.refused[1], 0, 0);
    assert_between("sent", sent(),
                   fleet.arrived[0] + fleet.arrived[1] - 8, 10000);
}


/* the client sends the next request when it has the reply to the last one */

static void
a_client_with_one_request_at_a_time_seldom_waits(void **state)
{
    int64_t  free_ms;

    (void) state;

    make_fleet(1, "1000r/s", 0, plain, 1);
    free_ms = 0;

    while (fleet.now_ms < 1000000 + 20000) {

        run_ms();

        if (fleet.now_ms < free_ms || fleet.node[0].queue[0]) {
            continue;
        }

        fleet.arrived[0]++;
        fleet.node[0].queue[0] += decide(0, 0, 0) == cigna_budget_rc_waiting;

        free_ms = fleet.now_ms + 5;
    }

    assert_between("one by one", sent(), 20000 / 5 * 9 / 10, 20000 / 5);
}


static void
one_tenant_at_ten_times_its_share_leaves_the_others_theirs(void **state)
{
    int64_t   most;
    unsigned  i;

    (void) state;

    make_fleet(2, "120r/s", 0, plain, 4);
    fleet.offered[0] = 300;

    for (i = 1; i < 4; i++) {
        fleet.offered[i] = 30;
    }

    run_for(2000);
    start_counting();
    run_for(30000);

    for (i = 1; i < 4; i++) {
        most = fleet.arrived[i] < 900 ? fleet.arrived[i] : 900;
        assert_between("share", fleet.sent[i], most * 95 / 100, 1000);
    }

    assert_between("all", sent(), 30 * 120 * 98 / 100, 30 * 120 + 120);
}


static void
a_busy_tenant_gets_what_quiet_ones_leave(void **state)
{
    (void) state;

    make_fleet(2, "100r/s", 0, plain, 4);
    fleet.offered[2] = 300;

    run_for(30000);

    assert_between("alone", fleet.sent[2], 30 * 100 * 99 / 100, 30 * 100 + 100);
}


static void
a_tenant_has_its_minimum_at_once_after_a_quiet_time(void **state)
{
    cigna_budget_tenant_conf_t  t[2];

    (void) state;

    memset(t, 0, sizeof(t));
    t[1].minimum = a_rate("30r/s");

    make_fleet(2, "100r/s", 0, t, 2);
    fleet.offered[0] = 1000;

    run_for(20000);
    start_counting();
    fleet.offered[1] = 30;
    run_for(1000);

    assert_int_equal(fleet.refused[1], 0);
    assert_between("first second", fleet.sent[1], 15, 45);

    fleet.offered[1] = 300;
    run_for(2000);
    start_counting();
    run_for(20000);

    assert_between("minimum", fleet.sent[1], 30 * 20 * 95 / 100, 2000);
    assert_between("other minimum", fleet.sent[0], 70 * 20 * 95 / 100, 2000);
    assert_between("all", sent(), 1980, 2100);
}


static void
a_tenants_own_budget_holds_beside_the_gateways(void **state)
{
    cigna_budget_tenant_conf_t  t[2];

    (void) state;

    memset(t, 0, sizeof(t));
    t[0].rate = a_rate("20r/s");

    make_fleet(2, "100r/s", 0, t, 2);
    fleet.offered[0] = 300;
    fleet.offered[1] = 60;

    run_for(30000);

    assert_between("own", fleet.sent[0], 30 * 20 * 99 / 100, 30 * 20 + 20);
    assert_int_equal(fleet.refused[1], 0);
}


static void
ten_seconds_after_an_outage_the_full_rate_is_back(void **state)
{
    int64_t    arrived;
    unsigned   i, nodes;
    uint64_t   seed;

    (void) state;

    for (seed = 1; seed <= 12; seed++) {
        nodes = 1 + seed % 4;

        make_fleet(nodes, "100r/s", 0, plain, 2);
        fleet.seed = seed;
        fleet.offered[0] = 300;

        run_for(5000 + 37 * (int64_t) seed);

        start_counting();
        fleet.too_many = 1;
        run_for(10000);
        fleet.too_many = 0;
        arrived = fleet.arrived[0];

        assert_between("sent into it", sent(), 5, arrived * 5 / 100);

        for (i = 0; i < 9; i++) {
            run_for(1000);
        }

        start_counting();
        run_for(5000);
        assert_between("a second after that", sent(), 5 * 100 * 98 / 100,
                       5 * 100 + 100);
    }
}


static void
a_tenant_without_a_rate_pauses_too(void **state)
{
    (void) state;

    make_fleet(2, "", 0, plain, 1);
    fleet.offered[0] = 500;

    run_for(2000);
    assert_int_equal(fleet.refused[0], 0);

    start_counting();
    fleet.too_many = 1;
    run_for(10000);
    fleet.too_many = 0;

    assert_between("sent into it", sent(), 5, fleet.arrived[0] * 5 / 100);

    run_for(9000);
    start_counting();
    run_for(5000);
    assert_int_equal(fleet.refused[0], 0);
}


static void
the_pause_of_a_tenant_spares_the_others(void **state)
{
    int              began;
    cigna_budget_t   b;

    (void) state;

    make_fleet(1, "100r/s", 0, plain, 2);
    fleet.offered[0] = 20;
    fleet.offered[1] = 20;

    run_for(1000);
    start_counting();

    b = place(0, 0);
    assert_int_equal(ask_pause(&b, cigna_budget_scope_own, 5000, 0, &began),
                     CIGNA_OK);
    run_for(4900);

    assert_int_equal(fleet.sent[0], 0);
    assert_int_equal(fleet.refused[1], 0);
    assert_true(fleet.sent[1] > 50);
}


/* four nodes have a quarter of the budget each */

static void
without_redis_each_node_has_its_share(void **state)
{
    (void) state;

    make_fleet(4, "100r/s", 0, plain, 2);
    fleet.offered[0] = 300;
    fleet.offered[1] = 20;

    run_for(5000);
    start_counting();
    fleet.redis_down = 1;
    run_for(30000);

    assert_between("down", sent(), 30 * 100 * 97 / 100, 30 * 100 + 100);

    fleet.redis_down = 0;
    run_for(200);
    start_counting();
    run_for(30000);

    assert_between("up again", sent(), 30 * 100 * 97 / 100, 30 * 100 + 100);
}


/* fails if each of the 15 outages lets another burst through */

static void
outages_one_after_another_grant_no_more_bursts(void **state)
{
    unsigned  i;

    (void) state;

    make_fleet(2, "100r/s", 0, plain, 1);
    fleet.offered[0] = 300;

    for (i = 0; i < 30; i++) {
        fleet.redis_down = i % 2;
        run_for(1000);
    }

    assert_between("flapping", sent(), 30 * 100 * 90 / 100,
                   30 * 100 + 4 * 100);
}


static void
clocks_that_step_back_neither_stop_nor_flood(void **state)
{
    (void) state;

    make_fleet(2, "100r/s", 0, plain, 2);
    fleet.offered[0] = 300;
    fleet.offered[1] = 20;

    run_for(5000);
    start_counting();

    run_for(5000);
    fleet.redis_skew_ms = -3600 * 1000;
    run_for(5000);
    fleet.node[0].skew_ms = -600 * 1000;
    run_for(5000);
    fleet.redis_skew_ms = -7200 * 1000;
    fleet.node[1].skew_ms = -400;
    run_for(5000);

    assert_between("20 s", sent(), 20 * 100 * 97 / 100, 20 * 100 + 100);
    assert_int_equal(fleet.refused[1], 0);
}


static void
slots_damaged_again_and_again_do_not_change_the_rate(void **state)
{
    unsigned  i;

    (void) state;

    make_fleet(2, "100r/s", 0, plain, 2);
    fleet.offered[0] = 300;
    fleet.offered[1] = 20;

    for (i = 0; i < 30; i++) {
        run_for(1000);
        fleet.node[0].tenants[0].credits += 1000;
        fleet.node[0].tenants[1].refused_ns = INT64_MAX;
        fleet.node[1].node.down_ns = 1;
    }

    assert_between("30 s", sent(), 30 * 100 * 97 / 100, 30 * 100 + 100);
    assert_int_equal(fleet.refused[1], 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_fleet_sends_rate_times_time_and_the_burst),
        cmocka_unit_test(a_node_makes_no_more_than_twenty_calls_a_second),
        cmocka_unit_test(a_tenant_below_its_rate_is_not_refused),
        cmocka_unit_test(a_client_with_one_request_at_a_time_seldom_waits),
        cmocka_unit_test(
            one_tenant_at_ten_times_its_share_leaves_the_others_theirs),
        cmocka_unit_test(a_busy_tenant_gets_what_quiet_ones_leave),
        cmocka_unit_test(a_tenant_has_its_minimum_at_once_after_a_quiet_time),
        cmocka_unit_test(a_tenants_own_budget_holds_beside_the_gateways),
        cmocka_unit_test(ten_seconds_after_an_outage_the_full_rate_is_back),
        cmocka_unit_test(a_tenant_without_a_rate_pauses_too),
        cmocka_unit_test(the_pause_of_a_tenant_spares_the_others),
        cmocka_unit_test(without_redis_each_node_has_its_share),
        cmocka_unit_test(outages_one_after_another_grant_no_more_bursts),
        cmocka_unit_test(clocks_that_step_back_neither_stop_nor_flood),
        cmocka_unit_test(slots_damaged_again_and_again_do_not_change_the_rate)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

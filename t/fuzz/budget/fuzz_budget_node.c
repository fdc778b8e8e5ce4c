
#include "fuzz.h"

#include "budget/cigna_budget.h"
#include "budget/cigna_budget_member.h"
#include "budget/cigna_budget_pause.h"


/*
 * Requests and Redis' replies for the budgets of two tenants on one node, in
 * any order and at any time, with any replies and with half-written slots in
 * shared memory.  Nothing overflows.  No more requests are let through than
 * were granted or given back.  A tenant has no two calls to Redis under way,
 * unless the first one is late.
 */

#define TENANTS  2
#define MS       INT64_C(1000000)


static cigna_budget_plan_t  plans[TENANTS];
static uint64_t             table[CIGNA_BUDGET_MEMBERS_MIN / 8];


static void
fuzz_plans(cigna_slice_t *s)
{
    unsigned                     bad;
    const char                  *error;
    cigna_budget_gateway_conf_t  g;
    cigna_budget_tenant_conf_t   t[TENANTS];
    static const uint32_t        per_s[] = { 1, 60, 86400, 1 };

    memset(&g, 0, sizeof(g));
    memset(t, 0, sizeof(t));

    g.rate.n = fuzz_byte(s);
    g.rate.per_s = per_s[fuzz_byte(s) % 4];
    g.lease_ms = 20 + 4 * fuzz_byte(s);
    g.outage = (cigna_budget_outage_e) (fuzz_byte(s) % 3);
    g.dry_run = fuzz_byte(s) == 1;

    t[0].rate.n = fuzz_byte(s);
    t[0].rate.per_s = per_s[fuzz_byte(s) % 4];
    t[0].dry_run = fuzz_byte(s) == 1;
    t[1].member_rate.n = fuzz_byte(s);
    t[1].member_rate.per_s = per_s[fuzz_byte(s) % 4];

    fuzz_assert(cigna_budget_plan(&g, t, TENANTS, plans, &bad, &error)
                == CIGNA_OK);
}


static void
fuzz_grant(cigna_slice_t *s, cigna_budget_lease_reply_t *r)
{
    *r = (cigna_budget_lease_reply_t) { .nodes = 1 + fuzz_byte(s) };

    r->grant.granted = fuzz_byte(s);
    r->grant.wait_ns = fuzz_byte(s) * 7 * MS;
    r->grant.by = (cigna_budget_by_e) (fuzz_byte(s) % 4);
    r->grant.pause_ns = fuzz_byte(s) % 8 ? 0 : fuzz_byte(s) * 99 * MS;
    r->grant.scope = (cigna_budget_scope_e) (fuzz_byte(s) % 2);
    r->all_ended_ms = fuzz_byte(s) % 8 ? 0 : fuzz_byte(s) * 99;
    r->own_ended_ms = fuzz_byte(s) % 8 ? 0 : fuzz_byte(s) * 99;
    r->grant.gateway_dry = r->grant.granted ? fuzz_byte(s)
                                              % r->grant.granted : 0;
}


static void
fuzz_answer(const cigna_budget_answer_t *a)
{
    fuzz_assert(a->ask >= 0 && a->ask <= CIGNA_BUDGET_BURST_MAX);
    fuzz_assert(a->rc == cigna_budget_rc_granted || a->wait_ms > 0);
    fuzz_assert(a->rc != cigna_budget_rc_refused
                || a->by != cigna_budget_by_none);
    fuzz_assert(a->rc == cigna_budget_rc_granted || !(a->leased || a->member));
    fuzz_assert(!(a->leased && a->local));
    fuzz_assert(!(a->metadata && (a->leased || a->local || a->member)));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                         began;
    int64_t                     spent[TENANTS], had[TENANTS];
    unsigned                    i;
    cigna_slice_t               s;
    cigna_budget_t              b;
    cigna_budget_node_t         node;
    cigna_budget_cause_t        cause;
    cigna_budget_origin_t       origin;
    cigna_budget_answer_t       a, last[TENANTS];
    cigna_budget_tenant_t       tenants[TENANTS];
    cigna_budget_lease_reply_t  r;

    s = fuzz_input(data, size);

    memset(&node, 0, sizeof(node));
    memset(&origin, 0, sizeof(origin));
    memset(tenants, 0, sizeof(tenants));
    memset(last, 0, sizeof(last));
    memset(spent, 0, sizeof(spent));
    memset(had, 0, sizeof(had));
    memset(table, 0, sizeof(table));

    fuzz_plans(&s);

    b = (cigna_budget_t) {
        .node = &node,
        .origin = &origin,
        .members = cigna_budget_members_init(table, sizeof(table)),
        .now_ns = INT64_C(1) << 60
    };

    while (s.len) {
        i = fuzz_byte(&s);
        b.member = i / 2 % 4;
        b.member = b.member == 3 ? CIGNA_BUDGET_METADATA : b.member;
        i %= TENANTS;
        b.plan = &plans[i];
        b.tenant = &tenants[i];
        b.now_ns += ((int64_t) fuzz_byte(&s) - 16) * 3 * MS;

        switch (fuzz_byte(&s) % 10) {

        case 0:
            fuzz_grant(&s, &r);
            had[i] += r.grant.granted;
            (void) cigna_budget_leased(&b, last[i].call, fuzz_byte(&s), &r);
            break;

        case 1:
            (void) cigna_budget_failed(&b, last[i].call);
            break;

        case 2:
            had[i] += last[i].leased;
            cigna_budget_give_back(&b, &last[i]);
            last[i].leased = 0;
            break;

        case 3:
            cigna_budget_charge_after(&b);
            break;

        case 4:
            cause.scope = (cigna_budget_scope_e) (fuzz_byte(&s) % 2);
            cause.status = 503;
            cause.retry_after_ms = fuzz_byte(&s) * INT64_C(9999) - 1;
            cause.jitter = fuzz_byte(&s);

            (void) cigna_budget_pause_ask(&b, &cause, &began);
            break;

        case 5:
            cigna_budget_pause_learn(&b, fuzz_byte(&s) % 2, fuzz_byte(&s));
            break;

        case 6:
            tenants[i].room[fuzz_byte(&s)] ^= 0x55;
            node.room[fuzz_byte(&s) % 32] ^= fuzz_byte(&s);
            origin.room[fuzz_byte(&s) % CIGNA_BUDGET_ORIGIN_SIZE] ^= 0x55;
            b.now_ns -= fuzz_byte(&s) * 1000 * MS;
            break;

        default:
            cigna_budget_decide(&b, fuzz_byte(&s), fuzz_byte(&s) % 2, &a);
            fuzz_answer(&a);
            spent[i] += a.leased;
            last[i] = a;
        }

        fuzz_assert(spent[i] <= had[i]);
    }

    return 0;
}

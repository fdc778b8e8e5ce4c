
#define _GNU_SOURCE

#include "budgeting.h"


cigna_rate_t
a_rate(const char *text)
{
    cigna_rate_t  r;

    r = (cigna_rate_t) { 0 };

    if (*text) {
        assert_int_equal(cigna_rate_parse(cigna_slice_str(text), &r),
                         CIGNA_OK);
    }

    return r;
}


void
make_plans(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *t, unsigned n, cigna_budget_plan_t *p)
{
    unsigned     bad;
    const char  *error;

    if (cigna_budget_plan(g, t, n, p, &bad, &error) != CIGNA_OK) {
        fail_msg("%s (%u)", error, bad);
    }
}


uint64_t
real_burst(const cigna_budget_plan_t *p)
{
    int64_t  every_ns;

    every_ns = p->gateway.every_ns;

    return every_ns ? (uint64_t) ((p->gateway_max_ns + every_ns - 1) / every_ns)
                    : 0;
}


int
ask_pause(const cigna_budget_t *b, cigna_budget_scope_e scope, int64_t ms,
    unsigned jitter, int *began)
{
    cigna_budget_cause_t  cause;

    cause = (cigna_budget_cause_t) {
        .scope = scope,
        .status = scope == cigna_budget_scope_own ? 429 : 503,
        .retry_after_ms = ms,
        .jitter = jitter
    };

    return cigna_budget_pause_ask(b, &cause, began);
}


uint64_t
some(uint64_t *seed, uint64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005)
            + UINT64_C(1442695040888963407);

    return (*seed >> 33) % below;
}

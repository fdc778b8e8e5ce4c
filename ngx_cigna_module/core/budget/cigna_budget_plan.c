
#include <string.h>

#include "cigna_budget_plan.h"


#define CIGNA_BUDGET_DAY_NS  (CIGNA_RATE_DAY_S * CIGNA_RATE_SECOND)

/* the product of a burst and a rate may not fit into 64 bits */

__extension__ typedef unsigned __int128  cigna_budget_wide_t;


static int cigna_budget_check(const cigna_rate_t *rate, uint32_t burst,
    const char **error);
static int cigna_budget_minimums(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n, uint64_t *rest,
    unsigned *bad, const char **error);
static int cigna_budget_tenant_check(const cigna_budget_tenant_conf_t *t,
    uint64_t all, const char **error);
static void cigna_budget_tenant_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *t, cigna_budget_plan_t *p);
static void cigna_budget_limit(const cigna_rate_t *rate, uint32_t burst,
    int64_t least_ns, cigna_gcra_limit_t *l);
static void cigna_budget_share(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n, uint64_t rest,
    cigna_budget_plan_t *plans);
static int64_t cigna_budget_minimum_plan(cigna_budget_plan_t *p, uint64_t own,
    uint64_t all, int64_t span_ns);
static int64_t cigna_budget_ratio(int64_t ns, uint64_t n, uint64_t of);
static uint64_t cigna_budget_minimum(const cigna_budget_tenant_conf_t *t,
    uint64_t rest);
static void cigna_budget_metadata_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *t, unsigned n, cigna_budget_plan_t *p);
static cigna_rate_t cigna_budget_part(const cigna_rate_t *rate,
    uint32_t part);
static void cigna_budget_metadata_limit(const cigna_rate_t *rate,
    cigna_gcra_limit_t *l);
static int64_t cigna_budget_max(int64_t a, int64_t b);


int
cigna_budget_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n,
    cigna_budget_plan_t *plans, unsigned *bad, const char **error)
{
    unsigned  i;
    uint64_t  rest;

    *bad = n;

    if (cigna_budget_check(&g->rate, g->burst, error) != CIGNA_OK
        || cigna_budget_minimums(g, tenants, n, &rest, bad, error)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    for (i = 0; i < n; i++) {
        cigna_budget_tenant_plan(g, &tenants[i], &plans[i]);
        cigna_budget_metadata_plan(g, &tenants[i], n, &plans[i]);
    }

    if (g->rate.n && n > 1) {
        cigna_budget_share(g, tenants, n, rest, plans);
    }

    return CIGNA_OK;
}


static void
cigna_budget_tenant_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *t, cigna_budget_plan_t *p)
{
    int64_t  ramp_ns;

    memset(p, 0, sizeof(cigna_budget_plan_t));

    p->lease_ns = (int64_t) g->lease_ms * 1000000;
    p->outage = g->outage;
    p->gateway_dry = g->dry_run;
    p->tenant_dry = t->dry_run;
    p->member_dry = t->member_dry_run;

    cigna_budget_limit(&g->rate, g->burst, 2 * p->lease_ns, &p->gateway);
    cigna_budget_limit(&t->rate, t->burst, 2 * p->lease_ns, &p->tenant);
    cigna_budget_limit(&t->member_rate, t->member_burst, 0, &p->member);

    p->gateway_max_ns = p->gateway.span_ns;

    ramp_ns = CIGNA_RATE_SECOND / CIGNA_BUDGET_RAMP_RATE;

    p->ramp_all_ns = p->gateway.every_ns ? p->gateway.every_ns : ramp_ns;
    p->ramp_own_ns = cigna_budget_max(p->tenant.every_ns, p->gateway.every_ns);

    if (p->ramp_own_ns == 0) {
        p->ramp_own_ns = ramp_ns;
    }
}


static int
cigna_budget_check(const cigna_rate_t *rate, uint32_t burst,
    const char **error)
{
    if (burst == 0) {
        return CIGNA_OK;
    }

    if (rate->n == 0) {
        *error = "a burst needs a rate";
        return CIGNA_ERROR;
    }

    if (burst > CIGNA_BUDGET_BURST_MAX) {
        *error = "a burst is at most 1000000";
        return CIGNA_ERROR;
    }

    if (burst > cigna_rate_per_day(rate)) {
        *error = "a burst is at most what the rate brings in a day";
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


/* *rest: requests per day for each tenant without a minimum */

static int
cigna_budget_minimums(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n, uint64_t *rest,
    unsigned *bad, const char **error)
{
    uint64_t                           sum, all;
    unsigned                           i, others;
    const cigna_budget_tenant_conf_t  *t;

    all = cigna_rate_per_day(&g->rate);
    sum = 0;
    others = 0;

    for (i = 0; i < n; i++) {
        t = &tenants[i];
        *bad = i;

        if (cigna_budget_tenant_check(t, all, error) != CIGNA_OK) {
            return CIGNA_ERROR;
        }

        others += t->minimum.n == 0;
        sum += cigna_rate_per_day(&t->minimum);
    }

    *bad = n;

    if (sum > all) {
        *error = "the minimums of the tenants are more than the rate of the "
                 "gateway";
        return CIGNA_ERROR;
    }

    *rest = others ? (all - sum) / others : 0;

    return CIGNA_OK;
}


static int
cigna_budget_tenant_check(const cigna_budget_tenant_conf_t *t, uint64_t all,
    const char **error)
{
    if (cigna_budget_check(&t->rate, t->burst, error) != CIGNA_OK
        || cigna_budget_check(&t->member_rate, t->member_burst, error)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    if (t->minimum.n && all == 0) {
        *error = "a minimum needs a rate of the gateway";
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


/*
 * makes a limit that holds at least one request, and the requests of least_ns
 */

static void
cigna_budget_limit(const cigna_rate_t *rate, uint32_t burst, int64_t least_ns,
    cigna_gcra_limit_t *l)
{
    uint32_t  n;

    n = burst ? burst : cigna_rate_burst(rate);

    l->every_ns = cigna_rate_interval_ns(cigna_rate_per_day(rate));
    l->span_ns = l->every_ns ? cigna_budget_max(n * l->every_ns, least_ns) : 0;
}


/*
 * Divides half of the burst among the minimums by their rates, so that each
 * minimum's bucket has the same span.
 */

static void
cigna_budget_share(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n, uint64_t rest,
    cigna_budget_plan_t *plans)
{
    int64_t   span_ns, half_ns, max_ns;
    uint64_t  all, sum;
    unsigned  i;

    all = cigna_rate_per_day(&g->rate);
    sum = 0;

    for (i = 0; i < n; i++) {
        sum += cigna_budget_minimum(&tenants[i], rest);
    }

    if (sum == 0) {
        return;
    }

    half_ns = (g->burst ? g->burst : cigna_rate_burst(&g->rate))
              * plans[0].gateway.every_ns / 2;

    span_ns = cigna_budget_ratio(half_ns, all, sum);
    span_ns = cigna_budget_max(span_ns, 2 * plans[0].lease_ns);

    half_ns = cigna_budget_max(half_ns, 2 * plans[0].lease_ns);
    half_ns = cigna_budget_max(half_ns, plans[0].gateway.every_ns);
    max_ns = half_ns;

    for (i = 0; i < n; i++) {
        max_ns += cigna_budget_minimum_plan(&plans[i],
                                       cigna_budget_minimum(&tenants[i], rest),
                                       all, span_ns);
    }

    for (i = 0; i < n; i++) {
        plans[i].gateway.span_ns = half_ns;
        plans[i].gateway_max_ns = max_ns;
    }
}


/*
 * makes the plan of a minimum; returns the part of the gateway's bucket, in ns,
 * that the minimum may use
 */

static int64_t
cigna_budget_minimum_plan(cigna_budget_plan_t *p, uint64_t own, uint64_t all,
    int64_t span_ns)
{
    if (own == 0) {
        return 0;
    }

    p->minimum.every_ns = cigna_rate_interval_ns(own);
    p->minimum.span_ns = cigna_budget_max(span_ns, p->minimum.every_ns);

    return cigna_budget_ratio(p->minimum.span_ns, own, all);
}


/* returns ns * n / of, but at most a day */

static int64_t
cigna_budget_ratio(int64_t ns, uint64_t n, uint64_t of)
{
    cigna_budget_wide_t  wide;

    wide = (cigna_budget_wide_t) ns * n / of;

    return wide > CIGNA_BUDGET_DAY_NS ? CIGNA_BUDGET_DAY_NS : (int64_t) wide;
}


static uint64_t
cigna_budget_minimum(const cigna_budget_tenant_conf_t *t, uint64_t rest)
{
    return t->minimum.n ? cigna_rate_per_day(&t->minimum) : rest;
}


static void
cigna_budget_metadata_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *t, unsigned n, cigna_budget_plan_t *p)
{
    cigna_rate_t  all, own, half;

    all = g->metadata.n ? g->metadata
                        : cigna_budget_part(&g->rate,
                                            CIGNA_BUDGET_METADATA_PART);
    half = n > 1 ? cigna_budget_part(&all, 2) : all;
    own = t->metadata.n ? t->metadata
                        : cigna_budget_part(&t->rate,
                                            CIGNA_BUDGET_METADATA_PART);

    if (own.n == 0
        || (half.n && t->metadata.n == 0
            && cigna_rate_per_day(&half) < cigna_rate_per_day(&own)))
    {
        own = half;
    }

    cigna_budget_metadata_limit(&all, &p->metadata_all);
    cigna_budget_metadata_limit(&own, &p->metadata);

    if (own.n == 0) {
        p->metadata = p->member;
    }
}


/*
 * Returns rate / part: the same n in a time that is "part" times longer, if a
 * day is a multiple of that time; otherwise n / part, at least 1.
 */

static cigna_rate_t
cigna_budget_part(const cigna_rate_t *rate, uint32_t part)
{
    cigna_rate_t  r;

    r = *rate;

    if (r.n == 0) {
        return r;
    }

    if (CIGNA_RATE_DAY_S % (r.per_s * part) == 0) {
        r.per_s *= part;

    } else {
        r.n = r.n > part ? r.n / part : 1;
    }

    return r;
}


static void
cigna_budget_metadata_limit(const cigna_rate_t *rate, cigna_gcra_limit_t *l)
{
    uint32_t  burst;

    burst = cigna_rate_burst(rate);

    cigna_budget_limit(rate, burst > CIGNA_BUDGET_METADATA_BURST
                             ? burst : CIGNA_BUDGET_METADATA_BURST, 0, l);
}


static int64_t
cigna_budget_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}


#include <stddef.h>

#include "budget_model.h"


/* a bucket with its present limit */

typedef struct {
    cigna_gcra_t        *bucket;           /* NULL: no limit */
    cigna_gcra_limit_t   limit;
    int64_t              left_ns;          /* time until a ramp is over; 0:
                                              there is no ramp */
    unsigned             dry:1;            /* dry_run: refuses nothing */
} model_way_t;


/* all limits that a request has to pass */

typedef struct {
    model_way_t   gateway;
    model_way_t   minimum;
    model_way_t   tenant;
    model_way_t   all;                     /* ramp after the origin's pause */
    model_way_t   own;                     /* ramp after the tenant's pause */
} model_ways_t;


static void model_step(model_pause_t *p, int64_t now_ns);
static void model_ways(const cigna_budget_plan_t *planlan,
    const model_buckets_t *b, int64_t now_ns, model_ways_t *w);
static void model_way(model_way_t *w, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *l, int64_t max_ns, int64_t now_ns);
static void model_ramp(model_way_t *w, model_pause_t *p, int64_t every_ns,
    int64_t span_ns, int64_t now_ns);
static int model_pausing(const model_buckets_t *b, int64_t now_ns,
    cigna_budget_grant_t *g);
static int64_t model_fits(const model_way_t *w, int64_t n);
static void model_pay(model_way_t *w, int64_t n);
static int64_t model_wait(const model_way_t *w);
static void model_why(const model_ways_t *w, cigna_budget_grant_t *g);


int64_t
model_pause(model_pause_t *p, int64_t retry_after_ms, unsigned jitter,
    int64_t now_ns)
{
    model_step(p, now_ns);

    if (now_ns >= p->pause.until_ns) {
        p->ramp = (cigna_gcra_t) { .at_ns = now_ns };
    }

    return cigna_pause_ask(&p->pause, retry_after_ms, jitter, now_ns);
}


/* after a step back of the clock, moves the times of a pause back as far */

static void
model_step(model_pause_t *p, int64_t now_ns)
{
    int64_t  back;

    back = p->pause.from_ns - now_ns;

    if (p->pause.until_ns && back > 0) {
        p->pause.began_ns -= back;
        p->pause.from_ns -= back;
        p->pause.until_ns -= back;
        p->pause.asked_ns -= back;
    }
}


void
model_lease(const cigna_budget_plan_t *plan, const model_buckets_t *b,
    int64_t want, int64_t now_ns, cigna_budget_grant_t *g)
{
    int64_t       n, common, own, tenant;
    model_ways_t  w;

    *g = (cigna_budget_grant_t) { 0 };

    model_step(b->all, now_ns);
    model_step(b->own, now_ns);
    model_ways(plan, b, now_ns, &w);

    if (model_pausing(b, now_ns, g) && !plan->gateway_dry) {
        g->wait_ns = g->pause_ns;
        g->by = cigna_budget_by_pause;
        return;
    }

    n = model_fits(&w.own, model_fits(&w.all, want));

    tenant = model_fits(&w.tenant, n);
    n = w.tenant.dry ? n : tenant;

    /* the bucket of all tenants pays first, and then the tenant's minimum */

    common = model_fits(&w.gateway, n);
    own = w.minimum.bucket ? model_fits(&w.minimum, n - common) : 0;
    n = w.gateway.dry ? n : common + own;

    g->granted = n;
    g->tenant_dry = n > tenant ? n - tenant : 0;
    g->gateway_dry = n - common - own;

    model_pay(&w.gateway, n);
    model_pay(&w.minimum, own);
    model_pay(&w.tenant, n);
    model_pay(&w.all, n);
    model_pay(&w.own, n);

    if (n < want) {
        model_why(&w, g);
    }
}


static void
model_ways(const cigna_budget_plan_t *plan, const model_buckets_t *b,
    int64_t now_ns, model_ways_t *w)
{
    int64_t  span_ns;

    *w = (model_ways_t) { .gateway.dry = plan->gateway_dry,
                          .tenant.dry = plan->tenant_dry };

    model_way(&w->gateway, b->gateway, &plan->gateway, plan->gateway_max_ns,
              now_ns);
    model_way(&w->minimum, b->minimum, &plan->minimum, plan->minimum.span_ns,
              now_ns);
    model_way(&w->tenant, b->tenant, &plan->tenant, plan->tenant.span_ns,
              now_ns);

    if (plan->gateway_dry) {
        return;
    }

    span_ns = 2 * plan->lease_ns;

    model_ramp(&w->all, b->all, plan->ramp_all_ns, span_ns, now_ns);
    model_ramp(&w->own, b->own, plan->ramp_own_ns, span_ns, now_ns);
}


/*
 * drains a bucket; as in the script, its level may be twice the span, or twice
 * max_ns if that is longer
 */

static void
model_way(model_way_t *w, cigna_gcra_t *bucket, const cigna_gcra_limit_t *l,
    int64_t max_ns, int64_t now_ns)
{
    if (l->every_ns == 0) {
        return;
    }

    w->bucket = bucket;
    w->limit.every_ns = l->every_ns;
    w->limit.span_ns = l->span_ns > w->limit.every_ns
                       ? l->span_ns : w->limit.every_ns;

    if (max_ns < w->limit.span_ns) {
        max_ns = w->limit.span_ns;
    }

    cigna_gcra_drain(bucket, 2 * max_ns, now_ns);
}


static void
model_ramp(model_way_t *w, model_pause_t *p, int64_t every_ns,
    int64_t span_ns, int64_t now_ns)
{
    int64_t  gone_ns, second;

    if (p->pause.until_ns == 0 || now_ns < p->pause.until_ns) {
        return;
    }

    gone_ns = now_ns - p->pause.until_ns;
    second = gone_ns / CIGNA_RATE_SECOND;

    if (second >= CIGNA_PAUSE_RAMP_S) {
        return;
    }

    w->bucket = &p->ramp;
    w->left_ns = CIGNA_PAUSE_RAMP_S * CIGNA_RATE_SECOND - gone_ns;
    w->limit.every_ns = every_ns * (1 << (CIGNA_PAUSE_RAMP_S - second));
    w->limit.span_ns = span_ns > w->limit.every_ns
                       ? span_ns : w->limit.every_ns;

    cigna_gcra_drain(&p->ramp, 2 * w->limit.span_ns, now_ns);
}


static int
model_pausing(const model_buckets_t *b, int64_t now_ns,
    cigna_budget_grant_t *g)
{
    int64_t  all, own;

    all = cigna_pause_left_ns(&b->all->pause, now_ns);
    own = cigna_pause_left_ns(&b->own->pause, now_ns);

    if (all == 0 && own == 0) {
        return 0;
    }

    g->scope = all >= own ? cigna_budget_scope_all : cigna_budget_scope_own;
    g->pause_ns = all >= own ? all : own;

    return 1;
}


static int64_t
model_fits(const model_way_t *w, int64_t n)
{
    return w->bucket ? cigna_gcra_room(w->bucket, &w->limit, n) : n;
}


/* with dry_run a bucket is charged as if it refused what does not fit */

static void
model_pay(model_way_t *w, int64_t n)
{
    if (w->bucket == NULL) {
        return;
    }

    if (w->dry && n > 0) {
        n = cigna_gcra_room(w->bucket, &w->limit, n);
    }

    cigna_gcra_charge(w->bucket, &w->limit, n);
}


/* the time until the next request fits, or until the ramp is over if earlier */

static int64_t
model_wait(const model_way_t *w)
{
    int64_t  ns;

    if (w->bucket == NULL || w->dry) {
        return 0;
    }

    ns = cigna_gcra_wait_ns(w->bucket, &w->limit);

    return w->left_ns && w->left_ns < ns ? w->left_ns : ns;
}


/*
 * Sets the longest wait, and the limit that causes it.  Of the waits of the
 * gateway's bucket and of the minimum's, only the shorter one counts.
 */

static void
model_why(const model_ways_t *w, cigna_budget_grant_t *g)
{
    int64_t  ns, own;

    g->by = cigna_budget_by_gateway;
    g->wait_ns = model_wait(&w->gateway);

    if (w->minimum.bucket) {
        own = model_wait(&w->minimum);
        g->wait_ns = own < g->wait_ns ? own : g->wait_ns;
    }

    ns = model_wait(&w->tenant);

    if (ns > g->wait_ns) {
        g->by = cigna_budget_by_tenant;
        g->wait_ns = ns;
    }

    ns = model_wait(&w->all);

    if (ns > g->wait_ns) {
        g->by = cigna_budget_by_pause;
        g->wait_ns = ns;
    }

    ns = model_wait(&w->own);

    if (ns > g->wait_ns) {
        g->by = cigna_budget_by_pause;
        g->wait_ns = ns;
    }
}


#include <stddef.h>

#include "cigna_budget_take.h"
#include "http/cigna_retry_after.h"


/* a bucket with the limit that holds for it now */

typedef struct {
    cigna_gcra_t        *bucket;           /* NULL: no limit */
    cigna_gcra_limit_t   limit;
    int64_t              left_ns;          /* of a ramp: until it is over */
    unsigned             dry:1;
} cigna_budget_way_t;


/* all that a request has to pass */

typedef struct {
    cigna_budget_way_t   gateway;
    cigna_budget_way_t   minimum;
    cigna_budget_way_t   tenant;
    cigna_budget_way_t   all;              /* ramps */
    cigna_budget_way_t   own;
} cigna_budget_ways_t;


static int cigna_budget_hold_sure(const cigna_budget_hold_t *h,
    int64_t now_ns);
static void cigna_budget_hold_step(cigna_budget_hold_t *h, int64_t now_ns);
static void cigna_budget_ways(const cigna_budget_plan_t *p,
    const cigna_budget_buckets_t *b, unsigned share, int64_t now_ns,
    cigna_budget_ways_t *w);
static void cigna_budget_way(cigna_budget_way_t *w, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *l, unsigned share, int64_t max_ns,
    int64_t now_ns);
static void cigna_budget_ramp(cigna_budget_way_t *w, cigna_budget_hold_t *h,
    int64_t every_ns, int64_t span_ns, int64_t now_ns);
static int cigna_budget_pausing(const cigna_budget_buckets_t *b,
    int64_t now_ns, cigna_budget_grant_t *g);
static int64_t cigna_budget_fits(const cigna_budget_way_t *w, int64_t n);
static void cigna_budget_pay(cigna_budget_way_t *w, int64_t n);
static int64_t cigna_budget_wait(const cigna_budget_way_t *w);
static void cigna_budget_why(const cigna_budget_ways_t *w,
    cigna_budget_grant_t *g);


int64_t
cigna_budget_hold_pause(cigna_budget_hold_t *h, int64_t retry_after_ms,
    unsigned jitter, int64_t now_ns)
{
    int64_t  retry_us, asked_ns, most_ns, us;

    cigna_budget_hold_step(h, now_ns);

    retry_us = retry_after_ms < 0 ? 0
               : retry_after_ms > CIGNA_RETRY_AFTER_MAX_MS
               ? CIGNA_RETRY_AFTER_MAX_MS * 1000 : retry_after_ms * 1000;

    asked_ns = now_ns + retry_us * 1000;

    if (now_ns < h->until_ns) {

        most_ns = h->from_ns + CIGNA_BUDGET_PAUSE_ONE_MS * CIGNA_RATE_MS;

        if (h->sure || asked_ns < most_ns) {
            most_ns = asked_ns;
        }

        if (most_ns > h->until_ns) {
            h->until_ns = most_ns;
        }

        if (asked_ns > h->asked_ns) {
            h->asked_ns = asked_ns;
        }

    } else {

        h->sure = (uint64_t) cigna_budget_hold_sure(h, now_ns);
        h->asked_ns = asked_ns;

        if (h->until_ns == 0
            || now_ns - h->until_ns
               >= CIGNA_BUDGET_RAMP_S * CIGNA_RATE_SECOND)
        {
            h->began_ns = now_ns;
        }

        us = (now_ns - h->began_ns) / 1000 / 3;

        if (us < CIGNA_BUDGET_PAUSE_MIN_MS * 1000) {
            us = CIGNA_BUDGET_PAUSE_MIN_MS * 1000;
        }

        if (us > CIGNA_BUDGET_PAUSE_MAX_MS * 1000) {
            us = CIGNA_BUDGET_PAUSE_MAX_MS * 1000;
        }

        if (us < retry_us) {
            us = retry_us;
        }

        us += us * (jitter < CIGNA_BUDGET_JITTER_MAX
                    ? jitter : CIGNA_BUDGET_JITTER_MAX) / 1000;

        if (!h->sure && us > CIGNA_BUDGET_PAUSE_ONE_MS * 1000) {
            us = CIGNA_BUDGET_PAUSE_ONE_MS * 1000;
        }

        h->from_ns = now_ns;
        h->until_ns = now_ns + us * 1000;
        h->ramp.level_ns = 0;
        h->ramp.at_ns = now_ns;
    }

    return (h->until_ns - now_ns + CIGNA_RATE_MS - 1) / CIGNA_RATE_MS;
}


/* does a reply confirm the pause that is over? */

static int
cigna_budget_hold_sure(const cigna_budget_hold_t *h, int64_t now_ns)
{
    if (h->until_ns == 0 || (!h->sure && h->asked_ns <= h->until_ns)) {
        return 0;
    }

    return now_ns - h->until_ns < CIGNA_BUDGET_PAUSE_ONE_MS * CIGNA_RATE_MS;
}


int64_t
cigna_budget_hold_left_ns(const cigna_budget_hold_t *h, int64_t now_ns)
{
    if (h->until_ns == 0) {
        return 0;
    }

    /* a clock that steps back makes no pause longer than it was */

    if (now_ns < h->from_ns) {
        return h->until_ns - h->from_ns;
    }

    return now_ns < h->until_ns ? h->until_ns - now_ns : 0;
}


void
cigna_budget_hold_learn(cigna_budget_hold_t *h, int64_t left_ns,
    int64_t now_ns)
{
    cigna_budget_hold_step(h, now_ns);

    if (left_ns <= 0) {
        return;
    }

    if (now_ns >= h->until_ns) {

        if (h->until_ns == 0
            || now_ns - h->until_ns
               >= CIGNA_BUDGET_RAMP_S * CIGNA_RATE_SECOND)
        {
            h->began_ns = now_ns;
        }

        h->from_ns = now_ns;
        h->asked_ns = 0;
        h->sure = 0;
        h->ramp.level_ns = 0;
        h->ramp.at_ns = now_ns;
    }

    h->until_ns = now_ns + left_ns;
}


void
cigna_budget_hold_end(cigna_budget_hold_t *h, int64_t ago_ns, int64_t now_ns)
{
    if (cigna_budget_hold_left_ns(h, now_ns) == 0
        || h->from_ns > now_ns - ago_ns + CIGNA_RATE_SECOND)
    {
        return;
    }

    cigna_budget_hold_step(h, now_ns);

    h->until_ns = now_ns;
    h->asked_ns = now_ns;
    h->sure = 0;
}


/* after a step back of the clock all of it happened so much earlier */

static void
cigna_budget_hold_step(cigna_budget_hold_t *h, int64_t now_ns)
{
    int64_t  back;

    if (h->until_ns == 0 || now_ns >= h->from_ns) {
        return;
    }

    back = h->from_ns - now_ns;

    h->began_ns -= back;
    h->from_ns -= back;
    h->until_ns -= back;
    h->asked_ns -= back;
}


void
cigna_budget_take(const cigna_budget_plan_t *p,
    const cigna_budget_buckets_t *b, unsigned share, int64_t want,
    int64_t now_ns, cigna_budget_grant_t *g)
{
    int64_t              n, common, own, tenant;
    cigna_budget_ways_t  w;

    *g = (cigna_budget_grant_t) { 0 };

    cigna_budget_hold_step(b->all, now_ns);
    cigna_budget_hold_step(b->own, now_ns);
    cigna_budget_ways(p, b, share, now_ns, &w);

    if (cigna_budget_pausing(b, now_ns, g) && !p->gateway_dry) {
        g->wait_ns = g->pause_ns;
        g->by = cigna_budget_held;
        return;
    }

    n = cigna_budget_fits(&w.own, cigna_budget_fits(&w.all, want));

    tenant = cigna_budget_fits(&w.tenant, n);
    n = w.tenant.dry ? n : tenant;

    /* first of what is common, then of what is nobody else's */

    common = cigna_budget_fits(&w.gateway, n);
    own = w.minimum.bucket ? cigna_budget_fits(&w.minimum, n - common) : 0;
    n = w.gateway.dry ? n : common + own;

    g->granted = n;
    g->tenant_dry = n > tenant ? n - tenant : 0;
    g->gateway_dry = n - common - own;

    cigna_budget_pay(&w.gateway, n);
    cigna_budget_pay(&w.minimum, own);
    cigna_budget_pay(&w.tenant, n);
    cigna_budget_pay(&w.all, n);
    cigna_budget_pay(&w.own, n);

    if (n < want) {
        cigna_budget_why(&w, g);
    }
}


void
cigna_budget_charge(const cigna_budget_plan_t *p,
    const cigna_budget_buckets_t *b, unsigned share, int64_t n,
    int64_t now_ns)
{
    int64_t              common;
    cigna_budget_ways_t  w;

    cigna_budget_ways(p, b, share, now_ns, &w);

    common = n > 0 ? cigna_budget_fits(&w.gateway, n) : n;

    cigna_budget_pay(&w.gateway, n);
    cigna_budget_pay(&w.minimum, n - common);
    cigna_budget_pay(&w.tenant, n);
}


static void
cigna_budget_ways(const cigna_budget_plan_t *p,
    const cigna_budget_buckets_t *b, unsigned share, int64_t now_ns,
    cigna_budget_ways_t *w)
{
    int64_t  span_ns;

    *w = (cigna_budget_ways_t) { .gateway.dry = p->gateway_dry,
                                 .tenant.dry = p->tenant_dry };

    cigna_budget_way(&w->gateway, b->gateway, &p->gateway, share,
                     p->gateway_max_ns, now_ns);
    cigna_budget_way(&w->minimum, b->minimum, &p->minimum, share,
                     p->minimum.span_ns, now_ns);
    cigna_budget_way(&w->tenant, b->tenant, &p->tenant, share,
                     p->tenant.span_ns, now_ns);

    if (p->gateway_dry) {
        return;
    }

    span_ns = 2 * p->lease_ns;

    cigna_budget_ramp(&w->all, b->all, p->ramp_all_ns * share, span_ns,
                      now_ns);
    cigna_budget_ramp(&w->own, b->own, p->ramp_own_ns * share, span_ns,
                      now_ns);
}


/* twice of what fits is remembered: some is charged without being asked */

static void
cigna_budget_way(cigna_budget_way_t *w, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *l, unsigned share, int64_t max_ns,
    int64_t now_ns)
{
    if (l->every_ns == 0) {
        return;
    }

    w->bucket = bucket;
    w->limit.every_ns = l->every_ns * share;
    w->limit.span_ns = l->span_ns > w->limit.every_ns
                       ? l->span_ns : w->limit.every_ns;

    if (max_ns < w->limit.span_ns) {
        max_ns = w->limit.span_ns;
    }

    cigna_gcra_drain(bucket, 2 * max_ns, now_ns);
}


static void
cigna_budget_ramp(cigna_budget_way_t *w, cigna_budget_hold_t *h,
    int64_t every_ns, int64_t span_ns, int64_t now_ns)
{
    int64_t  gone_ns, second;

    if (h->until_ns == 0 || now_ns < h->until_ns) {
        return;
    }

    gone_ns = now_ns - h->until_ns;
    second = gone_ns / CIGNA_RATE_SECOND;

    if (second >= CIGNA_BUDGET_RAMP_S) {
        return;
    }

    w->bucket = &h->ramp;
    w->left_ns = CIGNA_BUDGET_RAMP_S * CIGNA_RATE_SECOND - gone_ns;
    w->limit.every_ns = every_ns * (1 << (CIGNA_BUDGET_RAMP_S - second));
    w->limit.span_ns = span_ns > w->limit.every_ns
                       ? span_ns : w->limit.every_ns;

    cigna_gcra_drain(&h->ramp, 2 * w->limit.span_ns, now_ns);
}


static int
cigna_budget_pausing(const cigna_budget_buckets_t *b, int64_t now_ns,
    cigna_budget_grant_t *g)
{
    int64_t  all, own;

    all = cigna_budget_hold_left_ns(b->all, now_ns);
    own = cigna_budget_hold_left_ns(b->own, now_ns);

    if (all == 0 && own == 0) {
        return 0;
    }

    g->scope = all >= own ? cigna_budget_scope_all : cigna_budget_scope_own;
    g->pause_ns = all >= own ? all : own;

    return 1;
}


static int64_t
cigna_budget_fits(const cigna_budget_way_t *w, int64_t n)
{
    return w->bucket ? cigna_gcra_room(w->bucket, &w->limit, n) : n;
}


/* a dry bucket is as full as one that refuses would be */

static void
cigna_budget_pay(cigna_budget_way_t *w, int64_t n)
{
    if (w->bucket == NULL) {
        return;
    }

    if (w->dry && n > 0) {
        n = cigna_gcra_room(w->bucket, &w->limit, n);
    }

    cigna_gcra_charge(w->bucket, &w->limit, n);
}


/* a ramp may be over before it would let the next one through */

static int64_t
cigna_budget_wait(const cigna_budget_way_t *w)
{
    int64_t  ns;

    if (w->bucket == NULL || w->dry) {
        return 0;
    }

    ns = cigna_gcra_wait_ns(w->bucket, &w->limit);

    return w->left_ns && w->left_ns < ns ? w->left_ns : ns;
}


/* what makes one wait longest has refused */

static void
cigna_budget_why(const cigna_budget_ways_t *w, cigna_budget_grant_t *g)
{
    int64_t  ns, own;

    g->by = cigna_budget_gateway;
    g->wait_ns = cigna_budget_wait(&w->gateway);

    if (w->minimum.bucket) {
        own = cigna_budget_wait(&w->minimum);
        g->wait_ns = own < g->wait_ns ? own : g->wait_ns;
    }

    ns = cigna_budget_wait(&w->tenant);

    if (ns > g->wait_ns) {
        g->by = cigna_budget_tenant;
        g->wait_ns = ns;
    }

    ns = cigna_budget_wait(&w->all);

    if (ns > g->wait_ns) {
        g->by = cigna_budget_held;
        g->wait_ns = ns;
    }

    ns = cigna_budget_wait(&w->own);

    if (ns > g->wait_ns) {
        g->by = cigna_budget_held;
        g->wait_ns = ns;
    }
}

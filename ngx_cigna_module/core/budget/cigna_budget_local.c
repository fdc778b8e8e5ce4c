
#include "cigna_budget_local.h"


static cigna_gcra_limit_t cigna_budget_local_limit(const cigna_budget_t *b,
    cigna_gcra_t *bucket, const cigna_gcra_limit_t *limit);


int64_t
cigna_budget_local_pay(const cigna_budget_t *b, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *limit, int64_t n)
{
    cigna_gcra_limit_t  l;

    l = cigna_budget_local_limit(b, bucket, limit);

    cigna_gcra_charge(bucket, &l, n);

    return cigna_gcra_wait_ns(bucket, &l);
}


/*
 * Returns this node's share of a limit, and drains the bucket.  The bucket's
 * level may be up to twice the span, because some requests are charged without
 * a check.
 */

static cigna_gcra_limit_t
cigna_budget_local_limit(const cigna_budget_t *b, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *limit)
{
    cigna_gcra_limit_t  l;

    l.every_ns = limit->every_ns * cigna_budget_slot_share(b);
    l.span_ns = limit->span_ns > l.every_ns ? limit->span_ns : l.every_ns;

    cigna_gcra_drain(bucket, 2 * l.span_ns, b->now_ns);

    return l;
}


static int64_t
cigna_budget_local_room(const cigna_budget_t *b, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *limit, int64_t n)
{
    cigna_gcra_limit_t  l;

    l = cigna_budget_local_limit(b, bucket, limit);

    return n > 0 ? cigna_gcra_room(bucket, &l, n) : n;
}


int64_t
cigna_budget_local_metadata(const cigna_budget_t *b, int64_t n)
{
    int64_t  all_ns, own_ns;

    all_ns = cigna_budget_local_pay(b, &b->node->metadata,
                                    &b->plan->metadata_all, n);
    own_ns = cigna_budget_local_pay(b, &b->tenant->metadata,
                                    &b->plan->metadata, n);

    return all_ns > own_ns ? all_ns : own_ns;
}


int64_t
cigna_budget_local_take(const cigna_budget_t *b, cigna_budget_by_e *by)
{
    int64_t                     gateway_ns, tenant_ns, ns;
    const cigna_budget_plan_t  *p = b->plan;

    gateway_ns = cigna_budget_local_pay(b, &b->node->gateway, &p->gateway, 0);

    if (p->minimum.every_ns) {
        ns = cigna_budget_local_pay(b, &b->tenant->minimum, &p->minimum, 0);
        gateway_ns = ns < gateway_ns ? ns : gateway_ns;
    }

    tenant_ns = cigna_budget_local_pay(b, &b->tenant->tenant, &p->tenant, 0);

    *by = gateway_ns ? cigna_budget_by_gateway
          : tenant_ns ? cigna_budget_by_tenant : cigna_budget_by_none;

    ns = p->gateway_dry ? 0 : gateway_ns;

    if (tenant_ns > ns && !p->tenant_dry) {
        *by = cigna_budget_by_tenant;
        ns = tenant_ns;
    }

    if (ns == 0) {
        cigna_budget_local_charge(b, 1);
    }

    return ns;
}


/*
 * A bucket with dry_run pays only for the requests that fit.  Without dry_run
 * the gateway would have refused the others.
 */

void
cigna_budget_local_charge(const cigna_budget_t *b, int64_t n)
{
    int64_t                     common, tenant;
    const cigna_budget_plan_t  *p = b->plan;

    common = cigna_budget_local_room(b, &b->node->gateway, &p->gateway, n);
    tenant = cigna_budget_local_room(b, &b->tenant->tenant, &p->tenant, n);

    cigna_budget_local_pay(b, &b->node->gateway, &p->gateway,
                           p->gateway_dry ? common : n);
    cigna_budget_local_pay(b, &b->tenant->minimum, &p->minimum, n - common);
    cigna_budget_local_pay(b, &b->tenant->tenant, &p->tenant,
                           p->tenant_dry ? tenant : n);
}

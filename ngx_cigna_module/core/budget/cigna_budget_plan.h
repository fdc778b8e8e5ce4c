
#ifndef _CIGNA_BUDGET_PLAN_H_INCLUDED_
#define _CIGNA_BUDGET_PLAN_H_INCLUDED_


#include "cigna_gcra.h"
#include "cigna_rate.h"


/*
 * Turns the settings of a gateway, its tenants and their members into limits.
 *
 * The gateway's burst has two halves.  All tenants share the first half, first
 * come first served.  The other half is divided among the tenants' minimums.
 * Each minimum is a bucket that no other tenant can empty.  If a minimum pays
 * for a request, the request is also charged to the gateway's bucket, so that
 * the common half only grants what the minimums leave.  The minimums together
 * are at most the rate.  Hence Redis grants
 *
 *     requests in any time t  <=  rate * t + burst
 *
 * Below, "lease" is the time lease_ms.  A node may send a request up to 2 *
 * lease after Redis has granted it.  So the requests sent in any time t are at
 * most rate * (t + 2 * lease) + burst.  After a quiet time, with nothing on
 * lease, they are at most rate * t + burst.
 *
 * Each bucket in Redis holds at least one request, and at least the requests of
 * 2 * lease.  Otherwise a node, which asks once per lease, could not use the
 * whole rate.  If the halves of the burst are smaller, "burst" above is the sum
 * of what the buckets hold: gateway_max_ns / gateway.every_ns, rounded up.
 */

#define CIGNA_BUDGET_BURST_MAX      1000000

#define CIGNA_BUDGET_LEASE_MIN_MS   20
#define CIGNA_BUDGET_LEASE_MAX_MS   1000
#define CIGNA_BUDGET_LEASE_MS       50     /* by default */

/*
 * requests per second of which the ramp after a pause (see cigna_pause.h) lets
 * a part through, if no rate is configured
 */

#define CIGNA_BUDGET_RAMP_RATE      160

/*
 * The default limit of metadata: one request for each
 * CIGNA_BUDGET_METADATA_PART requests of the budget, in addition to these.  The
 * burst is at least CIGNA_BUDGET_METADATA_BURST, because an app sends a few
 * such requests when it starts.
 */

#define CIGNA_BUDGET_METADATA_PART   20
#define CIGNA_BUDGET_METADATA_BURST  10


/* how a node decides while Redis is down; members' limits always apply */

typedef enum {
    cigna_budget_outage_local = 0,         /* each node grants its share of the
                                              rates */
    cigna_budget_outage_open,              /* no rate of gateway and tenant
                                              applies */
    cigna_budget_outage_closed             /* the node refuses all requests,
                                              unless the gateway has dry_run */
} cigna_budget_outage_e;


/* the settings; a burst of 0 means the default, see cigna_rate_burst() */

typedef struct {
    cigna_rate_t           rate;           /* zero: no limit */
    uint32_t               burst;
    cigna_rate_t           metadata;       /* zero: the default */
    uint32_t               lease_ms;       /* 20..1000 */
    cigna_budget_outage_e  outage;
    unsigned               dry_run:1;
} cigna_budget_gateway_conf_t;


typedef struct {
    cigna_rate_t           rate;           /* zero: no limit */
    uint32_t               burst;
    cigna_rate_t           minimum;        /* zero: none given */
    cigna_rate_t           metadata;       /* zero: the default */
    unsigned               dry_run:1;

    cigna_rate_t           member_rate;    /* zero: no limit */
    uint32_t               member_burst;
    unsigned               member_dry_run:1;
} cigna_budget_tenant_conf_t;


/* the limits for one tenant's requests; made at start, without pointers */

typedef struct {
    cigna_gcra_limit_t     gateway;        /* span_ns is that of the half of the
                                              burst that all tenants share, or
                                              of the whole burst if there is
                                              only one tenant */
    int64_t                gateway_max_ns; /* span of the shared half and all
                                              minimums */
    cigna_gcra_limit_t     minimum;        /* every_ns 0: the tenant has none */
    cigna_gcra_limit_t     tenant;
    cigna_gcra_limit_t     member;

    /*
     * requests for metadata of the tenant, and of all tenants together;
     * every_ns 0: no limit
     */
    cigna_gcra_limit_t     metadata;
    cigna_gcra_limit_t     metadata_all;

    /*
     * ns between requests at full rate, to which the rate climbs after a pause;
     * without a rate, a default
     */
    int64_t                ramp_all_ns;
    int64_t                ramp_own_ns;

    int64_t                lease_ns;
    cigna_budget_outage_e  outage;

    unsigned               gateway_dry:1;
    unsigned               tenant_dry:1;
    unsigned               member_dry:1;
} cigna_budget_plan_t;


/*
 * Makes the plans of n tenants, which must be all tenants that share the
 * gateway's budget.  The settings of a tenant without budget and member_budget
 * are all zero.
 *
 * Requests for metadata have limits of their own: by default, the gateway's
 * rate and the tenant's rate, divided by CIGNA_BUDGET_METADATA_PART.  If there
 * are several tenants, a tenant without a metadata rate has at most half of the
 * gateway's limit.  If neither the gateway nor the tenant has a rate or a
 * metadata rate, metadata is limited like one member.
 *
 * The minimums leave a part of the gateway's rate.  The tenants without a
 * minimum share it equally.  A single tenant has no minimum, as it need not
 * share.  With 0 tenants only the gateway's settings are checked.
 *
 * CIGNA_ERROR: *error has the reason, in words for an operator and without the
 * directive's name.  *bad says whose setting is wrong: 0..n-1, or n for the
 * gateway's.  These settings are wrong: a burst above CIGNA_BUDGET_BURST_MAX or
 * above the requests of a day, a burst without a rate, a minimum without a rate
 * of the gateway, and minimums that together exceed this rate.
 */
int cigna_budget_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n,
    cigna_budget_plan_t *plans, unsigned *bad, const char **error);


#endif /* _CIGNA_BUDGET_PLAN_H_INCLUDED_ */


#ifndef _CIGNA_BUDGET_PLAN_H_INCLUDED_
#define _CIGNA_BUDGET_PLAN_H_INCLUDED_


#include "cigna_gcra.h"
#include "cigna_rate.h"


/*
 * Turns the settings of a gateway, its tenants and their members into limits.
 *
 * The gateway's burst has two halves.  One is common to all tenants, first come
 * first served.  The other is divided among the tenants' minimums; each minimum
 * is a bucket that no other tenant can empty.  A request that a minimum pays
 * for is charged to the gateway's bucket, too, so that the common half grants
 * only what the minimums leave.  The minimums together are at most the rate.
 * Hence Redis grants
 *
 *     requests in any time t  <=  rate * t + burst
 *
 * A node may send a request up to 2 * lease after Redis has granted it.  So the
 * requests sent in any time t are at most rate * (t + 2 * lease) + burst; after
 * a quiet time, with nothing on lease, they are at most rate * t + burst.
 *
 * Every bucket holds at least one request, and the requests of 2 * lease, or a
 * node, which asks once per lease, could not use the whole rate.  If the halves
 * of the burst are smaller, "burst" above is the sum of what the buckets hold:
 * gateway_max_ns / gateway.every_ns, rounded up.
 */

#define CIGNA_BUDGET_BURST_MAX      1000000

#define CIGNA_BUDGET_LEASE_MIN_MS   20
#define CIGNA_BUDGET_LEASE_MAX_MS   1000
#define CIGNA_BUDGET_LEASE_MS       50     /* by default */

/*
 * The full rate of the ramp after a pause where no rate is configured: requests
 * per second, of which a sixteenth is granted in the first second.
 */

#define CIGNA_BUDGET_RAMP_RATE      160

/*
 * The default part of metadata: one request for each CIGNA_BUDGET_METADATA_PART
 * requests of the budget, in addition to these, with a burst of at least
 * CIGNA_BUDGET_METADATA_BURST, because an app that starts sends a few.
 */

#define CIGNA_BUDGET_METADATA_PART   20
#define CIGNA_BUDGET_METADATA_BURST  10


/* how requests are decided on while Redis cannot be asked */

typedef enum {
    cigna_budget_outage_local = 0,         /* each node grants its share */
    cigna_budget_outage_open,              /* all are granted */
    cigna_budget_outage_closed             /* all are refused */
} cigna_budget_outage_e;


/* as configured; burst 0: the default, see cigna_rate_burst() */

typedef struct {
    cigna_rate_t           rate;           /* zero: no limit */
    uint32_t               burst;
    cigna_rate_t           metadata;       /* zero: none given */
    uint32_t               lease_ms;       /* 20..1000 */
    cigna_budget_outage_e  outage;
    unsigned               dry_run:1;
} cigna_budget_gateway_conf_t;


typedef struct {
    cigna_rate_t           rate;           /* zero: no limit */
    uint32_t               burst;
    cigna_rate_t           minimum;        /* zero: none given */
    cigna_rate_t           metadata;       /* likewise */
    unsigned               dry_run:1;

    cigna_rate_t           member_rate;    /* zero: no limit */
    uint32_t               member_burst;
    unsigned               member_dry_run:1;
} cigna_budget_tenant_conf_t;


/* the limits for one tenant's requests; made at start, pointer-free */

typedef struct {
    cigna_gcra_limit_t     gateway;        /* span_ns: of the common part */
    int64_t                gateway_max_ns; /* ... and with all minimums */
    cigna_gcra_limit_t     minimum;        /* every_ns 0: the tenant has none */
    cigna_gcra_limit_t     tenant;
    cigna_gcra_limit_t     member;

    /* metadata: the tenant's part, and that of all; every_ns 0: no limit */
    cigna_gcra_limit_t     metadata;
    cigna_gcra_limit_t     metadata_all;

    /* ns from one request to the next at the end of a ramp after a pause */
    int64_t                ramp_all_ns;
    int64_t                ramp_own_ns;

    int64_t                lease_ns;
    cigna_budget_outage_e  outage;

    unsigned               gateway_dry:1;
    unsigned               tenant_dry:1;
    unsigned               member_dry:1;
} cigna_budget_plan_t;


/*
 * Makes the plans of n tenants, which are all that share the gateway's budget;
 * the struct of a tenant without budget and member_budget is all zero.
 *
 * Metadata has a part of its own, as given or by default: one request in
 * CIGNA_BUDGET_METADATA_PART of the gateway's rate, of which one of several
 * tenants has at most half, and likewise of the tenant's.  If neither has a
 * rate, metadata is limited like one member.
 *
 * Tenants without a minimum share equally what the minimums leave of the
 * gateway's rate; a single tenant has no minimum, as it need not share.  With 0
 * tenants only the gateway's settings are checked.
 *
 * CIGNA_ERROR: *error says why, in words for an operator and without the
 * directive's name; *bad says whose setting it is: 0..n-1, or n for the
 * gateway's.  Wrong are: a burst above CIGNA_BUDGET_BURST_MAX or above the
 * requests of a day, a burst without a rate, a minimum without a rate of the
 * gateway, and minimums that together exceed it.
 */
int cigna_budget_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n,
    cigna_budget_plan_t *plans, unsigned *bad, const char **error);


#endif /* _CIGNA_BUDGET_PLAN_H_INCLUDED_ */


#ifndef _CIGNA_BUDGET_PLAN_H_INCLUDED_
#define _CIGNA_BUDGET_PLAN_H_INCLUDED_


#include "cigna_gcra.h"
#include "cigna_rate.h"


/*
 * From what an operator writes to the limits that are kept: of one gateway,
 * of its tenants, and of their members.
 *
 * The burst of the gateway has two halves.  One is common: who comes first
 * takes of it.  The other belongs to the tenants' minimums, each of which is a
 * bucket of its own that nobody else can empty.  What is taken of a minimum
 * weighs on the gateway's bucket too, so that the common half is granted only
 * while the minimums leave something.  Hence, with the minimums no more than
 * the rate together,
 *
 *     requests in any time t  <=  rate * t + burst
 *
 * as granted.  As sent, a lease may keep what was granted for 2 * lease, so
 * that in a time t of one's own choosing it is rate * (t + 2 * lease) + burst;
 * after a quiet time, when nothing is out on lease, it is the former.
 *
 * Every bucket holds at least one request, and what comes in 2 * lease: else a
 * node, which asks once a lease, could not use the rate.  Where the halves of
 * the burst are smaller than that, "burst" above is the sum of what they hold:
 * cigna_budget_burst() tells.
 */

#define CIGNA_BUDGET_BURST_MAX      1000000

#define CIGNA_BUDGET_LEASE_MIN_MS   20
#define CIGNA_BUDGET_LEASE_MAX_MS   1000
#define CIGNA_BUDGET_LEASE_MS       50     /* by default */

/*
 * The rate at which hold-back feels its way back where no rate is configured:
 * requests per second, of which a sixteenth is granted in the first second.
 */

#define CIGNA_BUDGET_RAMP_RATE      160

/*
 * Metadata's part where none is given: one in so many requests that a budget
 * lets through, on top of them, and at least so many at once: an app that
 * starts asks for a few.
 */

#define CIGNA_BUDGET_METADATA_PART   20
#define CIGNA_BUDGET_METADATA_BURST  10


/* what becomes of requests while Redis cannot be asked */

typedef enum {
    cigna_budget_outage_local = 0,         /* each node its share */
    cigna_budget_outage_open,
    cigna_budget_outage_closed
} cigna_budget_outage_e;


/* as configured; burst 0: by default what comes in a second, at least 1 */

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


/*
 * What applies to the requests of one tenant; made at start, and kept in the
 * configuration.  Pointer-free.
 */

typedef struct {
    cigna_gcra_limit_t     gateway;        /* span_ns: of the common part */
    int64_t                gateway_max_ns; /* ... and with all minimums */
    cigna_gcra_limit_t     minimum;        /* every_ns 0: the tenant has none */
    cigna_gcra_limit_t     tenant;
    cigna_gcra_limit_t     member;

    /* metadata: the tenant's part, and that of all; every_ns 0: no limit */
    cigna_gcra_limit_t     metadata;
    cigna_gcra_limit_t     metadata_all;

    /* full rate, as an interval, to which hold-back feels its way back */
    int64_t                ramp_all_ns;
    int64_t                ramp_own_ns;

    int64_t                lease_ns;
    cigna_budget_outage_e  outage;

    unsigned               gateway_dry:1;
    unsigned               tenant_dry:1;
    unsigned               member_dry:1;
} cigna_budget_plan_t;


/*
 * Makes the plans of n tenants, which are all that share the gateway's budget
 * (those without budget and member_budget too, whose struct is all zero).
 * Metadata has a part of its own: as given, else one in
 * CIGNA_BUDGET_METADATA_PART of the gateway's rate, of which one of several
 * tenants has half at most, and of the tenant's; where neither has a rate it is
 * limited as one member.
 *
 * Tenants without a minimum share what the others leave of the gateway's rate
 * equally; a single tenant has none, as it need not share.  0 tenants are
 * allowed: that only checks the gateway's.
 *
 * CIGNA_ERROR: *error says why, in words for an operator and without the
 * directive's name; *bad is whose setting it is: 0..n-1, or n for the
 * gateway's.  Checked are: bursts (at most CIGNA_BUDGET_BURST_MAX and at most
 * what a day brings), a burst without a rate, a minimum without a gateway's
 * rate, and minimums that together exceed it.
 */
int cigna_budget_plan(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *tenants, unsigned n,
    cigna_budget_plan_t *plans, unsigned *bad, const char **error);

/*
 * What the gateway's burst comes to, in requests: the common part and all
 * minimums, rounded up; 0: no limit.
 */
uint64_t cigna_budget_burst(const cigna_budget_plan_t *plan);


#endif /* _CIGNA_BUDGET_PLAN_H_INCLUDED_ */

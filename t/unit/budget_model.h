
#ifndef _BUDGET_MODEL_H_INCLUDED_
#define _BUDGET_MODEL_H_INCLUDED_


#include "budget/cigna_budget_call.h"
#include "budget/cigna_pause.h"


/*
 * The algorithm of the script budget_lease in C.  test_budget_scripts.c
 * compares it with the script, and simulated fleets use it in place of Redis.
 *
 * Times are ns of one clock, which may step back.
 */

/* a pause, and the bucket of the ramp that follows it */

typedef struct {
    cigna_pause_t     pause;
    cigna_gcra_t      ramp;
} model_pause_t;


/*
 * asks for a pause as the script budget_pause does: a new pause has a new ramp
 */
int64_t model_pause(model_pause_t *p, int64_t retry_after_ms, unsigned jitter,
    int64_t now_ns);


/* the buckets and pauses that a tenant's requests pass, borrowed */

typedef struct {
    cigna_gcra_t     *gateway;
    cigna_gcra_t     *minimum;             /* the tenant's guaranteed share */
    cigna_gcra_t     *tenant;
    model_pause_t    *all;                 /* pause of the origin's tenants */
    model_pause_t    *own;                 /* pause of the tenant */
} model_buckets_t;


/* grants up to "want" requests, and charges the granted ones */
void model_lease(const cigna_budget_plan_t *plan, const model_buckets_t *b,
    int64_t want, int64_t now_ns, cigna_budget_grant_t *g);


#endif /* _BUDGET_MODEL_H_INCLUDED_ */

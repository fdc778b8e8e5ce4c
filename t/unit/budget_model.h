
#ifndef _BUDGET_MODEL_H_INCLUDED_
#define _BUDGET_MODEL_H_INCLUDED_


#include "budget/cigna_budget_call.h"
#include "budget/cigna_pause.h"


/*
 * The algorithm of the script budget_lease in C.  A test compares it with the
 * script, and simulated fleets use it as their Redis.
 *
 * Times are ns of one clock; it may step back.
 */

/* a pause, and the ramp that follows it */

typedef struct {
    cigna_pause_t     pause;
    cigna_gcra_t      ramp;
} model_pause_t;


/* cigna_pause_ask(), as budget_pause does it: a new pause has a new ramp */
int64_t model_pause(model_pause_t *p, int64_t retry_after_ms, unsigned jitter,
    int64_t now_ns);


/* the buckets of one request's scopes, borrowed */

typedef struct {
    cigna_gcra_t     *gateway;
    cigna_gcra_t     *minimum;
    cigna_gcra_t     *tenant;
    model_pause_t    *all;
    model_pause_t    *own;
} model_buckets_t;


/* grants up to want, and charges what it grants */
void model_lease(const cigna_budget_plan_t *plan, const model_buckets_t *b,
    int64_t want, int64_t now_ns, cigna_budget_grant_t *g);


#endif /* _BUDGET_MODEL_H_INCLUDED_ */

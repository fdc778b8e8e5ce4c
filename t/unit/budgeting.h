
#ifndef _BUDGETING_H_INCLUDED_
#define _BUDGETING_H_INCLUDED_


#include "support.h"

#include "budget/cigna_budget.h"
#include "budget/cigna_budget_member.h"
#include "budget/cigna_budget_pause.h"


/* helpers for the tests of budgets; times are in nanoseconds */

#define MS      INT64_C(1000000)
#define SECOND  INT64_C(1000000000)


/* parses a rate such as "10r/s"; "" gives no rate */
cigna_rate_t a_rate(const char *text);

/* plans the budgets of n tenants; fails the test if the settings are refused */
void make_plans(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *t, unsigned n, cigna_budget_plan_t *p);

/* the burst of the gateway's budget in the plan, in requests; 0: no limit */
uint64_t real_burst(const cigna_budget_plan_t *p);

/*
 * Asks for a pause of "ms", as a reply with Retry-After does: a 429 for the
 * tenant, or a 503 for all tenants of the origin.  jitter and began are those
 * of cigna_budget_pause_ask().
 */
int ask_pause(const cigna_budget_t *b, cigna_budget_scope_e scope, int64_t ms,
    unsigned jitter, int *began);

/* the next pseudo-random number below "below" */
uint64_t some(uint64_t *seed, uint64_t below);


#endif /* _BUDGETING_H_INCLUDED_ */

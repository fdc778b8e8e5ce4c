
#ifndef _BUDGETING_H_INCLUDED_
#define _BUDGETING_H_INCLUDED_


#include "support.h"

#include "budget/cigna_budget.h"
#include "budget/cigna_budget_member.h"
#include "budget/cigna_budget_pause.h"


/* for the tests of budgets; times are in nanoseconds */

#define MS      INT64_C(1000000)
#define SECOND  INT64_C(1000000000)


/* of a text like "10r/s"; "" is no rate */
cigna_rate_t a_rate(const char *text);

/* the plan of each of n tenants; fails the test if they do not go together */
void make_plans(const cigna_budget_gateway_conf_t *g,
    const cigna_budget_tenant_conf_t *t, unsigned n, cigna_budget_plan_t *p);

/* the gateway's real burst in requests; 0: no limit */
uint64_t real_burst(const cigna_budget_plan_t *p);

/*
 * Makes the scope pause for ms, as after a reply with Retry-After: 429 pauses a
 * tenant, 503 all tenants of an origin.
 */
int ask_pause(const cigna_budget_t *b, cigna_budget_scope_e scope, int64_t ms,
    unsigned jitter, int *began);

/* a number below "below", the same in each run */
uint64_t some(uint64_t *seed, uint64_t below);


#endif /* _BUDGETING_H_INCLUDED_ */

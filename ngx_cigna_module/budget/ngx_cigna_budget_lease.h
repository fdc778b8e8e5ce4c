
#ifndef _NGX_CIGNA_BUDGET_LEASE_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_LEASE_H_INCLUDED_


#include "ngx_cigna_budget.h"


/* how budgets get at what is in the zone and in Redis */

void ngx_cigna_budget_lease_init(ngx_cigna_budget_t *budget);
void ngx_cigna_budget_lease_done(ngx_cigna_budget_t *budget);

/* for calls of the core; member: 0 for nobody's */
cigna_budget_t *ngx_cigna_budget_lock(ngx_cigna_budget_t *budget,
    uint64_t member);
void ngx_cigna_budget_unlock(ngx_cigna_budget_t *budget);

/*
 * Makes the call that the answer asks for; ngx_cigna_budget_wake() tells of its
 * end.  NGX_ERROR: it could not be sent, which was reported to the core.
 */
ngx_int_t ngx_cigna_budget_lease(ngx_cigna_budget_t *budget,
    const cigna_budget_answer_t *a);

/* Redis cannot be asked any more, says the core */
void ngx_cigna_budget_log_outage(ngx_cigna_budget_t *budget,
    cigna_slice_t why);


#endif /* _NGX_CIGNA_BUDGET_LEASE_H_INCLUDED_ */


#ifndef _CIGNA_BUDGET_LOCAL_H_INCLUDED_
#define _CIGNA_BUDGET_LOCAL_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * What a node grants without Redis: its share of the rates and bursts, as one
 * of the nodes that were alive last.  Each limit is a plain GCRA (cigna_gcra.h)
 * of this node.  For callers that have the slots open.
 */

/*
 * A limit and its bucket, as this node's share: charges n, which may be 0 or
 * negative.  Returns the ns until one more request fits; 0: it fits now, or
 * there is no limit.
 */
int64_t cigna_budget_local_pay(const cigna_budget_t *b, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *limit, int64_t n);

/*
 * Grants one request of the gateway's and the tenant's budget, and charges it:
 * returns 0, with *by saying what would have refused it, but for its dry_run,
 * or cigna_budget_by_none.  Else returns the ns until the next one may be
 * granted, with *by saying what refuses.
 */
int64_t cigna_budget_local_take(const cigna_budget_t *b,
    cigna_budget_by_e *by);

/*
 * Charges n requests that Redis has granted, so that an outage does not begin
 * with a burst, or (negative) gives back requests.  The minimum pays for those
 * that the gateway's bucket has no room for.
 */
void cigna_budget_local_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_LOCAL_H_INCLUDED_ */

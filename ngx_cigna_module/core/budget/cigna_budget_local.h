
#ifndef _CIGNA_BUDGET_LOCAL_H_INCLUDED_
#define _CIGNA_BUDGET_LOCAL_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * The requests that a node grants without Redis: its share of the rates and
 * bursts.  The node divides rates and bursts by the number of nodes that were
 * last known to be alive.  Each limit is a plain GCRA (cigna_gcra.h) of this
 * node.  The caller must have called cigna_budget_slot_open().
 */

/*
 * Charges n requests to this node's share of a limit; n may be 0 or negative.
 * Returns the ns until one more request fits.  0: one fits now, or there is no
 * limit.
 */
int64_t cigna_budget_local_pay(const cigna_budget_t *b, cigna_gcra_t *bucket,
    const cigna_gcra_limit_t *limit, int64_t n);

/*
 * Two buckets limit requests for metadata, which strangers may send: one of the
 * tenant, and one of all tenants.  Charges n requests to both, like
 * cigna_budget_local_pay(), and returns the longer time.
 */
int64_t cigna_budget_local_metadata(const cigna_budget_t *b, int64_t n);

/*
 * Grants one request of the gateway's and the tenant's budget, and charges it.
 * Then returns 0; *by is the limit that would have refused it without dry_run,
 * or cigna_budget_by_none.  If a limit refuses the request, returns the ns
 * until the next one may be granted; *by is that limit.
 */
int64_t cigna_budget_local_take(const cigna_budget_t *b,
    cigna_budget_by_e *by);

/*
 * Charges n granted requests to this node's buckets.  Requests that Redis has
 * granted are charged too, so that an outage does not begin with a burst.  With
 * a negative n, gives back requests.  A request for which the gateway's bucket
 * has no room is charged to the tenant's minimum, too.  A bucket with dry_run
 * is charged only for requests for which it has room.
 */
void cigna_budget_local_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_LOCAL_H_INCLUDED_ */

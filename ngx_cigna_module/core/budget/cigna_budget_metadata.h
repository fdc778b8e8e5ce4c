
#ifndef _CIGNA_BUDGET_METADATA_H_INCLUDED_
#define _CIGNA_BUDGET_METADATA_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * Metadata, which strangers may ask for: two buckets, of the tenant and of all
 * tenants, of which this node has its share.  For callers that have the slots
 * open.
 */

/* ns until one more request fits; 0: it fits now, or there is no limit */
int64_t cigna_budget_metadata_wait_ns(const cigna_budget_t *b);

/* charges n requests, or gives back -n */
void cigna_budget_metadata_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_METADATA_H_INCLUDED_ */

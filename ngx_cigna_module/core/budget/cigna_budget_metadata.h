
#ifndef _CIGNA_BUDGET_METADATA_H_INCLUDED_
#define _CIGNA_BUDGET_METADATA_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * Two buckets limit requests for metadata, which strangers may send: one of the
 * tenant, and one of all tenants.  This node has its share of both.  The caller
 * must have opened the slots.
 */

/* ns until one more request fits; 0: it fits now, or there is no limit */
int64_t cigna_budget_metadata_wait_ns(const cigna_budget_t *b);

/* charges n requests; gives back -n requests if n is negative */
void cigna_budget_metadata_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_METADATA_H_INCLUDED_ */

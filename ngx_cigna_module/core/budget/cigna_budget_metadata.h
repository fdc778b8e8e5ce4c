
#ifndef _CIGNA_BUDGET_METADATA_H_INCLUDED_
#define _CIGNA_BUDGET_METADATA_H_INCLUDED_


#include "cigna_budget.h"


/*
 * What strangers may ask for: two buckets, of the tenant and of all tenants,
 * of which this node has its share.  For those who have the slots open.
 */

/* ns until one more request fits, 0: it does already, or there is no limit */
int64_t cigna_budget_metadata_wait_ns(const cigna_budget_t *b);

/* n requests, negative ones come back */
void cigna_budget_metadata_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_METADATA_H_INCLUDED_ */

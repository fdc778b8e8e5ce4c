
#ifndef _CIGNA_BUDGET_MEMBER_H_INCLUDED_
#define _CIGNA_BUDGET_MEMBER_H_INCLUDED_


#include "cigna_budget.h"


/*
 * The members' buckets; each call finds its place anew.  Those without a
 * limit, a table or a hash are not counted and always have room.
 */

/* ns until the member may send one more, 0: now */
int64_t cigna_budget_member_wait_ns(const cigna_budget_t *b);

/* charges n, or gives back -n */
void cigna_budget_member_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_MEMBER_H_INCLUDED_ */

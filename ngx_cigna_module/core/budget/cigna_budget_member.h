
#ifndef _CIGNA_BUDGET_MEMBER_H_INCLUDED_
#define _CIGNA_BUDGET_MEMBER_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * The buckets of the members, which each node keeps for itself.  A member is
 * not limited if there is no limit, no table, or no hash of the member.
 */

#define CIGNA_BUDGET_MEMBERS_MIN  1024     /* least bytes of a table */

/*
 * Makes a table in mem, which must be zeroed, or have been such a table of the
 * same size before.  A member takes 24 bytes, so 64 KB have room for 2,700
 * members.  Each member has four places in the table where it can be.  If all
 * four are taken, a new member replaces the one whose bucket is empty soonest.
 * The replaced member later starts anew with a full burst.  NULL: size is less
 * than CIGNA_BUDGET_MEMBERS_MIN.
 */
cigna_budget_members_t *cigna_budget_members_init(void *mem, size_t size);

/* ns until the member may send one more request; 0: now */
int64_t cigna_budget_member_wait_ns(const cigna_budget_t *b);

/* charges n requests; gives back -n requests if n is negative */
void cigna_budget_member_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_MEMBER_H_INCLUDED_ */

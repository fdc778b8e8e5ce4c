
#ifndef _CIGNA_BUDGET_MEMBER_H_INCLUDED_
#define _CIGNA_BUDGET_MEMBER_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * The members' buckets, which each node counts by itself.  Each call looks for
 * the member's place anew.  Members without a limit, a table or a hash are not
 * counted and always have room.
 */

#define CIGNA_BUDGET_MEMBERS_MIN  1024     /* bytes */

/*
 * Makes a table in mem, which is zeroed or was such a table of the same size
 * before.  A member takes 24 bytes, so 64 KB have room for 2,700.  If there is
 * no room, the member gives way that could send soonest: it starts anew with a
 * full burst.  NULL: size is less than CIGNA_BUDGET_MEMBERS_MIN.
 */
cigna_budget_members_t *cigna_budget_members_init(void *mem, size_t size);

/* ns until the member may send one more, 0: now */
int64_t cigna_budget_member_wait_ns(const cigna_budget_t *b);

/* charges n, or gives back -n */
void cigna_budget_member_charge(const cigna_budget_t *b, int64_t n);


#endif /* _CIGNA_BUDGET_MEMBER_H_INCLUDED_ */


#ifndef _CIGNA_BUDGET_SLOT_H_INCLUDED_
#define _CIGNA_BUDGET_SLOT_H_INCLUDED_


#include "cigna_budget.h"


/*
 * The slots of a call: whole before it and after it, and with a time that
 * does not step back within them.
 */

/*
 * Copies the call's place and time to *b.  A slot whose sum is not right
 * starts anew; after a step of the clock all that lay ahead comes as much
 * earlier, and a small one goes unnoticed.
 */
void cigna_budget_slot_open(const cigna_budget_t *from, cigna_budget_t *b);

/* writes the sums */
void cigna_budget_slot_close(const cigna_budget_t *b);

/* a request of the tenant has come */
void cigna_budget_slot_count(const cigna_budget_t *b);

/* of how many nodes this is one */
unsigned cigna_budget_slot_share(const cigna_budget_t *b);

/* what the tenant has on lease is void; what is owed stays */
void cigna_budget_slot_void(cigna_budget_tenant_t *t);


#endif /* _CIGNA_BUDGET_SLOT_H_INCLUDED_ */

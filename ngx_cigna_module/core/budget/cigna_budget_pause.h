
#ifndef _CIGNA_BUDGET_PAUSE_H_INCLUDED_
#define _CIGNA_BUDGET_PAUSE_H_INCLUDED_


#include "cigna_budget.h"


/* hold-back of a node, for those who have its slots open */

/* borrowed: of a slot */
cigna_budget_hold_t *cigna_budget_pause_of(const cigna_budget_t *b,
    cigna_budget_scope_e scope);

/* ns left of the longer pause, and its scope; 0: there is none */
int64_t cigna_budget_pause_left_ns(const cigna_budget_t *b,
    cigna_budget_scope_e *scope);


#endif /* _CIGNA_BUDGET_PAUSE_H_INCLUDED_ */

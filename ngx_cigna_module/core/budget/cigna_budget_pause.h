
#ifndef _CIGNA_BUDGET_PAUSE_H_INCLUDED_
#define _CIGNA_BUDGET_PAUSE_H_INCLUDED_


#include "cigna_budget_slot.h"


/* The pauses of a tenant, and of all tenants of its origin, on a node. */

/*
 * The FHIR server asked for fewer requests: 429 (scope own) or 503 with
 * Retry-After (scope all, which is all tenants of the origin).  The pause takes
 * effect on this node at once, and voids what the tenant has on lease.
 * CIGNA_OK: the other nodes are to be told, by budget_pause with the same
 * values.  CIGNA_NONE: they know.  *began is 1 if a new pause began (to be
 * counted and logged), 0 if one was prolonged.
 */
int cigna_budget_pause_ask(const cigna_budget_t *b,
    const cigna_budget_cause_t *cause, int *began);

/* the reply of budget_pause: what is left of the pause, in ms */
void cigna_budget_pause_learn(const cigna_budget_t *b,
    cigna_budget_scope_e scope, int64_t left_ms);

/* ms left of the longer pause, and its scope; 0: there is none */
int64_t cigna_budget_pause_left_ms(const cigna_budget_t *b,
    cigna_budget_scope_e *scope);


/* for callers that have the slots open: */

/* borrowed from a slot */
cigna_pause_t *cigna_budget_pause_of(const cigna_budget_t *b,
    cigna_budget_scope_e scope);

/* the same as cigna_budget_pause_left_ms(), in ns */
int64_t cigna_budget_pause_left_ns(const cigna_budget_t *b,
    cigna_budget_scope_e *scope);


#endif /* _CIGNA_BUDGET_PAUSE_H_INCLUDED_ */


#ifndef _CIGNA_BUDGET_PAUSE_H_INCLUDED_
#define _CIGNA_BUDGET_PAUSE_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * The pauses on a node, see cigna_pause.h: of one tenant, and of all tenants of
 * an origin.
 */

/*
 * Records that the FHIR server asked for fewer requests: by 429 (scope own) or
 * by 503 with Retry-After (scope all: all tenants of the origin).  The pause
 * takes effect on this node at once.  It voids the tenant's lease, unless the
 * gateway has dry_run.  CIGNA_OK: the caller must tell the other nodes, by
 * budget_pause with the same values.  CIGNA_NONE: the pause has not become
 * longer, so the other nodes know enough.  *began is 1 if a new pause began
 * (log it), and 0 if there was a pause already.
 */
int cigna_budget_pause_ask(const cigna_budget_t *b,
    const cigna_budget_cause_t *cause, int *began);

/* applies the reply of budget_pause; left_ms is the rest of the pause */
void cigna_budget_pause_learn(const cigna_budget_t *b,
    cigna_budget_scope_e scope, int64_t left_ms);

/*
 * the rest of the tenant's or the origin's pause in ms, the longer one; 0:
 * there is no pause
 */
int64_t cigna_budget_pause_left_ms(const cigna_budget_t *b);


/*
 * callers of the next two functions must have called cigna_budget_slot_open()
 */

/* the pause of a scope, borrowed from a slot */
cigna_pause_t *cigna_budget_pause_of(const cigna_budget_t *b,
    cigna_budget_scope_e scope);

/*
 * like cigna_budget_pause_left_ms(), but in ns; sets *scope to the scope of the
 * longer pause
 */
int64_t cigna_budget_pause_left_ns(const cigna_budget_t *b,
    cigna_budget_scope_e *scope);


#endif /* _CIGNA_BUDGET_PAUSE_H_INCLUDED_ */

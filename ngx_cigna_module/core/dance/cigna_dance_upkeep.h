
#ifndef _CIGNA_DANCE_UPKEEP_H_INCLUDED_
#define _CIGNA_DANCE_UPKEEP_H_INCLUDED_


#include "cigna_dance_close.h"


/*
 * Closes the overdue dances of all shards (cigna_vault_names.h).  Every node
 * runs this flow from time to time.  An overdue dance ends as "abandoned", or
 * as "interrupted" if a run took it and did not end it.  A dance whose record
 * is missing ends as "lost".
 */

/* a dance is overdue this long after its deadline */
#define CIGNA_DANCE_GRACE_MS  (30 * 1000)


/* the state of the flow; the caller zeroes it first */

typedef struct {
    /*
     * The caller sets vault, arena, "closed" and "data", which are borrowed
     * until the flow is over.  No other flow may use the arena: this flow
     * empties it before each shard.
     */
    cigna_dance_closer_t     closer;

    /* private */
    unsigned                 state;
    unsigned                 shard;        /* the current shard */
} cigna_dance_upkeep_t;


/* flow: a cigna_dance_upkeep_t */
void cigna_dance_upkeep_next(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_DANCE_UPKEEP_H_INCLUDED_ */

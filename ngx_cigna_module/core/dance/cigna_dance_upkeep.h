
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


typedef struct cigna_dance_upkeep_s  cigna_dance_upkeep_t;

/* called for each dance that the flow has ended */
typedef void (*cigna_dance_closed_pt)(cigna_dance_upkeep_t *u,
    const cigna_dance_close_t *closed);


/* the state of the flow; the caller zeroes it first */

struct cigna_dance_upkeep_s {
    /* set by the caller, borrowed until the flow is over */
    const cigna_vault_t     *vault;
    cigna_arena_t           *arena;        /* of this flow alone, which empties
                                              it for each shard */
    cigna_dance_closed_pt    closed;
    void                    *data;         /* for "closed" */

    /* private */
    unsigned                 state;
    unsigned                 shard;        /* the current shard */
    unsigned                 count;        /* number of "entries" */
    unsigned                 at;           /* index of the current entry */
    cigna_slice_t            entries[CIGNA_EVICTED_MAX];
    cigna_dance_close_t      close;
};


/* flow: a cigna_dance_upkeep_t */
void cigna_dance_upkeep_next(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_DANCE_UPKEEP_H_INCLUDED_ */

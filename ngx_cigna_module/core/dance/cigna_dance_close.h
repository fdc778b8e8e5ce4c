
#ifndef _CIGNA_DANCE_CLOSE_H_INCLUDED_
#define _CIGNA_DANCE_CLOSE_H_INCLUDED_


#include "cigna_dance_forget.h"


/*
 * Ends a dance from outside: a newer dance has displaced it, or nobody has
 * completed it.  Other flows run this one as steps of their own.
 */

/* the caller zeroes the struct first */

typedef struct {
    /* set by the caller, borrowed */
    const cigna_vault_t   *vault;
    cigna_arena_t         *arena;
    cigna_slice_t          entry;          /* see cigna_dance_entry.h */
    unsigned               overdue:1;      /* nobody has completed the dance in
                                              time; 0: a newer dance displaces
                                              it */

    /* results */
    unsigned               ended:1;        /* this run of the flow has ended the
                                              dance, so the caller counts the
                                              end */
    cigna_slice_t          outcome;        /* empty: the dance goes on or is
                                              not stored yet, Redis has failed,
                                              or the entry is malformed */

    /* private; "entry" and "dropped" of "forget" are results, too */
    unsigned               state;
    unsigned               lost:1;         /* Redis has no record of the
                                              dance */
    cigna_retry_t          retry;
    cigna_dance_forget_t   forget;
} cigna_dance_close_t;


/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * the flow is over.  The first call uses only the event's random bytes.
 */
int cigna_dance_close_next(cigna_dance_close_t *c, const cigna_event_t *ev,
    cigna_op_t *op);


/* called for each dance that a run has ended */
typedef void (*cigna_dance_closed_pt)(void *data,
    const cigna_dance_close_t *closed);


/*
 * Closes the dances that a script's reply lists, one after the other.  The
 * caller zeroes the struct first.
 */

typedef struct {
    /* set by the caller, borrowed */
    const cigna_vault_t    *vault;
    cigna_arena_t          *arena;
    unsigned                overdue:1;     /* of each cigna_dance_close_t */
    cigna_dance_closed_pt   closed;        /* or NULL */
    void                   *data;          /* of "closed" */

    /* private; the caller may set "count" to 0, so that no dance is closed */
    unsigned                count;         /* number of "entries" */
    unsigned                at;            /* index of the current entry */
    cigna_slice_t           entries[CIGNA_EVICTED_MAX];
    cigna_dance_close_t     close;
} cigna_dance_closer_t;


/*
 * Copies the entries, from element i of the reply on, because the reply belongs
 * to the event.  CIGNA_ERROR: no room.
 */
int cigna_dance_closer_list(cigna_dance_closer_t *c, const cigna_event_t *ev,
    size_t i);

/*
 * CIGNA_AGAIN: as of cigna_dance_close_next().  CIGNA_OK: there is no other
 * dance to close.  Failures do not matter: a dance that is still open is
 * closed later, when it is overdue.
 */
int cigna_dance_closer_next(cigna_dance_closer_t *c, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_DANCE_CLOSE_H_INCLUDED_ */

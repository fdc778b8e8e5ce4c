
#ifndef _CIGNA_DANCE_FORGET_H_INCLUDED_
#define _CIGNA_DANCE_FORGET_H_INCLUDED_


#include "cigna_dance_entry.h"
#include "vault/cigna_vault.h"


/*
 * Takes an ended dance out of the lists of open dances.  The script counts the
 * dance once, however often it is called.  Other flows run this one as steps of
 * their own.
 */

#define CIGNA_EVICTED_MAX  16              /* most entries in a script's
                                              reply */


/* the caller zeroes the struct first */

typedef struct {
    /* set by the caller, borrowed */
    const cigna_vault_t   *vault;
    cigna_arena_t         *arena;
    cigna_dance_entry_t    entry;
    cigna_slice_t          outcome;        /* name of the outcome; empty: the
                                              dance never started, and is not
                                              counted */
    cigna_slice_t          started;        /* ms, in decimal; may be empty */

    /* results */
    unsigned               counted:1;      /* 1: the end is counted now; 0: it
                                              was counted before, there is no
                                              outcome, or Redis has failed */
    unsigned               dropped:1;      /* Redis has counted the dance, but
                                              does not list it with the ended
                                              ones */

    /* private */
    unsigned               state;
    cigna_retry_t          retry;
    cigna_vault_names_t    names;
    unsigned               leaving;        /* number of records in "keys" that
                                              have to be deleted */
    cigna_slice_t          keys[CIGNA_EVICTED_MAX];
} cigna_dance_forget_t;


/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * the flow is over.  The first call uses only the event's time.
 */
int cigna_dance_forget_next(cigna_dance_forget_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_DANCE_FORGET_H_INCLUDED_ */


#ifndef _CIGNA_DANCE_CLAIM_H_INCLUDED_
#define _CIGNA_DANCE_CLAIM_H_INCLUDED_


#include "cigna_dance_outcome.h"
#include "vault/cigna_scripts.h"


/*
 * Takes a dance for one run, and ends it with its outcome: two parts of the
 * callback, and flows of their own shape within it.
 */

typedef struct {
    /* set by the flow, borrowed */
    const cigna_subject_t      *subject;
    cigna_slice_t               state_param;
    cigna_slice_t               secret;
    unsigned                    exchange_ms;  /* all deadlines of an exchange */

    /* results */
    cigna_dance_outcome_e       outcome;   /* none: this run has the dance */
    const char                 *why;       /* for the log; NULL: the outcome
                                              says it */
    cigna_slice_t               dance_id;  /* empty: not known */
    cigna_slice_t               return_to;  /* empty: nowhere */
    cigna_dance_t               dance;
    int64_t                     taken_ms;
    unsigned                    repeated:1;  /* the outcome of another hit */
    unsigned                    taken:1;   /* for this run, also if the reply
                                              was lost */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    unsigned                    waited_ms;
    cigna_slice_t               dance_key;
    cigna_slice_t               taker;
    cigna_slice_t               rest;      /* the dance without its secrets,
                                              sealed */
} cigna_dance_claim_t;


/*
 * How long a run may have the dance, in addition to its exchange: more than the
 * deadlines of all other operations together.
 */

#define CIGNA_DANCE_CLAIM_MS  (120 * 1000)


/* before or after the flow's fields are set, which it leaves alone */
void cigna_dance_claim_init(cigna_dance_claim_t *t);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event; the event
 * of the first call gives time and random bytes only.  CIGNA_OK: it is over.
 */
int cigna_dance_claim_next(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op);

/*
 * Ends the dance and remembers the outcome.  Events go to
 * cigna_dance_claim_next().
 */
void cigna_dance_claim_end(cigna_dance_claim_t *t,
    cigna_dance_outcome_e outcome, cigna_op_t *op);

/*
 * Makes *op the command that removes the dance from the list of open ones.  The
 * reply does not matter: the dance leaves the list by its age at the latest.
 */
void cigna_dance_claim_forget(const cigna_dance_claim_t *t, cigna_op_t *op);


#endif /* _CIGNA_DANCE_CLAIM_H_INCLUDED_ */


#ifndef _CIGNA_DANCE_CLAIM_H_INCLUDED_
#define _CIGNA_DANCE_CLAIM_H_INCLUDED_


#include "cigna_dance_forget.h"
#include "cigna_dance_outcome.h"
#include "cigna_dance_story.h"
#include "vault/cigna_scripts.h"


/*
 * Two flows that the callback runs as steps of its own.  The first one takes a
 * dance for this run of the callback.  The second one ends the dance with an
 * outcome.  The struct begins as zeros.
 */

typedef struct {
    /* set by the callback, see cigna_callback_t; borrowed */
    const cigna_subject_t      *subject;
    cigna_slice_t               state_param;
    cigna_slice_t               secret;
    cigna_slice_t               request;
    unsigned                    exchange_ms;

    /* results */
    cigna_dance_outcome_e       outcome;   /* "none": this run has taken the
                                              dance */
    const char                 *why;       /* for the log; NULL: the outcome
                                              says enough */
    cigna_slice_t               dance_id;  /* empty: not known */
    cigna_slice_t               return_to;  /* empty: not known, or none */
    cigna_dance_t               dance;
    int64_t                     taken_ms;
    unsigned                    repeated:1;  /* another run has the dance, or
                                                has ended it */
    unsigned                    taken:1;   /* this run has the dance, or may
                                              have it because a reply was
                                              lost */
    unsigned                    ended:1;   /* this run has ended the dance, so
                                              the caller counts the end */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    unsigned                    waited_ms;  /* for the outcome of another run */
    cigna_slice_t               dance_key;
    cigna_slice_t               taker;     /* random text that names this run */
    cigna_slice_t               rest;      /* the dance without its secrets,
                                              sealed */
    cigna_dance_forget_t        forget;
} cigna_dance_claim_t;


/*
 * A run may have the dance for exchange_ms plus this time.  All operations of a
 * run, without the exchange, together take less than this time.
 */

#define CIGNA_DANCE_CLAIM_MS  (120 * 1000)


/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * the flow is over.  The first call uses only the event's time and random
 * bytes.
 */
int cigna_dance_claim_next(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op);

/*
 * Makes *op the script that ends the dance with this outcome, and sets outcome
 * and request in the story.  The events of *op go to cigna_dance_claim_next().
 * When it returns CIGNA_OK, "outcome" in the struct is this outcome, or the
 * earlier one if the dance had already ended.
 */
void cigna_dance_claim_end(cigna_dance_claim_t *t,
    cigna_dance_outcome_e outcome, cigna_dance_story_t *story, cigna_op_t *op);

/*
 * Takes a dance that this run has ended out of the lists of open dances.
 * Returns what cigna_dance_claim_next() returns.  A failure does not matter:
 * cigna_dance_upkeep.c finds the dance later.
 */
int cigna_dance_claim_forget(cigna_dance_claim_t *t, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_DANCE_CLAIM_H_INCLUDED_ */

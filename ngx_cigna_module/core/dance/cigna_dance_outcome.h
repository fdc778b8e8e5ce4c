
#ifndef _CIGNA_DANCE_OUTCOME_H_INCLUDED_
#define _CIGNA_DANCE_OUTCOME_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * All outcomes of dances, and of requests to connect, callback and disconnect.
 * Their names appear in the redirect to the app, on the page, in the log, in
 * $cigna_outcome and in the counters.  The counters in shared memory are in
 * this order and outlive a reload with a newer module.  So a new outcome goes
 * to the end.
 */

typedef enum {
    cigna_dance_outcome_none = 0,
    cigna_dance_outcome_connected,
    cigna_dance_outcome_denied,                /* error=access_denied */
    cigna_dance_outcome_provider_error,        /* error= other than
                                                  access_denied */
    cigna_dance_outcome_state_unknown,
    cigna_dance_outcome_state_expired,
    cigna_dance_outcome_cookie_missing,
    cigna_dance_outcome_cookie_mismatch,
    cigna_dance_outcome_identity_missing,
    cigna_dance_outcome_identity_mismatch,
    cigna_dance_outcome_tenant_mismatch,
    cigna_dance_outcome_issuer_mismatch,
    cigna_dance_outcome_invalid_request,       /* a parameter is repeated,
                                                  missing or too long */
    cigna_dance_outcome_exchange_refused,      /* the token endpoint answered
                                                  with an OAuth error */
    cigna_dance_outcome_exchange_invalid,      /* its reply is HTML, ... */
    cigna_dance_outcome_exchange_unreachable,  /* no reply, 5xx, 429 */
    cigna_dance_outcome_id_token_invalid,
    cigna_dance_outcome_keys_unreachable,      /* no usable keys of the issuer;
                                                  the code was not sent */
    cigna_dance_outcome_discovery_failed,
    cigna_dance_outcome_store_failed,          /* the dance or its grant could
                                                  not be stored or opened */
    cigna_dance_outcome_interrupted,           /* a run took the dance and did
                                                  not end it in time */
    cigna_dance_outcome_in_progress,           /* the run of an earlier request
                                                  has not ended; the page loads
                                                  the URL again */
    cigna_dance_outcome_too_many_dances,
    cigna_dance_outcome_return_to_refused,
    cigna_dance_outcome_not_navigable,         /* a prefetch, a frame, a fetch()
                                                  and the like */
    cigna_dance_outcome_disconnected,
    cigna_dance_outcome_not_disconnected,
    cigna_dance_outcome_abandoned,             /* nobody came back in time */
    cigna_dance_outcome_displaced,             /* the member has begun too many
                                                  newer dances */
    cigna_dance_outcome_lost,                  /* Redis has lost the record, or
                                                  never had it */
    cigna_dance_outcome_app_unreachable,       /* the app could not say who the
                                                  member is */
    cigna_dance_outcome_max
} cigna_dance_outcome_e;


/* a row of the table in cigna_dance_outcome.c */

typedef struct {
    const char  *name;
    unsigned     status;                   /* of the page */
    unsigned     log_warn:1;               /* log level; 1: warn, 0: notice */
    unsigned     retry:1;                  /* the page offers a new try */
    const char  *title;                    /* of the page */
    const char  *text;                     /* of the page, for the member */
} cigna_dance_outcome_t;


/*
 * the outcome's row of the table; a value out of range gives the row of
 * cigna_dance_outcome_none
 */
const cigna_dance_outcome_t *cigna_dance_outcome_row(
    cigna_dance_outcome_e outcome);

/* the outcome with this name; cigna_dance_outcome_none if no outcome has it */
cigna_dance_outcome_e cigna_dance_outcome_find(cigna_slice_t name);


#endif /* _CIGNA_DANCE_OUTCOME_H_INCLUDED_ */

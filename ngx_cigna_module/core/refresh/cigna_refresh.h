
#ifndef _CIGNA_REFRESH_H_INCLUDED_
#define _CIGNA_REFRESH_H_INCLUDED_


#include "cigna_exchange.h"
#include "cigna_grant_commit.h"
#include "provider/cigna_revoke_handoff.h"


/*
 * Makes the access token of a grant fresh: one refresh per grant in the fleet.
 * cigna_refresh.c describes its states and invariants.
 */

typedef struct {
    /* set by the caller, borrowed until the flow is done */
    const cigna_subject_t   *subject;      /* the flow may note which of the
                                              provider's secrets works */
    unsigned                 exchange_ms;  /* all deadlines of an exchange */
    unsigned                 wait_ms;      /* for another run's refresh */

    /* the caller sets endpoint and ahead_* before each call, refused_* once */
    cigna_verdict_t          verdict;

    /* results, complete when the flow reports (or is done) */
    cigna_refresh_e          rc;
    cigna_refresh_e          failure;      /* rc, had no old token served */
    cigna_grant_t            grant;
    int64_t                  retry_after_s;
    char                     detail[192];  /* for the log, never a secret */
    unsigned                 exchanged:1;  /* this run made a new token */
    unsigned                 overtaken:1;  /* another run was first, which is
                                              not a failure */

    /* results once the flow is done, if its token was used after the report */
    unsigned                 superseded:1;   /* the grant is gone or is newer:
                                                caches drop it; see detail */
    unsigned                 left:1;       /* Redis has not confirmed it: the
                                              journal has to replay it */

    /* its results are results of the refresh, from its reply on */
    cigna_exchange_t         exchange;

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
    unsigned                 rounds;       /* of looking at the record */
    unsigned                 waits:1;      /* for another run's exchange */
    cigna_lease_t            lease;
    cigna_grant_commit_t     commit;
    cigna_revoke_handoff_t   revoke;
} cigna_refresh_t;


/* call after the caller's fields are set */
void cigna_refresh_init(cigna_refresh_t *f);
void cigna_refresh_next(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_REFRESH_H_INCLUDED_ */

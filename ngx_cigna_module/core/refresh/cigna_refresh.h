
#ifndef _CIGNA_REFRESH_H_INCLUDED_
#define _CIGNA_REFRESH_H_INCLUDED_


#include "cigna_exchange.h"
#include "cigna_grant_commit.h"
#include "provider/cigna_revoke_handoff.h"


/*
 * Refreshes the access token of a grant.  At any time at most one run in the
 * fleet refreshes the same grant.  cigna_refresh.c describes states and
 * invariants.
 */

typedef struct {
    /* set by the caller, all else zeroed; borrowed until the flow is done */
    const cigna_subject_t   *subject;      /* the flow may note which of the
                                              provider's secrets works */
    unsigned                 exchange_ms;  /* the longest time that an exchange
                                              may take */
    unsigned                 wait_ms;      /* the longest wait for other runs */

    /*
     * In "verdict", the caller sets the fields refused_* once, and endpoint and
     * ahead_* before each call of the flow.
     */
    cigna_verdict_t          verdict;

    /* results, complete when the flow reports (or is done) */
    cigna_refresh_e          rc;
    cigna_refresh_e          failure;      /* the temporary failure, if there
                                              was one; rc is still "ok" while
                                              the old token is valid */
    cigna_grant_t            grant;
    int64_t                  retry_after_s;
    char                     detail[192];  /* for the log, never a secret */
    unsigned                 exchanged:1;  /* this run has got new tokens */
    unsigned                 overtaken:1;  /* another run was first; that is not
                                              a failure */

    /*
     * results once the flow is done, if it reported before it stored its token
     */
    unsigned                 superseded:1;   /* the vault has another grant, a
                                                newer generation or none, so
                                                caches drop this token */
    unsigned                 left:1;       /* Redis has not confirmed the token:
                                              the journal writer has to write
                                              it */

    /*
     * once the endpoint has replied, the results in "exchange" are also results
     * of the refresh
     */
    cigna_exchange_t         exchange;

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
    unsigned                 rounds;       /* how often a record was judged to
                                              be due for a refresh */
    unsigned                 waits:1;      /* the run waits for another run's
                                              exchange */
    cigna_lease_t            lease;
    cigna_grant_commit_t     commit;
    cigna_revoke_handoff_t   revoke;
} cigna_refresh_t;


void cigna_refresh_next(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_REFRESH_H_INCLUDED_ */


#ifndef _CIGNA_REFRESH_H_INCLUDED_
#define _CIGNA_REFRESH_H_INCLUDED_


#include "cigna_refusal_rate.h"
#include "oauth/cigna_client_secret.h"
#include "cigna_grant_commit.h"
#include "cigna_lease.h"
#include "provider/cigna_revoke_handoff.h"
#include "cigna_verdict.h"


/*
 * Makes the access token of a grant fresh, once in the fleet.  See
 * cigna_refresh.c for states and invariants.
 */


typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_subject_t      *subject;
    unsigned                    exchange_ms;  /* all deadlines of an exchange */
    unsigned                    wait_ms;   /* for somebody else's refresh */

    /* the caller sets endpoint and ahead_* before each call, refused_* once */
    cigna_verdict_t             verdict;

    /* results, complete when the flow reports (or is done) */
    cigna_refresh_e             rc;
    cigna_refresh_e             failure;   /* rc if no old token served */
    cigna_answer_e              answer;    /* of the token endpoint */
    cigna_grant_t               grant;
    int64_t                     retry_after_s;
    char                        detail[192];  /* for the log, never a secret */
    unsigned                    exchanged:1;  /* this run made a new token */
    unsigned                    provisional:1;  /* a refusal that is not
                                                   final */
    unsigned                    client_refused:1;  /* invalid_client was said
                                                      of each secret there is */
    unsigned                    foreign:1;  /* tokens of another subject or
                                               patient came */
    unsigned                    overtaken:1;  /* somebody else was first: no
                                                 failure */

    /* known when the flow is done: of a token that was used after the report */
    unsigned                    superseded:1;  /* its grant is gone or is newer:
                                                  caches drop it; see detail */
    unsigned                    left:1;    /* Redis has not confirmed it: to
                                              be restored from the journal */

    cigna_client_secret_t       secret;    /* its results are, too */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    unsigned                    rounds;    /* of looking at the record */
    unsigned                    waits:1;   /* for somebody else's exchange */
    cigna_lease_mark_e          end;       /* when the lease is given up */
    int64_t                     sent_ms;
    cigna_lease_t               lease;
    cigna_grant_commit_t        commit;
    cigna_token_reply_t         tokens;
    cigna_grant_t               fresh;
    cigna_revoke_handoff_t      revoke;
} cigna_refresh_t;


void cigna_refresh_init(cigna_refresh_t *f);
void cigna_refresh_next(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_REFRESH_H_INCLUDED_ */

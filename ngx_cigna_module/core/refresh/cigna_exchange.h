
#ifndef _CIGNA_EXCHANGE_H_INCLUDED_
#define _CIGNA_EXCHANGE_H_INCLUDED_


#include "cigna_lease.h"
#include "cigna_refusal_rate.h"
#include "cigna_verdict.h"
#include "oauth/cigna_client_secret.h"


/*
 * Sends the refresh token of a grant to the token endpoint (RFC 6749,
 * section 6), and finds out what the reply means.  The refresh runs this flow
 * as one of its steps.
 */

typedef enum {
    cigna_exchange_ok = 0,                 /* "fresh" is the new generation */
    cigna_exchange_secret,                 /* invalid_client: ask for the lease
                                              again and begin again, with the
                                              client's other secret */
    cigna_exchange_spent,                  /* refused for good, and the grant is
                                              marked spent in the vault */
    cigna_exchange_overtaken,              /* refused, and the vault has another
                                              generation or grant: "there" */
    cigna_exchange_stale,                  /* refused, but before the flow could
                                              mark the grant spent, the grant
                                              changed: the event is the reply to
                                              grant_swap */
    cigna_exchange_gone,                   /* refused, and the vault has no
                                              grant that can be used: see
                                              failure and why */
    cigna_exchange_failed                  /* see failure and why */
} cigna_exchange_e;


typedef struct {
    /* set by the refresh flow, all else zeroed; borrowed */
    const cigna_subject_t   *subject;
    const cigna_verdict_t   *verdict;      /* about the grant to refresh */
    const cigna_lease_t     *lease;        /* this run's lease, which is held */

    /* results */
    cigna_exchange_e         rc;
    cigna_refresh_e          failure;
    const char              *why;          /* why the exchange failed, for the
                                              log */
    cigna_slice_t            quoted;       /* for the log: the error code of the
                                              endpoint's reply, or else the
                                              reply's shape */
    cigna_answer_e           answer;       /* how the token endpoint answered */
    cigna_lease_mark_e       mark;         /* for cigna_lease_release() */
    cigna_token_reply_t      tokens;       /* the token endpoint's reply */
    cigna_grant_t            fresh;        /* after "ok": the grant with the new
                                              tokens */
    cigna_grant_t            there;        /* after "overtaken": the grant in
                                              the vault */
    int64_t                  retry_after_s;   /* -1: none */
    unsigned                 provisional:1;   /* the refusal is not final */
    unsigned                 foreign:1;    /* tokens of another subject or
                                              patient came */
    cigna_client_secret_t    secret;       /* the caller may read its results */

    /* private */
    unsigned                 state;
    cigna_retry_t            retry;
    int64_t                  sent_ms;
} cigna_exchange_t;


/*
 * Begins the exchange; the run must hold lock and mark.  CIGNA_ERROR: nothing
 * is sent, and rc is "failed".  Events go to cigna_exchange_next().
 */
int cigna_exchange_begin(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * the exchange is over, see rc; another call returns the same.
 */
int cigna_exchange_next(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_EXCHANGE_H_INCLUDED_ */


#ifndef _CIGNA_CALLBACK_H_INCLUDED_
#define _CIGNA_CALLBACK_H_INCLUDED_


#include "oauth/cigna_client_secret.h"
#include "cigna_grant_install.h"
#include "cigna_dance_claim.h"
#include "cigna_userinfo.h"


/*
 * The callback: the browser returns from the authorization server, and the flow
 * ends the dance.  cigna_callback.c describes states and invariants.  A browser
 * may request the callback URL several times.  Each request has a run of its
 * own, and at most one of these runs ends the dance.
 */

/* at first the struct is zeroed, so that outcome is "none" */

typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_subject_t      *subject;
    cigna_slice_t               state_param;
    cigna_slice_t               code;      /* empty if absent */
    cigna_slice_t               iss;       /* RFC 9207, empty if absent */
    cigna_slice_t               error;     /* empty if absent */
    cigna_slice_t               secret;    /* the browser's, from the cookie;
                                              empty: no cookie */
    cigna_slice_t               request;   /* id of the HTTP request, for the
                                              story */
    cigna_slice_t               reference;  /* becomes dance_id if the dance is
                                               not known */
    unsigned                    exchange_ms;  /* the longest time that an
                                                 exchange may take */

    /* results, complete when the flow reports (or is done) */
    cigna_dance_outcome_e       outcome;
    cigna_slice_t               dance_id;
    cigna_slice_t               return_to;  /* empty: not known, or none */
    char                        detail[192];  /* for the log, never a secret */
    unsigned                    repeated:1;  /* another run has the dance, or
                                                has ended it */
    unsigned                    stored:1;  /* the grant is in the vault */
    unsigned                    changed:1;  /* the grant and install.old belong
                                               to different people */
    cigna_grant_t               grant;
    cigna_client_secret_t       client_secret;  /* the caller may read its
                                                   results */

    /*
     * Private.  But after the flow has reported, the caller may read
     * claim.ended, install.old, install.unread and the results in "userinfo".
     * It may read claim.dance_id even before.
     */
    unsigned                    state;
    cigna_retry_t               retry;
    unsigned                    fetched_keys:1;  /* 1: the keys were fetched
                                                    again because of this
                                                    id_token */
    int64_t                     sent_ms;   /* when the code was sent */
    cigna_dance_story_t         story;     /* of the dance's end */
    cigna_dance_claim_t         claim;
    cigna_grant_install_t       install;
    cigna_token_reply_t         tokens;
    cigna_id_token_t            claims;
    cigna_userinfo_t            userinfo;
    cigna_revoke_handoff_t      revoke;
} cigna_callback_t;


void cigna_callback_next(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_CALLBACK_H_INCLUDED_ */

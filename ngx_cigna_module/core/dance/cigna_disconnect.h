
#ifndef _CIGNA_DISCONNECT_H_INCLUDED_
#define _CIGNA_DISCONNECT_H_INCLUDED_


#include "flow/cigna_flow.h"
#include "cigna_dance_outcome.h"
#include "provider/cigna_revoke_handoff.h"
#include "vault/cigna_vault.h"


/*
 * Ends a grant: deletes it in the vault, reports the result, and then has the
 * grant's tokens revoked at the authorization server.  The struct begins as
 * zeros.
 */

typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_subject_t      *subject;

    /* results, complete when the flow reports (or is done) */
    cigna_dance_outcome_e       outcome;   /* disconnected, not_disconnected */
    unsigned                    existed:1;  /* there was a grant */
    unsigned                    unread:1;  /* the grant could not be opened, so
                                              its tokens are not revoked */
    char                        detail[192];  /* for the log, never a secret */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    cigna_grant_t               grant;
    cigna_revoke_handoff_t      revoke;
} cigna_disconnect_t;


/* flow: a cigna_disconnect_t */
void cigna_disconnect_next(void *flow, const cigna_event_t *ev, cigna_op_t *op);


#endif /* _CIGNA_DISCONNECT_H_INCLUDED_ */

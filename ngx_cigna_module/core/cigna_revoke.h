
#ifndef _CIGNA_REVOKE_H_INCLUDED_
#define _CIGNA_REVOKE_H_INCLUDED_


#include "cigna_flow.h"


/*
 * Revokes the tokens of a grant (RFC 7009): the last part of flows that have
 * already reported, and a flow of its own shape within them.
 */

typedef struct {
    cigna_http_request_t   req;            /* empty: nothing to revoke */
    unsigned               state;
    cigna_retry_t          retry;
    unsigned               revoked:1;      /* the result */
} cigna_revoke_t;


/* nothing to revoke, until prepare() says otherwise */
void cigna_revoke_init(cigna_revoke_t *r);

/*
 * Picks what is to be revoked: the refresh token, with which the rest of its
 * grant goes, or the access token if there is none.  Without a known endpoint
 * or without tokens nothing is.  The request is built in the arena.
 */
void cigna_revoke_prepare(cigna_revoke_t *r, const cigna_provider_t *p,
    cigna_slice_t refresh_token, cigna_slice_t access_token,
    cigna_arena_t *a);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event; the event
 * of the first call is not looked at.  CIGNA_OK: it is over, no operation.
 */
int cigna_revoke_next(cigna_revoke_t *r, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_REVOKE_H_INCLUDED_ */


#ifndef _CIGNA_REVOKE_HANDOFF_H_INCLUDED_
#define _CIGNA_REVOKE_HANDOFF_H_INCLUDED_


#include "flow/cigna_flow.h"


/*
 * The last part of flows that have already reported: hands the tokens of a
 * grant to those who revoke them (see cigna_revocation.h), which may take
 * minutes and needs little of the memory that a flow has.
 */

typedef struct {
    cigna_slice_t   token;                 /* empty: nothing to revoke */
    unsigned        refresh_token:1;
} cigna_revoke_handoff_t;


/* nothing to revoke, until prepare() says otherwise */
void cigna_revoke_handoff_init(cigna_revoke_handoff_t *r);

/*
 * Picks what is to be revoked: the refresh token, with which the rest of its
 * grant goes, or the access token if there is none.  Borrowed.
 */
void cigna_revoke_handoff_prepare(cigna_revoke_handoff_t *r,
    cigna_slice_t refresh_token, cigna_slice_t access_token);

/*
 * CIGNA_AGAIN: perform the operation and call again.  CIGNA_OK: it is over, no
 * operation.
 */
int cigna_revoke_handoff_next(cigna_revoke_handoff_t *r, cigna_op_t *op);


#endif /* _CIGNA_REVOKE_HANDOFF_H_INCLUDED_ */

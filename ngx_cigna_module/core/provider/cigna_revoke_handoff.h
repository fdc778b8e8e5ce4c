
#ifndef _CIGNA_REVOKE_HANDOFF_H_INCLUDED_
#define _CIGNA_REVOKE_HANDOFF_H_INCLUDED_


#include "flow/cigna_flow.h"


/*
 * The last step of some flows, when the waiting requests have the result.  It
 * starts another flow, which revokes the token of a grant, see
 * cigna_revocation.h.  A revocation may take minutes, and the other flow needs
 * less memory meanwhile.
 */

typedef struct {
    cigna_slice_t   token;                 /* empty: nothing to revoke */
    unsigned        refresh_token:1;
} cigna_revoke_handoff_t;


/*
 * makes *r empty: there is nothing to revoke until
 * cigna_revoke_handoff_prepare()
 */
void cigna_revoke_handoff_init(cigna_revoke_handoff_t *r);

/*
 * Chooses the token to revoke: the refresh token, whose revocation ends the
 * whole grant (RFC 7009, section 2.1), or else the access token.  Borrows it.
 */
void cigna_revoke_handoff_prepare(cigna_revoke_handoff_t *r,
    cigna_slice_t refresh_token, cigna_slice_t access_token);

/*
 * CIGNA_AGAIN: perform the operation and call again.  CIGNA_OK: there is no
 * further operation.
 */
int cigna_revoke_handoff_next(cigna_revoke_handoff_t *r, cigna_op_t *op);


#endif /* _CIGNA_REVOKE_HANDOFF_H_INCLUDED_ */


#ifndef _CIGNA_REVOKE_HANDOFF_H_INCLUDED_
#define _CIGNA_REVOKE_HANDOFF_H_INCLUDED_


#include "flow/cigna_flow.h"


/*
 * The last part of some flows, after their report: hands the token of a grant
 * over to a run of its own, which revokes it (cigna_revocation.h).  That may
 * take minutes, and it needs little memory.
 */

typedef struct {
    cigna_slice_t   token;                 /* empty: nothing to revoke */
    unsigned        refresh_token:1;
} cigna_revoke_handoff_t;


/* there is nothing to revoke until prepare() */
void cigna_revoke_handoff_init(cigna_revoke_handoff_t *r);

/*
 * Chooses the token to revoke: the refresh token, whose revocation ends the
 * whole grant (RFC 7009, section 2.1), or the access token if there is no
 * other.  Borrows it.
 */
void cigna_revoke_handoff_prepare(cigna_revoke_handoff_t *r,
    cigna_slice_t refresh_token, cigna_slice_t access_token);

/*
 * CIGNA_AGAIN: perform the operation and call again.  CIGNA_OK: there is no
 * operation, it is over.
 */
int cigna_revoke_handoff_next(cigna_revoke_handoff_t *r, cigna_op_t *op);


#endif /* _CIGNA_REVOKE_HANDOFF_H_INCLUDED_ */

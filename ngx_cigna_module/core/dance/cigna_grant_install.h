
#ifndef _CIGNA_GRANT_INSTALL_H_INCLUDED_
#define _CIGNA_GRANT_INSTALL_H_INCLUDED_


#include "provider/cigna_revoke_handoff.h"
#include "vault/cigna_scripts.h"


/*
 * Stores the grant of a dance in place of the member's old grant.  The callback
 * runs this flow as one of its steps.  At first the struct is zeroed.
 */

typedef enum {
    cigna_grant_install_ok = 0,
    cigna_grant_install_retired,           /* the grant was stored, but has been
                                              replaced or deleted already */
    cigna_grant_install_failed             /* Redis failed */
} cigna_grant_install_e;


typedef struct {
    /* set by the callback, borrowed */
    const cigna_subject_t      *subject;

    /* results */
    cigna_grant_install_e       rc;
    cigna_grant_t               old;       /* the replaced grant */
    unsigned                    replaced:1;  /* there was an old grant */
    unsigned                    unread:1;  /* the old grant could not be
                                              opened */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    cigna_journal_t             entry;
    unsigned                    looked:1;  /* "old" was read before
                                              grant_install was called */
    unsigned                    lost:1;    /* a call of grant_install had no
                                              reply */
} cigna_grant_install_t;


/*
 * Reads the old grant from the reply to cigna_script_read().  The reply to the
 * script grant_install will have that grant, too, but may be lost.
 */
void cigna_grant_install_looked(cigna_grant_install_t *p,
    const cigna_event_t *ev);

/*
 * Begins to store the grant, with a new random id and as generation 1.
 * CIGNA_ERROR: the grant cannot be sealed.  Events go to
 * cigna_grant_install_next().
 */
int cigna_grant_install_begin(cigna_grant_install_t *p, cigna_grant_t *g,
    const cigna_event_t *ev, cigna_op_t *op);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * the flow is over, see rc.
 */
int cigna_grant_install_next(cigna_grant_install_t *p, const cigna_event_t *ev,
    cigna_op_t *op);

/*
 * 1 if the tokens of the replaced grant have to be revoked: they are known, and
 * the new grant has none of them.
 */
int cigna_grant_install_outdated(const cigna_grant_install_t *p,
    const cigna_grant_t *g);

/*
 * 1 if the former grant p->old and the new grant g name different subjects or
 * different patients: the member has connected another person's account than
 * before.  0 if there was no former grant, or it could not be opened.
 */
int cigna_grant_install_changed(const cigna_grant_install_t *p,
    const cigna_grant_t *g);


#endif /* _CIGNA_GRANT_INSTALL_H_INCLUDED_ */


#ifndef _CIGNA_GRANT_INSTALL_H_INCLUDED_
#define _CIGNA_GRANT_INSTALL_H_INCLUDED_


#include "provider/cigna_revoke_handoff.h"
#include "vault/cigna_scripts.h"


/*
 * Stores the grant of a dance in place of any other: a part of the callback,
 * and a flow of its own shape within it.
 */

typedef enum {
    cigna_grant_install_ok = 0,
    cigna_grant_install_retired,           /* it was stored, and is gone */
    cigna_grant_install_failed             /* Redis failed */
} cigna_grant_install_e;


typedef struct {
    /* set by the flow, borrowed */
    const cigna_subject_t      *subject;

    /* results */
    cigna_grant_install_e       rc;
    cigna_grant_t               old;       /* the replaced grant */
    unsigned                    replaced:1;  /* something, that is */
    unsigned                    unread:1;  /* ... which cannot be opened */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    cigna_journal_t             entry;
    unsigned                    looked:1;  /* "old" was there before the put */
    unsigned                    lost:1;    /* a put whose end is not known */
} cigna_grant_install_t;


/* before or after the flow's fields are set, which it leaves alone */
void cigna_grant_install_init(cigna_grant_install_t *p);

/*
 * Reads the grant that is there, for the case that the reply to the put, which
 * has it, is lost.  The event is for cigna_grant_install_looked().
 */
void cigna_grant_install_look(cigna_grant_install_t *p, cigna_op_t *op);
void cigna_grant_install_looked(cigna_grant_install_t *p,
    const cigna_event_t *ev);

/*
 * Begins to store the grant, with a new random id and as generation 1.
 * CIGNA_ERROR if it cannot be sealed.  Events go to cigna_grant_install_next().
 */
int cigna_grant_install_begin(cigna_grant_install_t *p, cigna_grant_t *g,
    const cigna_event_t *ev, cigna_op_t *op);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * it is over, rc says how.
 */
int cigna_grant_install_next(cigna_grant_install_t *p, const cigna_event_t *ev,
    cigna_op_t *op);

/*
 * 1 if the tokens of the replaced grant have to be revoked: it was read, and
 * the new grant has none of them.
 */
int cigna_grant_install_outdated(const cigna_grant_install_t *p,
    const cigna_grant_t *g);

/*
 * 1 if subject or patient are known of both grants and differ: the member has
 * connected another person's account than before.
 */
int cigna_grant_install_changed(const cigna_grant_install_t *p,
    const cigna_grant_t *g);


#endif /* _CIGNA_GRANT_INSTALL_H_INCLUDED_ */


#ifndef _CIGNA_GRANT_COMMIT_H_INCLUDED_
#define _CIGNA_GRANT_COMMIT_H_INCLUDED_


#include "vault/cigna_grant_write.h"


/*
 * Puts a new generation of a grant into the node's journal and then into Redis.
 * A part of the refresh, and a flow of its own shape within it.
 */

typedef enum {
    cigna_grant_commit_usable = 0,         /* in the journal: may be used from
                                              here on; go on with store() */
    cigna_grant_commit_stored,             /* Redis has confirmed it */
    cigna_grant_commit_stale,              /* something newer is there, or
                                              nothing: see commit_record() */
    cigna_grant_commit_left,               /* in the journal, and left to the
                                              node's upkeep */
    cigna_grant_commit_failed              /* nowhere */
} cigna_grant_commit_e;


typedef struct {
    /* set by the flow, borrowed */
    const cigna_subject_t      *subject;

    /* result */
    cigna_grant_commit_e        rc;
    unsigned                    journalled:1;

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    cigna_journal_t             entry;
} cigna_grant_commit_t;


/*
 * Begins with the generation g, made under the lease of "owner" from one that
 * was connected then.  CIGNA_ERROR if it cannot be sealed; events go to
 * cigna_grant_commit_next().
 */
int cigna_grant_commit_begin(cigna_grant_commit_t *c, const cigna_grant_t *g,
    cigna_slice_t owner, int64_t connected_ms, const cigna_event_t *ev,
    cigna_op_t *op);

/* after "usable": now Redis; events go to cigna_grant_commit_next() */
void cigna_grant_commit_store(cigna_grant_commit_t *c, cigna_op_t *op);

/*
 * After "stored" or "stale", if it was usable before: one operation, which
 * tells the journal so.
 */
void cigna_grant_commit_settle(const cigna_grant_commit_t *c, int confirmed,
    cigna_op_t *op);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * see rc.
 */
int cigna_grant_commit_next(cigna_grant_commit_t *c, const cigna_event_t *ev,
    cigna_op_t *op);

/* after "stale": the record that is there, borrowed from the event */
const cigna_reply_t *cigna_grant_commit_record(const cigna_event_t *ev);


#endif /* _CIGNA_GRANT_COMMIT_H_INCLUDED_ */

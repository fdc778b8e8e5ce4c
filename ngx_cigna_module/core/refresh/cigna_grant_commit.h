
#ifndef _CIGNA_GRANT_COMMIT_H_INCLUDED_
#define _CIGNA_GRANT_COMMIT_H_INCLUDED_


#include "vault/cigna_grant_write.h"


/*
 * Puts a new generation of a grant into the node's journal and then into Redis.
 * The refresh runs this flow as one of its steps.
 */

typedef enum {
    cigna_grant_commit_usable = 0,         /* the journal has the generation, so
                                              requests may use it; next, the
                                              caller must call
                                              cigna_grant_commit_store() */
    cigna_grant_commit_stored,             /* Redis has confirmed the
                                              generation */
    cigna_grant_commit_stale,              /* Redis has a newer generation,
                                              another grant or none, see
                                              cigna_script_record() */
    cigna_grant_commit_left,               /* in the journal; the node's journal
                                              writer goes on with it */
    cigna_grant_commit_failed              /* neither in the journal nor known
                                              to be in Redis */
} cigna_grant_commit_e;


typedef struct {
    /* set by the refresh, borrowed */
    const cigna_subject_t      *subject;

    /* results */
    cigna_grant_commit_e        rc;
    unsigned                    journalled:1;  /* the journal has "entry" */

    cigna_journal_t             entry;     /* the refresh settles the entry
                                              (cigna_op_settle) after "stored"
                                              or "stale", if "usable" came
                                              before */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
} cigna_grant_commit_t;


/*
 * Begins the commit of g, a new generation that was made under the lease of
 * "owner".  connected_ms: see the script grant_install in cigna_scripts.c.
 * CIGNA_ERROR if g cannot be sealed.  Events go to cigna_grant_commit_next().
 */
int cigna_grant_commit_begin(cigna_grant_commit_t *c, const cigna_grant_t *g,
    cigna_slice_t owner, int64_t connected_ms, const cigna_event_t *ev,
    cigna_op_t *op);

/* after "usable": stores in Redis; events go to cigna_grant_commit_next() */
void cigna_grant_commit_store(cigna_grant_commit_t *c, cigna_op_t *op);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * see rc.
 */
int cigna_grant_commit_next(cigna_grant_commit_t *c, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_GRANT_COMMIT_H_INCLUDED_ */


#ifndef _CIGNA_LEASE_H_INCLUDED_
#define _CIGNA_LEASE_H_INCLUDED_


#include "vault/cigna_scripts.h"


/*
 * The right to spend the refresh token of a grant: a lock, which is renewed
 * while the exchange runs, and a write-ahead mark, which outlives the lock and
 * every deadline.  Parts of the refresh, and flows of their own shape within
 * it.
 */

#define CIGNA_LEASE_MS        (10 * 1000)

/*
 * After a change of primary no refresh begins for so long: a lease, and the
 * time in which each worker sets lock and mark of its open exchanges again.
 */

#define CIGNA_LEASE_QUIET_MS  (CIGNA_LEASE_MS + 5 * 1000)


/* attempts that nobody has made: the lease is waited for, and not taken */

#define CIGNA_LEASE_NEVER     UINT32_MAX


typedef enum {
    cigna_lease_mine = 0,                  /* lock and mark are ours */
    cigna_lease_stale,                     /* see cigna_lease_record() */
    cigna_lease_busy,                      /* somebody is at it, too long */
    cigna_lease_quiet,                     /* nobody may be at it for now */
    cigna_lease_failed                     /* Redis */
} cigna_lease_e;


/* what becomes of the mark when the lease is given up */

typedef enum {
    cigna_lease_clear = 0,                 /* the attempt had no effect */
    cigna_lease_keep,                      /* nobody knows */
    cigna_lease_refuse                     /* refused, which is not final */
} cigna_lease_mark_e;


typedef struct {
    /* set by the flow, borrowed */
    const cigna_subject_t      *subject;
    unsigned                    exchange_ms;  /* all deadlines of an exchange */
    unsigned                    wait_ms;   /* for somebody else, in all */

    /* results */
    cigna_lease_e               rc;
    unsigned                    taken:1;    /* something of ours may be there */
    cigna_slice_t               owner;
    int64_t                     connected_ms;  /* of the grant, see grant_install */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    unsigned                    waited_ms;
    unsigned                    hasty:1;
    int64_t                     asked_ms;
    int64_t                     slept_ms;  /* since when */
    cigna_slice_t               lease;     /* numbers as text */
    cigna_slice_t               mark;
    cigna_slice_t               grant_id;  /* which it is for */
    cigna_slice_t               generation;
    cigna_slice_t               attempts;  /* with this one */
} cigna_lease_t;


/* after the flow's fields are set; CIGNA_ERROR if there is no room */
int cigna_lease_init(cigna_lease_t *l, const cigna_event_t *ev);

/*
 * Asks for the lease of just this grant and generation, after so many attempts
 * that may have had an effect, or CIGNA_LEASE_NEVER.  hasty: a mark is not
 * waited for, as it may last.  CIGNA_ERROR if there is no room; events go to
 * cigna_lease_next().
 */
int cigna_lease_begin(cigna_lease_t *l, const cigna_grant_t *g,
    unsigned attempts, int hasty, const cigna_event_t *ev, cigna_op_t *op);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * it is over, rc says how.
 */
int cigna_lease_next(cigna_lease_t *l, const cigna_event_t *ev,
    cigna_op_t *op);

/* after "stale": what there is instead, borrowed from the event */
const cigna_reply_t *cigna_lease_record(const cigna_event_t *ev);

/* adds to an exchange that the lease is kept while it runs */
void cigna_lease_renew(const cigna_lease_t *l, cigna_op_t *op);

/*
 * 1 if the lease may be over before it is renewed for the first time: it runs
 * since Redis granted it, at the earliest since it was asked for.
 */
int cigna_lease_late(const cigna_lease_t *l, int64_t now_ms);

/* gives it up; events go to cigna_lease_next() */
void cigna_lease_release(cigna_lease_t *l, cigna_lease_mark_e mark,
    cigna_op_t *op);


#endif /* _CIGNA_LEASE_H_INCLUDED_ */


#ifndef _CIGNA_LEASE_H_INCLUDED_
#define _CIGNA_LEASE_H_INCLUDED_


#include "vault/cigna_scripts.h"


/*
 * The right to spend the refresh token of a grant: a lock, which is prolonged
 * while the exchange is open, and a write-ahead mark, which outlives the lock
 * and all deadlines of the exchange.  A part of the refresh, and a flow of its
 * own shape within it.
 */

#define CIGNA_LEASE_MS        (10 * 1000)

/*
 * The quiet time after a change of primary, in which no refresh starts: one
 * lease, and the time that workers need to set lock and mark of their open
 * exchanges again.
 */

#define CIGNA_LEASE_QUIET_MS  (CIGNA_LEASE_MS + 5 * 1000)


/* instead of a number of attempts: wait for the lease, and do not take it */

#define CIGNA_LEASE_NEVER     UINT32_MAX


typedef enum {
    cigna_lease_mine = 0,                  /* lock and mark are ours */
    cigna_lease_stale,                     /* the record has changed, see
                                              cigna_lease_record() */
    cigna_lease_busy,                      /* another owner has it for longer
                                              than wait_ms */
    cigna_lease_quiet,                     /* it is quiet time */
    cigna_lease_failed                     /* Redis failed */
} cigna_lease_e;


/* the outcome of the attempt, for the mark, when the lease is given up */

typedef enum {
    cigna_lease_clear = 0,                 /* it had no effect */
    cigna_lease_keep,                      /* unknown */
    cigna_lease_refuse                     /* refused, and not final */
} cigna_lease_mark_e;


typedef struct {
    /* set by the flow, borrowed */
    const cigna_subject_t      *subject;
    unsigned                    exchange_ms;  /* all deadlines of an exchange */
    unsigned                    wait_ms;   /* for another owner, in all */

    /* results */
    cigna_lease_e               rc;
    unsigned                    taken:1;   /* Redis may have our lock or mark */
    cigna_slice_t               owner;
    int64_t                     connected_ms;  /* see the script
                                                  grant_install */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    unsigned                    waited_ms;
    unsigned                    hasty:1;
    int64_t                     asked_ms;
    int64_t                     slept_ms;  /* when the sleep began */
    cigna_slice_t               lease;     /* numbers as text */
    cigna_slice_t               mark;
    cigna_slice_t               grant_id;  /* of the lease */
    cigna_slice_t               generation;
    cigna_slice_t               attempts;  /* including this one */
} cigna_lease_t;


/* after the flow's fields are set; CIGNA_ERROR if there is no room */
int cigna_lease_init(cigna_lease_t *l, const cigna_event_t *ev);

/*
 * Asks for the lease of this generation of this grant, after so many attempts
 * that may have had an effect, or CIGNA_LEASE_NEVER.  hasty: do not wait for a
 * mark, which may last long.  CIGNA_ERROR if there is no room.  Events go to
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

/* after "stale": the record that is there, borrowed from the event */
const cigna_reply_t *cigna_lease_record(const cigna_event_t *ev);

/* adds to an exchange that the driver prolongs the lease while it is open */
void cigna_lease_renew(const cigna_lease_t *l, cigna_op_t *op);

/*
 * 1 if the lease may end before it is prolonged for the first time.  It runs
 * from the moment when Redis granted it, which is after the question was sent.
 */
int cigna_lease_late(const cigna_lease_t *l, int64_t now_ms);

/* gives the lease up; events go to cigna_lease_next() */
void cigna_lease_release(cigna_lease_t *l, cigna_lease_mark_e mark,
    cigna_op_t *op);


#endif /* _CIGNA_LEASE_H_INCLUDED_ */

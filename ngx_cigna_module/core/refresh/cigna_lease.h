
#ifndef _CIGNA_LEASE_H_INCLUDED_
#define _CIGNA_LEASE_H_INCLUDED_


#include "vault/cigna_scripts.h"


/*
 * The right to spend the refresh token of a grant: a lock, which the driver
 * prolongs while the exchange is open, and a write-ahead mark, which outlives
 * the lock and all deadlines of the exchange.  The refresh runs this flow as
 * one of its steps.
 */

#define CIGNA_LEASE_MS        (10 * 1000)  /* how long the lock lives */

/*
 * The quiet time after a change of Redis' primary, in which no refresh starts:
 * the life of a lock, and the time that workers need to set lock and mark of
 * their open exchanges again.
 */

#define CIGNA_LEASE_QUIET_MS  (CIGNA_LEASE_MS + 5 * 1000)


/* a value of "attempts": wait until the lease is free, and do not take it */

#define CIGNA_LEASE_NEVER     UINT32_MAX


typedef enum {
    cigna_lease_mine = 0,                  /* this run has lock and mark */
    cigna_lease_stale,                     /* the record has changed, or the
                                              wait with CIGNA_LEASE_NEVER is
                                              over; see cigna_script_record() */
    cigna_lease_busy,                      /* another run has the lease for
                                              longer than wait_ms; or another
                                              run has a mark, and this run does
                                              not wait for it (see "hasty" at
                                              cigna_lease_begin()) */
    cigna_lease_quiet,                     /* no refresh may start now, see
                                              CIGNA_LEASE_QUIET_MS */
    cigna_lease_failed                     /* Redis failed */
} cigna_lease_e;


/* how the attempt ended, which cigna_lease_release() writes to the mark */

typedef enum {
    cigna_lease_clear = 0,                 /* the attempt had no effect */
    cigna_lease_keep,                      /* the outcome of the attempt is not
                                              known */
    cigna_lease_refuse                     /* the server refused the refresh
                                              token, and the refusal is not
                                              final */
} cigna_lease_mark_e;


typedef struct {
    /* set by the refresh flow, all else zeroed; borrowed */
    const cigna_subject_t      *subject;
    unsigned                    exchange_ms;  /* the longest time that an
                                                 exchange may take */
    unsigned                    wait_ms;   /* the longest wait for the lease of
                                              another run */

    /* results */
    cigna_lease_e               rc;
    unsigned                    taken:1;   /* Redis may have this run's lock or
                                              mark */
    cigna_slice_t               owner;     /* random text that names this run */
    int64_t                     connected_ms;  /* see grant_install in
                                                  cigna_scripts.c */

    /* private */
    unsigned                    state;
    cigna_retry_t               retry;
    unsigned                    waited_ms;
    unsigned                    hasty:1;   /* see cigna_lease_begin() */
    int64_t                     asked_ms;  /* when grant_begin was sent */
    int64_t                     slept_ms;  /* when the sleep began */
    cigna_slice_t               lease;     /* ms that the lock lives, as text */
    cigna_slice_t               mark;      /* ms that the mark lives, as text */
    cigna_slice_t               grant_id;  /* the lease is for this grant */
    cigna_slice_t               generation;
    cigna_slice_t               attempts;  /* number of attempts, as text, with
                                              this one */
} cigna_lease_t;


/*
 * makes the owner's random text, and the times for which lock and mark live;
 * CIGNA_ERROR: no room
 */
int cigna_lease_init(cigna_lease_t *l, const cigna_event_t *ev);

/*
 * Asks for the lease (lock and mark) of this generation of the grant.
 * attempts: the number in the record's mark, or CIGNA_LEASE_NEVER.  hasty: do
 * not wait until another owner's mark expires, as that may take long.
 * CIGNA_ERROR if there is no room.  Events go to cigna_lease_next().
 */
int cigna_lease_begin(cigna_lease_t *l, const cigna_grant_t *g,
    unsigned attempts, int hasty, const cigna_event_t *ev, cigna_op_t *op);

/*
 * CIGNA_AGAIN: perform the operation and call again with its event.  CIGNA_OK:
 * the flow is over, see rc.
 */
int cigna_lease_next(cigna_lease_t *l, const cigna_event_t *ev,
    cigna_op_t *op);

/* asks the driver to prolong the lock while the request in *op is open */
void cigna_lease_renew(const cigna_lease_t *l, cigna_op_t *op);

/*
 * 1 if the lock may expire before it is prolonged for the first time, or if the
 * clock was set back.  Redis set the lock at some time after grant_begin was
 * sent.
 */
int cigna_lease_late(const cigna_lease_t *l, int64_t now_ms);

/*
 * Removes the lock at the end of an attempt.  mark: how the attempt ended,
 * which decides what becomes of the mark.  Events go to cigna_lease_next().
 */
void cigna_lease_release(cigna_lease_t *l, cigna_lease_mark_e mark,
    cigna_op_t *op);


#endif /* _CIGNA_LEASE_H_INCLUDED_ */

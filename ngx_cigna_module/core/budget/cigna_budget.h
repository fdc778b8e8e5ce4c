
#ifndef _CIGNA_BUDGET_H_INCLUDED_
#define _CIGNA_BUDGET_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * Budgets on a node.  Redis keeps the budgets.  A node leases small amounts for
 * each of its tenants, so that most requests need no call to Redis.  What is on
 * lease is in memory that all workers share: see cigna_budget_slot.h.
 *
 * A request's life:
 *
 *     decide --- granted ----------------------> sent: nothing more to do
 *      | ^          \--> not sent ------> give_back
 *      | |           \-> sent once more ------> charge_after
 *      | +-- waiting: again after wait_ms, or when a reply was applied
 *      +--- refused: by what, and for how long
 *
 * Requests for metadata, which strangers may send, have a small part of their
 * own beside the budgets, on each node and without a lease.  They take nothing
 * of what members may ask for, and do not wait.
 *
 * A gateway with dry_run does not pause and does not obey outage=closed; its
 * requests are charged like all others.  A tenant's dry_run is about its rate
 * only.
 *
 * With any result an answer may ask for a call (answer.call > 0).  The caller
 * then owns the one call that is under way for this tenant and node.  It sends
 * budget_lease with want = ask (which may be 0: to learn of pauses), and
 * reports the call's end, exactly once, by cigna_budget_leased() or
 * cigna_budget_failed().  A caller that dies is replaced.  After leased() and
 * failed() the waiting requests decide again, first come first served.
 */

/* Redis counts as down if a reply takes longer */

#define CIGNA_BUDGET_PATIENCE_MS  250

/* another worker may make a call if one is under way for longer */

#define CIGNA_BUDGET_CALL_MS      2000

/*
 * Two calls of a tenant and node may follow each other at once, so that a few
 * requests after a quiet time do not wait for a lease.  In 2.2 leases there are
 * at most two calls: 20 a second where a lease is 50 ms.
 */

#define CIGNA_BUDGET_CALLS_NS(lease_ns)  ((lease_ns) * 11 / 5)

/*
 * An operator may end a pause: a node that asked Redis longer ago asks again
 * before it refuses a request because of the pause.
 */

#define CIGNA_BUDGET_PAUSE_AGE_MS  1000

/* wait_ms of a request that waits for a call, perhaps of another worker */

#define CIGNA_BUDGET_POLL_MS      2


typedef enum {
    cigna_budget_rc_granted = 0,
    cigna_budget_rc_waiting,
    cigna_budget_rc_refused
} cigna_budget_rc_e;


typedef struct {
    cigna_budget_rc_e  rc;

    /*
     * What refused the request; of a granted one: what would have refused it,
     * but for its dry_run, or cigna_budget_by_none
     */
    cigna_budget_by_e  by;

    /*
     * Of a waiting request: decide again after at most so many ms.  Of a
     * refused one: when the next may be granted, 1 or more; Retry-After is this
     * in seconds, rounded up.  A request with delay= decides again then, with
     * again = 1
     */
    int64_t            wait_ms;

    uint64_t           call;               /* > 0: make a call of this number */
    int64_t            ask;                /* ... for so many, 0.. */

    unsigned           outage:1;           /* decided without Redis */
    unsigned           outage_began:1;     /* ... for the first time: log it */

    /* for cigna_budget_give_back() */
    unsigned           leased:1;
    unsigned           local:1;
    unsigned           member:1;
    unsigned           metadata:1;
    uint64_t           lease;
} cigna_budget_answer_t;


/*
 * Decides on one request.  waiting: how many requests of this tenant wait in
 * the caller's worker, this one included (1 or more); a call asks for as many.
 * again: 1 if this request was decided on before, and must not count as demand
 * once more.
 *
 * The member's bucket and the tenant's lease are asked together: only a granted
 * request is charged, and then to both.
 */
void cigna_budget_decide(const cigna_budget_t *b, unsigned waiting, int again,
    cigna_budget_answer_t *a);

/*
 * Applies the reply to call number "call"; want: what was asked for.  Returns 1
 * if Redis was down and is not any more (log it), else 0.  A reply that does
 * not parse counts as a failure, see cigna_budget_failed().
 */
int cigna_budget_leased(const cigna_budget_t *b, uint64_t call, int64_t want,
    const cigna_budget_lease_reply_t *r);

/*
 * The call failed, or could not be sent.  Returns 1 if that begins an outage
 * (log it), else 0.
 */
int cigna_budget_failed(const cigna_budget_t *b, uint64_t call);

/*
 * Gives back a granted request, if nginx has not begun to connect to the
 * upstream for it.  Its credit is lost if the lease is over.
 */
void cigna_budget_give_back(const cigna_budget_t *b,
    const cigna_budget_answer_t *a);

/*
 * Charges one more attempt of a granted request, made by nginx or by a replay.
 * Requests that come later pay for it.
 */
void cigna_budget_charge_after(const cigna_budget_t *b);


#endif /* _CIGNA_BUDGET_H_INCLUDED_ */

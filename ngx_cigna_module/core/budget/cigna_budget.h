
#ifndef _CIGNA_BUDGET_H_INCLUDED_
#define _CIGNA_BUDGET_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * Budgets on a node.  Redis keeps the budgets.  A node leases small amounts for
 * each of its tenants, so that most requests need no call to Redis.  The leased
 * amounts are in memory that all workers share: see cigna_budget_slot.h.
 *
 * The life of a request:
 *
 *     decide --- granted ----------------------> sent: nothing more to do
 *      | ^          \--> not sent ------> give_back
 *      | |           \-> sent once more ------> charge_after
 *      | +-- waiting: decide again after wait_ms, or when a reply was applied
 *      +--- refused: the answer names the limit and the time
 *
 * Strangers may send requests for metadata.  These requests have a small part
 * of their own beside the budgets, on each node and without a lease.  They take
 * nothing from the members' requests, and do not wait.
 *
 * A gateway with dry_run does not pause and does not obey outage=closed; its
 * requests are charged like all others.  A tenant's dry_run concerns the
 * tenant's rate and its requests for metadata.  A member_budget has a dry_run
 * of its own.
 *
 * An answer with any result may ask for a call to Redis (answer.call > 0).  The
 * caller then owns the only call that is under way for this tenant and node.
 * The caller runs the script budget_lease with want = answer.ask (0 if the node
 * only needs to learn of pauses).  It reports the call's end, exactly once, by
 * cigna_budget_leased() or cigna_budget_failed().  If the caller dies, another
 * one takes its place.  After the report, the waiting requests decide again,
 * first come first served.
 */

/* Redis counts as down if a reply takes longer (ms) */

#define CIGNA_BUDGET_PATIENCE_MS  250

/*
 * if a call to Redis is under way for longer (ms), another worker may make one
 */

#define CIGNA_BUDGET_CALL_MS      2000

/*
 * A tenant may make two calls on a node without a pause between them, so that a
 * few requests after a quiet time do not wait for a lease.  In 2.2 leases there
 * are at most two calls.  If a lease is 50 ms, these are at most 20 calls in
 * any second.
 */

#define CIGNA_BUDGET_CALLS_NS(lease_ns)  ((lease_ns) * 11 / 5)

/*
 * An operator may end a pause.  So a node asks Redis again before it refuses a
 * request because of a pause, unless it asked within this time.
 */

#define CIGNA_BUDGET_PAUSE_AGE_MS  1000

/*
 * wait_ms of a request that waits for a call, which another worker may have
 * made
 */

#define CIGNA_BUDGET_POLL_MS      2


typedef enum {
    cigna_budget_rc_granted = 0,
    cigna_budget_rc_waiting,
    cigna_budget_rc_refused
} cigna_budget_rc_e;


typedef struct {
    cigna_budget_rc_e  rc;

    /*
     * The limit that refused the request.  If the request is granted: the limit
     * that would have refused it without dry_run, or cigna_budget_by_none
     */
    cigna_budget_by_e  by;

    /*
     * If the request waits: the caller decides again within this time (ms).  If
     * the request is refused: the next one may be granted after this time (ms),
     * 1 or more; Retry-After is this time in seconds, rounded up.  After this
     * time a request with delay= is decided on once more, with again = 1
     */
    int64_t            wait_ms;

    uint64_t           call;               /* > 0: make a call with this
                                              number */
    int64_t            ask;                /* number of requests that the call
                                              asks for, 0 or more */

    unsigned           outage:1;           /* the decision was made while Redis
                                              was down */
    unsigned           outage_began:1;     /* this decision began an outage: log
                                              it */

    /* private: for cigna_budget_give_back() */
    unsigned           leased:1;
    unsigned           local:1;
    unsigned           member:1;
    unsigned           metadata:1;
    uint64_t           lease;
} cigna_budget_answer_t;


/*
 * Decides on one request.  waiting: the number of this tenant's requests that
 * wait in the caller's worker, this one included (1 or more); a call asks for
 * them too.  again: 1 if the function has already decided on this request,
 * which must not count as demand twice.
 *
 * The function checks the member's bucket and the tenant's lease together.  It
 * only charges a granted request, and then to both.
 */
void cigna_budget_decide(const cigna_budget_t *b, unsigned waiting, int again,
    cigna_budget_answer_t *a);

/*
 * Applies the reply to the call with the number "call".  want is the number of
 * requests that the call asked for.  Returns 1 if Redis was down and is up
 * again (log it), else 0.  If a reply cannot be parsed, the caller calls
 * cigna_budget_failed() instead.
 */
int cigna_budget_leased(const cigna_budget_t *b, uint64_t call, int64_t want,
    const cigna_budget_lease_reply_t *r);

/*
 * Records that the call failed, or could not be sent.  Returns 1 if an outage
 * begins now (log it), else 0.
 */
int cigna_budget_failed(const cigna_budget_t *b, uint64_t call);

/*
 * Gives back a granted request, if nginx has not begun to connect to the
 * upstream for it.  If the request's lease is over, the tenant's new lease does
 * not get the request back.
 */
void cigna_budget_give_back(const cigna_budget_t *b,
    const cigna_budget_answer_t *a);

/*
 * Charges one more attempt of a granted request, by nginx or by a replay.
 * Later requests pay for the attempt.
 */
void cigna_budget_charge_after(const cigna_budget_t *b);


#endif /* _CIGNA_BUDGET_H_INCLUDED_ */

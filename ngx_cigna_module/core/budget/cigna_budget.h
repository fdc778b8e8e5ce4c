
#ifndef _CIGNA_BUDGET_H_INCLUDED_
#define _CIGNA_BUDGET_H_INCLUDED_


#include "cigna_budget_slot.h"


/*
 * Budgets on a node.  Redis keeps the budgets, and charges them in advance: by
 * one call, it grants a node some requests of one tenant.  These requests are
 * the tenant's lease.  They expire after 2 * lease_ns, and while there are
 * many requests, the node calls Redis every lease_ns.  So most requests need
 * no call.  Leases are in memory that all workers share: see
 * cigna_budget_slot.h.
 *
 * The life of a request:
 *
 *     decide --- granted ----------------------> sent: nothing more to do
 *      | ^          \--> not sent ------> give_back
 *      | |           \-> sent once more ------> charge_after
 *      | +-- waiting: decide again after wait_ms, or after a report
 *      +--- refused: the answer names the limit and the time
 *
 * Strangers may send requests for metadata.  Each node limits these requests by
 * itself, without a lease.  They take nothing from the members' requests, and
 * do not wait.
 *
 * With dry_run, a limit refuses nothing.  It is charged only for the requests
 * that it would grant without dry_run.  The gateway's dry_run is about its
 * rate, pauses, outage=closed and requests for metadata.  A tenant's dry_run is
 * about the tenant's rate and its requests for metadata.  A member_budget has a
 * dry_run of its own.
 *
 * An answer with any result may ask for a call to Redis (answer.call > 0).  The
 * caller then owns the only call that is under way for this tenant and node.
 * The caller runs the script budget_lease with want = answer.ask (0 if the node
 * only needs to learn of pauses).  It reports the call's end, exactly once, by
 * cigna_budget_leased() or cigna_budget_failed().  If the caller dies, another
 * request makes the next call.  After the report, the caller decides again on
 * the waiting requests, first come first served.
 */

/*
 * Redis counts as down if a reply takes longer than this (ms) and longer than
 * lease_ns
 */

#define CIGNA_BUDGET_PATIENCE_MS  250

/*
 * if a call to Redis is under way for longer (ms), another worker may make one
 */

#define CIGNA_BUDGET_CALL_MS      2000

/*
 * A node makes at most two calls for a tenant in any 2.2 * lease_ns.  The
 * second may follow the first at once, so that a few requests after a quiet
 * time do not wait.  If lease_ns is 50 ms, there are at most 20 calls in any
 * second.
 */

#define CIGNA_BUDGET_CALLS_NS(lease_ns)  ((lease_ns) * 11 / 5)

/*
 * An operator may end a pause.  So a node asks Redis again before it refuses a
 * request because of a pause, unless within this time the pause began or the
 * node asked.  A request for metadata does not wait for the answer.
 */

#define CIGNA_BUDGET_PAUSE_AGE_MS  1000

/*
 * wait_ms of a request that waits for a call to Redis, which another worker may
 * have made
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
     * If the request waits: the caller decides again after this time (ms), or
     * earlier if a call ends.  If the request is refused: the next one may be
     * granted after this time (ms), 1 or more.  Retry-After is this time in
     * seconds, rounded up.  If the request may wait (delay=), the caller
     * decides once more after this time, with again = 1
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
 * wait in the caller's worker, this one included (1 or more); a call to Redis
 * asks for them too.  again: 1 if the function has already decided on this
 * request, which must not count as demand twice.
 *
 * The function checks the member's limit and the tenant's lease together.  It
 * charges neither of them if one refuses.
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
 * Gives back a granted request for which nginx has not begun to connect to the
 * upstream.  If the request's lease is over, the tenant's new lease does not
 * get the request back.
 */
void cigna_budget_give_back(const cigna_budget_t *b,
    const cigna_budget_answer_t *a);

/*
 * Charges one more attempt of a granted request, by nginx or by a replay.
 * Later requests pay for the attempt.
 */
void cigna_budget_charge_after(const cigna_budget_t *b);


#endif /* _CIGNA_BUDGET_H_INCLUDED_ */

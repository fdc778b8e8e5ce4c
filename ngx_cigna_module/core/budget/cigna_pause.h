
#ifndef _CIGNA_BUDGET_TAKE_H_INCLUDED_
#define _CIGNA_BUDGET_TAKE_H_INCLUDED_


#include "cigna_budget_plan.h"


/*
 * The algorithm of the budgets: what the scripts budget_lease and budget_pause
 * do in Redis, once more in C, for a node that cannot ask it.  Both are held
 * against each other by a test, so that who changes one changes the other.
 *
 * Times are ns of one clock; it may step back.
 */

/* what refused */

typedef enum {
    cigna_budget_none = 0,
    cigna_budget_gateway,
    cigna_budget_tenant,
    cigna_budget_held,                     /* Cigna asked to be left alone */
    cigna_budget_member,
    cigna_budget_down,                     /* Redis, with outage=closed */
    cigna_budget_metadata
} cigna_budget_by_e;


typedef enum {
    cigna_budget_scope_own = 0,            /* this tenant */
    cigna_budget_scope_all                 /* all tenants of its origin */
} cigna_budget_scope_e;


/*
 * Hold-back of one scope.  A pause is followed by a ramp: 1/16 of the rate,
 * which doubles every second, and is full after CIGNA_BUDGET_RAMP_S seconds.
 * Trouble that began before the ramp was over goes on: the pause then lasts a
 * third of the time since it began, so that recovery is found within a third
 * of the outage.
 *
 * A single reply may be a mistake, of the server or of something in front of
 * it: a pause that one reply has asked for lasts CIGNA_BUDGET_PAUSE_ONE_MS at
 * most.  If that cuts it short, and a request that is made after it is told to
 * wait again, the pause is confirmed ("sure") and lasts as long as the server
 * says.  It stays so while the next such reply comes within the same time.
 */

#define CIGNA_BUDGET_RAMP_S         4
#define CIGNA_BUDGET_PAUSE_MIN_MS   1000
#define CIGNA_BUDGET_PAUSE_MAX_MS   30000
#define CIGNA_BUDGET_PAUSE_ONE_MS   300000

/* by how much a pause is prolonged at random, so that fleets spread */

#define CIGNA_BUDGET_JITTER_MAX     250    /* permille */


typedef struct {
    int64_t       began_ns;                /* the trouble */
    int64_t       from_ns;                 /* the pause */
    int64_t       until_ns;                /* 0: there is none */
    int64_t       asked_ns;                /* until when the server wants it */
    uint64_t      sure;                    /* 1: a second reply confirmed it */
    cigna_gcra_t  ramp;
} cigna_budget_hold_t;


/*
 * A reply that asks to be left alone; retry_after_ms: -1: without saying for
 * how long.  Within a pause it only makes it longer, and confirms nothing: it
 * answers a request that was sent before.  Returns ms until the end of the
 * pause.
 */
int64_t cigna_budget_hold_pause(cigna_budget_hold_t *h, int64_t retry_after_ms,
    unsigned jitter, int64_t now_ns);

/* ns left of the pause, 0: there is none (the ramp may not be over) */
int64_t cigna_budget_hold_left_ns(const cigna_budget_hold_t *h,
    int64_t now_ns);

/* somebody else knows of a pause of so many ns from now: makes it as long */
void cigna_budget_hold_learn(cigna_budget_hold_t *h, int64_t left_ns,
    int64_t now_ns);

/*
 * An operator has ended the pause ago_ns ago.  One that began later is left
 * alone; a second is allowed for what was on its way meanwhile.
 */
void cigna_budget_hold_end(cigna_budget_hold_t *h, int64_t ago_ns,
    int64_t now_ns);


/* the buckets of one request's scopes, borrowed */

typedef struct {
    cigna_gcra_t         *gateway;
    cigna_gcra_t         *minimum;
    cigna_gcra_t         *tenant;
    cigna_budget_hold_t  *all;
    cigna_budget_hold_t  *own;
} cigna_budget_buckets_t;


typedef struct {
    int64_t               granted;         /* 0..want, all charged */
    int64_t               wait_ns;         /* if fewer than want: until the
                                              next one */
    cigna_budget_by_e     by;              /* ... and what refused it */
    int64_t               pause_ns;        /* left of the longer pause */
    cigna_budget_scope_e  scope;           /* ... of this scope */

    /* of those granted, what a budget with dry_run would have refused */
    int64_t               gateway_dry;
    int64_t               tenant_dry;
} cigna_budget_grant_t;


/*
 * Takes up to want.  share: of how many nodes this is one: rates and bursts
 * are divided by it; 1 for all of them.
 */
void cigna_budget_take(const cigna_budget_plan_t *p,
    const cigna_budget_buckets_t *b, unsigned share, int64_t want,
    int64_t now_ns, cigna_budget_grant_t *g);

/*
 * n requests that were granted elsewhere, or (negative) that come back: no
 * question is asked.  The minimum is charged for what the gateway has no room
 * for.
 */
void cigna_budget_charge(const cigna_budget_plan_t *p,
    const cigna_budget_buckets_t *b, unsigned share, int64_t n,
    int64_t now_ns);


#endif /* _CIGNA_BUDGET_TAKE_H_INCLUDED_ */

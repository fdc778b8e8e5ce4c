
#ifndef _NGX_CIGNA_BUDGET_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_H_INCLUDED_


#include "ngx_cigna_budget_call.h"
#include "budget/cigna_budget_call.h"
#include "budget/cigna_budget_take.h"
#include "budget/cigna_budget.h"


/*
 * Budgets of one worker: what requests ask for, first come first served, and
 * the calls to Redis that top up what the node has on lease.  What all workers
 * share is in the zone; how it is counted, see core/budget/cigna_budget.h.
 */

#define NGX_CIGNA_BUDGET_WAITERS_MAX  4096 /* of a tenant, in a worker */


typedef struct ngx_cigna_budget_s         ngx_cigna_budget_t;
typedef struct ngx_cigna_budget_waiter_s  ngx_cigna_budget_waiter_t;

typedef void (*ngx_cigna_budget_pt)(ngx_cigna_budget_waiter_t *waiter);


/* one request; memory of the caller, zeroed at first */

struct ngx_cigna_budget_waiter_s {
    /* set by the caller */
    uint64_t                 member;       /* keyed hash; 0: is not counted;
                                              CIGNA_BUDGET_METADATA */
    ngx_cigna_budget_pt      handler;
    void                    *data;

    /* results */
    cigna_budget_answer_t    answer;
    unsigned                 delayed:1;    /* waited for budget, and not only
                                              for Redis */

    /* private */
    ngx_queue_t              queue;
    ngx_msec_t               deadline;
    ngx_msec_t               due;          /* to be judged again, not before,
                                              if it stops nobody */
    ngx_cigna_budget_t      *budget;       /* whose queue it is in, or NULL */
    unsigned                 asked:1;
};


/* of a tenant */

struct ngx_cigna_budget_s {
    ngx_cigna_main_conf_t   *mcf;
    ngx_cigna_tenant_t      *tenant;
    cigna_budget_t           core;
    cigna_budget_who_t       who;          /* in Redis */
    uint64_t                 origin;       /* key of who.origin */
    cigna_budget_origins_t  *origins;

    ngx_queue_t              waiters;
    ngx_uint_t               nwaiters;
    ngx_uint_t               stuck;        /* the first one waits for what all
                                              others need, too */
    ngx_event_t              timer;        /* not cancelable: there are
                                              waiters */

    ngx_cigna_budget_call_t  lease;
    uint64_t                 number;       /* of that call */
    int64_t                  want;

    ngx_cigna_budget_call_t  pause;
};


void ngx_cigna_budget_queue_init(ngx_cigna_budget_t *budget);
void ngx_cigna_budget_queue_done(ngx_cigna_budget_t *budget);

/*
 * Asks for one request.  NGX_OK: it is granted, and charged.  NGX_BUSY: it is
 * refused, answer.by says by what.  NGX_AGAIN: waits, handler will be called
 * once, unless leave() is.
 */
ngx_int_t ngx_cigna_budget_take(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);

/* waits no more; idempotent */
void ngx_cigna_budget_leave(ngx_cigna_budget_waiter_t *waiter);

/* something has changed: who waits is judged again, from an empty stack */
void ngx_cigna_budget_wake(ngx_cigna_budget_t *budget);

/* it was granted, and no connection has been begun for it */
void ngx_cigna_budget_return(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);

/* it was sent once more */
void ngx_cigna_budget_charge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);

/*
 * What the FHIR server has answered to a request of the tenant's: 429 and 503
 * may ask for that.  retry_after_ms: -1 if it does not say.  NGX_BUSY if it
 * wants fewer requests, else NGX_OK.
 */
ngx_int_t ngx_cigna_budget_answered(ngx_cigna_budget_t *budget,
    ngx_uint_t status, int64_t retry_after_ms);

/* what is left of that, in ms */
int64_t ngx_cigna_budget_held(ngx_cigna_budget_t *budget);


#endif /* _NGX_CIGNA_BUDGET_H_INCLUDED_ */

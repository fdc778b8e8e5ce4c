
#ifndef _NGX_CIGNA_BUDGET_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_H_INCLUDED_


#include "ngx_cigna_budget_lease.h"
#include "ngx_cigna_budget_pause.h"


/*
 * A tenant's budget in one worker: requests ask for one request each, and those
 * that wait are served first come first served.  For how requests are counted
 * see core/budget/cigna_budget.h.
 */

#define NGX_CIGNA_BUDGET_WAITERS_MAX  4096 /* of a tenant, in a worker */


typedef struct ngx_cigna_budget_s         ngx_cigna_budget_t;
typedef struct ngx_cigna_budget_waiter_s  ngx_cigna_budget_waiter_t;

typedef void (*ngx_cigna_budget_pt)(ngx_cigna_budget_waiter_t *waiter);


/* one request; memory of the caller, zeroed at first */

struct ngx_cigna_budget_waiter_s {
    /* set by the caller */
    uint64_t                   member;     /* keyed hash; 0: is not counted; or
                                              CIGNA_BUDGET_METADATA */
    ngx_cigna_budget_pt        handler;
    void                      *data;

    /* results */
    cigna_budget_answer_t      answer;
    unsigned                   delayed:1;  /* waited for budget, and not only
                                              for Redis */

    /* private */
    ngx_queue_t                queue;
    ngx_msec_t                 deadline;
    ngx_msec_t                 due;        /* if it stops no other, it is not
                                              decided on before */
    ngx_cigna_budget_t        *budget;     /* whose queue it is in, or NULL */
    unsigned                   asked:1;    /* was decided on before */
};


struct ngx_cigna_budget_s {
    ngx_cigna_budget_zone_t    zone;
    ngx_cigna_budget_lease_t   lease;
    ngx_cigna_budget_pause_t   pause;

    ngx_queue_t                waiters;
    ngx_uint_t                 nwaiters;
    ngx_uint_t                 stuck;      /* 1: the first one waits for what
                                              all others need, too */
    ngx_event_t                timer;      /* not cancelable: set only if
                                              requests wait */
};


/* a tenant's budget; key and members: see ngx_cigna_budget_zone_init() */
ngx_cigna_budget_t *ngx_cigna_budget_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, cigna_slice_t key,
    cigna_budget_members_t *members);

/* calls no handler */
void ngx_cigna_budget_destroy(ngx_cigna_budget_t *budget);

/*
 * Asks for one request.  NGX_OK: granted and charged.  NGX_BUSY: refused;
 * answer.by says by what.  NGX_AGAIN: waits; handler will be called once,
 * unless leave() is called before.
 */
ngx_int_t ngx_cigna_budget_take(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);

/* ends the wait; may be called twice */
void ngx_cigna_budget_leave(ngx_cigna_budget_waiter_t *waiter);

/* gives back a granted request, if nginx has not begun to connect for it */
void ngx_cigna_budget_return(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);

/* charges one more attempt of a granted request */
void ngx_cigna_budget_charge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);


#endif /* _NGX_CIGNA_BUDGET_H_INCLUDED_ */


#ifndef _NGX_CIGNA_BUDGET_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_H_INCLUDED_


#include "ngx_cigna_budget_lease.h"
#include "ngx_cigna_budget_pause.h"


/*
 * A tenant's budget in one worker.  A client's request asks here whether it may
 * be sent to the FHIR server.  Waiting requests leave in the order in which
 * they came, but a request whose member has spent too much holds up no other
 * member.  core/budget/cigna_budget.h explains how requests are counted.
 */

#define NGX_CIGNA_BUDGET_WAITERS_MAX  4096 /* waiters of a tenant in a worker */


typedef struct ngx_cigna_budget_s         ngx_cigna_budget_t;
typedef struct ngx_cigna_budget_waiter_s  ngx_cigna_budget_waiter_t;

typedef void (*ngx_cigna_budget_pt)(ngx_cigna_budget_waiter_t *waiter);


/*
 * A request that asks the budget.  The caller owns the memory, and zeroes it at
 * first.
 */

struct ngx_cigna_budget_waiter_s {
    /* set by the caller */
    uint64_t                   member;     /* the member's keyed hash; 0: the
                                              member is not counted;
                                              CIGNA_BUDGET_METADATA: a request
                                              for metadata */
    ngx_cigna_budget_pt        handler;    /* called after a wait, with the
                                              results */
    void                      *data;

    /* results */
    cigna_budget_answer_t      answer;
    unsigned                   delayed:1;  /* the request had to wait, because
                                              at first a limit or a pause
                                              refused it */

    /* private */
    ngx_queue_t                queue;
    ngx_msec_t                 deadline;   /* when "delay" is over */
    ngx_msec_t                 due;        /* if the request waits only because
                                              of its own member's budget: time
                                              of the next decision */
    ngx_cigna_budget_t        *budget;     /* NULL: not in the queue */
    unsigned                   asked:1;    /* the budget has already decided on
                                              this request */
};


struct ngx_cigna_budget_s {
    ngx_cigna_budget_zone_t    zone;
    ngx_cigna_budget_lease_t   lease;
    ngx_cigna_budget_pause_t   pause;

    ngx_queue_t                waiters;
    ngx_uint_t                 nwaiters;
    ngx_uint_t                 stuck;      /* 1: a waiter waits for a budget
                                              that all later waiters need */
    ngx_event_t                timer;      /* set only while requests wait; an
                                              exiting worker waits for it */
};


/*
 * Creates a tenant's budget.  For key and members see
 * ngx_cigna_budget_zone_init() in ngx_cigna_budget_zone.h.  NULL: no memory.
 */
ngx_cigna_budget_t *ngx_cigna_budget_create(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant, cigna_slice_t key,
    cigna_budget_members_t *members);

/* stops the timer, and cancels calls to Redis; calls no handler */
void ngx_cigna_budget_destroy(ngx_cigna_budget_t *budget);

/*
 * Asks whether a request may be sent.  NGX_OK: granted, and charged to the
 * budgets.  NGX_BUSY: refused; answer.by names the limit.  NGX_AGAIN: the
 * request waits; handler will be called once, unless ngx_cigna_budget_leave()
 * is called before.
 */
ngx_int_t ngx_cigna_budget_take(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);

/* takes a waiting request off the queue; may be called twice */
void ngx_cigna_budget_leave(ngx_cigna_budget_waiter_t *waiter);

/*
 * Takes back the charge of a granted request.  nginx must not have begun to
 * connect to the upstream for that request.
 */
void ngx_cigna_budget_return(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);

/* charges one more attempt (a retry or a replay) of a granted request */
void ngx_cigna_budget_charge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter);


#endif /* _NGX_CIGNA_BUDGET_H_INCLUDED_ */

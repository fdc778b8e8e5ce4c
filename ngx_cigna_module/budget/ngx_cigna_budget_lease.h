
#ifndef _NGX_CIGNA_BUDGET_LEASE_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_LEASE_H_INCLUDED_


#include "ngx_cigna_budget_call.h"
#include "ngx_cigna_budget_zone.h"


/*
 * The calls to Redis for a tenant's budget.  Each call leases a number of
 * requests, which this node may then send.
 */

typedef void (*ngx_cigna_budget_lease_pt)(void *data);


typedef struct {
    /* set by the owner, all else zeroed */
    ngx_cigna_budget_zone_t    *zone;
    ngx_cigna_budget_lease_pt   handler;   /* called at the end of each call */
    void                       *data;

    /* private */
    ngx_cigna_budget_call_t     call;
    uint64_t                    number;    /* number of the call, for the
                                              functions of core/budget */
    int64_t                     want;      /* requests that the call asks for */
} ngx_cigna_budget_lease_t;


void ngx_cigna_budget_lease_init(ngx_cigna_budget_lease_t *lease);

/*
 * Makes the call to Redis that the budget's answer asks for.  NGX_OK: the
 * owner's handler will be called later.  NGX_ERROR: the call could not be sent,
 * and the function has told the budget's core so and called the handler.
 */
ngx_int_t ngx_cigna_budget_lease_start(ngx_cigna_budget_lease_t *lease,
    const cigna_budget_answer_t *a);

/*
 * logs that an outage of Redis has begun; call it when a function or an answer
 * of cigna_budget.h says so; why: the failure
 */
void ngx_cigna_budget_lease_outage(ngx_cigna_budget_lease_t *lease,
    cigna_slice_t why);


#endif /* _NGX_CIGNA_BUDGET_LEASE_H_INCLUDED_ */

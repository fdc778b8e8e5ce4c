
#ifndef _NGX_CIGNA_BUDGET_GATE_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_GATE_H_INCLUDED_


#include "budget/ngx_cigna_budget.h"
#include "request/ngx_cigna_ctx.h"


/*
 * Asks the budgets before a request is sent to the FHIR server, and charges
 * every attempt that nginx makes.
 */

typedef enum {
    ngx_cigna_budget_gate_waiting = 0,
    ngx_cigna_budget_gate_granted,
    ngx_cigna_budget_gate_refused
} ngx_cigna_budget_gate_e;


struct ngx_cigna_budget_gate_s {
    ngx_cigna_budget_gate_e     state;
    ngx_msec_t                  waited;    /* ms */

    /* private */
    ngx_http_request_t         *request;
    ngx_cigna_budget_t         *budget;
    ngx_cigna_budget_waiter_t   waiter;
    ngx_msec_t                  since;
    ngx_uint_t                  first;     /* of the upstream's states */
    ngx_uint_t                  charged;   /* attempts from there on */
    unsigned                    sent:1;    /* any attempt at all */
};


/*
 * To be called before an upstream request is started, with two references of
 * the request held.  NGX_OK: it may be started.  Otherwise both references were
 * taken; after NGX_AGAIN "resume" is called with them later, to call this
 * function again.  Makes ctx->budget_gate.
 */
ngx_int_t ngx_cigna_budget_gate(ngx_http_request_t *r,
    ngx_http_event_handler_pt resume);

/* where ctx->budget_gate is set: nginx tries the next upstream server */
void ngx_cigna_budget_gate_attempt(ngx_http_request_t *r);

/* likewise: the header of a reply was read */
void ngx_cigna_budget_gate_answered(ngx_http_request_t *r);

/* the decision, for $cigna_budget; NULL: there was none */
const char *ngx_cigna_budget_gate_name(const ngx_cigna_budget_gate_t *gate);


#endif /* _NGX_CIGNA_BUDGET_GATE_H_INCLUDED_ */

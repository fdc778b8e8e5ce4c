
#ifndef _NGX_CIGNA_BUDGET_GATE_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_GATE_H_INCLUDED_


#include "budget/ngx_cigna_budget.h"
#include "ngx_cigna_inject.h"


/*
 * Asks the budgets before a request is sent to the FHIR server, and charges
 * every attempt that nginx makes.
 */

typedef enum {
    ngx_cigna_budget_gate_new = 0,
    ngx_cigna_budget_gate_waiting,
    ngx_cigna_budget_gate_granted,
    ngx_cigna_budget_gate_refused
} ngx_cigna_budget_gate_e;


struct ngx_cigna_budget_gate_s {
    ngx_cigna_budget_gate_e           state;
    ngx_msec_t                        waited;    /* ms */

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
 * Callbacks of ngx_cigna_inject_t, for which ctx->admit is to be set, and
 * zeroed at first.
 */
ngx_int_t ngx_cigna_budget_gate(ngx_http_request_t *r);
void ngx_cigna_budget_gate_attempt(ngx_http_request_t *r);
void ngx_cigna_budget_gate_answered(ngx_http_request_t *r);

/* the decision, for $cigna_budget; NULL: there was none */
const char *ngx_cigna_budget_gate_name(const ngx_cigna_budget_gate_t *admit);


#endif /* _NGX_CIGNA_BUDGET_GATE_H_INCLUDED_ */


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
    ngx_msec_t                  waited;    /* ms for which the request has
                                              waited for budgets */

    /* private */
    ngx_http_request_t         *request;
    ngx_cigna_budget_t         *budget;
    ngx_cigna_budget_waiter_t   waiter;
    ngx_msec_t                  since;     /* when the wait began */
    ngx_uint_t                  first;     /* index into r->upstream_states:
                                              states of the current upstream
                                              request begin there */
    ngx_uint_t                  charged;   /* charged attempts of the current
                                              upstream request */
    unsigned                    sent:1;    /* nginx has made an attempt */
};


/*
 * Must be called before an upstream request is started.  Makes
 * ctx->budget_gate.
 *
 *   NGX_DECLINED  the upstream request may be started
 *   NGX_DONE      the request waits: "resume" is called later, and must call
 *                 this function again
 *   else          the result of a content handler: the request was answered,
 *                 or there was an error
 */
ngx_int_t ngx_cigna_budget_gate(ngx_http_request_t *r,
    ngx_http_event_handler_pt resume);

/*
 * charges new attempts, but not the very first one; call it when nginx tries
 * the next upstream server
 */
void ngx_cigna_budget_gate_attempt(ngx_http_request_t *r,
    ngx_cigna_budget_gate_t *gate);

/*
 * tells the budgets about a 429 or 503, when nginx has read the reply's header;
 * ctx->budget_gate must exist
 */
void ngx_cigna_budget_gate_answered(ngx_http_request_t *r);

/* returns the decision as $cigna_budget shows it; NULL: no decision yet */
const char *ngx_cigna_budget_gate_name(const ngx_cigna_budget_gate_t *gate);


#endif /* _NGX_CIGNA_BUDGET_GATE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_BUDGET_PAUSE_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_PAUSE_H_INCLUDED_


#include "ngx_cigna_budget_call.h"
#include "ngx_cigna_budget_zone.h"


/* The pauses that a tenant's FHIR server has asked for. */

typedef struct {
    /* set by the owner, all else zeroed */
    ngx_cigna_budget_zone_t  *zone;

    /* private */
    ngx_cigna_budget_call_t   call;
    cigna_budget_scope_e      scope;       /* of the call */
} ngx_cigna_budget_pause_t;


void ngx_cigna_budget_pause_init(ngx_cigna_budget_pause_t *pause);

/*
 * The status of a reply of the FHIR server: 429, and 503 with Retry-After, ask
 * for a pause.  retry_after_ms -1: the reply has no Retry-After.  NGX_BUSY: the
 * server has asked for a pause; else NGX_OK.
 */
ngx_int_t ngx_cigna_budget_pause_answered(ngx_cigna_budget_pause_t *pause,
    ngx_uint_t status, int64_t retry_after_ms);

/* ms that are left of the longer pause; 0: there is none */
int64_t ngx_cigna_budget_pause_left_ms(ngx_cigna_budget_pause_t *pause);

void ngx_cigna_budget_pause_done(ngx_cigna_budget_pause_t *pause);


#endif /* _NGX_CIGNA_BUDGET_PAUSE_H_INCLUDED_ */


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
    cigna_budget_scope_e      scope;       /* the pause that the call in flight
                                              is about */
} ngx_cigna_budget_pause_t;


void ngx_cigna_budget_pause_init(ngx_cigna_budget_pause_t *pause);

/*
 * The FHIR server has answered.  A status of 429, or 503 with Retry-After, asks
 * for a pause.  retry_after_ms is -1 if the reply has no valid Retry-After.
 * NGX_BUSY: the server has asked for a pause; otherwise NGX_OK.
 */
ngx_int_t ngx_cigna_budget_pause_answered(ngx_cigna_budget_pause_t *pause,
    ngx_uint_t status, int64_t retry_after_ms);

/*
 * There may be a pause of the tenant, and one of all tenants at the FHIR
 * server.  Returns the ms until both pauses are over; 0: there is no pause.
 */
int64_t ngx_cigna_budget_pause_left_ms(ngx_cigna_budget_pause_t *pause);


#endif /* _NGX_CIGNA_BUDGET_PAUSE_H_INCLUDED_ */

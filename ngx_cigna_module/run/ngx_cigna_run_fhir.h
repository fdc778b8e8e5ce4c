
#ifndef _NGX_CIGNA_RUN_FHIR_H_INCLUDED_
#define _NGX_CIGNA_RUN_FHIR_H_INCLUDED_


#include "ngx_cigna_run.h"


/*
 * A run's own requests to the FHIR server.  They count in the budgets like the
 * member's requests, and the budgets learn from their replies.
 */


/*
 * NGX_OK: the request may be sent.  NGX_AGAIN: it waits, the run will be
 * posted, and this is to be called again.  NGX_BUSY: a budget has refused it.
 */
ngx_int_t ngx_cigna_run_fhir_admit(ngx_cigna_run_t *run);

/* a connection was begun for the request, so it keeps its charge */
void ngx_cigna_run_fhir_sent(ngx_cigna_run_t *run);

/* the reply is in run->http */
void ngx_cigna_run_fhir_answered(ngx_cigna_run_t *run);

/* waits no longer, and gives an unused charge back; may be called twice */
void ngx_cigna_run_fhir_done(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_FHIR_H_INCLUDED_ */


#ifndef _NGX_CIGNA_RUN_FHIR_H_INCLUDED_
#define _NGX_CIGNA_RUN_FHIR_H_INCLUDED_


#include "ngx_cigna_run_op.h"


/*
 * A run's own requests to the FHIR server: they count in the budgets as those
 * of the member's do, and what the server says of budgets counts.
 */


/*
 * NGX_OK: it may go.  NGX_AGAIN: it waits, the run will be posted, and this is
 * to be called again then.  NGX_BUSY: a budget has refused it.
 */
ngx_int_t ngx_cigna_run_fhir_admit(ngx_cigna_run_t *run);

/* a connection has been begun for it */
void ngx_cigna_run_fhir_sent(ngx_cigna_run_t *run);

/* a reply is in run->http */
void ngx_cigna_run_fhir_answered(ngx_cigna_run_t *run);

/* waits no more; what was granted and not used comes back; idempotent */
void ngx_cigna_run_fhir_done(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_FHIR_H_INCLUDED_ */

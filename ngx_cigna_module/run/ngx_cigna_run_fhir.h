
#ifndef _NGX_CIGNA_RUN_FHIR_H_INCLUDED_
#define _NGX_CIGNA_RUN_FHIR_H_INCLUDED_


#include "ngx_cigna_run.h"


/*
 * A run's own requests to the FHIR server.  They are charged to the budgets: a
 * request with the member's token like the member's requests, and a request for
 * metadata like the callers' requests for metadata.  A 429, or a 503 with
 * Retry-After, begins a pause.
 */


/*
 * Charges the request to the budgets.  NGX_OK: the run may send the request.
 * NGX_AGAIN: the request waits; the driver calls this function again when the
 * run is posted.  NGX_BUSY: a budget has refused the request.
 */
ngx_int_t ngx_cigna_run_fhir_admit(ngx_cigna_run_t *run);

/* keeps the charge, because a connection for the request was begun */
void ngx_cigna_run_fhir_sent(ngx_cigna_run_t *run);

/* passes the status and Retry-After of the reply in run->http to the budget */
void ngx_cigna_run_fhir_answered(ngx_cigna_run_t *run);

/* stops waiting, and gives back a charge that was not used; may be repeated */
void ngx_cigna_run_fhir_done(ngx_cigna_run_t *run);


#endif /* _NGX_CIGNA_RUN_FHIR_H_INCLUDED_ */

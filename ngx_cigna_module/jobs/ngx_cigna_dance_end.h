
#ifndef _NGX_CIGNA_DANCE_END_H_INCLUDED_
#define _NGX_CIGNA_DANCE_END_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "dance/cigna_dance_close.h"
#include "dance/cigna_dance_outcome.h"


/*
 * Logs and counts how dances end, and how requests to connect, callback and
 * disconnect end.
 */


/* what, outcome and request must be set; other fields may be empty */

typedef struct {
    const char              *what;            /* start of the log line, such as
                                                 "dance ended" */
    cigna_dance_outcome_e    outcome;
    ngx_cigna_tenant_t      *tenant;          /* NULL: nothing is counted */
    cigna_slice_t            member;          /* keyed hash of tenant and
                                                 member */
    cigna_slice_t            dance;           /* dance id */
    ngx_str_t               *request;         /* $request_id */
    const char              *detail;
    ngx_uint_t               client_refused;  /* 1: Cigna refused the client's
                                                 secrets, so the log level is
                                                 error */
    ngx_uint_t               ended;           /* 1: a dance has ended, so count
                                                 the ended dance besides the
                                                 outcome */
} ngx_cigna_dance_end_t;


/*
 * fills in *end: what, outcome, and the run's tenant, member and request; all
 * other fields become empty
 */
void ngx_cigna_dance_end_init(ngx_cigna_dance_end_t *end, const char *what,
    ngx_cigna_run_t *run, cigna_dance_outcome_e outcome);

/* logs and counts an outcome; must be called once for each outcome */
void ngx_cigna_dance_end(ngx_log_t *log, const ngx_cigna_dance_end_t *end);

/* logs and counts a dance that the run has closed; tenant: NULL if unknown */
void ngx_cigna_dance_closed(ngx_cigna_run_t *run, ngx_cigna_tenant_t *tenant,
    const cigna_dance_close_t *closed);


#endif /* _NGX_CIGNA_DANCE_END_H_INCLUDED_ */


#ifndef _NGX_CIGNA_DANCE_END_H_INCLUDED_
#define _NGX_CIGNA_DANCE_END_H_INCLUDED_


#include "run/ngx_cigna_run.h"
#include "dance/cigna_dance_close.h"
#include "dance/cigna_dance_outcome.h"


/* How dances end, in the log and in the counters. */


/* the end of a dance, for the log; fields other than "what" may be empty */

typedef struct {
    const char              *what;            /* "dance ended", ... */
    cigna_dance_outcome_e    outcome;
    ngx_cigna_tenant_t      *tenant;
    cigna_slice_t            member;          /* hash of the member's name */
    cigna_slice_t            dance;
    ngx_str_t               *request;
    const char              *detail;
    ngx_uint_t               client_refused;  /* by invalid_client: an error */
    ngx_uint_t               ended;           /* 1: a dance has ended here, and
                                                 is counted */
} ngx_cigna_dance_end_t;


/* fills *end with what a run knows: tenant, member, request */
void ngx_cigna_dance_end_init(ngx_cigna_dance_end_t *end, const char *what,
    ngx_cigna_run_t *run, cigna_dance_outcome_e outcome);

/* logs and counts an outcome; must be called once for each outcome */
void ngx_cigna_dance_end(ngx_log_t *log, const ngx_cigna_dance_end_t *end);

/* the end of a dance that a run has closed; tenant: NULL if it is not known */
void ngx_cigna_dance_closed(ngx_cigna_run_t *run, ngx_cigna_tenant_t *tenant,
    const cigna_dance_close_t *closed);


#endif /* _NGX_CIGNA_DANCE_END_H_INCLUDED_ */

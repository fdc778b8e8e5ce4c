
#ifndef _NGX_CIGNA_DANCE_H_INCLUDED_
#define _NGX_CIGNA_DANCE_H_INCLUDED_


#include "request/ngx_cigna_page.h"
#include "run/ngx_cigna_run.h"
#include "dance/cigna_dance_outcome.h"


/* what connect and callback have in common: how a dance's end is told */


/* for the log; all borrowed, all but the outcome may be empty */

typedef struct {
    const char              *what;            /* "dance ended", ... */
    cigna_dance_outcome_e    outcome;
    ngx_cigna_tenant_t      *tenant;
    cigna_slice_t            member;          /* hash */
    cigna_slice_t            dance;
    ngx_str_t               *request;
    const char              *detail;
    ngx_uint_t               client_refused;  /* the configuration's fault */
} ngx_cigna_dance_end_t;


/* logs and counts an outcome, where it is decided */
void ngx_cigna_dance_end(ngx_log_t *log, const ngx_cigna_dance_end_t *end);

/* the same for a request that is refused before a run was made for it */
void ngx_cigna_dance_refused(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const char *what, cigna_dance_outcome_e outcome, const char *detail);

/* tells the variables; the dance id is copied */
void ngx_cigna_dance_tell(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t dance);

/* the page of an outcome; uses what dance_tell() was told */
ngx_int_t ngx_cigna_dance_page(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome);

/* the page that asks whether to connect, at this URL; the same otherwise */
ngx_int_t ngx_cigna_dance_ask(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t url);

/*
 * Back to the app: return_to, or the tenant's first one if that is empty, with
 * the outcome and the dance id added.  A page if there is no such place.
 */
ngx_int_t ngx_cigna_dance_return(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t return_to);

/* creates a run for the request's identity; NULL if there is no memory */
ngx_cigna_run_t *ngx_cigna_dance_run(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const char *what, size_t flow_size,
    size_t arena_size);

/*
 * Starts the run and has a content handler wait for it: NGX_DONE, or the
 * status of an error.
 */
ngx_int_t ngx_cigna_dance_wait(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_run_t *run, ngx_cigna_flow_pt next, ngx_uint_t needs_metadata,
    ngx_msec_t timeout, ngx_http_event_handler_pt resume);


#endif /* _NGX_CIGNA_DANCE_H_INCLUDED_ */

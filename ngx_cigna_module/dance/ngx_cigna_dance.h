
#ifndef _NGX_CIGNA_DANCE_H_INCLUDED_
#define _NGX_CIGNA_DANCE_H_INCLUDED_


#include "request/ngx_cigna_page.h"
#include "request/ngx_cigna_wait.h"
#include "run/ngx_cigna_run.h"
#include "dance/cigna_dance_outcome.h"


/* what connect, callback and disconnect have in common */


/* the end of a dance, for the log; all borrowed, all but "what" may be empty */

typedef struct {
    const char              *what;            /* "dance ended", ... */
    cigna_dance_outcome_e    outcome;
    ngx_cigna_tenant_t      *tenant;
    cigna_slice_t            member;          /* its hash */
    cigna_slice_t            dance;
    ngx_str_t               *request;
    const char              *detail;
    ngx_uint_t               client_refused;  /* the configuration is wrong */
} ngx_cigna_dance_end_t;


/* fills *end with what a run knows: tenant, member, request */
void ngx_cigna_dance_end_init(ngx_cigna_dance_end_t *end, const char *what,
    ngx_cigna_run_t *run, cigna_dance_outcome_e outcome);

/* logs and counts an outcome, where it is decided */
void ngx_cigna_dance_end(ngx_log_t *log, const ngx_cigna_dance_end_t *end);

/* likewise, for a request that is refused before a run was made for it */
void ngx_cigna_dance_refused(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const char *what, cigna_dance_outcome_e outcome, const char *detail);

/*
 * The outcome of a run: that of its flow; or, if the run itself failed,
 * discovery_failed or "failed".
 */
cigna_dance_outcome_e ngx_cigna_dance_outcome(const ngx_cigna_run_t *run,
    cigna_dance_outcome_e flow, cigna_dance_outcome_e failed);

/* tells the variables; the dance id is copied */
void ngx_cigna_dance_tell(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t dance);

/*
 * These send a reply, and return what a content handler returns.  The outcome
 * must have been told with ngx_cigna_dance_tell().
 */

/* the page of an outcome */
ngx_int_t ngx_cigna_dance_page(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome);

/* the page that asks whether to connect, with a button that leads to the URL */
ngx_int_t ngx_cigna_dance_ask(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t url);

/*
 * A redirect to the app: to return_to, or to the tenant's first return_to if
 * that is empty, with the outcome and the dance id added.  The page of the
 * outcome if the tenant has no return_to.
 */
ngx_int_t ngx_cigna_dance_return(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t return_to);

/* creates a run for the request's identity; NULL if there is no memory */
ngx_cigna_run_t *ngx_cigna_dance_run(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const char *what, size_t flow_size,
    size_t arena_size);

/*
 * Starts the run and has a content handler wait for it, at most for "timeout"
 * (ms): "reply" then sends the reply, with the run in ctx->wait->run.  Returns
 * NGX_DONE, or the status of an error.
 */
ngx_int_t ngx_cigna_dance_wait(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_run_t *run, ngx_cigna_flow_pt next, ngx_uint_t needs_metadata,
    ngx_msec_t timeout, ngx_cigna_wait_reply_pt reply);


#endif /* _NGX_CIGNA_DANCE_H_INCLUDED_ */

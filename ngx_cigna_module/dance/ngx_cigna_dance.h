
#ifndef _NGX_CIGNA_DANCE_H_INCLUDED_
#define _NGX_CIGNA_DANCE_H_INCLUDED_


#include "jobs/ngx_cigna_dance_end.h"
#include "request/ngx_cigna_page.h"
#include "request/ngx_cigna_wait.h"
#include "run/ngx_cigna_run.h"


/* Functions that connect, callback and disconnect share. */


/* logs and counts the outcome of a request that is refused without a run */
void ngx_cigna_dance_refused(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const char *what, cigna_dance_outcome_e outcome, const char *detail);

/*
 * Returns the outcome of a run: "flow", which is the outcome of its flow, if
 * the run has not failed; discovery_failed, if the endpoints are unknown;
 * "failed" after any other failure.
 */
cigna_dance_outcome_e ngx_cigna_dance_outcome(const ngx_cigna_run_t *run,
    cigna_dance_outcome_e flow, cigna_dance_outcome_e failed);

/*
 * Makes a new dance id for the request, unless it has one.  A request to
 * connect uses the id for the dance that it starts.  Other requests show the id
 * as a reference if their dance is not known.  NGX_ERROR: there is no memory,
 * or no random bytes.
 */
ngx_int_t ngx_cigna_dance_reference(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);

/* sets $cigna_outcome; also $cigna_dance, to a copy of "dance", if not empty */
void ngx_cigna_dance_tell(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t dance);

/*
 * Before ngx_cigna_dance_page(), ngx_cigna_dance_page_make() and
 * ngx_cigna_dance_return(), the caller must have called ngx_cigna_dance_tell().
 * The functions that send a reply return the result of a content handler.
 */

/* sends the page about an outcome */
ngx_int_t ngx_cigna_dance_page(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome);

/* makes the body of the page about an outcome; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_dance_page_make(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_dance_outcome_e outcome, ngx_str_t *body);

/* sends a page that asks whether to connect, with a button that opens "url" */
ngx_int_t ngx_cigna_dance_ask(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t url);

/*
 * Redirects the browser to the app: to return_to or, if return_to is empty, to
 * the tenant's first one.  The URL gets the outcome and, if it is known, the
 * dance id.  If the tenant has no return_to at all, sends the page about the
 * outcome.
 */
ngx_int_t ngx_cigna_dance_return(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t return_to);

/*
 * Creates a run for the request's identity, and prepares the request to wait
 * for it.  NULL: no memory, or the identity's hash cannot be made.
 */
ngx_cigna_run_t *ngx_cigna_dance_run(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const char *what, size_t flow_size,
    size_t arena_size);

/*
 * Has the request wait at most "timeout" ms for the result of the run, which
 * the caller has started.  Afterwards nginx calls "reply", which must send the
 * reply.  ctx->wait->run is then the run, or NULL after a timeout.  Returns
 * NGX_DONE, or the status of an error.
 */
ngx_int_t ngx_cigna_dance_wait(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_run_t *run, ngx_msec_t timeout, ngx_cigna_wait_reply_pt reply);


#endif /* _NGX_CIGNA_DANCE_H_INCLUDED_ */

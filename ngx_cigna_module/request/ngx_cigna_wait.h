
#ifndef _NGX_CIGNA_WAIT_H_INCLUDED_
#define _NGX_CIGNA_WAIT_H_INCLUDED_


#include "ngx_cigna_ctx.h"
#include "run/ngx_cigna_run.h"


/*
 * A request that waits for a run or for Redis.  While it does it notices that
 * its client leaves, and is then detached from what it waits for, which goes
 * on without it.
 *
 * A phase handler that waits returns NGX_AGAIN, holds no reference, and goes
 * on by way of ngx_cigna_wait_phases(): it is entered again.  A content handler
 * takes a reference (r->main->count) and returns NGX_DONE; its own function
 * goes on and gives the reference back with ngx_http_finalize_request().
 */

struct ngx_cigna_wait_s {
    ngx_http_request_t        *request;
    ngx_http_event_handler_pt  resume;

    /* results, when "resume" is called and until it returns */
    ngx_cigna_run_t           *run;            /* NULL: too late */
    ngx_cigna_run_t           *late;           /* then: what has no result */
    ngx_cigna_redis_cmd_t      cmd;            /* outcome, reply */

    /* private */
    ngx_cigna_waiter_t         waiter;
    ngx_event_t                timer;
};


/* makes ctx->wait at first use; it detaches when the request goes */
ngx_int_t ngx_cigna_wait_init(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * Waits for a run's result, at most for so long.  NGX_AGAIN: resume will be
 * called once, later, unless the client leaves.  NGX_BUSY: too many wait for
 * this run already.  NGX_ERROR.
 */
ngx_int_t ngx_cigna_wait_run(ngx_cigna_wait_t *w, ngx_cigna_run_t *run,
    ngx_msec_t timeout, ngx_http_event_handler_pt resume);

/*
 * Sends one command and waits for the reply, which has a deadline of its own.
 * NGX_AGAIN as above.  NGX_BUSY: it could not be sent.  NGX_ERROR.
 */
ngx_int_t ngx_cigna_wait_redis(ngx_cigna_wait_t *w, const cigna_slice_t *argv,
    ngx_uint_t argc, ngx_http_event_handler_pt resume);

/*
 * Waits until somebody calls end(), after which "resume" is called from an
 * empty stack.  NGX_AGAIN as above, or NGX_ERROR.
 */
ngx_int_t ngx_cigna_wait_until(ngx_cigna_wait_t *w,
    ngx_http_event_handler_pt resume);
void ngx_cigna_wait_end(ngx_cigna_wait_t *w);

/* waits for nothing but an empty stack; NGX_AGAIN as above, or NGX_ERROR */
ngx_int_t ngx_cigna_wait_post(ngx_cigna_wait_t *w,
    ngx_http_event_handler_pt resume);

/* goes on with the phase handler that has returned NGX_AGAIN */
void ngx_cigna_wait_phases(ngx_http_request_t *r);

/* detaches, frees the reply; idempotent */
void ngx_cigna_wait_done(ngx_cigna_wait_t *w);


#endif /* _NGX_CIGNA_WAIT_H_INCLUDED_ */

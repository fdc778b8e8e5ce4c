
#ifndef _NGX_CIGNA_WAIT_H_INCLUDED_
#define _NGX_CIGNA_WAIT_H_INCLUDED_


#include "ngx_cigna_ctx.h"
#include "run/ngx_cigna_run.h"


/*
 * A request that waits for a run or for Redis.  If its client leaves in the
 * meantime, the request is detached from the run or the command, which goes on
 * without it.
 *
 * A phase handler that waits returns NGX_AGAIN, holds no reference, and has
 * ngx_cigna_wait_phases() as "resume": nginx enters the handler again.  A
 * content handler that waits takes a reference (r->main->count) and returns
 * NGX_DONE.  Its "resume" gives the reference back with
 * ngx_http_finalize_request(), as ngx_cigna_wait_reply() does.
 */

typedef ngx_int_t (*ngx_cigna_wait_reply_pt)(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


struct ngx_cigna_wait_s {
    ngx_http_request_t         *request;
    ngx_http_event_handler_pt   resume;

    /* set by the caller: sends the reply, as a content handler */
    ngx_cigna_wait_reply_pt     reply;

    /* results, valid until "resume" returns */
    ngx_cigna_run_t            *run;       /* NULL: it has no result in time */
    ngx_cigna_run_t            *late;      /* then: that run, or NULL */
    ngx_cigna_redis_cmd_t       cmd;       /* outcome, reply */

    /* private */
    ngx_cigna_waiter_t          waiter;
    ngx_event_t                 timer;
};


/* makes ctx->wait at first use; it ends with the request; NGX_OK, NGX_ERROR */
ngx_int_t ngx_cigna_wait_init(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * Waits for a run's result, at most for "timeout" (ms).  NGX_AGAIN: "resume" is
 * called once, later, unless the client leaves.  NGX_BUSY: too many requests
 * wait for the run.  NGX_ERROR.
 */
ngx_int_t ngx_cigna_wait_run(ngx_cigna_wait_t *w, ngx_cigna_run_t *run,
    ngx_msec_t timeout, ngx_http_event_handler_pt resume);

/*
 * Sends a command and waits for its reply, until the command's own deadline.
 * NGX_AGAIN as above.  NGX_BUSY: it could not be sent.  NGX_ERROR.
 */
ngx_int_t ngx_cigna_wait_redis(ngx_cigna_wait_t *w, const cigna_slice_t *argv,
    ngx_uint_t argc, ngx_http_event_handler_pt resume);

/*
 * Waits for a call of ngx_cigna_wait_end(); "resume" is then called from an
 * empty stack.  NGX_AGAIN as above, or NGX_ERROR.
 */
ngx_int_t ngx_cigna_wait_until(ngx_cigna_wait_t *w,
    ngx_http_event_handler_pt resume);
void ngx_cigna_wait_end(ngx_cigna_wait_t *w);

/* waits only for an empty stack; NGX_AGAIN as above, or NGX_ERROR */
ngx_int_t ngx_cigna_wait_post(ngx_cigna_wait_t *w,
    ngx_http_event_handler_pt resume);

/* "resume" of phase handlers: runs the phases from where they stopped */
void ngx_cigna_wait_phases(ngx_http_request_t *r);

/* "resume" of content handlers that have set ctx->wait->reply */
void ngx_cigna_wait_reply(ngx_http_request_t *r);

/* detaches the request and frees the command's reply; may be called twice */
void ngx_cigna_wait_done(ngx_cigna_wait_t *w);


#endif /* _NGX_CIGNA_WAIT_H_INCLUDED_ */

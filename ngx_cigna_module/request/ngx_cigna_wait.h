
#ifndef _NGX_CIGNA_WAIT_H_INCLUDED_
#define _NGX_CIGNA_WAIT_H_INCLUDED_


#include "ngx_cigna_ctx.h"
#include "run/ngx_cigna_run.h"


/*
 * A request that waits for a run or for Redis.  If the client closes the
 * connection in the meantime, the request ends, and the run or the Redis
 * command goes on without the request.
 *
 * A phase handler that waits returns NGX_AGAIN and holds no reference.  Its
 * "resume" is ngx_cigna_wait_phases(), which calls the handler again.
 *
 * A content handler that waits takes a reference (r->main->count) and returns
 * NGX_DONE.  Its "resume" gives the reference back with
 * ngx_http_finalize_request(), as ngx_cigna_wait_reply() does.
 */

typedef ngx_int_t (*ngx_cigna_wait_reply_pt)(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


struct ngx_cigna_wait_s {
    ngx_http_request_t         *request;
    ngx_http_event_handler_pt   resume;

    /*
     * set by the caller: sends the reply, and returns what a content handler
     * returns
     */
    ngx_cigna_wait_reply_pt     reply;

    /* results, valid until "resume" returns */
    ngx_cigna_run_t            *run;       /* NULL: no result in time */
    ngx_cigna_run_t            *late;      /* the run that gave no result in
                                              time, or NULL */
    ngx_cigna_redis_cmd_t       cmd;       /* outcome, reply */

    /* private */
    ngx_cigna_waiter_t          waiter;
    ngx_event_t                 timer;
};


/* makes ctx->wait at the first call, in the request's pool */
ngx_int_t ngx_cigna_wait_init(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * Waits at most "timeout" ms for a run's result.  NGX_AGAIN: "resume" will be
 * called once, unless the client closes the connection.  NGX_BUSY: too many
 * requests wait for the run, or its result was told before.  NGX_ERROR: an
 * error of the client's connection.
 */
ngx_int_t ngx_cigna_wait_run(ngx_cigna_wait_t *w, ngx_cigna_run_t *run,
    ngx_msec_t timeout, ngx_http_event_handler_pt resume);

/*
 * Sends a command to Redis, and waits for its reply until the command's own
 * deadline.  NGX_AGAIN, NGX_ERROR: see ngx_cigna_wait_run().  NGX_BUSY: the
 * command could not be sent.
 */
ngx_int_t ngx_cigna_wait_redis(ngx_cigna_wait_t *w, const cigna_slice_t *argv,
    ngx_uint_t argc, ngx_http_event_handler_pt resume);

/*
 * Waits for a call of ngx_cigna_wait_end().  That function does not call
 * "resume" itself: the event loop does.  NGX_AGAIN, NGX_ERROR: see
 * ngx_cigna_wait_run().
 */
ngx_int_t ngx_cigna_wait_until(ngx_cigna_wait_t *w,
    ngx_http_event_handler_pt resume);
void ngx_cigna_wait_end(ngx_cigna_wait_t *w);

/*
 * Has the event loop call "resume" as soon as the present event handler has
 * returned.  NGX_AGAIN, NGX_ERROR: see ngx_cigna_wait_run().
 */
ngx_int_t ngx_cigna_wait_post(ngx_cigna_wait_t *w,
    ngx_http_event_handler_pt resume);

/* "resume" of phase handlers: runs the phases from where they stopped */
void ngx_cigna_wait_phases(ngx_http_request_t *r);

/*
 * "resume" of content handlers: finalizes the request with the result of
 * ctx->wait->reply, which the handler has set
 */
void ngx_cigna_wait_reply(ngx_http_request_t *r);


#endif /* _NGX_CIGNA_WAIT_H_INCLUDED_ */

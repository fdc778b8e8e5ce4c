
#ifndef _NGX_CIGNA_HTTP_H_INCLUDED_
#define _NGX_CIGNA_HTTP_H_INCLUDED_


#include "ngx_cigna_peer.h"
#include "flow/cigna_flow.h"
#include "http/cigna_http_reply.h"


/*
 * One HTTP/1.1 exchange of the request-less client: cookieless, bounded in
 * size and time, on a connection of its own.  Knows nothing of OAuth.
 */

typedef struct ngx_cigna_http_s  ngx_cigna_http_t;

typedef void (*ngx_cigna_http_pt)(ngx_cigna_http_t *http);


struct ngx_cigna_http_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_origin_t     *origin;
    cigna_http_request_t    request;       /* POST with a body, else GET */
    ngx_pool_t             *pool;
    ngx_log_t              *log;
    ngx_msec_t              connect_timeout;
    ngx_msec_t              timeout;       /* from connected to the last byte */
    size_t                  body_max;
    unsigned                lasting:1;     /* once sent it goes on when
                                              worker_shutdown_timeout is over */
    ngx_cigna_http_pt       handler;
    void                   *data;

    /* results */
    cigna_ev_e              outcome;       /* ok, unsent, or lost as soon as a
                                              byte has left */
    const char             *error;         /* a phrase for the log */
    cigna_http_reply_t      reply;

    /* private */
    ngx_cigna_peer_t        peer;
    ngx_event_t             timer;
    ngx_buf_t              *out;
    ngx_buf_t              *in;
    size_t                  in_max;
    unsigned                sent:1;        /* a byte may have left */
};


/*
 * NGX_AGAIN: handler will be called once, later.  NGX_ERROR: failed at once,
 * outcome is "unsent", handler is not called.  The request's bytes are copied.
 * The request's URL has to be one of the origin's.  The connection of a reply
 * that came stays open until done(), which has to be called soon: as long as
 * it is open, what came is not yet kept.
 */
ngx_int_t ngx_cigna_http_start(ngx_cigna_http_t *http);

/*
 * Wipes buffers (the reply's slices go with them), closes; idempotent; handler
 * is not called afterwards.
 */
void ngx_cigna_http_done(ngx_cigna_http_t *http);


#endif /* _NGX_CIGNA_HTTP_H_INCLUDED_ */

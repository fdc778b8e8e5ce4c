
#ifndef _NGX_CIGNA_HTTP_H_INCLUDED_
#define _NGX_CIGNA_HTTP_H_INCLUDED_


#include "ngx_cigna_peer.h"
#include "flow/cigna_flow.h"
#include "http/cigna_http_reply.h"


/*
 * One HTTP/1.1 exchange of the gateway's own: without cookies, bounded in size
 * and time, on a connection of its own.  It knows nothing of OAuth.
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
    unsigned                lasting:1;     /* once sent, it goes on even after
                                              worker_shutdown_timeout */
    ngx_cigna_http_pt       handler;
    void                   *data;

    /* results */
    cigna_ev_e              outcome;       /* ok; unsent; or lost, if a byte
                                              may have left */
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
 * outcome is "unsent", handler is not called.  Copies the request's bytes.  The
 * request's URL must be one of the origin's.  After a reply, the connection
 * stays open until done(), which must be called soon: the server must not
 * believe that the reply is safe before the caller has stored it.
 */
ngx_int_t ngx_cigna_http_start(ngx_cigna_http_t *http);

/*
 * Closes the connection and wipes the buffers, with the reply's slices.  May be
 * called twice; handler is not called afterwards.
 */
void ngx_cigna_http_done(ngx_cigna_http_t *http);


#endif /* _NGX_CIGNA_HTTP_H_INCLUDED_ */


#ifndef _NGX_CIGNA_HTTP_H_INCLUDED_
#define _NGX_CIGNA_HTTP_H_INCLUDED_


#include "ngx_cigna_peer.h"
#include "flow/cigna_flow.h"
#include "http/cigna_http_reply.h"


/*
 * One HTTP/1.1 request that the gateway makes itself, and the reply.  Each
 * request has a new connection, uses no cookies, and is limited in size and
 * time.
 */

typedef struct ngx_cigna_http_s  ngx_cigna_http_t;

typedef void (*ngx_cigna_http_pt)(ngx_cigna_http_t *http);


struct ngx_cigna_http_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_origin_t     *origin;
    cigna_http_request_t    request;       /* POST if it has a body, otherwise
                                              GET */
    ngx_pool_t             *pool;
    ngx_log_t              *log;
    ngx_msec_t              connect_timeout;
    ngx_msec_t              timeout;       /* from the connection to the reply's
                                              last byte */
    size_t                  body_max;      /* most bytes of the reply's body */
    unsigned                lasting:1;     /* once a byte may have left, waits
                                              for the reply even beyond
                                              worker_shutdown_timeout */
    ngx_cigna_http_pt       handler;
    void                   *data;

    /* results */
    cigna_ev_e              outcome;       /* ok; unsent; or lost, if a byte
                                              may have left */
    const char             *error;         /* after a failure: a phrase for the
                                              log */
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
 * Starts the request.  NGX_AGAIN: handler will be called once, later.
 * NGX_ERROR: the request failed at once, outcome is "unsent", and handler is
 * not called.  Copies the request's bytes.  The request's URL must belong to
 * the origin.
 *
 * After a reply the connection stays open until ngx_cigna_http_done(), because
 * the server may take a close as a sign that the client has stored the reply.
 * So the caller stores the reply first, and then calls that function soon.
 */
ngx_int_t ngx_cigna_http_start(ngx_cigna_http_t *http);

/*
 * Closes the connection and wipes the buffers, to which the slices of the reply
 * point.  May be called twice; handler is not called afterwards.
 */
void ngx_cigna_http_done(ngx_cigna_http_t *http);


#endif /* _NGX_CIGNA_HTTP_H_INCLUDED_ */

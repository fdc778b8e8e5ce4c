
#ifndef _NGX_CIGNA_PEER_H_INCLUDED_
#define _NGX_CIGNA_PEER_H_INCLUDED_


#include "ngx_cigna_resolve.h"


/*
 * A connection that the gateway makes itself, outside of any nginx request.
 * Name resolution, connect and TLS handshake share one deadline.  With TLS, the
 * server's certificate and name are checked.  No other file of the module opens
 * sockets.
 */


typedef struct ngx_cigna_peer_s  ngx_cigna_peer_t;

typedef void (*ngx_cigna_peer_pt)(ngx_cigna_peer_t *peer);


#define NGX_CIGNA_PEER_ERROR_MAX  160


struct ngx_cigna_peer_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_origin_t     *origin;
    ngx_log_t              *log;           /* must outlive the connection */
    ngx_msec_t              timeout;       /* of all steps together */
    ngx_uint_t              cancelable;    /* 1: the timers do not keep an
                                              exiting worker alive */
    ngx_uint_t              keepalive;     /* 1: use TCP keep-alive */
    ngx_cigna_peer_pt       handler;
    void                   *data;

    /* results */
    ngx_int_t               rc;            /* NGX_OK or NGX_ERROR */
    const char             *error;         /* a phrase for the log */
    ngx_connection_t       *connection;    /* ready for use if rc is NGX_OK;
                                              its data is the peer */
    ngx_msec_t              deadline;      /* when "timeout" is over */

    /* private */
    ngx_cigna_resolve_t     resolve;
    ngx_uint_t              tried;         /* number of addresses tried so
                                              far */
    ngx_event_t             timer;

    ngx_peer_connection_t   pc;
    ngx_cigna_tls_t         tls;
    ngx_log_t               quiet;         /* the connection's log */

    ngx_str_t               addr_text;
    u_char                  addr_mem[NGX_SOCKADDR_STRLEN];
    u_char                  error_mem[NGX_CIGNA_PEER_ERROR_MAX];
    unsigned                starting:1;    /* ngx_cigna_peer_start() has not
                                              returned */
};


/*
 * Starts to connect.  NGX_AGAIN: handler will be called once, after this
 * function has returned.  NGX_OK, NGX_ERROR: this is the result, and handler is
 * not called.
 *
 * As soon as the connection is made, the caller must set the connection's event
 * handlers and check read->ready, because bytes may have come already.
 *
 * Failures are logged at info only; the caller decides which of them is an
 * error.  The timers keep an exiting worker alive, unless "cancelable" is 1.
 */
ngx_int_t ngx_cigna_peer_start(ngx_cigna_peer_t *peer);

/*
 * To be called when send() or recv() has returned NGX_ERROR.  Returns a phrase
 * for the log: "what" and, on a connection without TLS, the system's error.
 */
const char *ngx_cigna_peer_broken(ngx_cigna_peer_t *peer, const char *what);

/*
 * Closes the connection without waiting for the peer's TLS close_notify, stops
 * resolving, removes timers.  May be called at any time, and twice; the handler
 * is not called afterwards.  Keeps peer->error.
 */
void ngx_cigna_peer_done(ngx_cigna_peer_t *peer);


#endif /* _NGX_CIGNA_PEER_H_INCLUDED_ */

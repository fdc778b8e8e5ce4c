
#ifndef _NGX_CIGNA_PEER_H_INCLUDED_
#define _NGX_CIGNA_PEER_H_INCLUDED_


#include "ngx_cigna_resolve.h"


/*
 * A connection of the gateway's own, without a request of nginx: resolve,
 * connect, TLS with checks of certificate and name, within one deadline.  No
 * other file opens sockets.
 */


typedef struct ngx_cigna_peer_s  ngx_cigna_peer_t;

typedef void (*ngx_cigna_peer_pt)(ngx_cigna_peer_t *peer);


#define NGX_CIGNA_PEER_ERROR_MAX  160


struct ngx_cigna_peer_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_origin_t     *origin;
    ngx_log_t              *log;           /* outlives the connection */
    ngx_msec_t              timeout;       /* of all steps together */
    ngx_uint_t              cancelable;    /* of its timers, see below */
    ngx_uint_t              keepalive;     /* TCP probes of an idle peer */
    ngx_cigna_peer_pt       handler;
    void                   *data;

    /* results */
    ngx_int_t               rc;            /* NGX_OK or NGX_ERROR */
    const char             *error;         /* a phrase for the log */
    ngx_connection_t       *connection;    /* ready for use if rc is NGX_OK;
                                              its data is the peer */

    /* private */
    ngx_cigna_resolve_t     resolve;
    ngx_uint_t              tried;         /* addresses */
    ngx_event_t             timer;
    ngx_msec_t              deadline;

    ngx_peer_connection_t   pc;
    ngx_cigna_tls_t         tls;
    ngx_log_t               quiet;         /* of the connection */

    ngx_str_t               addr_text;
    u_char                  addr_mem[NGX_SOCKADDR_STRLEN];
    u_char                  error_mem[NGX_CIGNA_PEER_ERROR_MAX];
    unsigned                starting:1;    /* inside of start() */
};


/*
 * NGX_AGAIN: handler will be called once, later, never before this function
 * has returned.  NGX_OK, NGX_ERROR: it is over at once and handler is not
 * called.
 *
 * The caller sets the event handlers of the connection at once, and looks at
 * read->ready: bytes may have come already.
 *
 * Failures are logged at info only; the caller decides which of them is an
 * error.  The timers keep an exiting worker alive, unless they are cancelable.
 */
ngx_int_t ngx_cigna_peer_start(ngx_cigna_peer_t *peer);

/*
 * A phrase for the log that begins with "what" and says why the last send() or
 * recv() returned NGX_ERROR.
 */
const char *ngx_cigna_peer_broken(ngx_cigna_peer_t *peer, const char *what);

/*
 * Closes the connection without waiting for the peer's TLS close_notify, stops
 * resolving, removes timers.  May be called at any time, and twice; the handler
 * is not called afterwards.  Keeps peer->error.
 */
void ngx_cigna_peer_done(ngx_cigna_peer_t *peer);


#endif /* _NGX_CIGNA_PEER_H_INCLUDED_ */


#ifndef _NGX_CIGNA_PEER_H_INCLUDED_
#define _NGX_CIGNA_PEER_H_INCLUDED_


#include "ngx_cigna_resolve.h"


/*
 * The request-less peer: resolve, connect, TLS with certificate and name
 * checks, within one deadline.  The only file that opens sockets.
 */


typedef struct ngx_cigna_peer_s  ngx_cigna_peer_t;

typedef void (*ngx_cigna_peer_pt)(ngx_cigna_peer_t *peer);


#define NGX_CIGNA_PEER_ERROR_MAX  160


struct ngx_cigna_peer_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_origin_t     *origin;
    ngx_log_t              *log;           /* outlives the connection */
    ngx_msec_t              timeout;       /* to be connected, all in all */
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
 * returned.  NGX_OK, NGX_ERROR: it is over at once and handler is not called.
 *
 * The caller sets the connection's event handlers as soon as it has it, and
 * looks at read->ready: bytes may have come already.
 *
 * Nothing is logged above info, who asked for the connection decides what a
 * failure is worth.  The timers keep an exiting worker alive, unless they are
 * cancelable.
 */
ngx_int_t ngx_cigna_peer_start(ngx_cigna_peer_t *peer);

/*
 * A phrase on why the last send() or recv() returned NGX_ERROR, "what" being
 * its beginning.
 */
const char *ngx_cigna_peer_broken(ngx_cigna_peer_t *peer, const char *what);

/*
 * Closes the connection (an orderly TLS shutdown is not waited for), stops
 * resolving, removes timers.  May be called at any time, twice as well; the
 * handler is not called afterwards.  error is kept.
 */
void ngx_cigna_peer_done(ngx_cigna_peer_t *peer);


#endif /* _NGX_CIGNA_PEER_H_INCLUDED_ */


#ifndef _NGX_CIGNA_PEER_H_INCLUDED_
#define _NGX_CIGNA_PEER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>


/*
 * The request-less peer: resolve, connect, TLS with certificate and name
 * checks, within one deadline.  The only file that opens sockets.
 */


/* where to; made at configuration, shared by all connections to it */

typedef struct {
    ngx_str_t         host;                /* without brackets; path if unix */
    in_port_t         port;                /* host order */
    ngx_str_t         name;                /* "host:port", for logs */
    ngx_str_t         tls_name;            /* SNI and certificate name */
    ngx_ssl_t        *ssl;                 /* NULL: in clear */

    ngx_addr_t       *addrs;               /* resolved at start ... */
    ngx_uint_t        naddrs;              /* ... or 0: while running */
    ngx_uint_t        next;                /* rotates over addrs */

    ngx_resolver_t   *resolver;            /* NULL: none configured */
    ngx_msec_t        resolver_timeout;
} ngx_cigna_origin_t;


typedef struct ngx_cigna_peer_s  ngx_cigna_peer_t;

typedef void (*ngx_cigna_peer_pt)(ngx_cigna_peer_t *peer);


struct ngx_cigna_peer_s {
    /* set by the caller */
    ngx_cigna_origin_t     *origin;
    ngx_pool_t             *pool;          /* outlives the peer */
    ngx_log_t              *log;           /* outlives the connection */
    ngx_msec_t              timeout;       /* to be connected, all in all */
    ngx_uint_t              cancelable;    /* of its timers, see below */
    ngx_cigna_peer_pt       handler;
    void                   *data;

    /* results */
    ngx_int_t               rc;            /* NGX_OK or NGX_ERROR */
    const char             *error;         /* a phrase for the log */
    ngx_connection_t       *connection;    /* ready for use if rc is NGX_OK;
                                              its data is the peer */

    /* private */
    ngx_peer_connection_t   pc;
    ngx_resolver_ctx_t     *resolving;
    ngx_addr_t              addr;
    ngx_sockaddr_t          sockaddr;
    ngx_event_t             timer;
    unsigned                started:1;
};


/*
 * A TLS context for outbound connections: TLS 1.2 and newer, peers verified
 * against the certificates in "trusted" (PEM; empty: the system's bundle).
 * Freed with cf->pool.  NULL after logging an error.
 */
ngx_ssl_t *ngx_cigna_peer_create_ssl(ngx_conf_t *cf, ngx_str_t *trusted);

/*
 * Fills origin->addrs at start if the name can be resolved then, else leaves
 * it to the resolver while running; an error if there is neither.  host, port
 * and ssl are set by the caller.  unix sockets: host is "unix:/path".
 */
ngx_int_t ngx_cigna_origin_init(ngx_conf_t *cf, ngx_cigna_origin_t *origin);

/*
 * NGX_AGAIN: handler will be called once, later, never before this function
 * returned.  NGX_OK, NGX_ERROR: it is over at once and handler is not called.
 */
ngx_int_t ngx_cigna_peer_start(ngx_cigna_peer_t *peer);

/*
 * Closes the connection (an orderly TLS shutdown is not waited for), stops
 * resolving, removes timers.  May be called at any time, twice as well; the
 * handler is not called afterwards.
 */
void ngx_cigna_peer_done(ngx_cigna_peer_t *peer);


#endif /* _NGX_CIGNA_PEER_H_INCLUDED_ */

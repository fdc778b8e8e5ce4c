
#ifndef _NGX_CIGNA_ORIGIN_H_INCLUDED_
#define _NGX_CIGNA_ORIGIN_H_INCLUDED_


#include "ngx_cigna_tls.h"
#include <ngx_event_connect.h>


/* A server to connect to, with its addresses.  Connections share it. */

typedef struct {
    ngx_str_t         host;                /* without brackets; or "unix:/path"
                                              of a socket */
    in_port_t         port;                /* host order */
    ngx_str_t         name;                /* "host:port", for logs */
    ngx_str_t         tls_name;            /* SNI and certificate name */
    ngx_ssl_t        *ssl;                 /* NULL: no TLS */

    ngx_addr_t       *addrs;               /* those that were found at start */
    ngx_uint_t        naddrs;              /* 0: none were found at start */
    ngx_uint_t        next;                /* which of addrs is tried first */

    ngx_resolver_t   *resolver;            /* NULL: none configured */
    ngx_msec_t        resolver_timeout;

    /* private */
    unsigned          literal:1;           /* an address, never resolved */
} ngx_cigna_origin_t;


/*
 * Makes an origin at start.  The caller sets host, port, ssl and resolver; the
 * function fills in addrs, name, and tls_name if it is empty.  A host that
 * cannot be resolved at start is left to the resolver; without a resolver that
 * is an error.  A host that can be resolved at start and has a resolver: each
 * connection asks the resolver first, and uses addrs if the resolver fails.
 */
ngx_int_t ngx_cigna_origin_init(ngx_conf_t *cf, ngx_cigna_origin_t *origin);

/*
 * The same for a host that was resolved at start already: copies the addresses
 * of "known" and sets the port.  If "known" is NULL, the origin has no
 * addresses.
 */
ngx_int_t ngx_cigna_origin_like(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known);


/*
 * Makes an origin while nginx runs, for a server whose name another server has
 * sent.  The caller sets host, which is copied, port and tls_name.  Resolves
 * nothing.  TLS and resolver are those of known[0]; nknown must not be 0.  If
 * one of "known" has the same host, the origin borrows the addresses that were
 * found for it at start.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_origin_set(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known, ngx_uint_t nknown);


#endif /* _NGX_CIGNA_ORIGIN_H_INCLUDED_ */

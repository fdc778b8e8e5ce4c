
#ifndef _NGX_CIGNA_ORIGIN_H_INCLUDED_
#define _NGX_CIGNA_ORIGIN_H_INCLUDED_


#include "ngx_cigna_tls.h"
#include <ngx_event_connect.h>


/*
 * A server to connect to, with its addresses.  Several connections may share an
 * origin.
 */

typedef struct {
    ngx_str_t         host;                /* without brackets; or "unix:/path"
                                              of a socket */
    in_port_t         port;                /* host order */
    ngx_str_t         name;                /* "host:port", for logs */
    ngx_str_t         tls_name;            /* SNI and certificate name */
    ngx_ssl_t        *ssl;                 /* NULL: no TLS */

    ngx_addr_t       *addrs;               /* the addresses found at start, or
                                              the host if it is an address */
    ngx_uint_t        naddrs;              /* 0: no address was found at
                                              start */
    ngx_uint_t        next;                /* the index of the address to try
                                              first, modulo naddrs */

    ngx_resolver_t   *resolver;            /* NULL: none is configured */
    ngx_msec_t        resolver_timeout;

    /* private */
    unsigned          literal:1;           /* host is an address, and is never
                                              resolved */
} ngx_cigna_origin_t;


/*
 * Makes an origin at start.  The caller sets host, port, ssl, resolver and
 * resolver_timeout.  The caller may set tls_name, which otherwise becomes the
 * host.  The function fills in the other fields, and looks up the host's
 * addresses.
 *
 * If the host is a name and has no address at start, each connection asks the
 * resolver.  Without a resolver that is an error, which is logged.  If the name
 * has addresses at start and there is a resolver, a connection still asks the
 * resolver first.  It uses the addresses found at start only if the resolver
 * fails.
 */
ngx_int_t ngx_cigna_origin_init(ngx_conf_t *cf, ngx_cigna_origin_t *origin);

/*
 * Makes an origin as ngx_cigna_origin_init() does, but looks up nothing.
 * Copies the addresses of "known", an origin with the same host, and sets their
 * port to origin->port.  If "known" is NULL, the origin gets no addresses.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_origin_like(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known);


/*
 * Makes an origin while nginx runs, for a server that another server has named.
 * The caller sets host and port, and may set tls_name.  The function replaces
 * host by a copy in lower case.  It resolves nothing.  The origin uses the TLS
 * context and the resolver of known[0]; nknown must not be 0.  If one of the
 * known origins has the same host, the new origin borrows the addresses that
 * were found for it at start.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_origin_set(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known, ngx_uint_t nknown);


#endif /* _NGX_CIGNA_ORIGIN_H_INCLUDED_ */

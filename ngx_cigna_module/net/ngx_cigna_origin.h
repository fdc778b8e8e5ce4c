
#ifndef _NGX_CIGNA_ORIGIN_H_INCLUDED_
#define _NGX_CIGNA_ORIGIN_H_INCLUDED_


#include "ngx_cigna_tls.h"
#include <ngx_event.h>
#include <ngx_event_connect.h>


/* A server to connect to; made at start, shared by all its connections. */

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

    /* private */
    unsigned          literal:1;           /* an address, never resolved */
} ngx_cigna_origin_t;


/*
 * Fills origin->addrs at start if the name can be resolved then, else leaves
 * the name to the resolver while running.  An error if neither is possible.
 * With both, the resolver is asked first, and the addresses of the start are
 * used when it fails.  The caller sets host, port, ssl and resolver; the
 * function fills in name, and tls_name if it is empty.  Of a unix socket host
 * is "unix:/path".
 */
ngx_int_t ngx_cigna_origin_init(ngx_conf_t *cf, ngx_cigna_origin_t *origin);

/*
 * The same for a host that was resolved at start already: copies the addresses
 * of "known" and sets the port.  known NULL: the host has no addresses.
 */
ngx_int_t ngx_cigna_origin_like(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known);


/* the memory that an origin points to which is made while running */

#define NGX_CIGNA_ORIGIN_HOST_MAX  255

typedef struct {
    u_char            host[NGX_CIGNA_ORIGIN_HOST_MAX];
    u_char            name[NGX_CIGNA_ORIGIN_HOST_MAX + sizeof("[]:65535")];
    ngx_sockaddr_t    sockaddr;
    ngx_addr_t        addr;
} ngx_cigna_origin_mem_t;

/*
 * The same for a server that another one has named, without resolving anything.
 * TLS and resolver are those of the first of "known", which must not be empty.
 * A host that one of them has, too, gets the addresses that were found at
 * start.  tls_name may be empty.  NGX_ERROR: the host is too long.
 */
ngx_int_t ngx_cigna_origin_set(ngx_cigna_origin_t *origin,
    ngx_cigna_origin_mem_t *mem, ngx_str_t *host, in_port_t port,
    ngx_str_t *tls_name, ngx_cigna_origin_t *known, ngx_uint_t nknown);


#endif /* _NGX_CIGNA_ORIGIN_H_INCLUDED_ */

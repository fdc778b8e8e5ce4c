
#ifndef _NGX_CIGNA_ORIGIN_H_INCLUDED_
#define _NGX_CIGNA_ORIGIN_H_INCLUDED_


#include "ngx_cigna_tls.h"
#include <ngx_event.h>
#include <ngx_event_connect.h>


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

    /* private */
    unsigned          literal:1;           /* an address, never resolved */
} ngx_cigna_origin_t;


/*
 * Fills origin->addrs at start if the name can be resolved then, else leaves
 * it to the resolver while running; an error if there is neither.  With both,
 * the resolver goes first, and the addresses of the start serve when it fails.
 * host, port, ssl and resolver are set by the caller; name and an empty
 * tls_name are filled.  unix sockets: host is "unix:/path".
 */
ngx_int_t ngx_cigna_origin_init(ngx_conf_t *cf, ngx_cigna_origin_t *origin);

/*
 * The same, of a host that was looked for at start already: its addresses are
 * copied and given the port.  known NULL: there are none.
 */
ngx_int_t ngx_cigna_origin_like(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known);


/* what an origin that is made while running points to */

#define NGX_CIGNA_ORIGIN_HOST_MAX  255

typedef struct {
    u_char            host[NGX_CIGNA_ORIGIN_HOST_MAX];
    u_char            name[NGX_CIGNA_ORIGIN_HOST_MAX + sizeof("[]:65535")];
    ngx_sockaddr_t    sockaddr;
    ngx_addr_t        addr;
} ngx_cigna_origin_mem_t;

/*
 * The same for a server of which others have told, without looking anything
 * up: its TLS and resolver are those of the first of "known", of which there
 * must be one; a name that one of them has, too, has the addresses that were
 * found at start.  tls_name may be empty.  NGX_ERROR: the host is too long.
 */
ngx_int_t ngx_cigna_origin_set(ngx_cigna_origin_t *origin,
    ngx_cigna_origin_mem_t *mem, ngx_str_t *host, in_port_t port,
    ngx_str_t *tls_name, ngx_cigna_origin_t *known, ngx_uint_t nknown);


#endif /* _NGX_CIGNA_ORIGIN_H_INCLUDED_ */


#ifndef _NGX_CIGNA_TLS_H_INCLUDED_
#define _NGX_CIGNA_TLS_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"
#include <ngx_event.h>


/*
 * TLS as a client: the handshake fails unless the server's certificate and name
 * are verified.
 */

typedef struct {
    /* valid after a failure: a phrase, and its reason or NULL */
    const char  *error;
    const char  *reason;

    /* private */
    const char  *alert;                    /* the last one of the handshake */
} ngx_cigna_tls_t;


/*
 * A TLS context for outbound connections: TLS 1.2 and newer, peers verified
 * against the certificates in "trusted" (PEM; empty: the system's bundle).
 * Freed with cf->pool.  NULL after logging an error.
 */
ngx_ssl_t *ngx_cigna_tls_create(ngx_conf_t *cf, ngx_str_t *trusted);

/*
 * Begins the handshake on a connection that has its c->ssl.  NGX_AGAIN: handler
 * will be called, and calls ngx_cigna_tls_result().  NGX_OK, NGX_ERROR: the
 * handshake is over at once.  "expected" is a name or an address; tls must stay
 * until the handshake is over.
 */
ngx_int_t ngx_cigna_tls_start(ngx_cigna_tls_t *tls, ngx_connection_t *c,
    ngx_str_t *expected, ngx_connection_handler_pt handler);

ngx_int_t ngx_cigna_tls_result(ngx_cigna_tls_t *tls, ngx_connection_t *c);

/* sends close_notify without waiting for the peer's, and frees c->ssl */
void ngx_cigna_tls_close(ngx_connection_t *c);


#endif /* _NGX_CIGNA_TLS_H_INCLUDED_ */

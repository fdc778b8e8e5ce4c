
#ifndef _NGX_CIGNA_TLS_H_INCLUDED_
#define _NGX_CIGNA_TLS_H_INCLUDED_


#include "nginx/ngx_cigna_compat.h"
#include <ngx_event.h>


/*
 * TLS as a client: the handshake fails unless the server's certificate and name
 * are verified.
 */

typedef struct {
    /* after a failure: a phrase for the log, and the reason, or NULL */
    const char  *error;
    const char  *reason;

    /* private */
    const char  *alert;                    /* the last TLS alert of the
                                              handshake */
} ngx_cigna_tls_t;


/*
 * A TLS context for outbound connections: TLS 1.2 and newer, peers verified
 * against the certificates in "trusted" (PEM; empty: the system's bundle).
 * Freed with cf->pool.  NULL after logging an error.
 */
ngx_ssl_t *ngx_cigna_tls_create(ngx_conf_t *cf, ngx_str_t *trusted);

/*
 * Begins the handshake.  c->ssl must be set.  NGX_AGAIN: handler will be
 * called, and must call ngx_cigna_tls_result().  NGX_OK, NGX_ERROR: the
 * handshake is over already.  The certificate must have the name or address
 * "expected".  tls must stay valid until the handshake is over.
 */
ngx_int_t ngx_cigna_tls_start(ngx_cigna_tls_t *tls, ngx_connection_t *c,
    ngx_str_t *expected, ngx_connection_handler_pt handler);

/* the result of a handshake: NGX_OK, or NGX_ERROR after setting tls->error */
ngx_int_t ngx_cigna_tls_result(ngx_cigna_tls_t *tls, ngx_connection_t *c);

/*
 * frees c->ssl; sends close_notify if the socket takes it at once, and does not
 * wait for the peer's
 */
void ngx_cigna_tls_close(ngx_connection_t *c);


#endif /* _NGX_CIGNA_TLS_H_INCLUDED_ */

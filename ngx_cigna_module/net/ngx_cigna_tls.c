
#include "ngx_cigna_tls.h"


#define NGX_CIGNA_SYSTEM_BUNDLE  "/etc/ssl/certs/ca-certificates.crt"
#define NGX_CIGNA_VERIFY_DEPTH   10
#define NGX_CIGNA_NAME_MAX       255


static void ngx_cigna_tls_set_options(ngx_ssl_t *ssl);
static ngx_int_t ngx_cigna_tls_trust(ngx_conf_t *cf, ngx_ssl_t *ssl,
    ngx_str_t *trusted);
static ngx_int_t ngx_cigna_tls_expect(ngx_ssl_conn_t *ssl,
    ngx_str_t *expected);
static ngx_uint_t ngx_cigna_tls_is_address(u_char *name, size_t len);
static void ngx_cigna_tls_info_callback(const ngx_ssl_conn_t *ssl, int where,
    int alert);
static ngx_int_t ngx_cigna_tls_fail(ngx_cigna_tls_t *tls, const char *error,
    const char *reason);


ngx_ssl_t *
ngx_cigna_tls_create(ngx_conf_t *cf, ngx_str_t *trusted)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (ssl == NULL || cln == NULL) {
        return NULL;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NULL;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_cigna_tls_trust(cf, ssl, trusted) != NGX_OK) {
        return NULL;
    }

    ngx_cigna_tls_set_options(ssl);

    return ssl;
}


static void
ngx_cigna_tls_set_options(ngx_ssl_t *ssl)
{
    /*
     * nginx's own callback lets every certificate pass, to be checked after
     * the handshake; without the callback a bad certificate ends the handshake
     */

    SSL_CTX_set_verify(ssl->ctx, SSL_VERIFY_PEER, NULL);

    /* the buffer of a send that is repeated may have moved */

    SSL_CTX_set_mode(ssl->ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                               |SSL_MODE_ENABLE_PARTIAL_WRITE);

#ifdef SSL_OP_CLEANSE_PLAINTEXT

    /* tokens do not stay in the library's buffers */

    SSL_CTX_set_options(ssl->ctx, SSL_OP_CLEANSE_PLAINTEXT);

#endif

#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF

    /* an attacker must not cut a reply that ends with its connection */

    SSL_CTX_clear_options(ssl->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);

#endif
}


static ngx_int_t
ngx_cigna_tls_trust(ngx_conf_t *cf, ngx_ssl_t *ssl, ngx_str_t *trusted)
{
    ngx_str_t        file;
    ngx_file_info_t  fi;

    file = *trusted;

    if (file.len == 0) {
        ngx_str_set(&file, NGX_CIGNA_SYSTEM_BUNDLE);
    }

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_file_info(file.data, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "no certificates to verify servers with in "
                           "\"%V\", name a PEM file of certificate "
                           "authorities with \"trusted_certificate\"",
                           &file);
        return NGX_ERROR;
    }

    return ngx_ssl_trusted_certificate(cf, ssl, &file,
                                       NGX_CIGNA_VERIFY_DEPTH);
}


ngx_int_t
ngx_cigna_tls_start(ngx_cigna_tls_t *tls, ngx_connection_t *c,
    ngx_str_t *expected, ngx_connection_handler_pt handler)
{
    tls->alert = NULL;

    if (ngx_cigna_tls_expect(c->ssl->connection, expected) != NGX_OK) {
        ERR_clear_error();

        return ngx_cigna_tls_fail(tls, "name cannot be used with TLS", NULL);
    }

    SSL_set_app_data(c->ssl->connection, tls);
    SSL_set_info_callback(c->ssl->connection, ngx_cigna_tls_info_callback);

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = handler;
        return NGX_AGAIN;
    }

    return ngx_cigna_tls_result(tls, c);
}


/* the certificate must have the address or the name; SNI is for names only */

static ngx_int_t
ngx_cigna_tls_expect(ngx_ssl_conn_t *ssl, ngx_str_t *expected)
{
    u_char              name[NGX_CIGNA_NAME_MAX + 1];
    size_t              len;
    X509_VERIFY_PARAM  *param;

    len = expected->len;

    if (len && expected->data[len - 1] == '.') {
        len--;
    }

    if (len == 0 || len > NGX_CIGNA_NAME_MAX) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(name, expected->data, len + 1);

    param = SSL_get0_param(ssl);

    if (ngx_cigna_tls_is_address(name, len)) {
        return X509_VERIFY_PARAM_set1_ip_asc(param, (char *) name) == 1
               ? NGX_OK : NGX_ERROR;
    }

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    if (X509_VERIFY_PARAM_set1_host(param, (char *) name, len) != 1
        || SSL_set_tlsext_host_name(ssl, (char *) name) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_cigna_tls_is_address(u_char *name, size_t len)
{
#if (NGX_HAVE_INET6)
    u_char  addr6[16];

    if (ngx_inet6_addr(name, len, addr6) == NGX_OK) {
        return 1;
    }
#endif

    return ngx_inet_addr(name, len) != INADDR_NONE;
}


/* the alert says most about a handshake that fails */

static void
ngx_cigna_tls_info_callback(const ngx_ssl_conn_t *ssl, int where, int alert)
{
    ngx_cigna_tls_t  *tls;

    if (where & SSL_CB_ALERT) {
        tls = SSL_get_app_data((ngx_ssl_conn_t *) ssl);
        tls->alert = SSL_alert_desc_string_long(alert);
    }
}


/*
 * A bad certificate has ended the handshake already.  The result is checked
 * once more, because nothing may be sent to a server without a certificate.
 */

ngx_int_t
ngx_cigna_tls_result(ngx_cigna_tls_t *tls, ngx_connection_t *c)
{
    long   rc;
    X509  *cert;

    SSL_set_info_callback(c->ssl->connection, NULL);

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        return ngx_cigna_tls_fail(tls, "certificate is not good",
                                  X509_verify_cert_error_string(rc));
    }

    if (!c->ssl->handshaked) {
        return ngx_cigna_tls_fail(tls, "TLS handshake failed", tls->alert);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);

    if (cert == NULL) {
        return ngx_cigna_tls_fail(tls, "no certificate was shown", NULL);
    }

    X509_free(cert);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_tls_fail(ngx_cigna_tls_t *tls, const char *error,
    const char *reason)
{
    tls->error = error;
    tls->reason = reason;

    return NGX_ERROR;
}


void
ngx_cigna_tls_close(ngx_connection_t *c)
{
    c->ssl->no_wait_shutdown = 1;

    if (ngx_ssl_shutdown(c) == NGX_AGAIN) {

        /* close_notify does not fit into the socket: free the state without */

        c->error = 1;
        (void) ngx_ssl_shutdown(c);
    }
}

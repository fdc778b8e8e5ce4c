
#include "ngx_cigna_tls.h"


#define NGX_CIGNA_SYSTEM_BUNDLE  "/etc/ssl/certs/ca-certificates.crt"
#define NGX_CIGNA_VERIFY_DEPTH   10
#define NGX_CIGNA_NAME_MAX       255


static void ngx_cigna_tls_set_options(ngx_ssl_t *ssl);
static ngx_int_t ngx_cigna_tls_trust(ngx_conf_t *cf, ngx_ssl_t *ssl,
    ngx_str_t *trusted);
static ngx_int_t ngx_cigna_tls_expect(ngx_ssl_conn_t *ssl,
    ngx_str_t *expected);
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
     * nginx's own callback accepts every certificate, and nginx checks the
     * certificate after the handshake.  Without the callback, OpenSSL ends the
     * handshake at a bad certificate.
     */

    SSL_CTX_set_verify(ssl->ctx, SSL_VERIFY_PEER, NULL);

    /* a repeated SSL_write() may have its bytes in another buffer */

    SSL_CTX_set_mode(ssl->ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                               |SSL_MODE_ENABLE_PARTIAL_WRITE);

#ifdef SSL_OP_CLEANSE_PLAINTEXT

    /* OpenSSL wipes tokens from its buffers */

    SSL_CTX_set_options(ssl->ctx, SSL_OP_CLEANSE_PLAINTEXT);

#endif

#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF

    /* a cut connection must not look like the end of a reply */

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


/* sets the address or name to verify; only a name is sent as SNI */

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

    if (X509_VERIFY_PARAM_set1_ip_asc(param, (char *) name) == 1) {
        return NGX_OK;
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


/* keeps the last alert, which best explains a failed handshake */

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
 * OpenSSL ends the handshake at a bad certificate.  The result is checked once
 * more, because a server might show no certificate at all.
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

        /* the socket is full: free the state without sending close_notify */

        c->error = 1;
        (void) ngx_ssl_shutdown(c);
    }
}

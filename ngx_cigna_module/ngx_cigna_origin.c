
#include "ngx_cigna_origin.h"


#define NGX_CIGNA_SYSTEM_BUNDLE  "/etc/ssl/certs/ca-certificates.crt"
#define NGX_CIGNA_VERIFY_DEPTH   10


static ngx_int_t ngx_cigna_ssl_trust(ngx_conf_t *cf, ngx_ssl_t *ssl,
    ngx_str_t *trusted);
static ngx_int_t ngx_cigna_origin_name(ngx_conf_t *cf,
    ngx_cigna_origin_t *origin);


ngx_ssl_t *
ngx_cigna_peer_create_ssl(ngx_conf_t *cf, ngx_str_t *trusted)
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

    if (ngx_cigna_ssl_trust(cf, ssl, trusted) != NGX_OK) {
        return NULL;
    }

    /*
     * nginx's own callback lets every certificate pass, to be judged after
     * the handshake; without it a bad one ends the handshake
     */

    SSL_CTX_set_verify(ssl->ctx, SSL_VERIFY_PEER, NULL);

    /* a send that is tried again may come from a buffer that has grown */

    SSL_CTX_set_mode(ssl->ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                               |SSL_MODE_ENABLE_PARTIAL_WRITE);

#ifdef SSL_OP_CLEANSE_PLAINTEXT

    /* tokens do not stay in the library's buffers */

    SSL_CTX_set_options(ssl->ctx, SSL_OP_CLEANSE_PLAINTEXT);

#endif

#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF

    /* a reply that ends with its connection must not be cut by a stranger */

    SSL_CTX_clear_options(ssl->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);

#endif

    return ssl;
}


static ngx_int_t
ngx_cigna_ssl_trust(ngx_conf_t *cf, ngx_ssl_t *ssl, ngx_str_t *trusted)
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
ngx_cigna_origin_init(ngx_conf_t *cf, ngx_cigna_origin_t *origin)
{
    ngx_url_t  u;

    if (ngx_cigna_origin_name(cf, origin) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = origin->name;
    u.default_port = origin->port;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\"",
                           u.err ? u.err : "no memory", &origin->name);
        return NGX_ERROR;
    }

    origin->literal = (u.naddrs != 0);

    if (!origin->literal && ngx_inet_resolve_host(cf->pool, &u) != NGX_OK) {

        if (origin->resolver == NULL
            || origin->resolver->connections.nelts == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "host \"%V\" is not found, use a name that can "
                               "be resolved now, or add a \"resolver\" to "
                               "resolve it while running", &origin->host);
            return NGX_ERROR;
        }

        u.naddrs = 0;
    }

    origin->addrs = u.addrs;
    origin->naddrs = u.naddrs;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_origin_name(ngx_conf_t *cf, ngx_cigna_origin_t *origin)
{
    size_t   len;
    u_char  *p;

    if (origin->tls_name.len == 0) {
        origin->tls_name = origin->host;
    }

    if (origin->host.len > 5
        && ngx_strncmp(origin->host.data, "unix:", 5) == 0)
    {
        origin->name = origin->host;
        return NGX_OK;
    }

    len = origin->host.len + sizeof("[]:65535") - 1;

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    origin->name.data = p;

    if (ngx_strlchr(origin->host.data, origin->host.data + origin->host.len,
                    ':'))
    {
        p = ngx_sprintf(p, "[%V]:%ui", &origin->host,
                        (ngx_uint_t) origin->port);

    } else {
        p = ngx_sprintf(p, "%V:%ui", &origin->host,
                        (ngx_uint_t) origin->port);
    }

    origin->name.len = p - origin->name.data;

    return NGX_OK;
}


#include "ngx_cigna_origin.h"


static ngx_int_t ngx_cigna_origin_name(ngx_conf_t *cf,
    ngx_cigna_origin_t *origin);


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

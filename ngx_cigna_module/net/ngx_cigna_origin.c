
#include "ngx_cigna_origin.h"


static ngx_int_t ngx_cigna_origin_copy(ngx_pool_t *pool, ngx_addr_t *to,
    const ngx_addr_t *from, ngx_cigna_origin_t *origin);
static ngx_int_t ngx_cigna_origin_name(ngx_pool_t *pool,
    ngx_cigna_origin_t *origin);


ngx_int_t
ngx_cigna_origin_init(ngx_conf_t *cf, ngx_cigna_origin_t *origin)
{
    ngx_url_t  u;

    if (ngx_cigna_origin_name(cf->pool, origin) != NGX_OK) {
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
            || !ngx_cigna_resolver_on(origin->resolver))
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


ngx_int_t
ngx_cigna_origin_like(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known)
{
    ngx_uint_t   n;
    ngx_addr_t  *addrs;

    if (ngx_cigna_origin_name(pool, origin) != NGX_OK) {
        return NGX_ERROR;
    }

    if (known == NULL) {
        return NGX_OK;
    }

    origin->literal = known->literal;

    if (known->naddrs == 0) {
        return NGX_OK;
    }

    addrs = ngx_pcalloc(pool, known->naddrs * sizeof(ngx_addr_t));
    if (addrs == NULL) {
        return NGX_ERROR;
    }

    for (n = 0; n < known->naddrs; n++) {

        if (ngx_cigna_origin_copy(pool, &addrs[n], &known->addrs[n], origin)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    origin->addrs = addrs;
    origin->naddrs = known->naddrs;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_origin_copy(ngx_pool_t *pool, ngx_addr_t *to, const ngx_addr_t *from,
    ngx_cigna_origin_t *origin)
{
    to->name = origin->name;
    to->socklen = from->socklen;
    to->sockaddr = ngx_palloc(pool, from->socklen);

    if (to->sockaddr == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->sockaddr, from->sockaddr, from->socklen);
    ngx_inet_set_port(to->sockaddr, origin->port);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_origin_name(ngx_pool_t *pool, ngx_cigna_origin_t *origin)
{
    u_char      *p;
    ngx_str_t   *host;
    ngx_uint_t   brackets;

    if (origin->tls_name.len == 0) {
        origin->tls_name = origin->host;
    }

    if (origin->host.len > 5
        && ngx_strncmp(origin->host.data, "unix:", 5) == 0)
    {
        origin->name = origin->host;
        return NGX_OK;
    }

    host = &origin->host;

    p = ngx_pnalloc(pool, host->len + sizeof("[]:65535") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    brackets = (ngx_strlchr(host->data, host->data + host->len, ':') != NULL);

    origin->name.data = p;
    origin->name.len = ngx_sprintf(p, brackets ? "[%V]:%ui" : "%V:%ui", host,
                                   (ngx_uint_t) origin->port)
                       - p;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_origin_set(ngx_pool_t *pool, ngx_cigna_origin_t *origin,
    const ngx_cigna_origin_t *known, ngx_uint_t nknown)
{
    u_char      *host;
    ngx_int_t    rc;
    ngx_uint_t   i;
    ngx_addr_t  *addr;

    host = ngx_pnalloc(pool, origin->host.len);
    addr = ngx_palloc(pool, sizeof(ngx_addr_t));

    if (host == NULL || addr == NULL) {
        return NGX_ERROR;
    }

    /* the host becomes lower case, as in nginx's resolver */

    ngx_strlow(host, origin->host.data, origin->host.len);
    origin->host.data = host;

    origin->ssl = known->ssl;
    origin->resolver = known->resolver;
    origin->resolver_timeout = known->resolver_timeout;

    rc = ngx_parse_addr(pool, addr, host, origin->host.len);

    if (rc == NGX_ERROR || ngx_cigna_origin_name(pool, origin) != NGX_OK) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {

        /* ngx_cigna_resolve_add() sets the port */

        origin->literal = 1;
        origin->addrs = addr;
        origin->naddrs = 1;

        return NGX_OK;
    }

    for (i = 0; i < nknown; i++) {

        if (known[i].host.len == origin->host.len
            && ngx_strncmp(known[i].host.data, host, origin->host.len) == 0)
        {
            origin->addrs = known[i].addrs;
            origin->naddrs = known[i].naddrs;
            break;
        }
    }

    return NGX_OK;
}

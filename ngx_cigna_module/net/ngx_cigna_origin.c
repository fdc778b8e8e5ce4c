
#include "ngx_cigna_origin.h"


static ngx_int_t ngx_cigna_origin_copy(ngx_pool_t *pool, ngx_addr_t *to,
    const ngx_addr_t *from, ngx_cigna_origin_t *origin);
static ngx_int_t ngx_cigna_origin_name(ngx_pool_t *pool,
    ngx_cigna_origin_t *origin);
static u_char *ngx_cigna_origin_print(u_char *p, ngx_cigna_origin_t *origin);
static ngx_int_t ngx_cigna_origin_literal(ngx_cigna_origin_t *origin,
    ngx_cigna_origin_mem_t *mem);


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

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    origin->name.data = p;

    p = ngx_cigna_origin_print(p, origin);

    origin->name.len = p - origin->name.data;

    return NGX_OK;
}


static u_char *
ngx_cigna_origin_print(u_char *p, ngx_cigna_origin_t *origin)
{
    ngx_str_t  *host;

    host = &origin->host;

    if (ngx_strlchr(host->data, host->data + host->len, ':')) {
        return ngx_sprintf(p, "[%V]:%ui", host, (ngx_uint_t) origin->port);
    }

    return ngx_sprintf(p, "%V:%ui", host, (ngx_uint_t) origin->port);
}


ngx_int_t
ngx_cigna_origin_set(ngx_cigna_origin_t *origin, ngx_cigna_origin_mem_t *mem,
    ngx_str_t *host, in_port_t port, ngx_str_t *tls_name,
    ngx_cigna_origin_t *known, ngx_uint_t nknown)
{
    ngx_uint_t  i;

    if (host->len > NGX_CIGNA_ORIGIN_HOST_MAX) {
        return NGX_ERROR;
    }

    ngx_memzero(origin, sizeof(ngx_cigna_origin_t));

    /* lower case, as in nginx's resolver */

    ngx_strlow(mem->host, host->data, host->len);

    origin->host.data = mem->host;
    origin->host.len = host->len;
    origin->port = port;

    origin->name.data = mem->name;
    origin->name.len = ngx_cigna_origin_print(mem->name, origin) - mem->name;

    origin->tls_name = tls_name->len ? *tls_name : origin->host;
    origin->ssl = known->ssl;
    origin->resolver = known->resolver;
    origin->resolver_timeout = known->resolver_timeout;

    if (ngx_cigna_origin_literal(origin, mem) == NGX_OK) {
        return NGX_OK;
    }

    for (i = 0; i < nknown; i++) {

        if (known[i].host.len == host->len
            && ngx_strncmp(known[i].host.data, mem->host, host->len) == 0)
        {
            origin->addrs = known[i].addrs;
            origin->naddrs = known[i].naddrs;
            break;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_origin_literal(ngx_cigna_origin_t *origin,
    ngx_cigna_origin_mem_t *mem)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    ngx_memzero(&mem->sockaddr, sizeof(ngx_sockaddr_t));
    ngx_memzero(&mem->addr, sizeof(ngx_addr_t));

    sin = &mem->sockaddr.sockaddr_in;
    sin->sin_addr.s_addr = ngx_inet_addr(origin->host.data, origin->host.len);

    if (sin->sin_addr.s_addr != INADDR_NONE) {
        sin->sin_family = AF_INET;
        mem->addr.socklen = sizeof(struct sockaddr_in);

#if (NGX_HAVE_INET6)
    } else if (ngx_inet6_addr(origin->host.data, origin->host.len,
                              mem->sockaddr.sockaddr_in6.sin6_addr.s6_addr)
               == NGX_OK)
    {
        sin6 = &mem->sockaddr.sockaddr_in6;
        sin6->sin6_family = AF_INET6;
        mem->addr.socklen = sizeof(struct sockaddr_in6);
#endif

    } else {
        return NGX_DECLINED;
    }

    /* ngx_cigna_resolve_add() sets the port */

    mem->addr.sockaddr = &mem->sockaddr.sockaddr;
    mem->addr.name = origin->name;

    origin->literal = 1;
    origin->addrs = &mem->addr;
    origin->naddrs = 1;

    return NGX_OK;
}

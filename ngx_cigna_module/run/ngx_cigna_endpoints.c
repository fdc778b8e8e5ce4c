
#include "ngx_cigna_endpoints.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "http/cigna_uri.h"


static ngx_cigna_origin_t *ngx_cigna_endpoint_find(const ngx_array_t *origins,
    const cigna_uri_t *uri, ngx_uint_t any_port);
static ngx_cigna_origin_t *ngx_cigna_endpoint_make(ngx_cigna_tenant_t *tenant,
    const cigna_uri_t *uri);
static ngx_cigna_origin_t *ngx_cigna_endpoint_create(ngx_pool_t *pool,
    ngx_cigna_tenant_t *tenant, const cigna_uri_t *uri);


ngx_int_t
ngx_cigna_endpoints_init(ngx_cigna_main_conf_t *mcf, ngx_cigna_shared_t *shared)
{
    return ngx_array_init(&shared->announced, mcf->worker->cycle->pool, 4,
                          sizeof(ngx_cigna_origin_t *));
}


ngx_cigna_origin_t *
ngx_cigna_endpoint_origin(ngx_cigna_tenant_t *tenant, cigna_slice_t url,
    ngx_log_t *log)
{
    cigna_uri_t          uri;
    ngx_cigna_origin_t  *origin;

    if (cigna_uri_parse(url, &uri) != CIGNA_OK
        || (!uri.https && !tenant->provider.insecure_http))
    {
        ngx_log_error(NGX_LOG_ERR, log, 0, "\"%*s\" is not a URL that tokens "
                      "may be sent to", url.len, url.data);
        return NULL;
    }

    origin = ngx_cigna_endpoint_find(&tenant->shared->origins, &uri, 0);

    if (origin == NULL) {
        origin = ngx_cigna_endpoint_find(&tenant->shared->announced, &uri, 0);
    }

    if (origin == NULL) {
        origin = ngx_cigna_endpoint_make(tenant, &uri);
    }

    if (origin == NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "host \"%*s\" cannot be resolved while running without "
                      "a \"resolver\" directive", uri.host.len, uri.host.data);
    }

    return origin;
}


/*
 * Finds the origin with the URL's host, port and scheme.  any_port: 1 finds any
 * origin with the URL's host that has addresses.
 */

static ngx_cigna_origin_t *
ngx_cigna_endpoint_find(const ngx_array_t *origins, const cigna_uri_t *uri,
    ngx_uint_t any_port)
{
    ngx_uint_t            i;
    ngx_cigna_origin_t  **known;

    known = origins->elts;

    for (i = 0; i < origins->nelts; i++) {
        if (cigna_slice_eq_case(ngx_cigna_slice(&known[i]->host), uri->host)
            && (any_port ? known[i]->naddrs != 0
                         : known[i]->port == uri->port
                           && (known[i]->ssl != NULL) == uri->https))
        {
            return known[i];
        }
    }

    return NULL;
}


/*
 * Makes an origin, and adds it to the announced ones.  If a configured origin
 * has the same host and has addresses, copies them.  NULL: there is no memory,
 * or neither an address nor a resolver.
 */

static ngx_cigna_origin_t *
ngx_cigna_endpoint_make(ngx_cigna_tenant_t *tenant, const cigna_uri_t *uri)
{
    ngx_pool_t          *pool = tenant->shared->announced.pool;
    ngx_cigna_origin_t  *origin, *like, **slot;

    origin = ngx_cigna_endpoint_create(pool, tenant, uri);
    like = ngx_cigna_endpoint_find(&tenant->shared->origins, uri, 1);

    if (origin == NULL
        || ngx_cigna_origin_like(pool, origin, like) != NGX_OK
        || (origin->naddrs == 0 && origin->resolver == NULL))
    {
        return NULL;
    }

    slot = ngx_array_push(&tenant->shared->announced);
    if (slot == NULL) {
        return NULL;
    }

    *slot = origin;

    return origin;
}


static ngx_cigna_origin_t *
ngx_cigna_endpoint_create(ngx_pool_t *pool, ngx_cigna_tenant_t *tenant,
    const cigna_uri_t *uri)
{
    ngx_cigna_origin_t  *origin;

    origin = ngx_pcalloc(pool, sizeof(ngx_cigna_origin_t));
    if (origin == NULL) {
        return NULL;
    }

    origin->host = ngx_cigna_str(uri->host);
    origin->host.data = ngx_pstrdup(pool, &origin->host);
    if (origin->host.data == NULL) {
        return NULL;
    }

    origin->port = uri->port;
    origin->ssl = uri->https ? tenant->ssl : NULL;
    origin->resolver = tenant->resolver;
    origin->resolver_timeout = tenant->resolver_timeout;

    return origin;
}

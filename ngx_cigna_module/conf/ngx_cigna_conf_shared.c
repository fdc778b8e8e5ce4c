
#include "ngx_cigna_conf_shared.h"
#include "ngx_cigna_conf_links.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "ngx_cigna_conf_origin.h"
#include "http/cigna_uri.h"
#include "base/cigna_buf.h"


#define NGX_CIGNA_ORIGINS  4               /* first size of an array of origins,
                                              which grows if necessary */


static ngx_int_t ngx_cigna_conf_share_key(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant, cigna_slice_t *key);
static ngx_cigna_shared_t *ngx_cigna_conf_share_create(ngx_conf_t *cf,
    ngx_cigna_sharing_t *sharing, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_share_origins(ngx_conf_t *cf,
    ngx_cigna_sharing_t *sharing, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_share_origin(ngx_conf_t *cf,
    ngx_cigna_sharing_t *sharing, ngx_cigna_tenant_t *tenant,
    cigna_slice_t url);
static ngx_cigna_origin_t *ngx_cigna_conf_origin(ngx_conf_t *cf,
    ngx_cigna_sharing_t *sharing, ngx_cigna_tenant_t *tenant,
    cigna_uri_t *uri);
static ngx_cigna_origin_t *ngx_cigna_conf_origin_create(ngx_conf_t *cf,
    ngx_cigna_sharing_t *sharing, ngx_cigna_tenant_t *tenant,
    cigna_uri_t *uri);


ngx_int_t
ngx_cigna_conf_share(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant)
{
    cigna_slice_t          key;
    ngx_cigna_shared_t    *shared;
    ngx_cigna_tenant_t   **slot;

    ngx_cigna_conf_resolver(cf, &tenant->resolver, &tenant->resolver_timeout);

    if (ngx_cigna_conf_share_key(cf, tenant, &key) != NGX_OK) {
        return NGX_ERROR;
    }

    shared = ngx_cigna_index_find(&sharing->shared, key);

    if (shared == NULL) {

        shared = ngx_cigna_conf_share_create(cf, sharing, tenant);

        if (shared == NULL
            || ngx_cigna_index_add(&sharing->shared, key, shared) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    tenant->shared = shared;
    tenant->provider.keys = &shared->keys;

    slot = ngx_array_push(&shared->tenants);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = tenant;

    return NGX_OK;
}


/*
 * makes the key, by which tenants with the same settings find the struct that
 * they share
 */

static ngx_int_t
ngx_cigna_conf_share_key(ngx_conf_t *cf, ngx_cigna_tenant_t *tenant,
    cigna_slice_t *key)
{
    size_t             len;
    u_char            *p;
    ngx_uint_t         i;
    cigna_buf_t        b;
    cigna_provider_t  *provider;

    provider = &tenant->provider;

    cigna_slice_t  settings[] = {
        provider->fhir_base, provider->issuer,
        provider->authorization_endpoint, provider->token_endpoint,
        provider->jwks_uri, provider->revocation_endpoint
    };

    len = sizeof(ngx_ssl_t *) + 2 * sizeof(ngx_msec_t) + 1;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        len += settings[i].len + 8;
    }

    p = ngx_pnalloc(cf->temp_pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, p, len);

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        cigna_buf_append_lp(&b, settings[i]);
    }

    cigna_buf_append_char(&b, provider->insecure_http ? '1' : '0');

    cigna_buf_append(&b, cigna_slice_make(&tenant->ssl, &tenant->ssl + 1));
    cigna_buf_append(&b, cigna_slice_make(&tenant->connect_timeout,
                                          &tenant->connect_timeout + 1));
    cigna_buf_append(&b, cigna_slice_make(&tenant->timeout,
                                          &tenant->timeout + 1));

    *key = cigna_buf_slice(&b);

    return b.overflow ? NGX_ERROR : NGX_OK;
}


static ngx_cigna_shared_t *
ngx_cigna_conf_share_create(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant)
{
    ngx_cigna_shared_t  *shared, **slot;

    shared = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_shared_t));
    slot = ngx_array_push(&sharing->mcf->shared);

    if (shared == NULL || slot == NULL) {
        return NULL;
    }

    *slot = shared;
    tenant->shared = shared;

    if (ngx_array_init(&shared->tenants, cf->pool, 1,
                       sizeof(ngx_cigna_tenant_t *))
        != NGX_OK
        || ngx_array_init(&shared->origins, cf->pool, NGX_CIGNA_ORIGINS,
                          sizeof(ngx_cigna_origin_t *))
           != NGX_OK
        || ngx_cigna_conf_share_origins(cf, sharing, tenant) != NGX_OK
        || ngx_cigna_conf_bases(cf, sharing->mcf, tenant) != NGX_OK)
    {
        return NULL;
    }

    return shared;
}


/*
 * Adds the origins to which the gateway itself sends requests.  Only browsers
 * go to authorization_endpoint.
 */

static ngx_int_t
ngx_cigna_conf_share_origins(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant)
{
    ngx_uint_t         i;
    cigna_provider_t  *p;

    p = &tenant->provider;

    cigna_slice_t  urls[] = {
        p->fhir_base, p->token_endpoint, p->jwks_uri, p->revocation_endpoint
    };

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {

        if (urls[i].len
            && ngx_cigna_conf_share_origin(cf, sharing, tenant, urls[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_share_origin(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant, cigna_slice_t url)
{
    ngx_uint_t            i;
    cigna_uri_t           uri;
    ngx_array_t          *origins;
    ngx_cigna_origin_t   *origin, **slot;

    (void) cigna_uri_parse(url, &uri);

    origin = ngx_cigna_conf_origin(cf, sharing, tenant, &uri);
    if (origin == NULL) {
        return NGX_ERROR;
    }

    origins = &tenant->shared->origins;
    slot = origins->elts;

    for (i = 0; i < origins->nelts; i++) {
        if (slot[i] == origin) {
            return NGX_OK;
        }
    }

    slot = ngx_array_push(origins);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = origin;

    return NGX_OK;
}


static ngx_cigna_origin_t *
ngx_cigna_conf_origin(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant, cigna_uri_t *uri)
{
    size_t               len;
    u_char              *p, *last;
    ngx_ssl_t           *ssl;
    cigna_slice_t        key;
    ngx_cigna_origin_t  *origin;

    ssl = uri->https ? tenant->ssl : NULL;
    len = 2 * NGX_PTR_SIZE + sizeof(" 65535 ") + uri->host.len;

    p = ngx_pnalloc(cf->temp_pool, len);
    if (p == NULL) {
        return NULL;
    }

    last = ngx_sprintf(p, "%p %ui ", ssl, (ngx_uint_t) uri->port);
    ngx_strlow(last, (u_char *) uri->host.data, uri->host.len);

    key = cigna_slice_make(p, last + uri->host.len);

    origin = ngx_cigna_index_find(&sharing->origins, key);

    if (origin) {
        return origin;
    }

    origin = ngx_cigna_conf_origin_create(cf, sharing, tenant, uri);

    if (origin == NULL
        || ngx_cigna_index_add(&sharing->origins, key, origin) != NGX_OK)
    {
        return NULL;
    }

    return origin;
}


/* resolves each host once: origins of the same host share its addresses */

static ngx_cigna_origin_t *
ngx_cigna_conf_origin_create(ngx_conf_t *cf, ngx_cigna_sharing_t *sharing,
    ngx_cigna_tenant_t *tenant, cigna_uri_t *uri)
{
    cigna_slice_t        host;
    ngx_cigna_origin_t  *origin, *known;

    origin = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_origin_t));

    if (origin == NULL
        || ngx_cigna_conf_host(cf, origin, uri->host) != NGX_OK)
    {
        return NULL;
    }

    origin->port = uri->port;
    origin->ssl = uri->https ? tenant->ssl : NULL;
    origin->resolver = tenant->resolver;
    origin->resolver_timeout = tenant->resolver_timeout;

    host = ngx_cigna_slice(&origin->host);
    known = ngx_cigna_index_find(&sharing->hosts, host);

    if (known) {
        return ngx_cigna_origin_like(cf->pool, origin, known) == NGX_OK
               ? origin : NULL;
    }

    if (ngx_cigna_origin_init(cf, origin) != NGX_OK
        || ngx_cigna_index_add(&sharing->hosts, host, origin) != NGX_OK)
    {
        return NULL;
    }

    return origin;
}


#include "ngx_cigna_conf_budget.h"
#include "ngx_cigna_conf_links.h"
#include "ngx_cigna_conf_tenants.h"


#define NGX_CIGNA_ORIGINS  4               /* at most, for one tenant */


static ngx_int_t ngx_cigna_conf_tenant_origins(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_tenant_origin(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant, cigna_slice_t url);
static ngx_uint_t ngx_cigna_conf_tenant_mixed_up(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant);
static ngx_uint_t ngx_cigna_conf_tenant_same_issuer(cigna_provider_t *a,
    cigna_provider_t *b);


ngx_int_t
ngx_cigna_conf_tenants_init(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_cigna_tenant_t  **tenants;

    rc = NGX_OK;
    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts && rc == NGX_OK; i++) {

        ngx_cigna_place_enter(cf, tenants[i]->place);

        if (ngx_cigna_conf_tenant_mixed_up(cf, mcf, tenants[i])
            || ngx_cigna_conf_tenant_origins(cf, tenants[i]) != NGX_OK
            || ngx_cigna_conf_bases(cf, mcf, tenants[i]) != NGX_OK)
        {
            rc = NGX_ERROR;
        }

        ngx_cigna_place_leave(cf, tenants[i]->place);
    }

    return rc == NGX_OK ? ngx_cigna_conf_budgets_init(cf, mcf) : rc;
}


/*
 * Where a browser is sent to authorize is not among them: that host is never
 * asked by us.
 */

static ngx_int_t
ngx_cigna_conf_tenant_origins(ngx_conf_t *cf, ngx_cigna_tenant_t *tenant)
{
    cigna_provider_t  *p;

    p = &tenant->provider;

    ngx_cigna_conf_resolver(cf, &tenant->resolver, &tenant->resolver_timeout);

    if (ngx_array_init(&tenant->origins, cf->pool, NGX_CIGNA_ORIGINS,
                       sizeof(ngx_cigna_origin_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_cigna_conf_tenant_origin(cf, tenant, p->fhir_base) != NGX_OK
        || ngx_cigna_conf_tenant_origin(cf, tenant, p->token_endpoint)
           != NGX_OK
        || ngx_cigna_conf_tenant_origin(cf, tenant, p->jwks_uri) != NGX_OK
        || ngx_cigna_conf_tenant_origin(cf, tenant, p->revocation_endpoint)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_tenant_origin(ngx_conf_t *cf, ngx_cigna_tenant_t *tenant,
    cigna_slice_t url)
{
    ngx_uint_t           i;
    cigna_uri_t          uri;
    ngx_cigna_origin_t  *origin;

    if (url.len == 0) {
        return NGX_OK;
    }

    (void) cigna_uri_parse(url, &uri);

    origin = tenant->origins.elts;

    for (i = 0; i < tenant->origins.nelts; i++) {

        if (origin[i].port == uri.port
            && (origin[i].ssl != NULL) == uri.https
            && cigna_slice_eq_case(ngx_cigna_slice(&origin[i].host), uri.host))
        {
            return NGX_OK;
        }
    }

    origin = ngx_array_push(&tenant->origins);
    if (origin == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(origin, sizeof(ngx_cigna_origin_t));

    if (ngx_cigna_conf_host(cf, origin, uri.host) != NGX_OK) {
        return NGX_ERROR;
    }

    origin->port = uri.port;
    origin->ssl = uri.https ? tenant->ssl : NULL;
    origin->resolver = tenant->resolver;
    origin->resolver_timeout = tenant->resolver_timeout;

    return ngx_cigna_origin_init(cf, origin);
}


/*
 * A code that comes back to an address must be from the one server that the
 * tenant's client is registered with (RFC 9207, section 1).
 */

static ngx_uint_t
ngx_cigna_conf_tenant_mixed_up(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant)
{
    ngx_uint_t            i;
    ngx_cigna_tenant_t  **tenants;

    tenants = mcf->tenants.elts;

    for (i = 0; tenants[i] != tenant; i++) {

        if (cigna_slice_eq(tenants[i]->provider.redirect_uri,
                           tenant->provider.redirect_uri)
            && !ngx_cigna_conf_tenant_same_issuer(&tenants[i]->provider,
                                                  &tenant->provider))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"cigna_tenant\" \"%V\" shares its "
                               "\"redirect_uri\" with \"%V\", whose issuer "
                               "is another one, register an address of its "
                               "own", &tenant->name, &tenants[i]->name);
            return 1;
        }
    }

    return 0;
}


/* where issuers are discovered, they are told by where they are discovered */

static ngx_uint_t
ngx_cigna_conf_tenant_same_issuer(cigna_provider_t *a, cigna_provider_t *b)
{
    if (a->configured_issuer.len && b->configured_issuer.len) {
        return cigna_slice_eq(a->configured_issuer, b->configured_issuer);
    }

    return cigna_slice_eq(a->fhir_base, b->fhir_base);
}

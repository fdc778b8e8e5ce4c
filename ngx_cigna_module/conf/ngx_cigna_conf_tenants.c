
#include "ngx_cigna_conf_budget.h"
#include "ngx_cigna_conf_shared.h"
#include "ngx_cigna_conf_tenants.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "nginx/ngx_cigna_block.h"
#include "gateway/ngx_cigna_tenant.h"


static ngx_int_t ngx_cigna_conf_tenant_callback(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_tenant_mixed_up(ngx_conf_t *cf,
    ngx_cigna_index_t *redirects, ngx_cigna_tenant_t *tenant);
static ngx_array_t *ngx_cigna_conf_tenant_others(ngx_conf_t *cf,
    ngx_cigna_index_t *redirects, cigna_slice_t redirect_uri);
static ngx_uint_t ngx_cigna_conf_tenant_same_issuer(cigna_provider_t *a,
    cigna_provider_t *b);


ngx_int_t
ngx_cigna_conf_tenants_init(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_cigna_index_t     redirects;
    ngx_cigna_tenant_t  **tenants;
    ngx_cigna_sharing_t   sharing;

    ngx_memzero(&redirects, sizeof(ngx_cigna_index_t));
    ngx_memzero(&sharing, sizeof(ngx_cigna_sharing_t));

    redirects.pool = cf->temp_pool;

    sharing.mcf = mcf;
    sharing.shared.pool = cf->temp_pool;
    sharing.origins.pool = cf->temp_pool;
    sharing.hosts.pool = cf->temp_pool;

    rc = NGX_OK;
    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts && rc == NGX_OK; i++) {

        ngx_cigna_place_enter(cf, tenants[i]->place);

        if (ngx_cigna_conf_tenant_mixed_up(cf, &redirects, tenants[i])
            != NGX_OK
            || ngx_cigna_conf_share(cf, &sharing, tenants[i]) != NGX_OK
            || ngx_cigna_conf_tenant_callback(cf, mcf, tenants[i]) != NGX_OK)
        {
            rc = NGX_ERROR;
        }

        ngx_cigna_place_leave(cf, tenants[i]->place);
    }

    return rc == NGX_OK ? ngx_cigna_conf_budgets_init(cf, mcf) : rc;
}


static ngx_int_t
ngx_cigna_conf_tenant_callback(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant)
{
    cigna_slice_t  path;

    path = tenant->redirect_uri.path;

    if (ngx_cigna_index_find(&mcf->callbacks, path)) {
        return NGX_OK;
    }

    return ngx_cigna_index_add(&mcf->callbacks, path, tenant);
}


/*
 * Refuses a tenant that shares its redirect_uri with a tenant of another
 * issuer: the gateway could not tell which server a code comes from (RFC 9207,
 * section 1).  "others" has the tenants with this redirect_uri, but only one of
 * those with the same issuer and fhir_base.
 */

static ngx_int_t
ngx_cigna_conf_tenant_mixed_up(ngx_conf_t *cf, ngx_cigna_index_t *redirects,
    ngx_cigna_tenant_t *tenant)
{
    ngx_uint_t            i;
    ngx_array_t          *others;
    cigna_provider_t     *p, *other;
    ngx_cigna_tenant_t  **slot;

    p = &tenant->provider;

    others = ngx_cigna_conf_tenant_others(cf, redirects, p->redirect_uri);
    if (others == NULL) {
        return NGX_ERROR;
    }

    slot = others->elts;

    for (i = 0; i < others->nelts; i++) {

        other = &slot[i]->provider;

        if (!ngx_cigna_conf_tenant_same_issuer(other, p)) {
            return ngx_cigna_conf_error(cf,
                "\"cigna_tenant\" \"%V\" shares its \"redirect_uri\" with "
                "\"%V\", whose issuer is another one, register an address of "
                "its own", &tenant->name, &slot[i]->name);
        }

        if (cigna_slice_eq(other->configured_issuer, p->configured_issuer)
            && cigna_slice_eq(other->fhir_base, p->fhir_base))
        {
            return NGX_OK;
        }
    }

    slot = ngx_array_push(others);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = tenant;

    return NGX_OK;
}


/*
 * returns an array of pointers to the tenants with this redirect_uri that were
 * compared so far; NULL: no memory
 */

static ngx_array_t *
ngx_cigna_conf_tenant_others(ngx_conf_t *cf, ngx_cigna_index_t *redirects,
    cigna_slice_t redirect_uri)
{
    ngx_array_t  *others;

    others = ngx_cigna_index_find(redirects, redirect_uri);

    if (others) {
        return others;
    }

    others = ngx_array_create(cf->temp_pool, 1, sizeof(ngx_cigna_tenant_t *));

    if (others == NULL
        || ngx_cigna_index_add(redirects, redirect_uri, others) != NGX_OK)
    {
        return NULL;
    }

    return others;
}


/*
 * The gateway discovers an issuer that is not configured, by fhir_base.  So if
 * one of the two issuers is not configured, this function compares fhir_base.
 */

static ngx_uint_t
ngx_cigna_conf_tenant_same_issuer(cigna_provider_t *a, cigna_provider_t *b)
{
    if (a->configured_issuer.len && b->configured_issuer.len) {
        return cigna_slice_eq(a->configured_issuer, b->configured_issuer);
    }

    return cigna_slice_eq(a->fhir_base, b->fhir_base);
}

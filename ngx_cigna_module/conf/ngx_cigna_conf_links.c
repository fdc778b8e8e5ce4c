
#include "ngx_cigna_conf_links.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_shared.h"
#include "fhir/cigna_fhir_base.h"
#include "http/cigna_uri.h"
#include "fhir/cigna_public_metadata.h"


/*
 * Links in replies of Cigna's FHIR server name a host of Cigna's inner network.
 * Some of these links lack the path of fhir_base.
 */

#define NGX_CIGNA_LINKS_HOST   "fhir.cigna.com"
#define NGX_CIGNA_LINKS_INNER  "https://p-hi2.digitaledge.cigna.com"


static ngx_uint_t ngx_cigna_conf_smart_name(ngx_str_t *name);
static char *ngx_cigna_conf_smart_add(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf, cigna_slice_t name, cigna_slice_t url);
static ngx_int_t ngx_cigna_conf_bases_inner(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_bases_add(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant, const char *directive, cigna_slice_t url);


char *
ngx_cigna_conf_alias(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_main_conf_t *mcf = conf;

    ngx_str_t      *value, *alias;
    ngx_uint_t      i;
    const char     *error;
    cigna_bases_t   bases;

    if (mcf->aliases.elts == NULL
        && ngx_array_init(&mcf->aliases, cf->pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cigna_bases_init(&bases);

        if (cigna_bases_add(&bases, ngx_cigna_slice(&value[i]), &error)
            != CIGNA_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"cigna_upstream_alias\" \"%V\" %s, write "
                               "what stands before \"/Patient\" in Cigna's "
                               "links", &value[i], error);
            return NGX_CONF_ERROR;
        }

        alias = ngx_array_push(&mcf->aliases);
        if (alias == NULL) {
            return NGX_CONF_ERROR;
        }

        *alias = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_cigna_conf_base_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_loc_conf_t *lcf = conf;

    u_char       *p;
    ngx_str_t    *value;
    cigna_uri_t   uri;

    if (lcf->base_url.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cigna_uri_parse(ngx_cigna_slice(&value[1]), &uri) != CIGNA_OK
        || uri.has_query)
    {
        return "is no http or https URL without a query, write the one under "
               "which callers know this location, as "
               "\"cigna_base_url https://health.acme.example/fhir;\"";
    }

    lcf->base_url = value[1];

    if (value[1].data[value[1].len - 1] == '/') {
        return NGX_CONF_OK;
    }

    p = ngx_pnalloc(cf->pool, value[1].len + 1);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->base_url.data = p;
    lcf->base_url.len = ngx_sprintf(p, "%V/", &value[1]) - p;

    return NGX_CONF_OK;
}


char *
ngx_cigna_conf_smart_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_loc_conf_t *lcf = conf;

    ngx_str_t    *value;
    cigna_uri_t   uri;

    value = cf->args->elts;

    if (!ngx_cigna_conf_smart_name(&value[1])) {
        return "has an invalid name, write that of a field of "
               "smart-configuration, as \"cigna_smart_endpoint "
               "token_endpoint https://health.acme.example/token;\"";
    }

    if (cigna_uri_parse(ngx_cigna_slice(&value[2]), &uri) != CIGNA_OK
        || !uri.https || cigna_slice_has(uri.text, '"'))
    {
        return "has an invalid URL, write one that begins with \"https://\"";
    }

    return ngx_cigna_conf_smart_add(cf, lcf, ngx_cigna_slice(&value[1]),
                                    ngx_cigna_slice(&value[2]));
}


static ngx_uint_t
ngx_cigna_conf_smart_name(ngx_str_t *name)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < name->len; i++) {

        c = name->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return 0;
        }
    }

    return name->len && name->len <= CIGNA_PUBLIC_ENDPOINT_NAME_MAX;
}


static char *
ngx_cigna_conf_smart_add(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf,
    cigna_slice_t name, cigna_slice_t url)
{
    ngx_uint_t                i;
    cigna_public_endpoint_t  *endpoint;

    if (lcf->endpoints == NULL) {

        lcf->endpoints = ngx_array_create(cf->pool, 4,
                                          sizeof(cigna_public_endpoint_t));
        if (lcf->endpoints == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    endpoint = lcf->endpoints->elts;

    for (i = 0; i < lcf->endpoints->nelts; i++) {
        if (cigna_slice_eq(endpoint[i].name, name)) {
            return "is duplicate";
        }
    }

    endpoint = ngx_array_push(lcf->endpoints);
    if (endpoint == NULL) {
        return NGX_CONF_ERROR;
    }

    endpoint->name = name;
    endpoint->url = url;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_cigna_conf_bases(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant)
{
    ngx_str_t   *alias;
    ngx_uint_t   i, room;

    cigna_bases_init(&tenant->shared->bases);

    if (ngx_cigna_conf_bases_add(cf, tenant, "fhir_base",
                                 tenant->provider.fhir_base)
        != NGX_OK
        || ngx_cigna_conf_bases_inner(cf, tenant) != NGX_OK)
    {
        return NGX_ERROR;
    }

    alias = mcf->aliases.elts;
    room = CIGNA_BASES_MAX - tenant->shared->bases.n;

    if (mcf->aliases.nelts > room) {
        return ngx_cigna_conf_error(cf,
            "\"cigna_upstream_alias\" \"%V\" is one too many, write %ui at "
            "most beside \"fhir_base\" of \"cigna_tenant\" \"%V\"",
            &alias[room], room, &tenant->name);
    }

    for (i = 0; i < mcf->aliases.nelts; i++) {

        if (ngx_cigna_conf_bases_add(cf, tenant, "cigna_upstream_alias",
                                     ngx_cigna_slice(&alias[i]))
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_bases_inner(ngx_conf_t *cf, ngx_cigna_tenant_t *tenant)
{
    u_char         *p, *last;
    cigna_slice_t   path;

    if (!cigna_slice_eq_case(tenant->fhir_uri.host,
                             cigna_slice(NGX_CIGNA_LINKS_HOST)))
    {
        return NGX_OK;
    }

    path = tenant->fhir_uri.path;

    p = ngx_pnalloc(cf->pool, sizeof(NGX_CIGNA_LINKS_INNER) - 1 + path.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(p, NGX_CIGNA_LINKS_INNER "%*s", path.len, path.data);

    if (ngx_cigna_conf_bases_add(cf, tenant, "fhir_base",
                                 cigna_slice_make(p, last))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_conf_bases_add(cf, tenant, "fhir_base",
                                    cigna_slice(NGX_CIGNA_LINKS_INNER));
}


static ngx_int_t
ngx_cigna_conf_bases_add(ngx_conf_t *cf, ngx_cigna_tenant_t *tenant,
    const char *directive, cigna_slice_t url)
{
    const char  *error;

    if (cigna_bases_add(&tenant->shared->bases, url, &error) == CIGNA_OK) {
        return NGX_OK;
    }

    return ngx_cigna_conf_error(cf,
        "\"%s\" \"%*s\" %s", directive, url.len, url.data, error);
}

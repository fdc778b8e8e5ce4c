
#include "ngx_cigna_conf_endpoint.h"


typedef struct {
    const char  *directive;
    size_t       option;                   /* offset of a ngx_str_t */
    size_t       field;                    /* offset of a cigna_slice_t */
} ngx_cigna_conf_endpoint_t;


static void ngx_cigna_conf_preset(ngx_cigna_tenant_options_t *o);
static void ngx_cigna_conf_preset_str(ngx_str_t *option, const char *value);
static ngx_int_t ngx_cigna_conf_fhir_base(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_fhir_host(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant);


/*
 * What is published.  Where nothing is said it is discovered, which needs
 * nothing but fhir_base.
 */

static struct {
    const char  *fhir_base;
    const char  *authorization_endpoint;
    const char  *token_endpoint;
    const char  *revocation_endpoint;
} ngx_cigna_conf_presets[] = {

    /* NGX_CIGNA_SANDBOX */
    { "https://fhir.cigna.com/PatientAccess/v1-devportal",
      "https://r-hi2.cigna.com/mga/sps/oauth/oauth20/authorize",
      "https://r-hi2.cigna.com/mga/sps/oauth/oauth20/token",
      "https://r-hi2.cigna.com/mga/sps/oauth/oauth20/revoke" },

    /* NGX_CIGNA_PRODUCTION */
    { "https://fhir.cigna.com/PatientAccess/v1",
      NULL,
      NULL,
      NULL }
};


static ngx_cigna_conf_endpoint_t  ngx_cigna_conf_endpoint_table[] = {

    { "issuer",
      offsetof(ngx_cigna_tenant_options_t, issuer),
      offsetof(cigna_provider_t, issuer) },

    { "authorization_endpoint",
      offsetof(ngx_cigna_tenant_options_t, authorization_endpoint),
      offsetof(cigna_provider_t, authorization_endpoint) },

    { "token_endpoint",
      offsetof(ngx_cigna_tenant_options_t, token_endpoint),
      offsetof(cigna_provider_t, token_endpoint) },

    { "jwks_uri",
      offsetof(ngx_cigna_tenant_options_t, jwks_uri),
      offsetof(cigna_provider_t, jwks_uri) },

    { "revocation_endpoint",
      offsetof(ngx_cigna_tenant_options_t, revocation_endpoint),
      offsetof(cigna_provider_t, revocation_endpoint) },

    { NULL, 0, 0 }
};


ngx_int_t
ngx_cigna_conf_endpoints(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    ngx_cigna_tenant_t *tenant)
{
    ngx_str_t                  *url;
    cigna_uri_t                 uri;
    cigna_provider_t           *p;
    ngx_cigna_conf_endpoint_t  *e;

    p = &tenant->provider;

    ngx_cigna_conf_preset(o);

    for (e = ngx_cigna_conf_endpoint_table; e->directive; e++) {

        url = (ngx_str_t *) ((u_char *) o + e->option);

        if (url->len == 0) {
            continue;
        }

        if (ngx_cigna_conf_url(cf, e->directive, url, &uri) != NGX_OK
            || ngx_cigna_conf_https(cf, e->directive, &uri, o->insecure_http)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        *(cigna_slice_t *) ((u_char *) p + e->field) = ngx_cigna_slice(url);
    }

    p->configured_issuer = p->issuer;

    return ngx_cigna_conf_fhir_base(cf, o, tenant);
}


static void
ngx_cigna_conf_preset(ngx_cigna_tenant_options_t *o)
{
    if (o->environment == NGX_CONF_UNSET_UINT) {
        return;
    }

#define ngx_cigna_conf_preset_option(name)                                    \
    ngx_cigna_conf_preset_str(&o->name,                                       \
                              ngx_cigna_conf_presets[o->environment].name)

    ngx_cigna_conf_preset_option(fhir_base);
    ngx_cigna_conf_preset_option(authorization_endpoint);
    ngx_cigna_conf_preset_option(token_endpoint);
    ngx_cigna_conf_preset_option(revocation_endpoint);

#undef ngx_cigna_conf_preset_option
}


static void
ngx_cigna_conf_preset_str(ngx_str_t *option, const char *value)
{
    if (option->len == 0 && value) {
        option->data = (u_char *) value;
        option->len = ngx_strlen(value);
    }
}


static ngx_int_t
ngx_cigna_conf_fhir_base(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    ngx_cigna_tenant_t *tenant)
{
    ngx_str_t  *base;

    base = &o->fhir_base;

    if (base->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"environment\" in \"cigna_tenant\", write "
                           "\"environment sandbox;\", \"environment "
                           "production;\", or a \"fhir_base\" of your own");
        return NGX_ERROR;
    }

    while (base->len && base->data[base->len - 1] == '/') {
        base->len--;
    }

    if (ngx_cigna_conf_url(cf, "fhir_base", base, &tenant->fhir_uri) != NGX_OK
        || ngx_cigna_conf_https(cf, "fhir_base", &tenant->fhir_uri,
                                o->insecure_http)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (tenant->fhir_uri.has_query) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"fhir_base\" has a query in \"%V\", write it "
                           "without", base);
        return NGX_ERROR;
    }

    tenant->provider.fhir_base = ngx_cigna_slice(base);

    return ngx_cigna_conf_fhir_host(cf, tenant);
}


/* an origin without its scheme */

static ngx_int_t
ngx_cigna_conf_fhir_host(ngx_conf_t *cf, ngx_cigna_tenant_t *tenant)
{
    size_t         len;
    u_char        *p;
    cigna_buf_t    b;
    cigna_slice_t  host;

    len = tenant->fhir_uri.authority.len + sizeof("https://");

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(&b, p, len);
    cigna_uri_append_origin(&b, &tenant->fhir_uri);

    host = cigna_buf_slice(&b);
    (void) cigna_slice_cut(&host, '/');
    host = cigna_slice_skip(host, 1);

    tenant->fhir_host.data = (u_char *) host.data;
    tenant->fhir_host.len = host.len;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_conf_url(ngx_conf_t *cf, const char *directive, ngx_str_t *url,
    cigna_uri_t *uri)
{
    if (cigna_uri_parse(ngx_cigna_slice(url), uri) == CIGNA_OK) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%s\" is no URL in \"%V\", write one like "
                       "\"https://host/path\", without user name, fragment "
                       "and spaces", directive, url);
    return NGX_ERROR;
}


ngx_int_t
ngx_cigna_conf_https(ngx_conf_t *cf, const char *directive, cigna_uri_t *uri,
    ngx_flag_t insecure_http)
{
    if (uri->https || insecure_http) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%s\" would send secrets in clear to \"%*s\", write "
                       "\"https://\" (or \"insecure_http on;\", for tests "
                       "only)", directive, uri->text.len, uri->text.data);
    return NGX_ERROR;
}

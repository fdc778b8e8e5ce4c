
#include "ngx_cigna_conf_endpoint.h"
#include "gateway/ngx_cigna_tenant.h"


typedef struct {
    const char  *directive;
    size_t       option;                   /* offset in
                                              ngx_cigna_tenant_options_t */
    size_t       field;                    /* offset in cigna_provider_t */
} ngx_cigna_conf_endpoint_t;


static ngx_int_t ngx_cigna_conf_endpoint_check(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o);
static void ngx_cigna_conf_preset(ngx_cigna_tenant_options_t *o);
static ngx_uint_t ngx_cigna_conf_preset_foreign(
    ngx_cigna_tenant_options_t *o, ngx_str_t *url);
static ngx_uint_t ngx_cigna_conf_preset_host(const char *preset,
    cigna_uri_t *uri);
static ngx_int_t ngx_cigna_conf_preset_mixed(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o);
static void ngx_cigna_conf_preset_str(ngx_str_t *option, const char *value);
static ngx_int_t ngx_cigna_conf_fhir_base(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_fhir_host(ngx_conf_t *cf,
    ngx_cigna_tenant_t *tenant);


/*
 * URLs that Cigna publishes.  NULL: Cigna does not publish the endpoint.  The
 * gateway then discovers the endpoint, for which it needs only fhir_base.
 *
 * The endpoints belong to one server, so they are preset together or not at
 * all.  If a configured authorization_endpoint, token_endpoint or issuer
 * belongs to another server, the tokens come from there, and must not be sent
 * to Cigna to be revoked.  fhir_base is preset unless it is configured.
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


#define ngx_cigna_conf_endpoint_row(name)                                     \
    { #name, offsetof(ngx_cigna_tenant_options_t, name),                      \
      offsetof(cigna_provider_t, name) }

static ngx_cigna_conf_endpoint_t  ngx_cigna_conf_endpoint_table[] = {
    ngx_cigna_conf_endpoint_row(issuer),
    ngx_cigna_conf_endpoint_row(authorization_endpoint),
    ngx_cigna_conf_endpoint_row(token_endpoint),
    ngx_cigna_conf_endpoint_row(jwks_uri),
    ngx_cigna_conf_endpoint_row(revocation_endpoint),
    { NULL, 0, 0 }
};


ngx_int_t
ngx_cigna_conf_endpoints(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    ngx_cigna_tenant_t *tenant)
{
    ngx_str_t                  *url;
    cigna_provider_t           *p;
    ngx_cigna_conf_endpoint_t  *e;

    p = &tenant->provider;

    if (ngx_cigna_conf_endpoint_check(cf, o) != NGX_OK
        || ngx_cigna_conf_preset_mixed(cf, o) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_cigna_conf_preset(o);

    for (e = ngx_cigna_conf_endpoint_table; e->directive; e++) {
        url = (ngx_str_t *) ((u_char *) o + e->option);
        *(cigna_slice_t *) ((u_char *) p + e->field) = ngx_cigna_slice(url);
    }

    p->configured_issuer = p->issuer;

    return ngx_cigna_conf_fhir_base(cf, o, tenant);
}


static ngx_int_t
ngx_cigna_conf_endpoint_check(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o)
{
    ngx_str_t                  *url;
    cigna_uri_t                 uri;
    ngx_cigna_conf_endpoint_t  *e;

    for (e = ngx_cigna_conf_endpoint_table; e->directive; e++) {

        url = (ngx_str_t *) ((u_char *) o + e->option);

        if (url->len
            && (ngx_cigna_conf_url(cf, e->directive, url, &uri) != NGX_OK
                || ngx_cigna_conf_https(cf, e->directive, &uri,
                                        o->insecure_http)
                   != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
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

    if (ngx_cigna_conf_preset_foreign(o, &o->authorization_endpoint)
        || ngx_cigna_conf_preset_foreign(o, &o->token_endpoint)
        || ngx_cigna_conf_preset_foreign(o, &o->issuer))
    {
        return;
    }

    ngx_cigna_conf_preset_option(authorization_endpoint);
    ngx_cigna_conf_preset_option(token_endpoint);
    ngx_cigna_conf_preset_option(revocation_endpoint);

#undef ngx_cigna_conf_preset_option
}


/*
 * 1 if a valid URL is configured, and has neither the origin of the preset
 * token endpoint nor that of the preset fhir_base
 */

static ngx_uint_t
ngx_cigna_conf_preset_foreign(ngx_cigna_tenant_options_t *o, ngx_str_t *url)
{
    cigna_uri_t  uri;

    if (url->len == 0
        || cigna_uri_parse(ngx_cigna_slice(url), &uri) != CIGNA_OK)
    {
        return 0;
    }

    return !ngx_cigna_conf_preset_host(
                ngx_cigna_conf_presets[o->environment].token_endpoint, &uri)
           && !ngx_cigna_conf_preset_host(
                ngx_cigna_conf_presets[o->environment].fhir_base, &uri);
}


static ngx_uint_t
ngx_cigna_conf_preset_host(const char *preset, cigna_uri_t *uri)
{
    cigna_uri_t  named;

    return preset
           && cigna_uri_parse(cigna_slice_str(preset), &named) == CIGNA_OK
           && cigna_uri_same_origin(&named, uri);
}


/*
 * Refuses a cigna_tenant block that has one endpoint of the environment's
 * server and another endpoint of a different server.
 */

static ngx_int_t
ngx_cigna_conf_preset_mixed(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o)
{
    ngx_uint_t   foreign;
    const char  *given, *needed;

    if (o->environment == NGX_CONF_UNSET_UINT
        || ngx_cigna_conf_presets[o->environment].token_endpoint == NULL)
    {
        return NGX_OK;
    }

    foreign = ngx_cigna_conf_preset_foreign(o, &o->token_endpoint);
    given = NULL;
    needed = NULL;

    if (foreign != ngx_cigna_conf_preset_foreign(o,
                                                 &o->authorization_endpoint))
    {
        given = foreign ? "token_endpoint" : "authorization_endpoint";
        needed = foreign ? "authorization_endpoint" : "token_endpoint";

    } else if (o->revocation_endpoint.len
               && foreign != ngx_cigna_conf_preset_foreign(o,
                                                     &o->revocation_endpoint))
    {
        given = foreign ? "token_endpoint" : "revocation_endpoint";
        needed = foreign ? "revocation_endpoint" : "token_endpoint";
    }

    if (given == NULL) {
        return NGX_OK;
    }

    return ngx_cigna_conf_error(cf,
        "\"%s\" is of another server than \"environment\", which \"%s\" is of "
        "(preset, unless it is given): tokens of one would be sent to the "
        "other, write \"%s\" of that server too, or none of its endpoints",
        given, needed, needed);
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
        return ngx_cigna_conf_error(cf,
            "no \"environment\" in \"cigna_tenant\", write \"environment "
            "sandbox;\", \"environment production;\", or a \"fhir_base\" of "
            "your own");
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
        return ngx_cigna_conf_error(cf,
            "\"fhir_base\" has a query in \"%V\", write it without", base);
    }

    tenant->provider.fhir_base = ngx_cigna_slice(base);

    return ngx_cigna_conf_fhir_host(cf, tenant);
}


/* sets fhir_origin, with the scheme, and fhir_host, without the scheme */

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

    tenant->fhir_origin.data = (u_char *) host.data;
    tenant->fhir_origin.len = host.len;

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

    return ngx_cigna_conf_error(cf,
        "\"%s\" is no URL in \"%V\", write one like \"https://host/path\", "
        "without user name, fragment and spaces", directive, url);
}


ngx_int_t
ngx_cigna_conf_https(ngx_conf_t *cf, const char *directive, cigna_uri_t *uri,
    ngx_flag_t insecure_http)
{
    if (uri->https || insecure_http) {
        return NGX_OK;
    }

    return ngx_cigna_conf_error(cf,
        "\"%s\" would send secrets in clear to \"%*s\", write \"https://\" (or "
        "\"insecure_http on;\", for tests only)", directive, uri->text.len,
        uri->text.data);
}


#include "ngx_cigna_conf_provider.h"
#include "ngx_cigna_secret.h"


typedef struct {
    const char  *directive;
    size_t       option;                   /* offset of a ngx_str_t */
    size_t       field;                    /* offset of a cigna_slice_t */
} ngx_cigna_conf_endpoint_t;


static void ngx_cigna_conf_preset(ngx_cigna_tenant_options_t *o);
static void ngx_cigna_conf_preset_str(ngx_str_t *option, const char *value);
static ngx_int_t ngx_cigna_conf_endpoints(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_fhir_base(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_client(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_secret(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_redirect_uri(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_return_to(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_aud(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_params(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_url(ngx_conf_t *cf, const char *directive,
    ngx_str_t *url, cigna_uri_t *uri);
static ngx_int_t ngx_cigna_conf_https(ngx_conf_t *cf, const char *directive,
    cigna_uri_t *uri, ngx_flag_t insecure_http);
static ngx_uint_t ngx_cigna_conf_loopback(cigna_slice_t host);
static ngx_uint_t ngx_cigna_conf_visible(ngx_str_t *s, ngx_uint_t space);


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


/* what authorize requests carry anyway */

static const char  *ngx_cigna_conf_reserved[] = {
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce",
    "code_challenge", "code_challenge_method", "aud", NULL
};


ngx_int_t
ngx_cigna_conf_provider(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    ngx_cigna_tenant_t *tenant)
{
    cigna_provider_t  *p;

    p = &tenant->provider;

    ngx_cigna_conf_preset(o);

    p->tenant = ngx_cigna_slice(&tenant->name);
    p->insecure_http = o->insecure_http;
    p->clock_leeway_s = o->clock_leeway;
    p->token_lifetime_s = o->token_lifetime;
    p->grant_ttl_s = o->grant_ttl;
    p->refresh_ahead_s = o->refresh_ahead;
    p->dances_per_member = o->dances_per_member;

    if (ngx_cigna_conf_endpoints(cf, o, p) != NGX_OK
        || ngx_cigna_conf_fhir_base(cf, o, tenant) != NGX_OK
        || ngx_cigna_conf_client(cf, o, p) != NGX_OK
        || ngx_cigna_conf_secret(cf, o, p) != NGX_OK
        || ngx_cigna_conf_redirect_uri(cf, o, tenant) != NGX_OK
        || ngx_cigna_conf_return_to(cf, o, p) != NGX_OK
        || ngx_cigna_conf_aud(cf, o, p) != NGX_OK
        || ngx_cigna_conf_params(cf, o, p) != NGX_OK)
    {
        return NGX_ERROR;
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
ngx_cigna_conf_endpoints(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    ngx_str_t                  *url;
    cigna_uri_t                 uri;
    ngx_cigna_conf_endpoint_t  *e;

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

    return NGX_OK;
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

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_client(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    if (o->client_id.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"client_id\" in \"cigna_tenant\", write the "
                           "one that Cigna gave to this app");
        return NGX_ERROR;
    }

    if (!ngx_cigna_conf_visible(&o->client_id, 0)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"client_id\" holds a space, a control byte or a "
                           "byte outside ASCII");
        return NGX_ERROR;
    }

    if (!ngx_cigna_conf_visible(&o->scope, 1)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"scope\" holds a control byte or a byte outside "
                           "ASCII");
        return NGX_ERROR;
    }

    p->client_id = ngx_cigna_slice(&o->client_id);
    p->scope = ngx_cigna_slice(&o->scope);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_secret(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    ngx_int_t   rc;
    ngx_str_t   secret;
    ngx_uint_t  given;

    given = (o->client_secret_file.len != 0) + (o->client_secret_env.len != 0);

    if (given == 2) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "both \"client_secret_file\" and "
                           "\"client_secret_env\" in \"cigna_tenant\", write "
                           "one of them");
        return NGX_ERROR;
    }

    p->auth = o->token_endpoint_auth_method;

    if (o->token_endpoint_auth_method == NGX_CONF_UNSET_UINT) {
        p->auth = given ? cigna_auth_post : cigna_auth_none;
    }

    if (given && p->auth == cigna_auth_none) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a client secret with \"token_endpoint_auth_method "
                           "none\" would never be used, remove one of them");
        return NGX_ERROR;
    }

    if (!given && p->auth != cigna_auth_none) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token_endpoint_auth_method\" needs a client "
                           "secret, write \"client_secret_file FILE\" or "
                           "\"client_secret_env NAME\"");
        return NGX_ERROR;
    }

    if (!given) {
        return NGX_OK;
    }

    if (o->client_secret_file.len) {
        rc = ngx_cigna_secret_line(cf, "client_secret_file",
                                   &o->client_secret_file, &secret);
    } else {
        rc = ngx_cigna_secret_env(cf, "client_secret_env",
                                  &o->client_secret_env, &secret);
    }

    if (rc == NGX_OK) {
        p->client_secret = ngx_cigna_slice(&secret);
    }

    return rc;
}


/*
 * The code comes back over this address: in clear only where it does not
 * leave the machine (RFC 8252, section 7.3).
 */

static ngx_int_t
ngx_cigna_conf_redirect_uri(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    ngx_cigna_tenant_t *tenant)
{
    cigna_uri_t  *uri;

    uri = &tenant->redirect_uri;

    if (o->redirect_uri.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"redirect_uri\" in \"cigna_tenant\", write "
                           "the one that is registered with Cigna, to the "
                           "letter");
        return NGX_ERROR;
    }

    if (ngx_cigna_conf_url(cf, "redirect_uri", &o->redirect_uri, uri)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_cigna_conf_loopback(uri->host)
        && ngx_cigna_conf_https(cf, "redirect_uri", uri, o->insecure_http)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (uri->has_query) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redirect_uri\" has a query in \"%V\", register "
                           "one without", &o->redirect_uri);
        return NGX_ERROR;
    }

    tenant->provider.redirect_uri = uri->text;
    tenant->provider.https = uri->https;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_return_to(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    ngx_str_t    *url;
    ngx_uint_t    i;
    cigna_uri_t  *uri;

    if (o->return_to == NULL) {
        return NGX_OK;
    }

    if (o->return_to->nelts > CIGNA_RETURN_TO_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d \"return_to\" in \"cigna_tenant\", "
                           "write a path above several of them",
                           CIGNA_RETURN_TO_MAX);
        return NGX_ERROR;
    }

    url = o->return_to->elts;

    for (i = 0; i < o->return_to->nelts; i++) {

        uri = &p->return_to[i];

        if (ngx_cigna_conf_url(cf, "return_to", &url[i], uri) != NGX_OK) {
            return NGX_ERROR;
        }

        /* nothing would ever be allowed by one that is not plain itself */

        if (!cigna_uri_allows(uri, uri)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"return_to\" has \".\", \"..\", \"//\" or an "
                               "escaped slash in the path of \"%V\", write it "
                               "without", &url[i]);
            return NGX_ERROR;
        }
    }

    p->nreturn_to = o->return_to->nelts;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_aud(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    cigna_uri_t  uri;

    if (o->aud.len == 0 || ngx_strcmp(o->aud.data, "off") == 0) {
        return NGX_OK;
    }

    if (ngx_strcmp(o->aud.data, "on") == 0) {
        p->aud = p->fhir_base;
        return NGX_OK;
    }

    p->aud = ngx_cigna_slice(&o->aud);

    return ngx_cigna_conf_url(cf, "aud", &o->aud, &uri);
}


static ngx_int_t
ngx_cigna_conf_params(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    ngx_uint_t     i;
    const char   **name;
    ngx_keyval_t  *param;

    if (o->authorize_param == NULL) {
        return NGX_OK;
    }

    if (o->authorize_param->nelts > CIGNA_PARAMS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d \"authorize_param\" in "
                           "\"cigna_tenant\"", CIGNA_PARAMS_MAX);
        return NGX_ERROR;
    }

    param = o->authorize_param->elts;

    for (i = 0; i < o->authorize_param->nelts; i++) {

        for (name = ngx_cigna_conf_reserved; *name; name++) {

            if (ngx_strcmp(param[i].key.data, *name) == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"authorize_param\" cannot set \"%s\", "
                                   "which the module does", *name);
                return NGX_ERROR;
            }
        }

        p->params[i].name = ngx_cigna_slice(&param[i].key);
        p->params[i].value = ngx_cigna_slice(&param[i].value);
    }

    p->nparams = o->authorize_param->nelts;

    return NGX_OK;
}


static ngx_int_t
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


static ngx_int_t
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


static ngx_uint_t
ngx_cigna_conf_loopback(cigna_slice_t host)
{
    static const cigna_slice_t  local = cigna_slice(".localhost");

    if (cigna_slice_eq(host, cigna_slice("localhost"))
        || cigna_slice_eq(host, cigna_slice("::1"))
        || cigna_slice_eq(host, cigna_slice("127.0.0.1")))
    {
        return 1;
    }

    return host.len > local.len
           && cigna_slice_eq(cigna_slice_skip(host, host.len - local.len),
                             local);
}


static ngx_uint_t
ngx_cigna_conf_visible(ngx_str_t *s, ngx_uint_t space)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {

        if (s->data[i] <= (space ? 0x1f : 0x20) || s->data[i] >= 0x7f) {
            return 0;
        }
    }

    return 1;
}

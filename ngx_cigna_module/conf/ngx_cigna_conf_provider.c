
#include "ngx_cigna_conf_endpoint.h"
#include "ngx_cigna_conf_provider.h"
#include "nginx/ngx_cigna_secret_file.h"
#include "gateway/ngx_cigna_tenant.h"
#include "base/cigna_secret.h"


static ngx_int_t ngx_cigna_conf_client(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_secrets(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_secret_check(ngx_conf_t *cf,
    ngx_uint_t given, cigna_auth_e auth);
static ngx_int_t ngx_cigna_conf_secret(ngx_conf_t *cf,
    ngx_cigna_secret_source_t *source, cigna_slice_t *secret);
static ngx_int_t ngx_cigna_conf_older_secret(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_redirect_uri(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, ngx_cigna_tenant_t *tenant);
static ngx_int_t ngx_cigna_conf_return_to(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_aud(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_int_t ngx_cigna_conf_params(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o, cigna_provider_t *p);
static ngx_uint_t ngx_cigna_conf_visible(ngx_str_t *s, ngx_uint_t space);


/* parameters that the gateway itself sets in authorize requests */

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

    p->tenant = ngx_cigna_slice(&tenant->name);
    p->insecure_http = o->insecure_http;
    p->userinfo = o->userinfo;
    p->clock_leeway_s = o->clock_leeway;
    p->token_lifetime_s = o->token_lifetime;
    p->grant_ttl_s = o->grant_ttl;
    p->refresh_ahead_s = o->refresh_ahead;
    p->dances_per_member = o->dances_per_member;

    if (ngx_cigna_conf_endpoints(cf, o, tenant) != NGX_OK
        || ngx_cigna_conf_client(cf, o, p) != NGX_OK
        || ngx_cigna_conf_secrets(cf, o, p) != NGX_OK
        || ngx_cigna_conf_redirect_uri(cf, o, tenant) != NGX_OK
        || ngx_cigna_conf_return_to(cf, o, p) != NGX_OK
        || ngx_cigna_conf_aud(cf, o, p) != NGX_OK
        || ngx_cigna_conf_params(cf, o, p) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_client(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    if (o->client_id.len == 0) {
        return ngx_cigna_conf_error(cf,
            "no \"client_id\" in \"cigna_tenant\", write the one that Cigna "
            "gave to this app");
    }

    if (!ngx_cigna_conf_visible(&o->client_id, 0)) {
        return ngx_cigna_conf_error(cf,
            "\"client_id\" holds a space, a control byte or a byte outside "
            "ASCII");
    }

    if (!ngx_cigna_conf_visible(&o->scope, 1)) {
        return ngx_cigna_conf_error(cf,
            "\"scope\" holds a control byte or a byte outside ASCII");
    }

    p->client_id = ngx_cigna_slice(&o->client_id);
    p->scope = ngx_cigna_slice(&o->scope);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_secrets(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    p->auth = o->token_endpoint_auth_method;

    if (o->token_endpoint_auth_method == NGX_CONF_UNSET_UINT) {
        p->auth = o->nclient_secrets ? cigna_auth_post : cigna_auth_none;
    }

    if (ngx_cigna_conf_secret_check(cf, o->nclient_secrets, p->auth)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (o->nclient_secrets == 0) {
        return NGX_OK;
    }

    if (ngx_cigna_conf_secret(cf, &o->client_secrets[0], &p->client_secret)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return o->nclient_secrets == 1 ? NGX_OK
                                   : ngx_cigna_conf_older_secret(cf, o, p);
}


static ngx_int_t
ngx_cigna_conf_secret_check(ngx_conf_t *cf, ngx_uint_t given,
    cigna_auth_e auth)
{
    if (given && auth == cigna_auth_none) {
        return ngx_cigna_conf_error(cf,
            "a client secret with \"token_endpoint_auth_method none\" would "
            "never be used, remove one of them");
    }

    if (!given && auth != cigna_auth_none) {
        return ngx_cigna_conf_error(cf,
            "\"token_endpoint_auth_method\" needs a client secret, write "
            "\"client_secret_file FILE;\" or \"client_secret_env NAME;\"");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_conf_secret(ngx_conf_t *cf, ngx_cigna_secret_source_t *source,
    cigna_slice_t *secret)
{
    ngx_int_t  rc;
    ngx_str_t  s;

    ngx_str_null(&s);

    rc = source->env ? ngx_cigna_secret_file_env(cf, "client_secret_env",
                                                 &source->name, &s)
                     : ngx_cigna_secret_file_line(cf, "client_secret_file",
                                                  &source->name, &s);

    *secret = ngx_cigna_slice(&s);

    return rc;
}


/*
 * Reads the older client secret.  Two equal secrets are not an error: a script
 * that writes both files may leave them equal until the next change.
 */

static ngx_int_t
ngx_cigna_conf_older_secret(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    cigna_provider_t *p)
{
    ngx_cigna_secret_source_t  *newer, *older;

    newer = &o->client_secrets[0];
    older = &o->client_secrets[1];

    if (ngx_cigna_conf_secret(cf, older, &p->older_secret) != NGX_OK) {
        return NGX_ERROR;
    }

    /* ngx_cigna_conf_secret() has made the names of files absolute */

    if (newer->env == older->env
        && cigna_slice_eq(ngx_cigna_slice(&newer->name),
                          ngx_cigna_slice(&older->name)))
    {
        return ngx_cigna_conf_error(cf,
            "\"%V\" is there for both client secrets of \"cigna_tenant\", "
            "write the one with the new secret first and the one with the "
            "older secret below it, or a single line", &newer->name);
    }

    if (cigna_secret_eq(p->client_secret, p->older_secret)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" and \"%V\" hold the same client secret, "
                           "so that there is one only: write the new one "
                           "into the first, or remove the second line",
                           &newer->name, &older->name);

        p->older_secret = cigna_slice_null;
    }

    return NGX_OK;
}


/*
 * The authorization code comes to this address, so "http" is allowed only for
 * loopback (RFC 8252, section 7.3) or with "insecure_http on".
 */

static ngx_int_t
ngx_cigna_conf_redirect_uri(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o,
    ngx_cigna_tenant_t *tenant)
{
    cigna_uri_t  *uri;

    uri = &tenant->redirect_uri;

    if (o->redirect_uri.len == 0) {
        return ngx_cigna_conf_error(cf,
            "no \"redirect_uri\" in \"cigna_tenant\", write the one that is "
            "registered with Cigna, to the letter");
    }

    if (ngx_cigna_conf_url(cf, "redirect_uri", &o->redirect_uri, uri)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!cigna_uri_loopback(uri)
        && ngx_cigna_conf_https(cf, "redirect_uri", uri, o->insecure_http)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (uri->has_query) {
        return ngx_cigna_conf_error(cf,
            "\"redirect_uri\" has a query in \"%V\", register one without",
            &o->redirect_uri);
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
        return ngx_cigna_conf_error(cf,
            "more than %d \"return_to\" in \"cigna_tenant\", write a path "
            "above several of them", CIGNA_RETURN_TO_MAX);
    }

    url = o->return_to->elts;

    p->return_to = ngx_palloc(cf->pool,
                              o->return_to->nelts * sizeof(cigna_uri_t));
    if (p->return_to == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < o->return_to->nelts; i++) {

        uri = &p->return_to[i];

        if (ngx_cigna_conf_url(cf, "return_to", &url[i], uri) != NGX_OK) {
            return NGX_ERROR;
        }

        /*
         * a URL with ".", "..", "//" or an escaped slash in its path would
         * allow no URL, not even itself
         */

        if (!cigna_uri_allows(uri, uri)) {
            return ngx_cigna_conf_error(cf,
                "\"return_to\" has \".\", \"..\", \"//\" or an escaped slash "
                "in the path of \"%V\", write it without", &url[i]);
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
        return ngx_cigna_conf_error(cf,
            "more than %d \"authorize_param\" in \"cigna_tenant\"",
            CIGNA_PARAMS_MAX);
    }

    param = o->authorize_param->elts;

    p->params = ngx_palloc(cf->pool,
                           o->authorize_param->nelts * sizeof(cigna_param_t));
    if (p->params == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < o->authorize_param->nelts; i++) {

        for (name = ngx_cigna_conf_reserved; *name; name++) {

            if (ngx_strcmp(param[i].key.data, *name) == 0) {
                return ngx_cigna_conf_error(cf,
                    "\"authorize_param\" cannot set \"%s\", which the module "
                    "does", *name);
            }
        }

        p->params[i].name = ngx_cigna_slice(&param[i].key);
        p->params[i].value = ngx_cigna_slice(&param[i].value);
    }

    p->nparams = o->authorize_param->nelts;

    return NGX_OK;
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

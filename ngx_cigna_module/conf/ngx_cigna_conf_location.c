
#include "ngx_cigna_conf_location.h"
#include "ngx_cigna_conf_notice.h"
#include "ngx_cigna_conf_value.h"
#include "ngx_cigna_fhir_check.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "vault/cigna_vault_names.h"


static ngx_int_t ngx_cigna_conf_trusted(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf, ngx_str_t *text);
static ngx_str_t ngx_cigna_conf_variable(ngx_str_t *text, size_t *pos);
static ngx_uint_t ngx_cigna_conf_writable(ngx_str_t *name);
static ngx_uint_t ngx_cigna_conf_ours(ngx_conf_t *cf, cigna_slice_t name);
static ngx_int_t ngx_cigna_conf_fhir_parameter(ngx_cigna_loc_conf_t *lcf,
    const u_char *text);
static char *ngx_cigna_conf_use(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_conf_identity_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf);
static void ngx_cigna_conf_certificate_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_conf_use_check(ngx_conf_t *cf,
    ngx_cigna_loc_conf_t *lcf);


/*
 * Variables whose value, or a part of the value, comes from the caller.  A name
 * that ends with "_" stands for all variables that begin with the name.
 */

static ngx_str_t  ngx_cigna_conf_writables[] = {
    ngx_string("arg_"),
    ngx_string("cookie_"),
    ngx_string("http_"),
    ngx_string("uid_"),
    ngx_string("args"),
    ngx_string("cigna_request_id"),
    ngx_string("content_length"),
    ngx_string("content_type"),
    ngx_string("document_uri"),
    ngx_string("host"),
    ngx_string("is_args"),
    ngx_string("proxy_add_x_forwarded_for"),
    ngx_string("query_string"),
    ngx_string("realpath_root"),
    ngx_string("remote_user"),
    ngx_string("request"),
    ngx_string("request_body"),
    ngx_string("request_body_file"),
    ngx_string("request_filename"),
    ngx_string("request_method"),
    ngx_string("request_uri"),
    ngx_string("ssl_server_name"),
    ngx_string("uri"),
    ngx_null_string
};


char *
ngx_cigna_conf_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->tenant_value) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_cigna_conf_trusted(cf, lcf, &value[1]) != NGX_OK
        || ngx_cigna_conf_trusted(cf, lcf, &value[2]) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    lcf->identity = ngx_cigna_place_create(cf);
    lcf->tenant_value = ngx_cigna_conf_value(cf, &value[1]);
    lcf->member_value = ngx_cigna_conf_value(cf, &value[2]);

    if (lcf->identity == NULL || lcf->tenant_value == NULL
        || lcf->member_value == NULL)
    {
        return NGX_CONF_ERROR;
    }

    if (lcf->member_value->lengths == NULL
        && !cigna_vault_names_valid(ngx_cigna_slice(&lcf->member_value->value)))
    {
        return "has an invalid member, which is 1 to 256 bytes and none of "
               "them a control byte";
    }

    return NGX_CONF_OK;
}


/*
 * Refuses variables that a caller can write, and this module's own variables.
 * Notes the first variable about the client's certificate in lcf->certificate.
 */

static ngx_int_t
ngx_cigna_conf_trusted(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf,
    ngx_str_t *text)
{
    size_t     pos;
    ngx_str_t  name;

    static const ngx_str_t  prefix = ngx_string("ssl_client_");

    pos = 0;

    while (pos < text->len) {

        name = ngx_cigna_conf_variable(text, &pos);

        if (ngx_cigna_conf_writable(&name)) {
            return ngx_cigna_conf_error(cf,
                "\"cigna_identity\" cannot use \"$%V\", which any caller can "
                "write, use what your app has verified, or decide by a \"map\" "
                "which of its values are whom", &name);
        }

        if (ngx_cigna_conf_ours(cf, ngx_cigna_slice(&name))) {
            return ngx_cigna_conf_error(cf,
                "\"cigna_identity\" cannot use \"$%V\", which has no value "
                "before the identity is known, use what your app has verified",
                &name);
        }

        if (lcf->certificate.len == 0 && name.len > prefix.len
            && ngx_strncasecmp(name.data, prefix.data, prefix.len) == 0)
        {
            lcf->certificate = name;
        }
    }

    return NGX_OK;
}


/*
 * Returns the name of the next variable in the text after *pos, and moves *pos
 * behind the name.  The name is empty if there is no variable.
 */

static ngx_str_t
ngx_cigna_conf_variable(ngx_str_t *text, size_t *pos)
{
    size_t     i;
    ngx_str_t  name;

    for (i = *pos; i < text->len && text->data[i] != '$'; i++) {
        /* void */
    }

    i++;

    if (i < text->len && text->data[i] == '{') {
        i++;
    }

    i = ngx_min(i, text->len);
    name.data = text->data + i;

    while (i < text->len
           && (cigna_slice_alnum(text->data[i]) || text->data[i] == '_'))
    {
        i++;
    }

    name.len = text->data + i - name.data;
    *pos = i;

    return name;
}


/* returns 1 if a caller can write the variable; letter case does not matter */

static ngx_uint_t
ngx_cigna_conf_writable(ngx_str_t *name)
{
    ngx_str_t  *w;

    if (name->len == 1 && name->data[0] >= '1' && name->data[0] <= '9') {

        /* a capture of a regular expression, mostly a part of the URI */

        return 1;
    }

    for (w = ngx_cigna_conf_writables; w->len; w++) {

        if (name->len < w->len
            || ngx_strncasecmp(name->data, w->data, w->len) != 0)
        {
            continue;
        }

        if (name->len == w->len || w->data[w->len - 1] == '_') {
            return 1;
        }
    }

    return 0;
}


/* 1 for the name of a $cigna_* variable */

static ngx_uint_t
ngx_cigna_conf_ours(ngx_conf_t *cf, cigna_slice_t name)
{
    ngx_http_variable_t    *v;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);

    for (v = mcf->variables; v->name.len; v++) {
        if (cigna_slice_eq_case(ngx_cigna_slice(&v->name), name)) {
            return 1;
        }
    }

    return 0;
}


char *
ngx_cigna_conf_fhir(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_loc_conf_t *lcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (lcf->fhir != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "on") == 0) {
        lcf->fhir = 1;

    } else if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->fhir = 0;

    } else {
        return "has an invalid value, write \"cigna_fhir on;\" or "
               "\"cigna_fhir off;\"";
    }

    lcf->fhir_handler = *(ngx_http_handler_pt *) cmd->post;
    lcf->cache = 1;
    lcf->links = 1;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_cigna_conf_fhir_parameter(lcf, value[i].data) != NGX_OK) {
            return "has an invalid parameter, write \"cache=on\", "
                   "\"cache=off\", \"links=on\" or \"links=off\"";
        }
    }

    return ngx_cigna_conf_use(cf, lcf);
}


static ngx_int_t
ngx_cigna_conf_fhir_parameter(ngx_cigna_loc_conf_t *lcf, const u_char *text)
{
    if (ngx_strcmp(text, "cache=off") == 0) {
        lcf->cache = 0;

    } else if (ngx_strcmp(text, "links=off") == 0) {
        lcf->links = 0;

    } else if (ngx_strcmp(text, "cache=on") != 0
               && ngx_strcmp(text, "links=on") != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_cigna_conf_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_loc_conf_t *lcf = conf;

    ngx_cigna_srv_conf_t            *scf;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_cigna_conf_endpoint_post_t  *post;

    post = cmd->post;

    if (lcf->endpoint == post->endpoint) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "shares its location with another handler, give it a "
               "location of its own";
    }

    lcf->endpoint = post->endpoint;
    lcf->endpoint_handler = post->handler;
    clcf->handler = post->handler;

    /*
     * refusals send callers to connect_path: the first exact location with
     * cigna_connect
     */

    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_cigna_module);

    if (post->endpoint == ngx_cigna_endpoint_connect
        && clcf->exact_match && scf->connect_path.len == 0)
    {
        scf->connect_path = clcf->name;
    }

    return ngx_cigna_conf_use(cf, lcf);
}


static char *
ngx_cigna_conf_use(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_cigna_main_conf_t  *mcf;

    lcf->place = ngx_cigna_place_create(cf);

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);
    mcf->used = lcf->place;

    return lcf->place ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/*
 * Copies the endpoint and the handler of a location to an "if" or a
 * "limit_except" in it that has no handler.  nginx itself calls no handler in
 * such a "limit_except".  In such an "if" nginx calls the handler of the
 * location, but with the settings of the "if", which must have the same
 * endpoint.
 */

void
ngx_cigna_conf_location_within(ngx_conf_t *cf, ngx_cigna_loc_conf_t *prev,
    ngx_cigna_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && clcf->handler == NULL) {
        conf->endpoint = prev->endpoint;
        conf->endpoint_handler = prev->endpoint_handler;
        clcf->handler = prev->endpoint_handler;
    }
}


ngx_int_t
ngx_cigna_conf_location_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_int_t  rc;

    if (lcf->identity) {
        ngx_cigna_place_enter(cf, lcf->identity);
        rc = ngx_cigna_conf_identity_check(cf, lcf);
        ngx_cigna_conf_certificate_check(cf, lcf);
        ngx_cigna_place_leave(cf, lcf->identity);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (!lcf->endpoint && !lcf->fhir) {
        return NGX_OK;
    }

    ngx_cigna_place_enter(cf, lcf->place);
    rc = ngx_cigna_conf_use_check(cf, lcf);
    ngx_cigna_place_leave(cf, lcf->place);

    return rc;
}


static ngx_int_t
ngx_cigna_conf_identity_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t              *name;
    ngx_cigna_main_conf_t  *mcf;

    if (lcf->tenant || lcf->tenant_value->lengths) {
        return NGX_OK;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);
    name = &lcf->tenant_value->value;

    lcf->tenant = ngx_cigna_tenant_find(mcf, name);

    if (lcf->tenant == NULL) {
        return ngx_cigna_conf_error(cf,
            "\"cigna_identity\" names the tenant \"%V\", which no "
            "\"cigna_tenant\" block defines", name);
    }

    return NGX_OK;
}


static void
ngx_cigna_conf_certificate_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_cigna_notice_t  *verify;

    if (lcf->certificate.len == 0 || lcf->identity->warned) {
        return;
    }

    verify = ngx_cigna_notice_find(lcf, "ssl_verify_client");

    if (verify == NULL
        || ngx_strcmp(verify->args[1].data, "optional_no_ca") != 0)
    {
        return;
    }

    lcf->identity->warned = 1;

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"cigna_identity\" uses \"$%V\", which any caller can "
                       "write where \"ssl_verify_client optional_no_ca\" "
                       "stands (%V:%ui): certificates are not verified there, "
                       "write \"ssl_verify_client on;\" or \"ssl_verify_client "
                       "optional;\"", &lcf->certificate,
                       &verify->place->file.file.name,
                       verify->place->file.line);
}


static ngx_int_t
ngx_cigna_conf_use_check(ngx_conf_t *cf, ngx_cigna_loc_conf_t *lcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (lcf->tenant_value == NULL
        && lcf->endpoint != ngx_cigna_endpoint_counters)
    {
        return ngx_cigna_conf_error(cf,
            "no \"cigna_identity\" for location \"%V\", write \"cigna_identity "
            "TENANT MEMBER;\" there or in the server", &clcf->name);
    }

    if (lcf->endpoint && lcf->endpoint_handler != clcf->handler) {
        return ngx_cigna_conf_error(cf,
            "location \"%V\" has another handler too, give each a location of "
            "its own", &clcf->name);
    }

    return lcf->fhir ? ngx_cigna_fhir_check(cf, lcf) : NGX_OK;
}

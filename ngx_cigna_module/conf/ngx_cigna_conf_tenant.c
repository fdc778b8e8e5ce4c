
#include "ngx_cigna_conf_tenant.h"
#include "ngx_cigna_conf_budget.h"
#include "ngx_cigna_conf_provider.h"
#include "ngx_cigna_conf_types.h"
#include "ngx_cigna_conf_value.h"
#include "gateway/ngx_cigna_dances.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "dance/cigna_dance_claim.h"
#include "budget/cigna_roster.h"


#define NGX_CIGNA_SCOPE  "openid fhirUser patient/*.read"

#define NGX_CIGNA_WAITERS_LIMIT  100000

#define NGX_CIGNA_EXCHANGE_TIMEOUT  (180 * 1000)   /* ms */


_Static_assert(CIGNA_DANCE_LIFE_MS + CIGNA_DANCE_CLAIM_MS
               + NGX_CIGNA_TIMEOUT_MAX + NGX_CIGNA_EXCHANGE_MAX
               < CIGNA_DANCE_KEPT_MS,
               "a dance is forgotten while its exchange may be open");


static ngx_cigna_tenant_t *ngx_cigna_conf_tenant_add(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf, ngx_str_t *name);
static ngx_int_t ngx_cigna_conf_tenant_default(ngx_conf_t *cf,
    ngx_cigna_tenant_options_t *o);
static void ngx_cigna_conf_tenant_fill(ngx_cigna_tenant_t *tenant,
    ngx_cigna_tenant_options_t *o);
static ngx_int_t ngx_cigna_conf_tenant_ssl(ngx_conf_t *cf,
    ngx_cigna_main_conf_t *mcf, ngx_cigna_tenant_t *tenant);
static char *ngx_cigna_conf_set_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_cigna_conf_set_waiters(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_cigna_conf_set_percent(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_cigna_conf_set_words(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_conf_enum_t  ngx_cigna_conf_environments[] = {
    { ngx_string("sandbox"), NGX_CIGNA_SANDBOX },
    { ngx_string("production"), NGX_CIGNA_PRODUCTION },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_cigna_conf_auth_methods[] = {
    { ngx_string("client_secret_post"), cigna_auth_post },
    { ngx_string("client_secret_basic"), cigna_auth_basic },
    { ngx_string("none"), cigna_auth_none },
    { ngx_null_string, 0 }
};


#define ngx_cigna_tenant_option(name, type, set, post, usage)                 \
    ngx_cigna_block_command(ngx_cigna_tenant_options_t, name, type, set,      \
                            post, usage)

#define ngx_cigna_tenant_number(name, type, set, post, low, high, initial,    \
                                usage)                                        \
    ngx_cigna_block_number(ngx_cigna_tenant_options_t, name, type, set, post, \
                           low, high, initial, usage)

#define ngx_cigna_tenant_num(name, kind, low, high, initial, usage)           \
    ngx_cigna_tenant_number(name, NGX_CONF_TAKE1, ngx_conf_set_##kind##_slot, \
                            NULL, low, high, initial, usage)

#define ngx_cigna_tenant_str(name, example)                                   \
    ngx_cigna_tenant_option(name, NGX_CONF_TAKE1, ngx_conf_set_str_slot,      \
                            NULL, "\"" #name " " example ";\"")


/* env is the command's offset: 1 for an environment variable, 0 for a file */

#define ngx_cigna_tenant_secret(name, env, example)                           \
    { { ngx_string(#name), NGX_CONF_TAKE1|NGX_CIGNA_BLOCK_REPEAT,             \
        ngx_cigna_conf_set_secret, 0, env, NULL },                            \
      "\"" #name " " example ";\" for the new secret, and below it for the "  \
      "older one", 0, 0, 0 }


static ngx_cigna_block_command_t  ngx_cigna_conf_tenant_commands[] = {

    ngx_cigna_tenant_number(environment, NGX_CONF_TAKE1,
        ngx_cigna_block_set_enum, &ngx_cigna_conf_environments,
        0, NGX_MAX_INT_T_VALUE, NGX_CONF_UNSET,
        "\"environment sandbox;\" or \"environment production;\""),

    ngx_cigna_tenant_str(issuer, "https://..."),
    ngx_cigna_tenant_str(authorization_endpoint, "https://..."),
    ngx_cigna_tenant_str(token_endpoint, "https://..."),
    ngx_cigna_tenant_str(jwks_uri, "https://..."),
    ngx_cigna_tenant_str(revocation_endpoint, "https://..."),
    ngx_cigna_tenant_str(fhir_base, "https://..."),

    ngx_cigna_tenant_number(token_endpoint_auth_method, NGX_CONF_TAKE1,
        ngx_cigna_block_set_enum, &ngx_cigna_conf_auth_methods,
        0, NGX_MAX_INT_T_VALUE, NGX_CONF_UNSET,
        "\"client_secret_post\", \"client_secret_basic\" or \"none\""),

    ngx_cigna_tenant_str(client_id, "ID"),
    ngx_cigna_tenant_secret(client_secret_file, 0, "FILE"),
    ngx_cigna_tenant_secret(client_secret_env, 1, "NAME"),
    ngx_cigna_tenant_str(redirect_uri, "https://..."),

    ngx_cigna_tenant_option(return_to, NGX_CONF_1MORE|NGX_CIGNA_BLOCK_REPEAT,
        ngx_cigna_block_set_list, NULL,
        "\"return_to https://...;\""),

    ngx_cigna_tenant_option(scope, NGX_CONF_1MORE,
        ngx_cigna_conf_set_words, NULL,
        "\"scope " NGX_CIGNA_SCOPE ";\""),

    ngx_cigna_tenant_str(aud, "on|off|URL"),

    ngx_cigna_tenant_option(authorize_param,
        NGX_CONF_TAKE2|NGX_CIGNA_BLOCK_REPEAT, ngx_conf_set_keyval_slot, NULL,
        "\"authorize_param NAME VALUE;\""),

    ngx_cigna_tenant_str(trusted_certificate, "FILE"),

    ngx_cigna_tenant_num(connect_timeout, msec, 1, NGX_CIGNA_TIMEOUT_MAX, 5000,
        "\"connect_timeout 5s;\", from 1ms to 5m"),

    ngx_cigna_tenant_num(timeout, msec, 1, NGX_CIGNA_TIMEOUT_MAX, 10000,
        "\"timeout 10s;\", from 1ms to 5m"),

    ngx_cigna_tenant_num(exchange_timeout, msec, 1, NGX_CIGNA_EXCHANGE_MAX,
        NGX_CONF_UNSET,
        "\"exchange_timeout 3m;\", from \"timeout\" to 10m"),

    ngx_cigna_tenant_num(clock_leeway, sec, 0, 600, 60,
        "\"clock_leeway 60s;\", from 0 to 10m"),

    ngx_cigna_tenant_num(token_lifetime, sec, 1, 86400, 300,
        "\"token_lifetime 300s;\", from 1s to 1d"),

    ngx_cigna_tenant_num(grant_ttl, sec, 60, 10 * 365 * 86400, 400 * 86400,
        "\"grant_ttl 400d;\", from 1m to 10y"),

    ngx_cigna_tenant_num(refresh_ahead, sec, 0, 600, 60,
        "\"refresh_ahead 60s;\", from 0 to 10m"),

    ngx_cigna_tenant_num(dances_per_member, num, 1, 10000, 8,
        "\"dances_per_member 8;\", from 1 to 10000"),

    ngx_cigna_tenant_num(dances_per_second, num, 1, 10000, 100,
        "\"dances_per_second 100;\", from 1 to 10000"),

    ngx_cigna_tenant_option(member_dances, NGX_CONF_1MORE,
        ngx_cigna_conf_budget_set, &ngx_cigna_budget_of_dances,
        NGX_CIGNA_MEMBER_DANCES_USAGE),

    ngx_cigna_tenant_num(token_requests, num, 1, 10000, 50,
        "\"token_requests 50;\", from 1 to 10000"),

    ngx_cigna_tenant_number(refresh_waiters, NGX_CONF_TAKE12,
        ngx_cigna_conf_set_waiters, NULL, 1, NGX_CIGNA_WAITERS_LIMIT, 4096,
        "\"refresh_waiters 4096 per_grant=1024;\", from 1 to 100000"),

    ngx_cigna_tenant_number(refused_share, NGX_CONF_TAKE1,
        ngx_cigna_conf_set_percent, NULL, 1, 100, 50,
        "\"refused_share 50%;\", from 1% to 100%"),

    ngx_cigna_tenant_option(budget, NGX_CONF_1MORE,
        ngx_cigna_conf_budget_set, &ngx_cigna_budget_of_tenant,
        NGX_CIGNA_BUDGET_USAGE),

    ngx_cigna_tenant_option(member_budget, NGX_CONF_1MORE,
        ngx_cigna_conf_budget_set, &ngx_cigna_budget_of_member,
        NGX_CIGNA_MEMBER_BUDGET_USAGE),

    ngx_cigna_tenant_number(userinfo, NGX_CONF_FLAG,
        ngx_conf_set_flag_slot, NULL, 0, 1, NGX_CONF_UNSET,
        "\"userinfo on;\" or \"userinfo off;\""),

    ngx_cigna_tenant_option(resource_types, NGX_CONF_1MORE,
        ngx_cigna_conf_set_types, NULL,
        "\"resource_types Patient Coverage;\", with \"dry_run\" at the end "
        "to count only"),

    ngx_cigna_tenant_number(insecure_http, NGX_CONF_FLAG,
        ngx_conf_set_flag_slot, NULL, 0, 1, 0,
        "\"insecure_http on;\", for tests only"),

    ngx_cigna_null_block_command
};


char *
ngx_cigna_conf_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_main_conf_t *mcf = conf;

    char                        *rv;
    ngx_str_t                   *value;
    ngx_cigna_tenant_t          *tenant;
    ngx_cigna_tenant_options_t   o;

    value = cf->args->elts;

    tenant = ngx_cigna_conf_tenant_add(cf, mcf, &value[1]);
    if (tenant == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&o, sizeof(ngx_cigna_tenant_options_t));

    rv = ngx_cigna_block_parse(cf, "cigna_tenant",
                               ngx_cigna_conf_tenant_commands, &o);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_cigna_conf_tenant_default(cf, &o) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_cigna_conf_tenant_fill(tenant, &o);

    ngx_cigna_place_enter(cf, tenant->place);

    if (ngx_cigna_conf_provider(cf, &o, tenant) != NGX_OK
        || ngx_cigna_conf_tenant_ssl(cf, mcf, tenant) != NGX_OK
        || cigna_vault_register(&tenant->provider) != CIGNA_OK)
    {
        rv = NGX_CONF_ERROR;
    }

    ngx_cigna_place_leave(cf, tenant->place);

    return rv;
}


static ngx_cigna_tenant_t *
ngx_cigna_conf_tenant_add(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_str_t *name)
{
    ngx_cigna_tenant_t  *tenant, **slot;

    /* names of tenants go into records in Redis and into log lines */

    if (!ngx_cigna_conf_name(name, "-_.", CIGNA_ROSTER_NAME_MAX)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"cigna_tenant\" has an invalid name \"%V\", use "
                           "at most %d letters, digits, \"-\", \"_\" and "
                           "\".\"", name, CIGNA_ROSTER_NAME_MAX);
        return NULL;
    }

    if (ngx_cigna_tenant_find(mcf, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"cigna_tenant\" \"%V\" is duplicate, each "
                           "tenant needs a name of its own", name);
        return NULL;
    }

    tenant = ngx_pcalloc(cf->pool, sizeof(ngx_cigna_tenant_t));
    slot = ngx_array_push(&mcf->tenants);

    if (tenant == NULL || slot == NULL) {
        return NULL;
    }

    *slot = tenant;

    tenant->name = *name;
    tenant->place = ngx_cigna_place_create(cf);

    if (tenant->place == NULL
        || ngx_cigna_index_add(&mcf->names, ngx_cigna_slice(&tenant->name),
                               tenant)
           != NGX_OK)
    {
        return NULL;
    }

    return tenant;
}


static ngx_int_t
ngx_cigna_conf_tenant_default(ngx_conf_t *cf, ngx_cigna_tenant_options_t *o)
{
    if (o->scope.len == 0) {
        ngx_str_set(&o->scope, NGX_CIGNA_SCOPE);
    }

    if (o->per_grant == 0) {
        o->per_grant = ngx_min(o->refresh_waiters, 1024);
    }

    /* Cigna's server has $userinfo, other servers may not have it */

    ngx_conf_init_value(o->userinfo, o->environment != NGX_CONF_UNSET_UINT);

    /* an exchange must last at least as long as requests wait for its end */

    ngx_conf_init_msec_value(o->exchange_timeout,
                             ngx_max(o->timeout, NGX_CIGNA_EXCHANGE_TIMEOUT));

    if (o->exchange_timeout < o->timeout) {
        return ngx_cigna_conf_error(cf,
            "\"exchange_timeout\" is shorter than \"timeout\" in "
            "\"cigna_tenant\", write \"exchange_timeout %Mms;\" or more",
            o->timeout);
    }

    return NGX_OK;
}


static void
ngx_cigna_conf_tenant_fill(ngx_cigna_tenant_t *tenant,
    ngx_cigna_tenant_options_t *o)
{
    tenant->connect_timeout = o->connect_timeout;
    tenant->timeout = o->timeout;
    tenant->exchange_timeout = o->exchange_timeout;
    tenant->dances_per_second = o->dances_per_second;
    tenant->token_requests = o->token_requests;
    tenant->refresh_waiters = o->refresh_waiters;
    tenant->grant_waiters = o->per_grant;
    tenant->refused_share = o->refused_share;
    tenant->types = o->resource_types;
    tenant->types_dry = o->types_dry;
    tenant->trusted_certificate = o->trusted_certificate;
    tenant->budget_conf = o->budget;
    tenant->member_budget_conf = o->member_budget;

    ngx_cigna_dances_limit(&o->member_dances, tenant->dances_per_second,
                           &tenant->member_dances);
}


/* tenants with the same trusted_certificate share an ngx_ssl_t */

static ngx_int_t
ngx_cigna_conf_tenant_ssl(ngx_conf_t *cf, ngx_cigna_main_conf_t *mcf,
    ngx_cigna_tenant_t *tenant)
{
    cigna_slice_t  trusted;

    trusted = ngx_cigna_slice(&tenant->trusted_certificate);

    tenant->ssl = ngx_cigna_index_find(&mcf->stores, trusted);

    if (tenant->ssl) {
        return NGX_OK;
    }

    tenant->ssl = ngx_cigna_tls_create(cf, &tenant->trusted_certificate);

    return tenant->ssl ? ngx_cigna_index_add(&mcf->stores, trusted,
                                             tenant->ssl)
                       : NGX_ERROR;
}


/* setter of "client_secret_file" and "client_secret_env" */

static char *
ngx_cigna_conf_set_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_tenant_options_t *o = conf;

    ngx_str_t                  *value;
    ngx_cigna_secret_source_t  *source;

    if (o->nclient_secrets == NGX_CIGNA_CLIENT_SECRETS_MAX) {
        return "is the third client secret";
    }

    value = cf->args->elts;

    source = &o->client_secrets[o->nclient_secrets++];
    source->name = value[1];
    source->env = cmd->offset;

    return NGX_CONF_OK;
}


/* setter of "refresh_waiters N [per_grant=M]" */

static char *
ngx_cigna_conf_set_waiters(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_cigna_tenant_options_t *o = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "per_grant=", 10) == 0) {
            o->per_grant = ngx_atoi(value[2].data + 10, value[2].len - 10);
        }

        if (o->per_grant < 1 || o->per_grant > NGX_CIGNA_WAITERS_LIMIT) {
            return "has an invalid parameter";
        }
    }

    o->refresh_waiters = ngx_atoi(value[1].data, value[1].len);

    return (o->refresh_waiters < 1
            || o->refresh_waiters > NGX_CIGNA_WAITERS_LIMIT)
           ? "has an invalid value" : NGX_CONF_OK;
}


/* setter of "refused_share N%" */

static char *
ngx_cigna_conf_set_percent(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_int_t  *field;
    ngx_str_t  *value;

    field = (ngx_int_t *) (p + cmd->offset);
    value = (ngx_str_t *) cf->args->elts + 1;

    *field = (value->len && value->data[value->len - 1] == '%')
             ? ngx_atoi(value->data, value->len - 1) : NGX_ERROR;

    return (*field < 1 || *field > 100) ? "has an invalid value" : NGX_CONF_OK;
}


/* setter of "scope": joins the arguments by spaces */

static char *
ngx_cigna_conf_set_words(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    size_t       len;
    u_char      *last;
    ngx_str_t   *field, *value;
    ngx_uint_t   i;

    field = (ngx_str_t *) (p + cmd->offset);
    value = cf->args->elts;
    len = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        len += value[i].len + 1;
    }

    last = ngx_pnalloc(cf->pool, len);
    if (last == NULL) {
        return NGX_CONF_ERROR;
    }

    field->data = last;
    field->len = len - 1;

    for (i = 1; i < cf->args->nelts; i++) {
        last = ngx_cpymem(last, value[i].data, value[i].len);
        *last++ = ' ';
    }

    return NGX_CONF_OK;
}

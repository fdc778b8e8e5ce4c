
/*
 * $cigna_* variables.  They are not cacheable, as their values change while a
 * request goes on: a map may read a variable before it is set.
 */


#include "ngx_cigna_handlers.h"
#include "fhir/ngx_cigna_budget_gate.h"
#include "request/ngx_cigna_identity.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_main_conf.h"


static ngx_int_t ngx_cigna_variable_tenant(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_member(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_ctx(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_uint_t ngx_cigna_variable_plain(const ngx_str_t *s);
static ngx_int_t ngx_cigna_variable_source(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_budget(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_waited(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_set(ngx_http_variable_value_t *v,
    u_char *data, size_t len);


static ngx_http_variable_t  ngx_cigna_variables[] = {

    { ngx_string("cigna_tenant"), NULL, ngx_cigna_variable_tenant,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_member"), NULL, ngx_cigna_variable_member,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_outcome"), NULL, ngx_cigna_variable_ctx,
      offsetof(ngx_cigna_ctx_t, outcome), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_token_source"), NULL, ngx_cigna_variable_source,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_dance"), NULL, ngx_cigna_variable_ctx,
      offsetof(ngx_cigna_ctx_t, dance), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_patient"), NULL, ngx_cigna_variable_ctx,
      offsetof(ngx_cigna_ctx_t, patient), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_scope"), NULL, ngx_cigna_variable_ctx,
      offsetof(ngx_cigna_ctx_t, scope), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_userinfo"), NULL, ngx_cigna_variable_ctx,
      offsetof(ngx_cigna_ctx_t, userinfo), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_request_id"), NULL, ngx_cigna_variable_request_id,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },


    { ngx_string("cigna_budget"), NULL, ngx_cigna_variable_budget,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("cigna_budget_wait"), NULL, ngx_cigna_variable_waited,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_cigna_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t    *var, *v;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_cigna_module);
    mcf->variables = ngx_cigna_variables;

    for (v = ngx_cigna_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/*
 * If the request has no identity yet, this function evaluates cigna_identity,
 * but does not keep the result: access checks may still change the identity.
 */

static ngx_int_t
ngx_cigna_variable_tenant(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_cigna_ctx_t  *ctx, now;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL || ctx->tenant == NULL) {
        ngx_memzero(&now, sizeof(ngx_cigna_ctx_t));
        (void) ngx_cigna_identity(r, &now);
        ctx = &now;
    }

    if (ctx->tenant == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_cigna_variable_set(v, ctx->tenant->name.data,
                                  ctx->tenant->name.len);
}


static ngx_int_t
ngx_cigna_variable_member(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_cigna_ctx_t      *ctx, now;
    cigna_vault_names_t  *id;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL || ctx->names == NULL) {

        ngx_memzero(&now, sizeof(ngx_cigna_ctx_t));

        if (ngx_cigna_identity(r, &now) != ngx_cigna_identity_known) {
            v->not_found = 1;
            return NGX_OK;
        }

        ctx = &now;
    }

    id = ngx_cigna_identity_names(r, ctx);
    if (id == NULL) {
        return NGX_ERROR;
    }

    return ngx_cigna_variable_set(v, id->hash, CIGNA_NAME_LEN);
}


static ngx_int_t
ngx_cigna_variable_ctx(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t        *s;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    s = (ngx_str_t *) ((char *) ctx + data);

    if (s->len == 0 || !ngx_cigna_variable_plain(s)) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_cigna_variable_set(v, s->data, s->len);
}


/* 1 if the value has no control bytes, for use in header lines and logs */

static ngx_uint_t
ngx_cigna_variable_plain(const ngx_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] < 0x20 || s->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_cigna_variable_source(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char        *name;
    ngx_cigna_ctx_t   *ctx;

    static const char *const  names[] = { NULL, "cache", "vault", "refresh" };

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    name = ctx ? names[ctx->source] : NULL;

    if (name == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_cigna_variable_set(v, (u_char *) name, ngx_strlen(name));
}


static ngx_int_t
ngx_cigna_variable_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t              *id;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (mcf->tenants.nelts == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    id = ngx_cigna_request_id(r);

    return ngx_cigna_variable_set(v, id->data, id->len);
}


static ngx_int_t
ngx_cigna_variable_budget(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char       *name;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    name = ctx && ctx->budget_gate
           ? ngx_cigna_budget_gate_name(ctx->budget_gate) : NULL;

    if (name == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_cigna_variable_set(v, (u_char *) name, ngx_strlen(name));
}


/* in seconds with milliseconds, like nginx's own variables */

static ngx_int_t
ngx_cigna_variable_waited(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char           *p;
    ngx_msec_t        ms;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL || ctx->budget_gate == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ms = ctx->budget_gate->waited;

    return ngx_cigna_variable_set(v, p,
                                  ngx_sprintf(p, "%T.%03M", (time_t) ms / 1000,
                                              ms % 1000)
                                  - p);
}


static ngx_int_t
ngx_cigna_variable_set(ngx_http_variable_value_t *v, u_char *data, size_t len)
{
    v->data = data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}

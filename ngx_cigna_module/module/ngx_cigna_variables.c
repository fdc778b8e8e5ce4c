
/*
 * $cigna_* variables.  They are not cacheable, as their values change while a
 * request goes on: a "map" may read a variable before the module sets it.
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
static ngx_int_t ngx_cigna_variable_source(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_budget(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_waited(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_cigna_variable_set(ngx_http_variable_value_t *v,
    const void *data, size_t len);
static ngx_int_t ngx_cigna_variable_set_name(ngx_http_variable_value_t *v,
    const char *name);
static ngx_int_t ngx_cigna_variable_none(ngx_http_variable_value_t *v);


#define ngx_cigna_variable(name, get)                                         \
    { ngx_string("cigna_" name), NULL, ngx_cigna_variable_##get,              \
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 }

/* a variable whose value is the string "field" of the request's context */

#define ngx_cigna_variable_of(name, field)                                    \
    { ngx_string("cigna_" name), NULL, ngx_cigna_variable_ctx,                \
      offsetof(ngx_cigna_ctx_t, field), NGX_HTTP_VAR_NOCACHEABLE, 0 }

static ngx_http_variable_t  ngx_cigna_variables[] = {
    ngx_cigna_variable("tenant", tenant),
    ngx_cigna_variable("member", member),
    ngx_cigna_variable_of("outcome", outcome),
    ngx_cigna_variable("token_source", source),
    ngx_cigna_variable_of("dance", dance),
    ngx_cigna_variable_of("patient", patient),
    ngx_cigna_variable_of("scope", scope),
    ngx_cigna_variable_of("userinfo", userinfo),
    ngx_cigna_variable("request_id", request_id),
    ngx_cigna_variable("budget", budget),
    ngx_cigna_variable("budget_wait", waited),
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
        return ngx_cigna_variable_none(v);
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

        if (ngx_cigna_identity(r, &now) != ngx_cigna_condition_served) {
            return ngx_cigna_variable_none(v);
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
    cigna_slice_t     text;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL) {
        return ngx_cigna_variable_none(v);
    }

    s = (ngx_str_t *) ((char *) ctx + data);
    text = ngx_cigna_slice(s);

    /* a control byte must not get into header lines and logs */

    if (text.len == 0 || !cigna_slice_plain(text)
        || cigna_slice_has(text, '\t'))
    {
        return ngx_cigna_variable_none(v);
    }

    return ngx_cigna_variable_set(v, text.data, text.len);
}


static ngx_int_t
ngx_cigna_variable_source(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_cigna_ctx_t  *ctx;

    static const char *const  names[] = { NULL, "cache", "vault", "refresh" };

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    return ngx_cigna_variable_set_name(v, ctx ? names[ctx->source] : NULL);
}


static ngx_int_t
ngx_cigna_variable_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t              *id;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (mcf->tenants.nelts == 0) {
        return ngx_cigna_variable_none(v);
    }

    id = ngx_cigna_request_id(r);

    return ngx_cigna_variable_set(v, id->data, id->len);
}


static ngx_int_t
ngx_cigna_variable_budget(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    return ngx_cigna_variable_set_name(v,
               ctx && ctx->budget_gate
               ? ngx_cigna_budget_gate_name(ctx->budget_gate) : NULL);
}


/*
 * how long the request has waited for budgets: in seconds with milliseconds,
 * like nginx's own variables
 */

static ngx_int_t
ngx_cigna_variable_waited(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char           *p;
    ngx_msec_t        ms;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL || ctx->budget_gate == NULL) {
        return ngx_cigna_variable_none(v);
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
ngx_cigna_variable_set(ngx_http_variable_value_t *v, const void *data,
    size_t len)
{
    v->data = (u_char *) data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* the variable has no value if name is NULL */

static ngx_int_t
ngx_cigna_variable_set_name(ngx_http_variable_value_t *v, const char *name)
{
    return name ? ngx_cigna_variable_set(v, name, ngx_strlen(name))
                : ngx_cigna_variable_none(v);
}


static ngx_int_t
ngx_cigna_variable_none(ngx_http_variable_value_t *v)
{
    v->not_found = 1;

    return NGX_OK;
}

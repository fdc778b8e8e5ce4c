
#include "ngx_cigna_ctx.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "nginx/ngx_cigna_pool_secret.h"


static u_char *ngx_cigna_ctx_copy(u_char *p, ngx_str_t *to, cigna_slice_t s);


ngx_cigna_ctx_t *
ngx_cigna_ctx(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_cigna_ctx_t));

        if (ctx != NULL) {
            ctx->mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
            ngx_http_set_ctx(r, ctx, ngx_cigna_module);
        }
    }

    return ctx;
}


ngx_int_t
ngx_cigna_ctx_begin(ngx_http_request_t *r, ngx_cigna_ctx_t **ctx)
{
    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    *ctx = ngx_cigna_ctx(r);
    if (*ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_discard_request_body(r);
}


ngx_str_t *
ngx_cigna_request_id(ngx_http_request_t *r)
{
    ngx_str_t                  *id;
    ngx_cigna_ctx_t            *ctx;
    ngx_cigna_main_conf_t      *mcf;
    ngx_http_variable_value_t  *vv;
    static ngx_str_t            none = ngx_string("");

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx && ctx->trace.request_id.len) {
        return &ctx->trace.request_id;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    vv = ngx_http_get_indexed_variable(r, mcf->request_id);
    if (vv == NULL || vv->not_found) {
        return &none;
    }

    id = ngx_palloc(r->pool, sizeof(ngx_str_t));
    if (id == NULL) {
        return &none;
    }

    id->len = vv->len;
    id->data = vv->data;

    return id;
}


void
ngx_cigna_ctx_about(ngx_cigna_ctx_t *ctx, ngx_str_t *patient,
    ngx_str_t *scope, ngx_str_t *userinfo)
{
    ctx->patient = *patient;
    ctx->scope = *scope;
    ctx->userinfo = *userinfo;
}


ngx_int_t
ngx_cigna_ctx_grant(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant)
{
    u_char     *p;
    ngx_str_t   patient, scope, userinfo;

    p = ngx_cigna_pool_secret_alloc(r->pool,
                                    grant->patient.len + grant->scope.len
                                    + grant->userinfo.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cigna_ctx_copy(p, &patient, grant->patient);
    p = ngx_cigna_ctx_copy(p, &scope, grant->scope);
    (void) ngx_cigna_ctx_copy(p, &userinfo, grant->userinfo);

    ngx_cigna_ctx_about(ctx, &patient, &scope, &userinfo);

    return NGX_OK;
}


static u_char *
ngx_cigna_ctx_copy(u_char *p, ngx_str_t *to, cigna_slice_t s)
{
    to->data = p;
    to->len = s.len;

    return ngx_cpymem(p, s.data, s.len);
}

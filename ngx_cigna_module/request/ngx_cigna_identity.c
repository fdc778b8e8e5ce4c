
#include "ngx_cigna_identity.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"


ngx_cigna_condition_e
ngx_cigna_identity(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_condition_e   e;

    e = ngx_cigna_identity_tenant(r, ctx);

    if (e != ngx_cigna_condition_served) {
        return e;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (ngx_http_complex_value(r, lcf->member_value, &ctx->member) != NGX_OK) {
        return ngx_cigna_condition_internal_error;
    }

    if (ctx->member.len == 0) {
        return ngx_cigna_condition_no_identity;
    }

    if (!cigna_vault_names_valid(ngx_cigna_slice(&ctx->member))) {
        return ngx_cigna_condition_identity_invalid;
    }

    return ngx_cigna_condition_served;
}


ngx_cigna_condition_e
ngx_cigna_identity_tenant(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_str_t               name;
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_main_conf_t  *mcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (lcf->member_value == NULL) {
        return ngx_cigna_condition_no_identity;
    }

    if (lcf->tenant != NULL) {
        ctx->tenant = lcf->tenant;
        return ngx_cigna_condition_served;
    }

    if (ngx_http_complex_value(r, lcf->tenant_value, &name) != NGX_OK) {
        return ngx_cigna_condition_internal_error;
    }

    if (name.len == 0) {
        return ngx_cigna_condition_no_identity;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    ctx->tenant = ngx_cigna_tenant_find(mcf, &name);

    return ctx->tenant ? ngx_cigna_condition_served
                       : ngx_cigna_condition_identity_invalid;
}


cigna_vault_names_t *
ngx_cigna_identity_names(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_vault_names_t    *id;
    ngx_cigna_main_conf_t  *mcf;

    if (ctx->names != NULL) {
        return ctx->names;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    id = ngx_palloc(r->pool, sizeof(cigna_vault_names_t));

    if (id == NULL
        || cigna_vault_names_init(id, &mcf->vault,
                                  ngx_cigna_slice(&ctx->tenant->name),
                                  ngx_cigna_slice(&ctx->member))
           != CIGNA_OK)
    {
        return NULL;
    }

    ctx->names = id;

    return id;
}


ngx_int_t
ngx_cigna_identity_key(ngx_cigna_ctx_t *ctx, ngx_cigna_cache_key_t *key)
{
    return ngx_cigna_cache_key_hash(ctx->mcf->worker->cache_hash,
                                    &ctx->tenant->name, &ctx->member, key);
}

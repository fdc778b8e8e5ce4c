
#include "ngx_cigna_token.h"


ngx_int_t
ngx_cigna_token_refuse(ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e)
{
    ctx->token->condition = e;
    ctx->token->state = ngx_cigna_token_refused;

    return NGX_ABORT;
}


ngx_int_t
ngx_cigna_token_use(ngx_cigna_ctx_t *ctx, ngx_str_t *value,
    ngx_cigna_source_e source)
{
    ctx->source = source;

    if (source == ngx_cigna_source_cache) {
        ngx_cigna_ctx_about(ctx, &ctx->token->cached.patient,
                            &ctx->token->cached.scope,
                            &ctx->token->cached.userinfo);
    }

    ctx->token->value = *value;
    ctx->token->state = ngx_cigna_token_found;

    return NGX_OK;
}


void
ngx_cigna_token_of(ngx_cigna_token_t *t, const u_char id[CIGNA_GRANT_ID_LEN],
    uint64_t generation)
{
    ngx_memcpy(t->id, id, CIGNA_GRANT_ID_LEN);
    t->generation = generation;
}

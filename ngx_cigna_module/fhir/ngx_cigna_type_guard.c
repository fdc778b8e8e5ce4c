
#include "ngx_cigna_type_guard.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_reply.h"
#include "shm/ngx_cigna_counters.h"
#include "fhir/cigna_resource_types.h"


#define NGX_CIGNA_TYPE_GUARD_ABOUT                                            \
    (sizeof("Asked for: .") + CIGNA_TYPE_LEN_MAX)


static ngx_cigna_condition_e ngx_cigna_type_guard_refuse(
    ngx_http_request_t *r, ngx_cigna_ctx_t *ctx, cigna_slice_t what);


ngx_cigna_condition_e
ngx_cigna_type_guard(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_gate_out_t *gate)
{
    u_char               mem[CIGNA_TYPE_LEN_MAX];
    cigna_buf_t          what;
    ngx_cigna_tenant_t  *tenant = ctx->tenant;

    if (tenant->types.count == 0 || ctx->public_metadata || ctx->replayed) {
        return ngx_cigna_condition_served;
    }

    cigna_buf_init(&what, mem, CIGNA_TYPE_LEN_MAX);

    if (cigna_resource_types_allow(&tenant->types,
                                   cigna_slice_skip(gate->path, 1), gate->args,
                                   &what)
        == CIGNA_OK)
    {
        return ngx_cigna_condition_served;
    }

    return ngx_cigna_type_guard_refuse(r, ctx, cigna_buf_slice(&what));
}


static ngx_cigna_condition_e
ngx_cigna_type_guard_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t what)
{
    if (what.len == 0) {
        what = cigna_slice("?");
    }

    if (ctx->tenant->types_dry) {

        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_types_dry);

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "cigna: \"resource_types\" of tenant %V would have "
                      "refused a request for \"%*s\", request: %V",
                      &ctx->tenant->name, what.len, what.data,
                      ngx_cigna_request_id(r));
        return ngx_cigna_condition_served;
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_types_refused);

    if (ngx_cigna_reply_print(r->pool, &ctx->about, NGX_CIGNA_TYPE_GUARD_ABOUT,
                              "Asked for: %*s.", what.len, what.data)
        != NGX_OK)
    {
        return ngx_cigna_condition_internal_error;
    }

    return ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_type_refused, "fhir",
                               &ctx->about);
}

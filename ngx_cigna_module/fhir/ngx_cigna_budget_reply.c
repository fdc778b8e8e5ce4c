
#include "ngx_cigna_budget_reply.h"
#include "gateway/ngx_cigna_budget_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_main_conf.h"


typedef struct {
    ngx_cigna_condition_e  condition;
    ngx_cigna_count_e      count;
} ngx_cigna_budget_reply_row_t;


static const ngx_cigna_budget_reply_row_t  ngx_cigna_budget_reply_rows[] = {
    [cigna_budget_by_none] = { ngx_cigna_condition_internal_error,
                               ngx_cigna_count_max },
    [cigna_budget_by_gateway] = { ngx_cigna_condition_budget_gateway,
                                  ngx_cigna_count_budget_gateway },
    [cigna_budget_by_tenant] = { ngx_cigna_condition_budget_tenant,
                                 ngx_cigna_count_budget_tenant },
    [cigna_budget_by_pause] = { ngx_cigna_condition_held_back,
                                ngx_cigna_count_held_back },
    [cigna_budget_by_member] = { ngx_cigna_condition_budget_member,
                                 ngx_cigna_count_budget_member },
    [cigna_budget_by_outage] = { ngx_cigna_condition_budget_unknown,
                                 ngx_cigna_count_budget_unknown },
    [cigna_budget_by_metadata] = { ngx_cigna_condition_budget_metadata,
                                   ngx_cigna_count_budget_metadata }
};


ngx_int_t
ngx_cigna_budget_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_budget_answer_t *answer)
{
    ngx_uint_t                           seconds;
    const ngx_cigna_budget_reply_row_t  *row;

    row = &ngx_cigna_budget_reply_rows[answer->by];
    seconds = (ngx_uint_t) ngx_max((answer->wait_ms + 999) / 1000, 1);

    ngx_cigna_count(ctx->tenant->counters, row->count);
    ngx_cigna_reply_log(r, ctx, row->condition, "fhir", NULL);

    return ngx_cigna_reply_condition(r, ctx, row->condition,
                                     ngx_cigna_reply_fhir, seconds, NULL);
}


void
ngx_cigna_budget_reply_dry(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_budget_answer_t *answer)
{
    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_budget_dry_run);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "cigna: fhir request would have been refused, condition: "
                  "%s, tenant: %V, request: %V",
                  ngx_cigna_budget_reply_name(answer->by), &ctx->tenant->name,
                  ngx_cigna_request_id(r));
}


const char *
ngx_cigna_budget_reply_name(cigna_budget_by_e by)
{
    ngx_cigna_condition_e  e;

    e = ngx_cigna_budget_reply_rows[by].condition;

    return (const char *) ngx_cigna_condition(e)->name.data;
}

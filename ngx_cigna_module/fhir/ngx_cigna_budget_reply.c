
/*
 * Replies to requests that a budget has refused: status 429, Retry-After, and
 * the header lines of draft-ietf-httpapi-ratelimit-headers-10,
 *
 *     RateLimit-Policy: "gateway";q=100;w=1, "tenant";q=600;w=60
 *     RateLimit: "tenant";r=0;t=2
 *
 * where q requests are allowed in w seconds, and of the budget that has refused
 * r are left for now, and more in t seconds.
 */


#include "ngx_cigna_budget_reply.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_budget_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_main_conf.h"


#define NGX_CIGNA_BUDGET_REPLY_POLICIES  128   /* bytes */


typedef struct {
    ngx_cigna_condition_e   condition;
    ngx_cigna_count_e       count;
    const char             *policy;        /* NULL: there is none */
} ngx_cigna_budget_reply_row_t;


static ngx_int_t ngx_cigna_budget_reply_headers(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_budget_by_e by, ngx_uint_t seconds);
static ngx_int_t ngx_cigna_budget_reply_policies(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_budget_by_e by);
static void ngx_cigna_budget_reply_policy(cigna_buf_t *b, const char *name,
    const ngx_cigna_budget_conf_t *budget);
static void ngx_cigna_budget_reply_rate(cigna_buf_t *b, const char *name,
    const cigna_rate_t *rate);


/* by cigna_budget_by_e */

static const ngx_cigna_budget_reply_row_t  ngx_cigna_budget_reply_rows[] = {
    { ngx_cigna_condition_internal_error, ngx_cigna_count_max, NULL },
    { ngx_cigna_condition_budget_gateway, ngx_cigna_count_budget_gateway, "gateway" },
    { ngx_cigna_condition_budget_tenant, ngx_cigna_count_budget_tenant, "tenant" },
    { ngx_cigna_condition_held_back, ngx_cigna_count_held_back, NULL },
    { ngx_cigna_condition_budget_member, ngx_cigna_count_budget_member, "member" },
    { ngx_cigna_condition_budget_unknown, ngx_cigna_count_budget_unknown, NULL },
    { ngx_cigna_condition_budget_metadata, ngx_cigna_count_budget_metadata, "metadata" }
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

    if (ngx_cigna_budget_reply_headers(r, ctx, answer->by, seconds) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply_condition(r, ctx, row->condition,
                                     ngx_cigna_reply_fhir, seconds, NULL);
}


static ngx_int_t
ngx_cigna_budget_reply_headers(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_budget_by_e by, ngx_uint_t seconds)
{
    ngx_str_t    value;
    cigna_buf_t  b;
    const char  *policy;

    if (ngx_cigna_budget_reply_policies(r, ctx, by) != NGX_OK) {
        return NGX_ERROR;
    }

    policy = ngx_cigna_budget_reply_rows[by].policy;

    if (policy == NULL) {
        return NGX_OK;
    }

    if (ngx_cigna_buf_init(r, &b, NGX_CIGNA_BUDGET_REPLY_POLICIES) != NGX_OK) {
        return NGX_ERROR;
    }

    cigna_buf_append_char(&b, '"');
    cigna_buf_append_str(&b, policy);
    cigna_buf_append_str(&b, "\";r=0;t=");
    cigna_buf_append_uint(&b, seconds);

    if (ngx_cigna_buf_done(&b, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_cigna_reply_header(r, "RateLimit", &value);
}


/* members need not know of the part that they have none of */

static ngx_int_t
ngx_cigna_budget_reply_policies(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_budget_by_e by)
{
    ngx_str_t               value;
    cigna_buf_t             b;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (ngx_cigna_buf_init(r, &b, NGX_CIGNA_BUDGET_REPLY_POLICIES) != NGX_OK) {
        return NGX_ERROR;
    }

    if (by == cigna_budget_metadata) {
        ngx_cigna_budget_reply_rate(&b, "metadata",
                                    &ctx->tenant->plan.metadata_rate);

    } else {
        ngx_cigna_budget_reply_policy(&b, "gateway", &mcf->budget);
        ngx_cigna_budget_reply_policy(&b, "tenant", &ctx->tenant->budget_conf);
        ngx_cigna_budget_reply_policy(&b, "member",
                                      &ctx->tenant->member_budget_conf);
    }

    if (ngx_cigna_buf_done(&b, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return value.len ? ngx_cigna_reply_header(r, "RateLimit-Policy", &value)
                     : NGX_OK;
}


/* one on trial refuses nothing, and callers need not know of it */

static void
ngx_cigna_budget_reply_policy(cigna_buf_t *b, const char *name,
    const ngx_cigna_budget_conf_t *budget)
{
    if (budget->rate.n == 0 || budget->dry_run) {
        return;
    }

    ngx_cigna_budget_reply_rate(b, name, &budget->rate);
}


static void
ngx_cigna_budget_reply_rate(cigna_buf_t *b, const char *name,
    const cigna_rate_t *rate)
{
    if (b->pos != b->start) {
        cigna_buf_append_str(b, ", ");
    }

    cigna_buf_append_char(b, '"');
    cigna_buf_append_str(b, name);
    cigna_buf_append_str(b, "\";q=");
    cigna_buf_append_uint(b, rate->n);
    cigna_buf_append_str(b, ";w=");
    cigna_buf_append_uint(b, rate->per_s);
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

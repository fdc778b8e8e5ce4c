
/*
 * What happens to a request before it is proxied.  Nothing is charged, and the
 * token goes nowhere, before the content handler: try_files may still leave.
 */


#include "ngx_cigna_fhir.h"
#include "ngx_cigna_budget_gate.h"
#include "ngx_cigna_metadata_reply.h"
#include "ngx_cigna_public_metadata.h"
#include "ngx_cigna_refusal.h"
#include "ngx_cigna_replay.h"
#include "ngx_cigna_search.h"
#include "request/ngx_cigna_trace.h"
#include "request/ngx_cigna_wait.h"
#include "request/ngx_cigna_identity.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_tenant.h"


/* one piece of memory for what a request needs */

typedef struct {
    ngx_cigna_token_t    token;
    ngx_cigna_inject_t   inject;
} ngx_cigna_fhir_t;


static ngx_int_t ngx_cigna_fhir_subrequest(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_fhir_init(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_decide(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_uint_t ngx_cigna_fhir_runs(ngx_http_request_t *r);
static ngx_uint_t ngx_cigna_fhir_runs_by(ngx_table_elt_t *h);
static ngx_uint_t ngx_cigna_fhir_open(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_budget(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_refuse_handler(ngx_http_request_t *r);


ngx_int_t
ngx_cigna_fhir_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_cigna_ctx_t       *ctx;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!lcf->fhir) {
        return NGX_DECLINED;
    }

    if (r != r->main || r->post_action) {
        return ngx_cigna_fhir_subrequest(r);
    }

    ctx = ngx_cigna_ctx(r);

    if (ctx == NULL || ngx_cigna_fhir_init(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_cigna_fhir_decide(r, ctx);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {

        /* a content handler of ours: mirror and try_files are skipped */

        r->content_handler = ngx_cigna_fhir_refuse_handler;
        return NGX_OK;
    }

    if (ngx_cigna_fhir_budget(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_cigna_inject(ctx->inject, &ctx->token->value);

    return NGX_DECLINED;
}


/*
 * No access check was made for it, or nobody waits for its reply: a mirror, an
 * SSI include, "post_action", ...  Its URI is the caller's and may hold any
 * byte, so the location's name is logged.  A subrequest that is a clone does
 * not come here, and ends in the content handler.
 */

static ngx_int_t
ngx_cigna_fhir_subrequest(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "cigna: a subrequest to location \"%V\" gets no token",
                  &clcf->name);

    r->content_handler = NULL;

    return NGX_HTTP_FORBIDDEN;
}


static ngx_int_t
ngx_cigna_fhir_init(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_fhir_t  *f;

    if (ctx->token != NULL) {
        return NGX_OK;
    }

    f = ngx_pcalloc(r->pool, sizeof(ngx_cigna_fhir_t));
    if (f == NULL) {
        return NGX_ERROR;
    }

    f->token.resume = ngx_cigna_wait_phases;
    f->inject.refused = ngx_cigna_replay;

    ctx->token = &f->token;
    ctx->inject = &f->inject;

    return ngx_cigna_trace(r, ctx);
}


/* NGX_OK: goes on with a token; NGX_AGAIN: waits; NGX_ABORT: is refused */

static ngx_int_t
ngx_cigna_fhir_decide(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_cigna_identity_e   who;
    ngx_cigna_condition_e  e;

    if (ctx->token->state == ngx_cigna_token_new) {

        if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {

            if (ngx_cigna_search_asked(r, &e) != NGX_OK) {
                return ngx_cigna_token_refuse(ctx, e);
            }

            ctx->inject->search = 1;

            /* whoever reads it: "mirror" does before us */

            r->request_body_in_file_only = 0;
        }

        if (r->content_handler == NULL) {
            return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_destination_refused);
        }

        if (ngx_cigna_fhir_runs(r)) {
            return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_use_refused);
        }

        if (ngx_cigna_fhir_open(r, ctx)) {
            return NGX_OK;
        }

        who = ngx_cigna_identity(r, ctx);

        if (who != ngx_cigna_identity_known) {
            return ngx_cigna_token_refuse(ctx,
                                          ngx_cigna_identity_condition(who));
        }

        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_fhir_requests);
    }

    rc = ngx_cigna_token_find(r, ctx);

    if (rc == NGX_OK && ctx->outcome.len == 0) {
        ctx->outcome = ngx_cigna_condition(ngx_cigna_condition_served)->name;
    }

    return rc;
}


/*
 * Whether a browser is about to run the reply as a part of a page: no line of
 * a reply keeps it from that where the type is one of a script.  Fetch Metadata
 * (W3C), section 2.1, and Service Workers (W3C), section 6.1.
 */

static ngx_uint_t
ngx_cigna_fhir_runs(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            /* both names are of this length */

            if (h[i].key.len == 14 && ngx_cigna_fhir_runs_by(&h[i])) {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_cigna_fhir_runs_by(ngx_table_elt_t *h)
{
    const char *const        *use;
    static const char *const  uses[] = {
        "script", "style", "xslt", "worker", "sharedworker", "serviceworker",
        "audioworklet", "paintworklet", NULL
    };

    if (cigna_slice_named(ngx_cigna_slice(&h->key), "service-worker")) {
        return 1;
    }

    if (!cigna_slice_named(ngx_cigna_slice(&h->key), "sec-fetch-dest")) {
        return 0;
    }

    for (use = uses; *use; use++) {
        if (cigna_slice_eq_case(ngx_cigna_slice(&h->value),
                                cigna_slice_str(*use)))
        {
            return 1;
        }
    }

    return 0;
}


/* goes on without a token, whoever asks */

static ngx_uint_t
ngx_cigna_fhir_open(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    if (!ngx_cigna_public_metadata_asked(r)
        || ngx_cigna_identity_tenant(r, ctx) != ngx_cigna_identity_known)
    {
        return 0;
    }

    ctx->inject->open = 1;
    ctx->inject->answer = ngx_cigna_metadata_reply;
    ctx->outcome = ngx_cigna_condition(ngx_cigna_condition_served)->name;

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_open_requests);

    return 1;
}


/* it is held against the budgets when it is about to leave, not before */

static ngx_int_t
ngx_cigna_fhir_budget(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    if (ctx->tenant->budget == NULL || ctx->admit) {
        return NGX_OK;
    }

    ctx->admit = ngx_pcalloc(r->pool, sizeof(ngx_cigna_budget_gate_t));
    if (ctx->admit == NULL) {
        return NGX_ERROR;
    }

    ctx->inject->admit = ngx_cigna_budget_gate;
    ctx->inject->attempt = ngx_cigna_budget_gate_attempt;
    ctx->inject->answered = ngx_cigna_budget_gate_answered;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_fhir_refuse_handler(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (r != r->main || ctx == NULL || ctx->token == NULL) {
        return NGX_HTTP_FORBIDDEN;
    }

    return ngx_cigna_refusal(r, ctx);
}

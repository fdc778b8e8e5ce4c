
#include "ngx_cigna_token_refresh.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "jobs/ngx_cigna_refresher.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "nginx/ngx_cigna_time.h"
#include "request/ngx_cigna_identity.h"
#include "request/ngx_cigna_wait.h"


static ngx_int_t ngx_cigna_token_refresh_wait(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *refused);
static ngx_int_t ngx_cigna_token_refresh_use(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant);
static ngx_int_t ngx_cigna_token_refresh_copy(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant, ngx_str_t *value);
static ngx_int_t ngx_cigna_token_refresh_same(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant);
static ngx_int_t ngx_cigna_token_refresh_failed(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_token_refresh_give_up(ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e);


/* for each result of a refresh: the condition of a request without a token */

static const ngx_cigna_condition_e  ngx_cigna_token_refresh_ends[] = {
    [cigna_refresh_pending] = ngx_cigna_condition_refresh_failed,
    [cigna_refresh_ok] = ngx_cigna_condition_refresh_failed,
    [cigna_refresh_no_grant] = ngx_cigna_condition_not_connected,
    [cigna_refresh_spent] = ngx_cigna_condition_grant_spent,
    [cigna_refresh_moved] = ngx_cigna_condition_grant_moved,
    [cigna_refresh_refused] = ngx_cigna_condition_refresh_failed,
    [cigna_refresh_unavailable] = ngx_cigna_condition_refresh_failed,
    [cigna_refresh_paused] = ngx_cigna_condition_refresh_paused,
    [cigna_refresh_vault] = ngx_cigna_condition_vault_unreachable,
    [cigna_refresh_damaged] = ngx_cigna_condition_record_damaged,
    [cigna_refresh_unknown_key] = ngx_cigna_condition_key_unknown
};


ngx_int_t
ngx_cigna_token_refresh(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *refused)
{
    cigna_grant_t       grant;
    ngx_cigna_token_t  *t = ctx->token;

    if (refused == NULL) {
        return ngx_cigna_token_refresh_wait(r, ctx, NULL);
    }

    grant = *refused;

    if (t->refused_here
        && cigna_slice_eq(refused->id, ngx_cigna_token_id(t->id)))
    {
        /* the refused token may be newer than the grant in the vault */

        grant.generation = ngx_max(grant.generation, t->generation);
    }

    if (!t->refused_here
        && ngx_cigna_token_refresh_copy(r, ctx, refused, &t->refused) != NGX_OK)
    {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_internal_error);
    }

    if (refused->refresh_token.len == 0) {
        return ngx_cigna_token_refresh_failed(r, ctx);
    }

    return ngx_cigna_token_refresh_wait(r, ctx, &grant);
}


static ngx_int_t
ngx_cigna_token_refresh_wait(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *refused)
{
    ngx_int_t               rc;
    ngx_msec_t              timeout;
    ngx_cigna_run_t        *run;
    ngx_cigna_token_t      *t = ctx->token;
    ngx_cigna_condition_e   e;

    rc = ngx_cigna_refresher_start(ctx->mcf, ctx->tenant, ctx->names, &t->key,
                                   refused, ngx_cigna_request_id(r), &run,
                                   &t->retry_after_s);

    if (rc != NGX_OK) {
        e = (rc == NGX_BUSY) ? ngx_cigna_condition_refresh_failed
            : (rc == NGX_DECLINED) ? ngx_cigna_condition_refresh_paused
            : ngx_cigna_condition_internal_error;

        return ngx_cigna_token_refresh_give_up(ctx, e);
    }

    timeout = ctx->tenant->connect_timeout + ctx->tenant->timeout
              + ctx->mcf->redis.connect_timeout + ctx->mcf->redis.timeout;

    rc = ngx_cigna_wait_run(ctx->wait, run, timeout, t->resume);

    if (rc == NGX_AGAIN) {
        t->state = ngx_cigna_token_refreshing;
        return NGX_AGAIN;
    }

    e = (rc == NGX_BUSY) ? ngx_cigna_condition_refresh_crowded
                         : ngx_cigna_condition_internal_error;

    return ngx_cigna_token_refresh_give_up(ctx, e);
}


ngx_int_t
ngx_cigna_token_refresh_result(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_refresh_t    *flow;
    ngx_cigna_run_t    *run = ctx->wait->run;
    ngx_cigna_token_t  *t = ctx->token;

    if (run == NULL) {
        return ngx_cigna_token_refresh_give_up(ctx,
                                          ngx_cigna_condition_refresh_late);
    }

    flow = run->flow;

    if (!run->failed && flow->rc == cigna_refresh_ok) {
        return ngx_cigna_token_refresh_use(r, ctx, &flow->grant);
    }

    if (!run->failed && flow->rc == cigna_refresh_refused) {
        return ngx_cigna_token_refresh_failed(r, ctx);
    }

    /* another run of this node has just put a newer grant into the journal */

    if (!run->failed && !t->reread && flow->rc == cigna_refresh_unavailable
        && cigna_verdict_behind(&flow->verdict))
    {
        t->reread = 1;
        return NGX_DECLINED;
    }

    t->retry_after_s = ngx_max(flow->retry_after_s, 0);

    return ngx_cigna_token_refresh_give_up(ctx,
                                      ngx_cigna_token_refresh_ends[flow->rc]);
}


static ngx_int_t
ngx_cigna_token_refresh_use(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant)
{
    ngx_cigna_token_t  *t = ctx->token;

    if (cigna_secret_eq(grant->access_token, ngx_cigna_slice(&t->refused))) {
        return ngx_cigna_token_refresh_same(r, ctx, grant);
    }

    if (grant->expires_ms <= ngx_cigna_now_ms()) {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_refresh_failed);
    }

    if (ngx_cigna_token_refresh_copy(r, ctx, grant, &t->old) != NGX_OK) {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_internal_error);
    }

    return ngx_cigna_token_use(ctx, &t->old, ngx_cigna_source_refresh);
}


static ngx_int_t
ngx_cigna_token_refresh_copy(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant, ngx_str_t *value)
{
    if (grant->id.len != CIGNA_GRANT_ID_LEN) {
        return NGX_ERROR;
    }

    ngx_cigna_token_of(ctx->token, grant->id.data, grant->generation);

    if (ngx_cigna_ctx_grant(r, ctx, grant) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_cigna_pool_secret_copy(r->pool, value, grant->access_token.data,
                                      grant->access_token.len);
}


/*
 * The refresh has brought the refused token itself, because it had begun before
 * this node knew of the refusal.  Asks for one more refresh.
 */

static ngx_int_t
ngx_cigna_token_refresh_same(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant)
{
    if (ctx->token->retried) {
        return ngx_cigna_token_refresh_failed(r, ctx);
    }

    ctx->token->retried = 1;

    return ngx_cigna_token_refresh(r, ctx, grant);
}


/*
 * Called if the refresh has brought no token other than the refused one.  Only
 * a request that got a 401 itself is then refused: perhaps the FHIR server
 * refuses that request, and not the token.  Any other request still sends the
 * token.
 */

static ngx_int_t
ngx_cigna_token_refresh_failed(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_token_t  *t = ctx->token;

    if (t->refused.len == 0) {

        /* this request's token has expired, but was not refused: try again */

        if (t->retried) {
            return ngx_cigna_token_refresh_give_up(ctx,
                                          ngx_cigna_condition_refresh_failed);
        }

        t->retried = 1;

        return ngx_cigna_token_refresh_wait(r, ctx, NULL);
    }

    if (!t->refused_here) {
        return ngx_cigna_token_use(ctx, &t->refused, ngx_cigna_source_vault);
    }

    ngx_cigna_cache_drop(ctx->mcf->zone, &t->key, ctx->names->hash);

    return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_grant_refused);
}


/*
 * Uses the old token, if there is one, unless the condition asks the member to
 * connect again.  Otherwise refuses the request.
 */

static ngx_int_t
ngx_cigna_token_refresh_give_up(ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e)
{
    ngx_cigna_token_t  *t = ctx->token;

    if (t->old.len == 0 || ngx_cigna_condition(e)->connect) {
        return ngx_cigna_token_refuse(ctx, e);
    }

    return ngx_cigna_token_use(ctx, &t->old, ngx_cigna_source_vault);
}


/* ignores errors: the token is still valid, so a later request can try again */

void
ngx_cigna_token_refresh_ahead(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_vault_names_t  *id;

    id = ngx_cigna_identity_names(r, ctx);
    if (id == NULL) {
        return;
    }

    ngx_cigna_refresher_ahead(ctx->mcf, ctx->tenant, id, &ctx->token->key,
                              ngx_cigna_request_id(r));
}


/*
 * Where a token comes from:
 *
 *                    +--> refused
 *                    |
 *    new ------------+--> found            in the cache
 *     |              |
 *     +--> reading --+--> found            in the vault; or that cannot be
 *             |      |                     asked, and the cached one will do
 *             |      |
 *             +--> refreshing --> found    or the old one lives on for a moment
 *
 * "reading" and "refreshing" wait.  Whoever wakes the request only records
 * what came; the phase handler is entered again and decides.
 */


#include "ngx_cigna_token.h"
#include "ngx_cigna_read.h"
#include "ngx_cigna_refresher.h"
#include "ngx_cigna_reply.h"


/* a token that ends within this time may die under way */

#define NGX_CIGNA_TOKEN_MARGIN_MS  5000


static ngx_int_t ngx_cigna_token_lookup(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_uint_t ngx_cigna_token_lives(const ngx_cigna_cache_entry_t *entry,
    int64_t now);
static ngx_int_t ngx_cigna_token_read(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_token_have_read(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_token_use(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant);
static void ngx_cigna_token_keep(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry);
static ngx_int_t ngx_cigna_token_stale(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_token_refresh_ahead(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_token_refresh(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_token_have_refreshed(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_cigna_condition_e ngx_cigna_token_not_refreshed(
    const cigna_refresh_t *flow);
static ngx_int_t ngx_cigna_token_make_do(ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e);
static ngx_int_t ngx_cigna_token_copy(ngx_http_request_t *r, ngx_str_t *to,
    const u_char *data, size_t len);
static ngx_int_t ngx_cigna_token_take(ngx_cigna_ctx_t *ctx, ngx_str_t *value,
    ngx_cigna_source_e source);


ngx_int_t
ngx_cigna_token_find(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    switch (ctx->token->state) {

    case ngx_cigna_token_new:
        return ngx_cigna_token_lookup(r, ctx);

    case ngx_cigna_token_reading:
        return ngx_cigna_token_have_read(r, ctx);

    case ngx_cigna_token_refreshing:
        return ngx_cigna_token_have_refreshed(r, ctx);

    case ngx_cigna_token_found:
        return NGX_OK;

    default: /* ngx_cigna_token_refused */
        return NGX_ABORT;
    }
}


static ngx_int_t
ngx_cigna_token_lookup(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int64_t                 now;
    ngx_int_t               rc;
    ngx_cigna_token_t      *t;
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_main_conf_t  *mcf;

    t = ctx->token;
    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (ngx_cigna_hasher_key(mcf->worker->hasher, &ctx->tenant->name,
                             &ctx->member, &t->key)
        != NGX_OK)
    {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_internal_error);
    }

    if (!lcf->cache) {
        return ngx_cigna_token_read(r, ctx);
    }

    rc = ngx_cigna_cache_get(mcf->zone, &t->key, r->pool, &t->cached);

    if (rc != NGX_OK) {
        ngx_str_null(&t->cached.token);
        return ngx_cigna_token_read(r, ctx);
    }

    now = ngx_cigna_now_ms();

    if (t->cached.suspect
        || now - t->cached.checked_ms >= (int64_t) mcf->revalidate
        || !ngx_cigna_token_lives(&t->cached, now))
    {
        return ngx_cigna_token_read(r, ctx);
    }

    if (t->cached.due_ms && now >= t->cached.due_ms) {
        ngx_cigna_token_refresh_ahead(r, ctx);
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_cache_hits);

    return ngx_cigna_token_take(ctx, &t->cached.token, ngx_cigna_source_cache);
}


/*
 * May it be sent?  What cannot be refreshed serves to its end, and so does what
 * is due again behind it only, as refreshing fails; what can be is given up a
 * little earlier, but not so early that a short-lived token would never serve.
 */

static ngx_uint_t
ngx_cigna_token_lives(const ngx_cigna_cache_entry_t *entry, int64_t now)
{
    int64_t  margin;

    margin = 0;

    if (entry->due_ms && entry->due_ms < entry->expires_ms) {
        margin = ngx_min(NGX_CIGNA_TOKEN_MARGIN_MS,
                         (entry->expires_ms - entry->due_ms) / 2);
    }

    return now < entry->expires_ms - margin;
}


static ngx_int_t
ngx_cigna_token_read(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_identity_t       *id;
    ngx_cigna_main_conf_t  *mcf;

    id = ngx_cigna_who_named(r, ctx);
    if (id == NULL) {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_internal_error);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    ctx->token->epoch = ngx_cigna_cache_epoch(mcf->zone, id->hash);

    switch (ngx_cigna_read_start(r, ctx, ngx_cigna_wait_phases)) {

    case NGX_AGAIN:
        ctx->token->state = ngx_cigna_token_reading;
        return NGX_AGAIN;

    case NGX_BUSY:
        return ngx_cigna_token_stale(r, ctx);

    default:
        return ngx_cigna_token_refuse(ctx, ngx_cigna_internal_error);
    }
}


static ngx_int_t
ngx_cigna_token_have_read(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t               rc;
    cigna_grant_t           grant;
    ngx_cigna_token_t      *t;
    ngx_cigna_main_conf_t  *mcf;
    ngx_cigna_condition_e   e;

    t = ctx->token;

    e = ngx_cigna_read_grant(r, ctx, &grant);

    switch (e) {

    case ngx_cigna_served:
        rc = ngx_cigna_token_use(r, ctx, &grant);
        break;

    case ngx_cigna_vault_unreachable:
        rc = ngx_cigna_token_stale(r, ctx);
        break;

    case ngx_cigna_not_connected:
    case ngx_cigna_grant_spent:
    case ngx_cigna_grant_moved:

        if (t->cached.token.len) {
            mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
            ngx_cigna_cache_drop(mcf->zone, &t->key, ctx->identity->hash);
        }

        /* fall through */

    default:
        rc = ngx_cigna_token_refuse(ctx, e);
        break;
    }

    ngx_cigna_read_done(ctx, &grant);

    return rc;
}


static ngx_int_t
ngx_cigna_token_use(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant)
{
    int64_t                   now;
    ngx_cigna_token_t        *t;
    ngx_cigna_cache_entry_t   entry;

    t = ctx->token;
    now = ngx_cigna_now_ms();

    ngx_cigna_refresher_entry(ctx->tenant, ctx->identity, grant, &entry);

    if (now >= entry.expires_ms) {
        return grant->refresh_token.len
               ? ngx_cigna_token_refresh(r, ctx)
               : ngx_cigna_token_refuse(ctx, ngx_cigna_grant_expired);
    }

    if (ngx_cigna_token_copy(r, &t->old, entry.token.data, entry.token.len)
        != NGX_OK)
    {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_internal_error);
    }

    if (!ngx_cigna_token_lives(&entry, now)) {
        return ngx_cigna_token_refresh(r, ctx);
    }

    ngx_cigna_token_keep(r, ctx, &entry);

    if (entry.due_ms && now >= entry.due_ms) {
        ngx_cigna_token_refresh_ahead(r, ctx);
    }

    return ngx_cigna_token_take(ctx, &t->old, ngx_cigna_source_vault);
}


/*
 * A generation below the cached one means another grant (connected elsewhere),
 * or a Redis that has lost something.  Either way the vault is right: the
 * cached one goes, and the next request fills the place.
 */

static void
ngx_cigna_token_keep(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry)
{
    ngx_cigna_token_t      *t;
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_main_conf_t  *mcf;

    t = ctx->token;
    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (!lcf->cache) {
        return;
    }

    if (t->cached.token.len && entry->generation < t->cached.generation) {
        ngx_cigna_cache_drop(mcf->zone, &t->key, entry->who);
        return;
    }

    (void) ngx_cigna_cache_put(mcf->zone, &t->key, entry, t->epoch);
}


/* the vault cannot be asked, which never means that there is no grant */

static ngx_int_t
ngx_cigna_token_stale(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int64_t                 now;
    ngx_cigna_token_t      *t;
    ngx_cigna_main_conf_t  *mcf;

    t = ctx->token;
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
    now = ngx_cigna_now_ms();

    if (t->cached.token.len == 0
        || now >= t->cached.expires_ms
        || now - t->cached.checked_ms >= (int64_t) mcf->stale)
    {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_vault_unreachable);
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_stale_served);
    ngx_cigna_reply_log(r, ctx, ngx_cigna_served_stale, "fhir", NULL);

    return ngx_cigna_token_take(ctx, &t->cached.token, ngx_cigna_source_cache);
}


/* nobody waits for it, and if it cannot be started now there is time left */

static void
ngx_cigna_token_refresh_ahead(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_uint_t              retry_after_s;
    cigna_identity_t       *id;
    ngx_cigna_run_t        *run;
    ngx_cigna_main_conf_t  *mcf;

    if (ngx_exiting) {
        return;
    }

    id = ngx_cigna_who_named(r, ctx);
    if (id == NULL) {
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    (void) ngx_cigna_refresher_start(mcf, ctx->tenant, id, &ctx->token->key,
                                     ngx_cigna_request_id(r), &run,
                                     &retry_after_s);
}


static ngx_int_t
ngx_cigna_token_refresh(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t               rc;
    ngx_msec_t              timeout;
    ngx_cigna_run_t        *run;
    ngx_cigna_token_t      *t;
    ngx_cigna_main_conf_t  *mcf;

    t = ctx->token;
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    rc = ngx_cigna_refresher_start(mcf, ctx->tenant, ctx->identity, &t->key,
                                   ngx_cigna_request_id(r), &run,
                                   &t->retry_after_s);
    if (rc != NGX_OK) {
        return ngx_cigna_token_make_do(ctx, rc == NGX_BUSY
                                                ? ngx_cigna_refresh_failed
                                                : ngx_cigna_internal_error);
    }

    timeout = ctx->tenant->connect_timeout + ctx->tenant->timeout
              + mcf->redis.connect_timeout + mcf->redis.timeout;

    rc = ngx_cigna_wait_run(ctx->wait, run, timeout, ngx_cigna_wait_phases);

    if (rc == NGX_AGAIN) {
        t->state = ngx_cigna_token_refreshing;
        return NGX_AGAIN;
    }

    return ngx_cigna_token_make_do(ctx, rc == NGX_BUSY
                                            ? ngx_cigna_refresh_crowded
                                            : ngx_cigna_internal_error);
}


static ngx_int_t
ngx_cigna_token_have_refreshed(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_refresh_t    *flow;
    ngx_cigna_run_t    *run;
    ngx_cigna_token_t  *t;

    t = ctx->token;
    run = ctx->wait->run;

    if (run == NULL) {
        return ngx_cigna_token_make_do(ctx, ngx_cigna_refresh_late);
    }

    flow = run->flow;

    if (run->failed || flow->rc != cigna_refresh_ok) {
        t->retry_after_s = ngx_max(flow->retry_after_s, 0);
        return ngx_cigna_token_make_do(ctx,
                                       ngx_cigna_token_not_refreshed(flow));
    }

    if (flow->grant.expires_ms <= ngx_cigna_now_ms()) {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_refresh_failed);
    }

    if (ngx_cigna_token_copy(r, &t->old, flow->grant.access_token.data,
                             flow->grant.access_token.len)
        != NGX_OK)
    {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_internal_error);
    }

    return ngx_cigna_token_take(ctx, &t->old, ngx_cigna_source_refresh);
}


static ngx_cigna_condition_e
ngx_cigna_token_not_refreshed(const cigna_refresh_t *flow)
{
    switch (flow->rc) {

    case cigna_refresh_no_grant:
        return ngx_cigna_not_connected;

    case cigna_refresh_spent:
        return ngx_cigna_grant_spent;

    case cigna_refresh_moved:
        return ngx_cigna_grant_moved;

    case cigna_refresh_vault:
        return ngx_cigna_vault_unreachable;

    case cigna_refresh_damaged:
        return ngx_cigna_record_damaged;

    case cigna_refresh_unknown_key:
        return ngx_cigna_key_unknown;

    default: /* cigna_refresh_unavailable */
        return ngx_cigna_refresh_failed;
    }
}


/*
 * The refresh did not work out.  The old token, if it lives for another
 * moment, is sent all the same, unless the grant is known to be gone.
 */

static ngx_int_t
ngx_cigna_token_make_do(ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e)
{
    ngx_cigna_token_t  *t;

    t = ctx->token;

    if (t->old.len == 0 || ngx_cigna_condition(e)->connect) {
        return ngx_cigna_token_refuse(ctx, e);
    }

    return ngx_cigna_token_take(ctx, &t->old, ngx_cigna_source_vault);
}


static ngx_int_t
ngx_cigna_token_copy(ngx_http_request_t *r, ngx_str_t *to, const u_char *data,
    size_t len)
{
    to->data = ngx_cigna_secret_alloc(r->pool, len);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, data, len);
    to->len = len;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_token_take(ngx_cigna_ctx_t *ctx, ngx_str_t *value,
    ngx_cigna_source_e source)
{
    ctx->source = source;

    ctx->token->value = *value;
    ctx->token->state = ngx_cigna_token_found;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_token_refuse(ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e)
{
    ctx->token->condition = e;
    ctx->token->state = ngx_cigna_token_refused;

    return NGX_ABORT;
}

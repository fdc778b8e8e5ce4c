
/*
 * Where a token comes from:
 *
 *                    +--> refused
 *                    |
 *    new ------------+--> found            in the cache
 *     |              |
 *     +--> reading --+--> found            in the vault, or in the cache if the
 *             |      |                     vault is out of reach, or has lost
 *             |      |                     the newest generation
 *             |      |
 *             +--> refreshing --> found    a new token, or the old one until it
 *                                          expires
 *
 * In the states "reading" and "refreshing" the request waits.  After the wait,
 * "resume" calls ngx_cigna_token_find() again.  ngx_cigna_token_refresh.c does
 * the refreshes.  From "refreshing" the request goes back to "reading" once, if
 * the node's journal has a newer grant.
 *
 * If the FHIR server has refused a token, the cache drops the token, and only
 * remembers the refusal.  A request that finds the refused token in the vault
 * asks for a refresh.
 */


#include "ngx_cigna_token_find.h"
#include "ngx_cigna_token_refresh.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "jobs/ngx_cigna_refresher.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "nginx/ngx_cigna_time.h"
#include "request/ngx_cigna_reply.h"
#include "request/ngx_cigna_vault_read.h"
#include "shm/ngx_cigna_counters.h"


/* a token with less time left could expire before Cigna checks it */

#define NGX_CIGNA_TOKEN_MARGIN_MS  5000


static ngx_int_t ngx_cigna_token_lookup(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_uint_t ngx_cigna_token_usable(const ngx_cigna_cache_entry_t *entry,
    int64_t now);
static ngx_int_t ngx_cigna_token_read(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_token_read_result(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_token_judge(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant, ngx_cigna_condition_e e);
static ngx_int_t ngx_cigna_token_of_grant(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant);
static ngx_uint_t ngx_cigna_token_cache_newer(const ngx_cigna_token_t *t,
    const cigna_grant_t *grant, int64_t now);
static ngx_uint_t ngx_cigna_token_is_refused(const ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry, int64_t now);
static void ngx_cigna_token_cache(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry);
static ngx_int_t ngx_cigna_token_stale(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


ngx_int_t
ngx_cigna_token_find(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t  rc;

    switch (ctx->token->state) {

    case ngx_cigna_token_new:
        return ngx_cigna_token_lookup(r, ctx);

    case ngx_cigna_token_reading:
        return ngx_cigna_token_read_result(r, ctx);

    case ngx_cigna_token_refreshing:
        rc = ngx_cigna_token_refresh_result(r, ctx);
        return rc == NGX_DECLINED ? ngx_cigna_token_read(r, ctx) : rc;

    case ngx_cigna_token_found:
        return NGX_OK;

    default: /* ngx_cigna_token_refused */
        return NGX_ABORT;
    }
}


static ngx_int_t
ngx_cigna_token_lookup(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int64_t                now;
    ngx_int_t              rc;
    ngx_cigna_token_t     *t = ctx->token;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (ngx_cigna_identity_key(ctx, &t->key) != NGX_OK) {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_internal_error);
    }

    if (!lcf->cache) {
        return ngx_cigna_token_read(r, ctx);
    }

    rc = ngx_cigna_cache_get(ctx->mcf->zone, &t->key, r->pool, &t->cached);

    if (rc != NGX_OK || ngx_cigna_token_eq(&t->cached.token, &t->refused)) {
        ngx_str_null(&t->cached.token);
        return ngx_cigna_token_read(r, ctx);
    }

    now = ngx_cigna_now_ms();

    if (t->cached.suspect
        || now - t->cached.checked_ms >= (int64_t) ctx->mcf->revalidate
        || !ngx_cigna_token_usable(&t->cached, now))
    {
        return ngx_cigna_token_read(r, ctx);
    }

    if (t->cached.due_ms && now >= t->cached.due_ms) {
        ngx_cigna_token_refresh_ahead(r, ctx);
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_cache_hits);

    return ngx_cigna_token_use(ctx, &t->cached.token, ngx_cigna_source_cache);
}


/*
 * Returns 1 if the token may be sent.  A token that can be refreshed is used
 * until NGX_CIGNA_TOKEN_MARGIN_MS before it expires, or, if its life is short,
 * until the middle between due_ms and expires_ms.  A token that cannot be
 * refreshed, or not before it expires, is used until it expires.
 */

static ngx_uint_t
ngx_cigna_token_usable(const ngx_cigna_cache_entry_t *entry, int64_t now)
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
    cigna_vault_names_t  *id;

    id = ngx_cigna_identity_names(r, ctx);
    if (id == NULL) {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_internal_error);
    }

    ctx->token->epoch = ngx_cigna_cache_epoch(ctx->mcf->zone, id->hash);

    switch (ngx_cigna_vault_read_start(r, ctx, ctx->token->resume)) {

    case NGX_AGAIN:
        ctx->token->state = ngx_cigna_token_reading;
        return NGX_AGAIN;

    case NGX_BUSY:
        return ngx_cigna_token_stale(r, ctx);

    default:
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_internal_error);
    }
}


static ngx_int_t
ngx_cigna_token_read_result(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t              rc;
    cigna_grant_t          grant;
    ngx_cigna_condition_e  e;

    e = ngx_cigna_vault_read_grant(r, ctx, &grant);
    rc = ngx_cigna_token_judge(r, ctx, &grant, e);

    ngx_cigna_vault_read_done(ctx, &grant);

    return rc;
}


static ngx_int_t
ngx_cigna_token_judge(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant, ngx_cigna_condition_e e)
{
    ngx_uint_t          paused, spent;
    ngx_cigna_token_t  *t;

    if (e == ngx_cigna_condition_served) {
        return ngx_cigna_token_of_grant(r, ctx, grant);
    }

    if (e == ngx_cigna_condition_vault_unreachable) {
        return ngx_cigna_token_stale(r, ctx);
    }

    t = ctx->token;
    paused = (e == ngx_cigna_condition_refresh_paused);
    spent = (e == ngx_cigna_condition_grant_spent);

    if ((paused || spent)
        && ngx_cigna_token_cache_newer(t, grant, ngx_cigna_now_ms()))
    {
        return ngx_cigna_token_use(ctx, &t->cached.token,
                                   ngx_cigna_source_cache);
    }

    if (t->cached.token.len
        && (spent || e == ngx_cigna_condition_not_connected
            || e == ngx_cigna_condition_grant_moved))
    {
        ngx_cigna_cache_drop(ctx->mcf->zone, &t->key, ctx->names->hash);
    }

    return ngx_cigna_token_refuse(ctx, e);
}


static ngx_int_t
ngx_cigna_token_of_grant(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant)
{
    int64_t                   now;
    ngx_cigna_token_t        *t = ctx->token;
    ngx_cigna_cache_entry_t   entry;

    now = ngx_cigna_now_ms();

    ngx_cigna_refresher_entry(ctx->tenant, ctx->names, grant, &entry);

    if (ngx_cigna_token_cache_newer(t, grant, now)) {
        return ngx_cigna_token_use(ctx, &t->cached.token,
                                    ngx_cigna_source_cache);
    }

    if (now >= entry.expires_ms || grant->state == cigna_grant_spent) {
        return grant->refresh_token.len
               ? ngx_cigna_token_refresh(r, ctx, NULL)
               : ngx_cigna_token_refuse(ctx, ngx_cigna_condition_grant_expired);
    }

    if (ngx_cigna_token_is_refused(ctx, &entry, now)) {
        return ngx_cigna_token_refresh(r, ctx, grant);
    }

    if (ngx_cigna_pool_secret_copy(r->pool, &t->old, entry.token.data,
                                   entry.token.len)
        != NGX_OK
        || ngx_cigna_ctx_grant(r, ctx, grant) != NGX_OK)
    {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_internal_error);
    }

    ngx_cigna_token_of(t, entry.id, entry.generation);

    if (!ngx_cigna_token_usable(&entry, now)) {
        return ngx_cigna_token_refresh(r, ctx, NULL);
    }

    ngx_cigna_token_cache(r, ctx, &entry);

    if (entry.due_ms && now >= entry.due_ms) {
        ngx_cigna_token_refresh_ahead(r, ctx);
    }

    return ngx_cigna_token_use(ctx, &t->old, ngx_cigna_source_vault);
}


/*
 * Returns 1 if the cache has a newer generation of the grant than Redis, and
 * its token may be sent.  Redis has then lost a write, which the journal of a
 * node will repeat.  The refresh token in Redis may be spent.
 */

static ngx_uint_t
ngx_cigna_token_cache_newer(const ngx_cigna_token_t *t,
    const cigna_grant_t *grant, int64_t now)
{
    return t->cached.token.len
           && t->cached.generation > grant->generation
           && cigna_slice_eq(grant->id, ngx_cigna_token_id(t->cached.id))
           && ngx_cigna_token_usable(&t->cached, now);
}


/*
 * Returns 1 if the FHIR server has refused this token, as the cache remembers,
 * or has refused in this request the token of this or of a newer generation of
 * the grant.
 */

static ngx_uint_t
ngx_cigna_token_is_refused(const ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry, int64_t now)
{
    ngx_cigna_token_t  *t = ctx->token;

    if (t->refused_here
        && (ngx_cigna_token_eq(&entry->token, &t->refused)
            || (entry->generation <= t->generation
                && cigna_slice_eq(ngx_cigna_token_id(entry->id),
                                  ngx_cigna_token_id(t->id)))))
    {
        return 1;
    }

    return ngx_cigna_cache_refused(ctx->mcf->zone, &t->key, &entry->token, now);
}


/*
 * Puts the vault's entry into the cache, if the location uses the cache.  If
 * the cached entry has a higher generation, the member has connected again on
 * another node, or Redis has lost a write and the cached token must not be sent
 * any more.  In both cases the vault is right.  This function then only drops
 * the cached entry, and the next request fills the cache.
 */

static void
ngx_cigna_token_cache(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry)
{
    ngx_cigna_token_t     *t = ctx->token;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!lcf->cache) {
        return;
    }

    if (t->cached.token.len && entry->generation < t->cached.generation) {
        ngx_cigna_cache_drop(ctx->mcf->zone, &t->key, entry->name);
        return;
    }

    (void) ngx_cigna_cache_put(ctx->mcf->zone, &t->key, entry, t->epoch);
}


/*
 * The vault is out of reach.  Uses the cached token if it is still valid, and
 * if Redis confirmed it less than "stale" ago (see "cigna_vault").
 */

static ngx_int_t
ngx_cigna_token_stale(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int64_t             now;
    ngx_cigna_token_t  *t = ctx->token;

    now = ngx_cigna_now_ms();

    if (t->cached.token.len == 0
        || now >= t->cached.expires_ms
        || now - t->cached.checked_ms >= (int64_t) ctx->mcf->stale)
    {
        return ngx_cigna_token_refuse(ctx,
                                      ngx_cigna_condition_vault_unreachable);
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_stale_served);
    ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_served_stale, "fhir", NULL);

    return ngx_cigna_token_use(ctx, &t->cached.token, ngx_cigna_source_cache);
}


void
ngx_cigna_token_reject(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_vault_names_t  *id;
    ngx_cigna_token_t    *t = ctx->token;

    if (ctx->source == ngx_cigna_source_cache) {
        ngx_cigna_token_of(t, t->cached.id, t->cached.generation);
    }

    t->refused = t->value;
    t->refused_here = 1;
    t->retried = 0;

    ngx_str_null(&t->value);
    ngx_str_null(&t->old);
    ngx_str_null(&t->cached.token);

    t->state = ngx_cigna_token_new;

    id = ngx_cigna_identity_names(r, ctx);

    if (id != NULL) {
        ngx_cigna_cache_refuse(ctx->mcf->zone, &t->key, id->hash, &t->refused,
                               ngx_cigna_now_ms());
    }
}

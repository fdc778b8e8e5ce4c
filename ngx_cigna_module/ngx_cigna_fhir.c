
/*
 * What happens to a request before it is proxied, in the precontent phase:
 *
 *                    +--> refused
 *                    |
 *    new ------------+--> ready            the cache has a token
 *     |              |
 *     +--> reading --+--> ready            the vault has one, or it cannot be
 *             |      |                     asked and the cached one will do
 *             |      |
 *             +--> refreshing --> ready    or the old one still lives
 *
 * "reading" and "refreshing" wait; whoever wakes the request only records what
 * came, and the phase handler is entered again and decides.  Nothing is
 * charged, and the token goes nowhere, before the content handler.
 */


#include "ngx_cigna_fhir.h"
#include "ngx_cigna_inject.h"
#include "ngx_cigna_read.h"
#include "ngx_cigna_refresher.h"
#include "ngx_cigna_reply.h"
#include "ngx_cigna_who.h"


/* a token that ends within this time may die under way */

#define NGX_CIGNA_FHIR_MARGIN_MS  5000


typedef enum {
    ngx_cigna_fhir_new = 0,
    ngx_cigna_fhir_reading,
    ngx_cigna_fhir_refreshing,
    ngx_cigna_fhir_ready,
    ngx_cigna_fhir_refused
} ngx_cigna_fhir_e;


struct ngx_cigna_fhir_s {
    ngx_cigna_fhir_e          state;
    ngx_cigna_condition_e     condition;
    ngx_uint_t                retry_after_s;   /* 0: the condition's */

    ngx_cigna_cache_key_t     key;
    ngx_uint_t                epoch;
    ngx_cigna_cache_entry_t   cached;          /* token.len 0: none */
    ngx_str_t                 old;             /* ends soon: better than none */

    ngx_cigna_inject_t        inject;
};


static ngx_int_t ngx_cigna_fhir_decide(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_begin(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_lookup(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_uint_t ngx_cigna_fhir_lives(const ngx_cigna_cache_entry_t *entry,
    int64_t now);
static ngx_int_t ngx_cigna_fhir_read(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_have_read(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_use(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant);
static void ngx_cigna_fhir_keep(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry);
static ngx_int_t ngx_cigna_fhir_stale(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_fhir_refresh_ahead(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_refresh(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_have_refreshed(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_cigna_condition_e ngx_cigna_fhir_refresh_failed(
    const cigna_refresh_t *flow);
static ngx_int_t ngx_cigna_fhir_make_do(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e);
static ngx_int_t ngx_cigna_fhir_copy(ngx_http_request_t *r, ngx_str_t *to,
    const u_char *data, size_t len);
static ngx_int_t ngx_cigna_fhir_refuse(ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e);
static ngx_int_t ngx_cigna_fhir_refuse_handler(ngx_http_request_t *r);


ngx_int_t
ngx_cigna_fhir_handler(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t       *ctx;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!lcf->fhir) {
        return NGX_DECLINED;
    }

    if (r != r->main) {

        /* no access check was made for it: a mirror, an SSI include, ... */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "cigna: a subrequest to \"%V\" gets no token", &r->uri);

        r->content_handler = NULL;
        return NGX_HTTP_FORBIDDEN;
    }

    ctx = ngx_cigna_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->fhir == NULL) {
        ctx->fhir = ngx_pcalloc(r->pool, sizeof(ngx_cigna_fhir_t));
        if (ctx->fhir == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    switch (ngx_cigna_fhir_decide(r, ctx)) {

    case NGX_OK:

        if (ctx->outcome.len == 0) {
            ctx->outcome = ngx_cigna_condition(ngx_cigna_served)->name;
        }

        ctx->fhir->state = ngx_cigna_fhir_ready;
        return NGX_DECLINED;

    case NGX_AGAIN:
        return NGX_AGAIN;

    default:

        /* mirror and try_files are skipped */

        ctx->fhir->state = ngx_cigna_fhir_refused;
        r->content_handler = ngx_cigna_fhir_refuse_handler;
        return NGX_OK;
    }
}


/* NGX_OK: goes on with a token; NGX_AGAIN: waits; NGX_ABORT: refused */

static ngx_int_t
ngx_cigna_fhir_decide(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    switch (ctx->fhir->state) {

    case ngx_cigna_fhir_new:
        return ngx_cigna_fhir_begin(r, ctx);

    case ngx_cigna_fhir_reading:
        return ngx_cigna_fhir_have_read(r, ctx);

    case ngx_cigna_fhir_refreshing:
        return ngx_cigna_fhir_have_refreshed(r, ctx);

    case ngx_cigna_fhir_ready:
        return NGX_OK;

    default: /* ngx_cigna_fhir_refused */
        return NGX_ABORT;
    }
}


static ngx_int_t
ngx_cigna_fhir_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_who_e         who;
    ngx_cigna_main_conf_t  *mcf;

    if (r->content_handler == NULL) {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_destination_refused);
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_method_refused);
    }

    who = ngx_cigna_who(r, ctx);

    if (who != ngx_cigna_who_known) {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_who_condition(who));
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_fhir_requests);

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (ngx_cigna_hasher_key(mcf->worker->hasher, &ctx->tenant->name,
                             &ctx->member, &ctx->fhir->key)
        != NGX_OK)
    {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_internal_error);
    }

    return ngx_cigna_fhir_lookup(r, ctx);
}


static ngx_int_t
ngx_cigna_fhir_lookup(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int64_t                 now;
    ngx_int_t               rc;
    ngx_cigna_fhir_t       *f;
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_main_conf_t  *mcf;

    f = ctx->fhir;
    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (!lcf->cache) {
        return ngx_cigna_fhir_read(r, ctx);
    }

    rc = ngx_cigna_cache_get(mcf->zone, &f->key, r->pool, &f->cached,
                             &f->epoch);
    if (rc == NGX_ERROR) {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_internal_error);
    }

    if (rc == NGX_DECLINED) {
        ngx_str_null(&f->cached.token);
        return ngx_cigna_fhir_read(r, ctx);
    }

    now = ngx_cigna_now_ms();

    if (now - f->cached.checked_ms >= (int64_t) mcf->revalidate
        || !ngx_cigna_fhir_lives(&f->cached, now))
    {
        return ngx_cigna_fhir_read(r, ctx);
    }

    if (f->cached.due_ms && now >= f->cached.due_ms) {
        ngx_cigna_fhir_refresh_ahead(r, ctx);
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_cache_hits);

    ctx->token_source = ngx_cigna_token_cache;
    ngx_cigna_inject(r, ctx, &f->inject, &f->cached.token);

    return NGX_OK;
}


/*
 * May the token be sent?  What cannot be refreshed serves to its end; what can
 * be is given up a little earlier, but not so early that a short-lived token
 * would never serve.
 */

static ngx_uint_t
ngx_cigna_fhir_lives(const ngx_cigna_cache_entry_t *entry, int64_t now)
{
    int64_t  margin;

    margin = 0;

    if (entry->due_ms) {
        margin = ngx_min(NGX_CIGNA_FHIR_MARGIN_MS,
                         (entry->expires_ms - entry->due_ms) / 2);
    }

    return now < entry->expires_ms - margin;
}


static ngx_int_t
ngx_cigna_fhir_read(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_cigna_read_start(r, ctx, ngx_cigna_wait_phases);

    if (rc == NGX_AGAIN) {
        ctx->fhir->state = ngx_cigna_fhir_reading;
        return NGX_AGAIN;
    }

    if (rc == NGX_BUSY) {
        return ngx_cigna_fhir_stale(r, ctx);
    }

    return ngx_cigna_fhir_refuse(ctx, ngx_cigna_internal_error);
}


static ngx_int_t
ngx_cigna_fhir_have_read(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t               rc;
    cigna_grant_t           grant;
    ngx_cigna_fhir_t       *f;
    ngx_cigna_main_conf_t  *mcf;
    ngx_cigna_condition_e   e;

    f = ctx->fhir;

    e = ngx_cigna_read_grant(r, ctx, &grant);

    switch (e) {

    case ngx_cigna_served:
        rc = ngx_cigna_fhir_use(r, ctx, &grant);
        break;

    case ngx_cigna_vault_unreachable:
        rc = ngx_cigna_fhir_stale(r, ctx);
        break;

    case ngx_cigna_not_connected:
    case ngx_cigna_grant_spent:
    case ngx_cigna_grant_moved:

        if (f->cached.token.len) {
            mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
            ngx_cigna_cache_drop(mcf->zone, &f->key);
        }

        /* fall through */

    default:
        rc = ngx_cigna_fhir_refuse(ctx, e);
        break;
    }

    ngx_cigna_read_done(ctx, &grant);

    return rc;
}


static ngx_int_t
ngx_cigna_fhir_use(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant)
{
    int64_t                   now;
    ngx_str_t                 token;
    ngx_cigna_fhir_t         *f;
    ngx_cigna_cache_entry_t   entry;

    f = ctx->fhir;
    now = ngx_cigna_now_ms();

    ngx_cigna_refresher_entry(ctx->tenant, grant, &entry);

    if (now >= entry.expires_ms && grant->refresh_token.len == 0) {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_grant_expired);
    }

    if (now < entry.expires_ms) {

        if (ngx_cigna_fhir_copy(r, &token, entry.token.data, entry.token.len)
            != NGX_OK)
        {
            return ngx_cigna_fhir_refuse(ctx, ngx_cigna_internal_error);
        }

        f->old = token;
    }

    if (!ngx_cigna_fhir_lives(&entry, now)) {
        return ngx_cigna_fhir_refresh(r, ctx);
    }

    ngx_cigna_fhir_keep(r, ctx, &entry);

    if (entry.due_ms && now >= entry.due_ms) {
        ngx_cigna_fhir_refresh_ahead(r, ctx);
    }

    ctx->token_source = ngx_cigna_token_vault;
    ngx_cigna_inject(r, ctx, &f->inject, &token);

    return NGX_OK;
}


/*
 * A generation below the cached one means another grant (connected elsewhere),
 * or a Redis that has lost something.  Either way the vault is right: the
 * cached one goes, and the next request fills the place.
 */

static void
ngx_cigna_fhir_keep(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const ngx_cigna_cache_entry_t *entry)
{
    ngx_cigna_fhir_t       *f;
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_main_conf_t  *mcf;

    f = ctx->fhir;
    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (!lcf->cache) {
        return;
    }

    if (f->cached.token.len && entry->generation < f->cached.generation) {
        ngx_cigna_cache_drop(mcf->zone, &f->key);
        return;
    }

    (void) ngx_cigna_cache_put(mcf->zone, &f->key, entry, f->epoch);
}


/* the vault cannot be asked, which never means that there is no grant */

static ngx_int_t
ngx_cigna_fhir_stale(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int64_t                 now;
    ngx_cigna_fhir_t       *f;
    ngx_cigna_main_conf_t  *mcf;

    f = ctx->fhir;
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
    now = ngx_cigna_now_ms();

    if (f->cached.token.len == 0
        || now >= f->cached.expires_ms
        || now - f->cached.checked_ms >= (int64_t) mcf->stale)
    {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_vault_unreachable);
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_stale_served);
    ngx_cigna_reply_log(r, ctx, ngx_cigna_served_stale, "fhir");

    ctx->token_source = ngx_cigna_token_cache;
    ngx_cigna_inject(r, ctx, &f->inject, &f->cached.token);

    return NGX_OK;
}


/* nobody waits for it, and if it cannot be started now there is time left */

static void
ngx_cigna_fhir_refresh_ahead(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_uint_t              retry_after_s;
    cigna_identity_t       *id;
    ngx_cigna_run_t        *run;
    ngx_cigna_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (ngx_exiting) {
        return;
    }

    id = ngx_cigna_who_named(r, ctx);

    if (id != NULL) {
        (void) ngx_cigna_refresher_start(mcf, ctx->tenant, id,
                                         &ctx->fhir->key,
                                         ngx_cigna_request_id(r), &run,
                                         &retry_after_s);
    }
}


static ngx_int_t
ngx_cigna_fhir_refresh(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t               rc;
    ngx_msec_t              timeout;
    ngx_cigna_run_t        *run;
    ngx_cigna_fhir_t       *f;
    ngx_cigna_main_conf_t  *mcf;

    f = ctx->fhir;
    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    rc = ngx_cigna_refresher_start(mcf, ctx->tenant, ctx->identity, &f->key,
                                   ngx_cigna_request_id(r), &run,
                                   &f->retry_after_s);
    if (rc != NGX_OK) {
        return ngx_cigna_fhir_make_do(r, ctx, rc == NGX_BUSY
                                                  ? ngx_cigna_refresh_failed
                                                  : ngx_cigna_internal_error);
    }

    timeout = ctx->tenant->connect_timeout + ctx->tenant->timeout
              + mcf->redis.connect_timeout + mcf->redis.timeout;

    rc = ngx_cigna_wait_run(ctx->wait, run, timeout, ngx_cigna_wait_phases);

    if (rc == NGX_AGAIN) {
        f->state = ngx_cigna_fhir_refreshing;
        return NGX_AGAIN;
    }

    return ngx_cigna_fhir_make_do(r, ctx, rc == NGX_BUSY
                                              ? ngx_cigna_refresh_crowded
                                              : ngx_cigna_internal_error);
}


static ngx_int_t
ngx_cigna_fhir_have_refreshed(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_str_t          token;
    cigna_refresh_t   *flow;
    ngx_cigna_run_t   *run;
    ngx_cigna_fhir_t  *f;

    f = ctx->fhir;
    run = ctx->wait->run;

    if (run == NULL) {
        return ngx_cigna_fhir_make_do(r, ctx, ngx_cigna_refresh_late);
    }

    flow = run->flow;

    if (run->failed || flow->rc != cigna_refresh_ok) {
        f->retry_after_s = ngx_max(flow->retry_after_s, 0);
        return ngx_cigna_fhir_make_do(r, ctx,
                                      ngx_cigna_fhir_refresh_failed(flow));
    }

    if (flow->grant.expires_ms <= ngx_cigna_now_ms()) {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_refresh_failed);
    }

    if (ngx_cigna_fhir_copy(r, &token, flow->grant.access_token.data,
                            flow->grant.access_token.len)
        != NGX_OK)
    {
        return ngx_cigna_fhir_refuse(ctx, ngx_cigna_internal_error);
    }

    ctx->token_source = ngx_cigna_token_refresh;
    ngx_cigna_inject(r, ctx, &f->inject, &token);

    return NGX_OK;
}


static ngx_cigna_condition_e
ngx_cigna_fhir_refresh_failed(const cigna_refresh_t *flow)
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
ngx_cigna_fhir_make_do(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e)
{
    ngx_cigna_fhir_t  *f;

    f = ctx->fhir;

    if (f->old.len == 0 || ngx_cigna_condition(e)->connect) {
        return ngx_cigna_fhir_refuse(ctx, e);
    }

    ctx->token_source = ngx_cigna_token_vault;
    ngx_cigna_inject(r, ctx, &f->inject, &f->old);

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_fhir_copy(ngx_http_request_t *r, ngx_str_t *to, const u_char *data,
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
ngx_cigna_fhir_refuse(ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e)
{
    ctx->fhir->condition = e;

    return NGX_ABORT;
}


static ngx_int_t
ngx_cigna_fhir_refuse_handler(ngx_http_request_t *r)
{
    ngx_int_t          rc;
    ngx_cigna_ctx_t   *ctx;
    ngx_cigna_fhir_t  *f;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx == NULL || ctx->fhir == NULL) {
        return NGX_HTTP_FORBIDDEN;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    f = ctx->fhir;

    ngx_cigna_reply_log(r, ctx, f->condition, "fhir");

    return ngx_cigna_reply_condition(r, ctx, f->condition,
                                     ngx_cigna_reply_fhir, f->retry_after_s,
                                     f->condition == ngx_cigna_method_refused
                                         ? "GET, HEAD" : NULL);
}

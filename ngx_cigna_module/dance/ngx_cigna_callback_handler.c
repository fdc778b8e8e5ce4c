
/*
 * Ends a dance.  The handler copies the parameters that the authorization
 * server has put into the URL, and starts a run of the callback flow with them.
 * The run goes on even if the browser closes the connection.
 */


#include "ngx_cigna_browser.h"
#include "ngx_cigna_dance.h"
#include "ngx_cigna_dance_handlers.h"
#include "ngx_cigna_scrub.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "jobs/ngx_cigna_discovery.h"
#include "jobs/ngx_cigna_refresher.h"
#include "jobs/ngx_cigna_revoker.h"
#include "jobs/ngx_cigna_userinfo.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "request/ngx_cigna_identity.h"
#include "jobs/ngx_cigna_client_secret.h"
#include "shm/ngx_cigna_counters.h"
#include "dance/cigna_callback.h"
#include "http/cigna_form.h"


#define NGX_CIGNA_CALLBACK_WHAT   "dance ended"

/*
 * the page for a callback without a session loads the URL once more, with this
 * argument
 */
#define NGX_CIGNA_CALLBACK_AGAIN  "cigna_again"

/* if Cigna takes longer, the browser gets a page that loads the URL again */
#define NGX_CIGNA_CALLBACK_WAIT_MS   10000
#define NGX_CIGNA_CALLBACK_RELOAD_S  5


/* decoded parameters, empty if absent */

typedef struct {
    cigna_slice_t    state;
    cigna_slice_t    code;
    cigna_slice_t    iss;
    cigna_slice_t    error;
    cigna_slice_t    again;
} ngx_cigna_callback_args_t;


/* the flow of a run */

typedef struct {
    cigna_callback_t   flow;               /* must be first: run->flow is used
                                              as a cigna_callback_t */
    ngx_cigna_run_t   *run;
} ngx_cigna_callback_flow_t;


static ngx_int_t ngx_cigna_callback_begin(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static int ngx_cigna_callback_args(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_callback_args_t *args);
static ngx_int_t ngx_cigna_callback_nobody(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_callback_args_t *args);
static ngx_int_t ngx_cigna_callback_reload(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_callback_onward(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const char *more, ngx_cigna_page_t *page);
static ngx_int_t ngx_cigna_callback_run(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_callback_args_t *args);
static void ngx_cigna_callback_flow(void *flow, const cigna_event_t *ev,
    cigna_op_t *op);
static void ngx_cigna_callback_result(ngx_cigna_run_t *run);
static void ngx_cigna_callback_cache(ngx_cigna_run_t *run,
    const cigna_callback_t *flow);
static void ngx_cigna_callback_replaced(ngx_cigna_run_t *run,
    const cigna_callback_t *flow);
static cigna_slice_t ngx_cigna_callback_print(ngx_cigna_run_t *run,
    u_char *mem, const char *kind, cigna_slice_t name);
static ngx_int_t ngx_cigna_callback_reply(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_callback_end(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_dance_outcome_e outcome,
    cigna_slice_t return_to);
static ngx_int_t ngx_cigna_callback_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_dance_outcome_e outcome, const char *detail);


ngx_int_t
ngx_cigna_callback_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    rc = ngx_cigna_ctx_begin(r, &ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->begun = 1;

    if (ngx_cigna_scrub(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->method != NGX_HTTP_GET) {
        return ngx_cigna_page_condition(r, ctx,
                                        ngx_cigna_condition_method_refused,
                                        "callback", "GET");
    }

    if (ngx_cigna_browser_prefetches(r)) {
        return ngx_cigna_reply(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
    }

    return ngx_cigna_callback_begin(r, ctx);
}


static ngx_int_t
ngx_cigna_callback_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_condition_e      e;
    ngx_cigna_callback_args_t  args;

    e = ngx_cigna_identity(r, ctx);

    if (ngx_cigna_callback_args(r, ctx, &args) != CIGNA_OK) {
        return ngx_cigna_callback_refuse(r, ctx,
                                         cigna_dance_outcome_invalid_request,
                                         "a parameter is malformed, or there "
                                         "twice");
    }

    if (e == ngx_cigna_condition_no_identity) {
        return ngx_cigna_callback_nobody(r, ctx, &args);
    }

    if (e != ngx_cigna_condition_served) {
        return ngx_cigna_page_condition(r, ctx, e, "callback", NULL);
    }

    return ngx_cigna_callback_run(r, ctx, &args);
}


/* a buffer as long as the query is enough: decoding makes no value longer */

static int
ngx_cigna_callback_args(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_callback_args_t *args)
{
    u_char         *p;
    ngx_uint_t      i;
    cigna_arena_t   arena;
    cigna_slice_t   query;

    struct {
        cigna_slice_t   name;
        cigna_slice_t  *value;
    } wanted[] = {
        { cigna_slice("state"), &args->state },
        { cigna_slice("code"), &args->code },
        { cigna_slice("iss"), &args->iss },
        { cigna_slice("error"), &args->error },
        { cigna_slice(NGX_CIGNA_CALLBACK_AGAIN), &args->again }
    };

    ngx_memzero(args, sizeof(ngx_cigna_callback_args_t));

    p = ngx_cigna_pool_secret_alloc(r->pool, ctx->query.len + 1);
    if (p == NULL) {
        return CIGNA_ERROR;
    }

    cigna_arena_init(&arena, p, ctx->query.len + 1);

    query = ngx_cigna_slice(&ctx->query);

    for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {

        if (cigna_form_get(query, wanted[i].name, &arena, wanted[i].value)
            == CIGNA_ERROR)
        {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


/*
 * Answers a request without an identity.  Cigna has started this navigation, so
 * the browser does not send an app's session cookie that is SameSite=Strict.
 * The browser sends this cookie when a page of the gateway loads the URL again.
 * The gateway shows that page once, and only if the browser has the cookie of
 * the dance.
 */

static ngx_int_t
ngx_cigna_callback_nobody(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_callback_args_t *args)
{
    if (args->again.len == 0
        && (ngx_cigna_browser_secret(r, 1, args->state).len
            || ngx_cigna_browser_secret(r, 0, args->state).len))
    {
        return ngx_cigna_callback_reload(r, ctx);
    }

    return ngx_cigna_callback_refuse(r, ctx,
                                     cigna_dance_outcome_identity_missing,
                                     NULL);
}


static ngx_int_t
ngx_cigna_callback_reload(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_page_t  page;

    ngx_str_set(&ctx->outcome, "reloaded");

    ngx_memzero(&page, sizeof(ngx_cigna_page_t));

    page.status = NGX_HTTP_OK;
    page.title = cigna_slice("Completing the connection");
    page.text = cigna_slice("You will be sent on in a moment.");

    return ngx_cigna_callback_onward(r, ctx,
                                     "&" NGX_CIGNA_CALLBACK_AGAIN "=1", &page);
}


/*
 * Sends the page that loads the URL again.  The run goes on, and the next
 * request for this URL waits for the run's outcome.
 */

static ngx_int_t
ngx_cigna_callback_slow(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_page_t              page;
    const cigna_dance_outcome_t  *row;

    row = cigna_dance_outcome_row(cigna_dance_outcome_in_progress);

    ngx_memzero(&page, sizeof(ngx_cigna_page_t));

    page.status = row->status;
    page.title = cigna_slice_str(row->title);
    page.text = cigna_slice_str(row->text);
    page.reference = ngx_cigna_slice(&ctx->dance);
    page.reload_s = NGX_CIGNA_CALLBACK_RELOAD_S;

    return ngx_cigna_callback_onward(r, ctx, "", &page);
}


/* sends a page that loads this URL again, with "more" appended */

static ngx_int_t
ngx_cigna_callback_onward(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const char *more, ngx_cigna_page_t *page)
{
    ngx_str_t    url;
    cigna_buf_t  b;

    url.len = sizeof("?") + ctx->query.len + ngx_strlen(more);
    url.data = ngx_cigna_pool_secret_alloc(r->pool, url.len);

    if (url.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cigna_buf_init(&b, url.data, url.len);

    cigna_buf_append_char(&b, '?');
    cigna_buf_append(&b, ngx_cigna_slice(&ctx->query));
    cigna_buf_append_str(&b, more);

    page->reload = cigna_buf_slice(&b);

    return ngx_cigna_page_send(r, page);
}


static ngx_int_t
ngx_cigna_callback_run(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_callback_args_t *args)
{
    cigna_arena_t       *a;
    cigna_slice_t        secret;
    ngx_cigna_run_t     *run;
    cigna_callback_t    *flow;
    ngx_cigna_tenant_t  *tenant = ctx->tenant;

    secret = ngx_cigna_browser_secret(r, tenant->provider.https, args->state);

    if (ngx_cigna_dance_reference(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    run = ngx_cigna_dance_run(r, ctx, "callback",
                              sizeof(ngx_cigna_callback_flow_t),
                              CIGNA_FLOW_ARENA);
    if (run == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    flow = run->flow;
    flow->subject = &run->subject;
    flow->request = ngx_cigna_slice(&run->log.request);
    flow->exchange_ms = tenant->connect_timeout + tenant->exchange_timeout;

    a = &run->arena;

    if (cigna_arena_copy(a, args->state, &flow->state_param) != CIGNA_OK
        || cigna_arena_copy(a, args->code, &flow->code) != CIGNA_OK
        || cigna_arena_copy(a, args->iss, &flow->iss) != CIGNA_OK
        || cigna_arena_copy(a, args->error, &flow->error) != CIGNA_OK
        || cigna_arena_copy(a, secret, &flow->secret) != CIGNA_OK
        || cigna_arena_copy(a, ngx_cigna_slice(&ctx->dance), &flow->reference)
           != CIGNA_OK)
    {
        ngx_cigna_run_destroy(run);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ((ngx_cigna_callback_flow_t *) flow)->run = run;

    run->on.result = ngx_cigna_callback_result;

    ngx_cigna_discovery_start_run(run, ngx_cigna_callback_flow);

    return ngx_cigna_dance_wait(r, ctx, run, NGX_CIGNA_CALLBACK_WAIT_MS,
                                ngx_cigna_callback_reply);
}


/*
 * Puts the new grant into the cache as soon as the flow has stored it in Redis.
 * If a later message says that the grant was deleted or replaced, this cache
 * entry is dropped.
 */

static void
ngx_cigna_callback_flow(void *data, const cigna_event_t *ev, cigna_op_t *op)
{
    unsigned                    stored;
    cigna_callback_t           *flow;
    ngx_cigna_callback_flow_t  *callback = data;

    flow = &callback->flow;
    stored = flow->stored;

    cigna_callback_next(flow, ev, op);

    ngx_cigna_client_secret_worked(callback->run, &flow->client_secret);

    if (flow->stored && !stored) {
        ngx_cigna_callback_cache(callback->run, flow);
    }
}


static void
ngx_cigna_callback_result(ngx_cigna_run_t *run)
{
    cigna_callback_t       *flow = run->flow;
    ngx_cigna_dance_end_t   end;

    flow->outcome = ngx_cigna_dance_outcome(run, flow->outcome,
                                            cigna_dance_outcome_interrupted);

    ngx_cigna_dance_end_init(&end, NGX_CIGNA_CALLBACK_WHAT, run, flow->outcome);
    end.dance = flow->dance_id.len ? flow->dance_id : flow->reference;
    end.detail = flow->detail;
    end.ended = flow->claim.ended;
    end.client_refused = !run->failed && flow->client_secret.refused;

    if (!run->failed && flow->stored) {
        ngx_cigna_callback_replaced(run, flow);
        ngx_cigna_userinfo_learned(run, &flow->userinfo);
    }

    if (!run->failed && flow->repeated) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "cigna: outcome shown again: %s, tenant: %V, "
                      "dance: %*s, request: %V",
                      cigna_dance_outcome_row(end.outcome)->name,
                      &run->tenant->name, end.dance.len, end.dance.data,
                      end.request);
        return;
    }

    ngx_cigna_dance_end(ngx_cycle->log, &end);
}


/*
 * Puts the new grant into the cache.  ngx_cigna_cache_drop() raises the epoch
 * first.  So a request that has already read an older grant from the vault
 * cannot put that grant into the cache.
 */

static void
ngx_cigna_callback_cache(ngx_cigna_run_t *run, const cigna_callback_t *flow)
{
    ngx_uint_t                epoch;
    ngx_cigna_cache_entry_t   entry;

    ngx_cigna_cache_drop(run->mcf->zone, &run->key, run->identity.hash);

    epoch = ngx_cigna_cache_epoch(run->mcf->zone, run->identity.hash);

    ngx_cigna_refresher_entry(run->tenant, &run->identity, &flow->grant,
                              &entry);

    (void) ngx_cigna_cache_put(run->mcf->zone, &run->key, &entry, epoch);
}


/*
 * Warns if the member has logged in at Cigna as another person than before.
 * Perhaps two people share a computer, or the app mistakes one user for
 * another.
 */

static void
ngx_cigna_callback_replaced(ngx_cigna_run_t *run, const cigna_callback_t *flow)
{
    u_char                mem[4][CIGNA_NAME_LEN];
    cigna_slice_t         print[4];
    const cigna_grant_t  *old, *grant;

    if (flow->install.unread) {
        ngx_cigna_revoker_refuse(run, "the record that was replaced cannot "
                                      "be opened");
    }

    if (!flow->changed) {
        return;
    }

    ngx_cigna_count(run->tenant->counters, ngx_cigna_count_members_changed);

    old = &flow->install.old;
    grant = &flow->grant;

    print[0] = ngx_cigna_callback_print(run, mem[0], "subject", old->sub);
    print[1] = ngx_cigna_callback_print(run, mem[1], "subject", grant->sub);
    print[2] = ngx_cigna_callback_print(run, mem[2], "patient", old->patient);
    print[3] = ngx_cigna_callback_print(run, mem[3], "patient", grant->patient);

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "cigna: member connected as another person than before, "
                  "tenant: %V, member: %*s, dance: %*s, "
                  "subject: %*s after %*s, patient: %*s after %*s, request: %V",
                  &run->tenant->name,
                  (size_t) CIGNA_NAME_LEN, run->identity.hash,
                  flow->dance_id.len, flow->dance_id.data,
                  print[1].len, print[1].data, print[0].len, print[0].data,
                  print[3].len, print[3].data, print[2].len, print[2].data,
                  &run->log.request);
}


static cigna_slice_t
ngx_cigna_callback_print(ngx_cigna_run_t *run, u_char *mem, const char *kind,
    cigna_slice_t name)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, CIGNA_NAME_LEN);

    if (name.len == 0
        || cigna_vault_names_append_print(&b, &run->mcf->vault, kind,
                                          ngx_cigna_slice(&run->tenant->name),
                                          name)
           != CIGNA_OK)
    {
        return cigna_slice("-");
    }

    return cigna_buf_slice(&b);
}


static ngx_int_t
ngx_cigna_callback_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_callback_t  *flow;

    if (ctx->wait->run == NULL) {
        flow = ctx->wait->late->flow;

        ngx_cigna_dance_tell(r, ctx, cigna_dance_outcome_in_progress,
                             flow->claim.dance_id);
        return ngx_cigna_callback_slow(r, ctx);
    }

    flow = ctx->wait->run->flow;

    ngx_cigna_dance_tell(r, ctx, flow->outcome, flow->dance_id);

    if (flow->outcome == cigna_dance_outcome_in_progress) {
        return ngx_cigna_callback_slow(r, ctx);
    }

    return ngx_cigna_callback_end(r, ctx, flow->outcome, flow->return_to);
}


/*
 * nginx's access phase has failed, because an auth_request did not get an
 * answer from the app.  No run has taken the dance, so the member may load the
 * page again.
 */

ngx_int_t
ngx_cigna_callback_unreachable(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_cigna_ctx(r);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cigna_identity(r, ctx);

    ngx_cigna_dance_refused(r, ctx, NGX_CIGNA_CALLBACK_WHAT,
                            cigna_dance_outcome_app_unreachable, NULL);

    return ngx_cigna_dance_page_make(r, ctx,
                                     cigna_dance_outcome_app_unreachable,
                                     body);
}


/*
 * The browser stays on a page of the gateway, and is not sent to the app, if
 * the dance is not known, may belong to another browser, or had ended before
 * this browser came back, or if nobody is logged in.
 */

static ngx_int_t
ngx_cigna_callback_end(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, cigna_slice_t return_to)
{
    switch (outcome) {

    case cigna_dance_outcome_state_unknown:
    case cigna_dance_outcome_state_expired:
    case cigna_dance_outcome_cookie_missing:
    case cigna_dance_outcome_cookie_mismatch:
    case cigna_dance_outcome_identity_missing:
    case cigna_dance_outcome_abandoned:
    case cigna_dance_outcome_displaced:
    case cigna_dance_outcome_lost:
        return ngx_cigna_dance_page(r, ctx, outcome);

    default:
        return ngx_cigna_dance_return(r, ctx, outcome, return_to);
    }
}


static ngx_int_t
ngx_cigna_callback_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome, const char *detail)
{
    ngx_cigna_dance_refused(r, ctx, NGX_CIGNA_CALLBACK_WHAT, outcome, detail);

    return ngx_cigna_callback_end(r, ctx, outcome, cigna_slice_null);
}


/*
 * Starts a dance: checks identity and limits, makes a run of the connect flow,
 * then redirects the browser to the authorization server, with a cookie.
 */


#include "ngx_cigna_browser.h"
#include "ngx_cigna_dance.h"
#include "ngx_cigna_dance_handlers.h"
#include "gateway/ngx_cigna_dances.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "jobs/ngx_cigna_discovery.h"
#include "request/ngx_cigna_identity.h"
#include "shm/ngx_cigna_counters.h"
#include "dance/cigna_connect.h"
#include "http/cigna_form.h"


#define NGX_CIGNA_CONNECT_ARENA   (64 * 1024)
#define NGX_CIGNA_CONNECT_RETURN  (CIGNA_RETURN_TO_LEN_MAX + 16)
#define NGX_CIGNA_CONNECT_WHAT    "dance not started"

/* added to the URL when the browser is redirected from another host */
#define NGX_CIGNA_CONNECT_MOVED  "cigna_moved"


static ngx_int_t ngx_cigna_connect_begin(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_connect_ask(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static int ngx_cigna_connect_return_to(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_connect_limited(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_slice_t return_to);
static ngx_uint_t ngx_cigna_connect_moves(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_connect_move(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static int ngx_cigna_connect_arg(ngx_http_request_t *r, cigna_slice_t name,
    cigna_slice_t *value);
static ngx_int_t ngx_cigna_connect_run(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_slice_t return_to);
static void ngx_cigna_connect_result(ngx_cigna_run_t *run);
static void ngx_cigna_connect_closed(void *data,
    const cigna_dance_close_t *closed);
static ngx_int_t ngx_cigna_connect_reply(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_connect_go(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_connect_t *flow);
static ngx_int_t ngx_cigna_connect_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_dance_outcome_e outcome);


ngx_int_t
ngx_cigna_connect_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    rc = ngx_cigna_ctx_begin(r, &ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (r->method != NGX_HTTP_GET) {
        return ngx_cigna_page_condition(r, ctx,
                                        ngx_cigna_condition_method_refused,
                                        "connect", "GET");
    }

    return ngx_cigna_connect_begin(r, ctx);
}


/*
 * The cookie of a dance must be set on the host of redirect_uri, and perhaps
 * the app has a session only there.  So this function checks the host before
 * the identity.  The page that asks whether to connect comes before the
 * identity, too: the browser sends a session cookie that is SameSite=Strict
 * only after the click on that page.
 */

static ngx_int_t
ngx_cigna_connect_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int                        rc;
    cigna_slice_t              return_to;
    ngx_cigna_condition_e      e;
    ngx_cigna_browser_visit_e  visit;

    e = ngx_cigna_identity(r, ctx);
    visit = ngx_cigna_browser_visit(r, ctx->tenant);

    if (visit == ngx_cigna_browser_not_a_visit) {
        return ngx_cigna_connect_refuse(r, ctx,
                                        cigna_dance_outcome_not_navigable);
    }

    if (ctx->tenant && ngx_cigna_connect_moves(r, ctx)) {
        return ngx_cigna_connect_move(r, ctx);
    }

    if (visit == ngx_cigna_browser_by_other_site) {
        return ngx_cigna_connect_ask(r, ctx);
    }

    if (e != ngx_cigna_condition_served) {
        return ngx_cigna_page_condition(r, ctx, e, "connect", NULL);
    }

    rc = ngx_cigna_connect_arg(r, cigna_slice("return_to"), &return_to);

    if (rc != CIGNA_OK && rc != CIGNA_NONE) {
        return ngx_cigna_connect_refuse(r, ctx,
                                        cigna_dance_outcome_return_to_refused);
    }

    return ngx_cigna_connect_limited(r, ctx, return_to);
}


static ngx_int_t
ngx_cigna_connect_limited(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t return_to)
{
    ngx_msec_t              wait;
    const char             *limit;
    ngx_cigna_cache_key_t   key;

    if (ngx_cigna_identity_key(ctx, &key) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    switch (ngx_cigna_dances(ctx->mcf->zone, ctx->tenant, &key, &wait)) {

    case ngx_cigna_dances_start:
        return ngx_cigna_connect_run(r, ctx, return_to);

    case ngx_cigna_dances_of_member:
        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_member_dances);
        limit = "member_dances";
        break;

    default: /* ngx_cigna_dances_of_tenant */
        limit = "dances_per_second";
    }

    ngx_cigna_dance_refused(r, ctx, NGX_CIGNA_CONNECT_WHAT,
                            cigna_dance_outcome_too_many_dances, limit);

    if (ngx_cigna_reply_retry_after(r, (wait + 999) / 1000) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_dance_page(r, ctx, cigna_dance_outcome_too_many_dances);
}


/*
 * Sends a page with a button that leads to the URL of this request.  The
 * button's link is relative and has only the query.  With the path in it,
 * "//x/cigna/connect" would lead to host "x".
 */

static ngx_int_t
ngx_cigna_connect_ask(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_str_t    url;
    ngx_uint_t   i;
    cigna_buf_t  b;

    if (ctx->tenant && ngx_cigna_connect_return_to(r, ctx) != CIGNA_OK) {
        return ngx_cigna_connect_refuse(r, ctx,
                                        cigna_dance_outcome_return_to_refused);
    }

    if (ngx_cigna_buf_init(r, &b, 1 + 3 * r->args.len) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cigna_buf_append_char(&b, '?');

    for (i = 0; i < r->args.len; i++) {

        if (r->args.data[i] > ' ' && r->args.data[i] < 0x7f
            && r->args.data[i] != '#')
        {
            cigna_buf_append_char(&b, r->args.data[i]);

        } else {
            cigna_form_append_encoded(&b,
                (cigna_slice_t) { &r->args.data[i], 1 });
        }
    }

    if (ngx_cigna_buf_done(&b, &url) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&ctx->outcome, "asked");

    if (ctx->tenant) {
        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_connects_asked);
    }

    return ngx_cigna_dance_ask(r, ctx, ngx_cigna_slice(&url));
}


/* checks return_to as the flow does; CIGNA_ERROR: it is refused */

static int
ngx_cigna_connect_return_to(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    int             rc;
    u_char         *p;
    cigna_arena_t   arena;
    cigna_slice_t   asked, return_to;

    rc = ngx_cigna_connect_arg(r, cigna_slice("return_to"), &asked);

    if (rc == CIGNA_NONE) {
        return CIGNA_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_CIGNA_CONNECT_RETURN);

    if (rc != CIGNA_OK || p == NULL) {
        return CIGNA_ERROR;
    }

    cigna_arena_init(&arena, p, NGX_CIGNA_CONNECT_RETURN);

    rc = cigna_connect_return_to(&ctx->tenant->provider, asked, &arena,
                                 &return_to);

    return rc == CIGNA_ERROR ? CIGNA_ERROR : CIGNA_OK;
}


static ngx_uint_t
ngx_cigna_connect_moves(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_slice_t  moved;

    return !ngx_cigna_browser_at_home(r, ctx->tenant)
           && ngx_cigna_connect_arg(r, cigna_slice(NGX_CIGNA_CONNECT_MOVED),
                                    &moved)
              == CIGNA_NONE;
}


/*
 * Redirects to the host of redirect_uri, but only once: the new URL has the
 * argument cigna_moved.  If a proxy in front of nginx changes the Host line,
 * the browser may already be on that host, and redirects would never end.
 */

static ngx_int_t
ngx_cigna_connect_move(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_str_t      location;
    cigna_buf_t    b;
    cigna_slice_t  path;

    if (ngx_cigna_buf_init(r, &b, ctx->tenant->redirect_uri.text.len
                                  + r->unparsed_uri.len
                                  + sizeof("?" NGX_CIGNA_CONNECT_MOVED "=1")
                                  + 16)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    path = ngx_cigna_slice(&r->unparsed_uri);
    path = cigna_slice_cut(&path, '?');

    cigna_uri_append_origin(&b, &ctx->tenant->redirect_uri);
    cigna_buf_append(&b, path);
    cigna_buf_append_char(&b, '?');

    if (r->args.len) {
        cigna_buf_append(&b, ngx_cigna_slice(&r->args));
        cigna_buf_append_char(&b, '&');
    }

    cigna_buf_append_str(&b, NGX_CIGNA_CONNECT_MOVED "=1");

    if (ngx_cigna_buf_done(&b, &location) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply_redirect(r, NGX_HTTP_MOVED_TEMPORARILY, &location);
}


static int
ngx_cigna_connect_arg(ngx_http_request_t *r, cigna_slice_t name,
    cigna_slice_t *value)
{
    u_char         *p;
    cigna_arena_t   arena;

    *value = cigna_slice_null;

    p = ngx_pnalloc(r->pool, r->args.len + 1);
    if (p == NULL) {
        return CIGNA_ERROR;
    }

    cigna_arena_init(&arena, p, r->args.len + 1);

    return cigna_form_get(ngx_cigna_slice(&r->args), name, &arena, value);
}


static ngx_int_t
ngx_cigna_connect_run(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t return_to)
{
    ngx_msec_t           timeout;
    cigna_connect_t     *flow;
    ngx_cigna_run_t     *run;
    ngx_cigna_tenant_t  *tenant = ctx->tenant;

    if (ngx_cigna_dance_reference(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    run = ngx_cigna_dance_run(r, ctx, "connect", sizeof(cigna_connect_t),
                              NGX_CIGNA_CONNECT_ARENA);
    if (run == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    flow = run->flow;
    flow->subject = &run->subject;
    flow->request = ngx_cigna_slice(&run->log.request);
    flow->closer.closed = ngx_cigna_connect_closed;
    flow->closer.data = run;

    if (cigna_arena_copy(&run->arena, ngx_cigna_slice(&ctx->dance),
                         &flow->dance_id)
        != CIGNA_OK
        || cigna_arena_copy(&run->arena, return_to, &flow->return_to)
           != CIGNA_OK)
    {
        ngx_cigna_run_destroy(run);
        return ngx_cigna_connect_refuse(r, ctx,
                                        cigna_dance_outcome_return_to_refused);
    }

    run->on.result = ngx_cigna_connect_result;

    /*
     * time for one discovery, and for two scripts in Redis, each of which may
     * take two commands (EVALSHA, EVAL)
     */

    timeout = tenant->connect_timeout + tenant->timeout
              + run->mcf->redis.connect_timeout
              + 4 * run->mcf->redis.timeout;

    ngx_cigna_discovery_start_run(run, cigna_connect_next);

    return ngx_cigna_dance_wait(r, ctx, run, timeout, ngx_cigna_connect_reply);
}


static void
ngx_cigna_connect_result(ngx_cigna_run_t *run)
{
    cigna_connect_t        *flow = run->flow;
    ngx_cigna_dance_end_t   end;

    flow->outcome = ngx_cigna_dance_outcome(run, flow->outcome,
                                            cigna_dance_outcome_store_failed);

    ngx_cigna_dance_end_init(&end, NGX_CIGNA_CONNECT_WHAT, run, flow->outcome);
    end.dance = flow->dance_id;

    if (end.outcome != cigna_dance_outcome_none) {
        ngx_cigna_dance_end(ngx_cycle->log, &end);
        return;
    }

    ngx_cigna_count(run->tenant->counters, ngx_cigna_count_dances_started);

    if (flow->dropped) {
        ngx_cigna_count(run->tenant->counters,
                        ngx_cigna_count_stories_dropped);
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "cigna: dance started, tenant: %V, member: %*s, "
                  "dance: %*s, request: %V",
                  &run->tenant->name, end.member.len, end.member.data,
                  end.dance.len, end.dance.data, end.request);
}


static void
ngx_cigna_connect_closed(void *data, const cigna_dance_close_t *closed)
{
    ngx_cigna_run_t *run = data;

    ngx_cigna_dance_closed(run, run->tenant, closed);
}


static ngx_int_t
ngx_cigna_connect_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_connect_t  *flow;

    if (ctx->wait->run == NULL) {

        /* the run goes on, and logs its own outcome */

        ngx_cigna_dance_tell(r, ctx, cigna_dance_outcome_store_failed,
                             cigna_slice_null);
        return ngx_cigna_dance_page(r, ctx, cigna_dance_outcome_store_failed);
    }

    flow = ctx->wait->run->flow;

    ngx_cigna_dance_tell(r, ctx, flow->outcome, flow->dance_id);

    if (flow->outcome != cigna_dance_outcome_none) {
        return ngx_cigna_dance_page(r, ctx, flow->outcome);
    }

    ngx_str_set(&ctx->outcome, "started");

    return ngx_cigna_connect_go(r, ctx, flow);
}


/* copies all values out of the run, which may end before the reply is sent */

static ngx_int_t
ngx_cigna_connect_go(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_connect_t *flow)
{
    ngx_str_t       location;
    cigna_cookie_t  cookie;

    cookie.tag = flow->tag;
    cookie.secret = flow->secret;
    cookie.started_s = flow->started_ms / 1000;

    location = ngx_cigna_str(flow->location);
    location.data = ngx_pstrdup(r->pool, &location);

    if (location.data == NULL
        || ngx_cigna_browser_set_cookie(r, ctx->tenant->provider.https,
                                        &cookie)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply_redirect(r, NGX_HTTP_MOVED_TEMPORARILY, &location);
}


static ngx_int_t
ngx_cigna_connect_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_dance_outcome_e outcome)
{
    ngx_cigna_dance_refused(r, ctx, NGX_CIGNA_CONNECT_WHAT, outcome, NULL);

    return ngx_cigna_dance_page(r, ctx, outcome);
}

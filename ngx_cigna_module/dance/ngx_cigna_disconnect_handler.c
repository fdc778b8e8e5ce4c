
/*
 * Disconnects a member.  First the handler drops the grant from the cache, so
 * this node no longer uses its access token.  Then a run of the disconnect flow
 * deletes the grant in the vault and revokes its tokens at Cigna.
 */


#include "ngx_cigna_browser.h"
#include "ngx_cigna_dance.h"
#include "ngx_cigna_dance_handlers.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "run/ngx_cigna_driver.h"
#include "jobs/ngx_cigna_revoker.h"
#include "request/ngx_cigna_cors.h"
#include "request/ngx_cigna_identity.h"
#include "shm/ngx_cigna_cache.h"
#include "dance/cigna_disconnect.h"


#define NGX_CIGNA_DISCONNECT_WHAT  "connection ended"


static ngx_int_t ngx_cigna_disconnect_begin(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_disconnect_run(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_disconnect_result(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_disconnect_reply(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_disconnect_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, const char *allow);


ngx_int_t
ngx_cigna_disconnect_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    rc = ngx_cigna_ctx_begin(r, &ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (r->method != NGX_HTTP_POST) {
        return ngx_cigna_disconnect_refuse(r, ctx,
                                           ngx_cigna_condition_method_refused,
                                           "POST");
    }

    return ngx_cigna_disconnect_begin(r, ctx);
}


static ngx_int_t
ngx_cigna_disconnect_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_loc_conf_t   *lcf;
    ngx_cigna_condition_e   e;

    e = ngx_cigna_identity(r, ctx);

    if (e != ngx_cigna_condition_served) {
        return ngx_cigna_disconnect_refuse(r, ctx, e, NULL);
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!ngx_cigna_browser_same_origin(r, ctx->tenant)
        && ngx_cigna_cors_origin(r, lcf->cors) == NULL)
    {
        return ngx_cigna_disconnect_refuse(r, ctx,
                                           ngx_cigna_condition_origin_refused,
                                           NULL);
    }

    return ngx_cigna_disconnect_run(r, ctx);
}


static ngx_int_t
ngx_cigna_disconnect_run(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_msec_t           timeout;
    ngx_cigna_run_t     *run;
    cigna_disconnect_t  *flow;

    run = ngx_cigna_dance_run(r, ctx, "disconnect", sizeof(cigna_disconnect_t),
                              CIGNA_FLOW_ARENA);
    if (run == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_cigna_cache_drop(run->mcf->zone, &run->key, run->identity.hash);

    flow = run->flow;
    flow->subject = &run->subject;

    run->on.result = ngx_cigna_disconnect_result;

    timeout = run->mcf->redis.connect_timeout + 9 * run->mcf->redis.timeout;

    /* this run needs no endpoints; the run of the revocation waits for them */

    ngx_cigna_run_start(run, cigna_disconnect_next);

    return ngx_cigna_dance_wait(r, ctx, run, timeout,
                                ngx_cigna_disconnect_reply);
}


/*
 * Drops the grant from the cache once more.  A request that has read the vault
 * before the deletion may have put the grant there again.
 */

static void
ngx_cigna_disconnect_result(ngx_cigna_run_t *run)
{
    cigna_disconnect_t     *flow;
    ngx_cigna_dance_end_t   end;

    ngx_cigna_cache_drop(run->mcf->zone, &run->key, run->identity.hash);

    flow = run->flow;

    if (run->failed) {
        flow->outcome = cigna_dance_outcome_not_disconnected;
    }

    ngx_cigna_dance_end_init(&end, NGX_CIGNA_DISCONNECT_WHAT, run,
                             flow->outcome);
    end.detail = flow->detail;

    ngx_cigna_dance_end(ngx_cycle->log, &end);

    if (flow->unread && end.outcome == cigna_dance_outcome_disconnected) {
        ngx_cigna_revoker_refuse(run, "the record that was deleted cannot be "
                                      "opened");
    }
}


static ngx_int_t
ngx_cigna_disconnect_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_uint_t             html;
    cigna_disconnect_t    *flow;
    cigna_dance_outcome_e  outcome;

    outcome = cigna_dance_outcome_not_disconnected;

    if (ctx->wait->run != NULL) {
        flow = ctx->wait->run->flow;
        outcome = flow->outcome;
    }

    ngx_cigna_dance_tell(r, ctx, outcome, cigna_slice_null);

    html = ngx_cigna_browser_wants_html(r);

    if (outcome == cigna_dance_outcome_disconnected) {

        if (html) {
            return ngx_cigna_dance_return(r, ctx, outcome, cigna_slice_null);
        }

        return ngx_cigna_reply(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
    }

    if (html) {
        return ngx_cigna_dance_page(r, ctx, outcome);
    }

    return ngx_cigna_reply_condition(r, ctx,
                                     ngx_cigna_condition_not_disconnected,
                                     ngx_cigna_reply_json, 0, NULL);
}


static ngx_int_t
ngx_cigna_disconnect_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, const char *allow)
{
    if (ngx_cigna_browser_wants_html(r)) {
        return ngx_cigna_page_condition(r, ctx, e, "disconnect", allow);
    }

    ngx_cigna_reply_log(r, ctx, e, "disconnect", NULL);

    return ngx_cigna_reply_condition(r, ctx, e, ngx_cigna_reply_json, 0, allow);
}


/*
 * The decisions about a request to a location with "cigna_fhir on":
 *
 *   precontent  ngx_cigna_fhir_handler() checks the method, and the way in
 *               which a browser will use the reply.  If the request is not for
 *               public metadata, the handler evaluates the identity and finds
 *               the token.  Then it sets ctx->may_leave.
 *   content     ngx_cigna_fhir_content_handler() reads the body,
 *               ngx_cigna_fhir_proxy() checks the upstream request,
 *               ngx_cigna_fhir_leave() serves metadata from memory, or asks the
 *               budgets and starts the upstream request.
 *   reply       after a 401, ngx_cigna_fhir_reply() repeats the request once,
 *               with another token.
 *
 * Until the content handler runs, try_files may still send the request to
 * another location.  So only the content handler charges the budgets and sends
 * the token.
 */


#include "ngx_cigna_fhir.h"
#include "ngx_cigna_budget_gate.h"
#include "ngx_cigna_destination.h"
#include "ngx_cigna_fetch_use.h"
#include "ngx_cigna_gate_out.h"
#include "ngx_cigna_inject.h"
#include "ngx_cigna_metadata_reply.h"
#include "ngx_cigna_public_metadata.h"
#include "ngx_cigna_replay.h"
#include "ngx_cigna_search.h"
#include "ngx_cigna_token_find.h"
#include "ngx_cigna_type_guard.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_identity.h"
#include "request/ngx_cigna_reply.h"
#include "request/ngx_cigna_trace.h"
#include "request/ngx_cigna_wait.h"
#include "shm/ngx_cigna_counters.h"


/* ctx->token and ctx->inject point to these two members */

typedef struct {
    ngx_cigna_token_t    token;
    ngx_cigna_inject_t   inject;
} ngx_cigna_fhir_t;


static ngx_int_t ngx_cigna_fhir_subrequest(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_fhir_init(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_decide(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_cigna_condition_e ngx_cigna_fhir_method(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_uint_t ngx_cigna_fhir_public(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_fhir_refuse_handler(ngx_http_request_t *r);
static void ngx_cigna_fhir_proxy(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_fhir_gates(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_fhir_leave(ngx_http_request_t *r);
static void ngx_cigna_fhir_end(ngx_http_request_t *r, ngx_int_t rc);
static ngx_int_t ngx_cigna_fhir_reply(ngx_http_request_t *r);
static void ngx_cigna_fhir_reject(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_fhir_replay(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_fhir_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


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

        /* NGX_OK makes nginx skip mirror and try_files: content comes next */

        r->content_handler = ngx_cigna_fhir_refuse_handler;
        return NGX_OK;
    }

    if (ctx->outcome.len == 0) {
        ctx->outcome = ngx_cigna_condition(ngx_cigna_condition_served)->name;
    }

    ctx->may_leave = 1;

    return NGX_DECLINED;
}


/*
 * Refuses subrequests (mirror, SSI include), as nginx makes no access checks
 * for them, and a "post_action", as no client gets its reply.  The log line has
 * the location's name instead of the URI, which the caller may have filled with
 * any bytes.  nginx runs no precontent handlers for a cloned subrequest; the
 * content handler refuses it.
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

    ctx->token = &f->token;
    ctx->inject = &f->inject;

    ngx_cigna_trace(r, ctx);

    return NGX_OK;
}


/*
 * NGX_OK: the request may be sent.  NGX_AGAIN: the request waits.  NGX_ABORT:
 * the request must be refused.
 */

static ngx_int_t
ngx_cigna_fhir_decide(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_condition_e  e;

    if (ctx->token->state != ngx_cigna_token_new) {
        return ngx_cigna_token_find(r, ctx);
    }

    e = ngx_cigna_fhir_method(r, ctx);

    if (e != ngx_cigna_condition_served) {
        return ngx_cigna_token_refuse(ctx, e);
    }

    if (r->content_handler == NULL) {
        return ngx_cigna_token_refuse(ctx,
                                    ngx_cigna_condition_destination_refused);
    }

    if (ngx_cigna_fetch_use_runs(r)) {
        return ngx_cigna_token_refuse(ctx, ngx_cigna_condition_use_refused);
    }

    if (ngx_cigna_fhir_public(r, ctx)) {
        return NGX_OK;
    }

    e = ngx_cigna_identity(r, ctx);

    if (e != ngx_cigna_condition_served) {
        return ngx_cigna_token_refuse(ctx, e);
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_fhir_requests);

    return ngx_cigna_token_find(r, ctx);
}


/*
 * checks the method; ngx_cigna_condition_served: the request is a read, or a
 * search by POST
 */

static ngx_cigna_condition_e
ngx_cigna_fhir_method(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_condition_e  e;

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return ngx_cigna_condition_served;
    }

    e = ngx_cigna_search_check(r);

    if (e == ngx_cigna_condition_served) {
        ctx->search_by_post = 1;

        /* "mirror" may read the body first, and must not put it into a file */

        r->request_body_in_file_only = 0;
    }

    return e;
}


/* returns 1 if the request is for public metadata, and so needs no token */

static ngx_uint_t
ngx_cigna_fhir_public(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    if (!ngx_cigna_public_metadata_asked(r)
        || ngx_cigna_identity_tenant(r, ctx) != ngx_cigna_condition_served)
    {
        return 0;
    }

    ctx->public_metadata = 1;

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_open_requests);

    return 1;
}


static ngx_int_t
ngx_cigna_fhir_refuse_handler(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (r != r->main || ctx == NULL || ctx->token == NULL) {
        return NGX_HTTP_FORBIDDEN;
    }

    return ngx_cigna_fhir_refuse(r, ctx);
}


/* a cloned subrequest has no context: nginx skips its precontent phase */

ngx_int_t
ngx_cigna_fhir_content_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (r != r->main || ctx == NULL || !ctx->may_leave) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (ctx->search_by_post) {
        return ngx_cigna_search_read(r, ngx_cigna_fhir_proxy);
    }

    rc = ngx_http_read_client_request_body(r, ngx_cigna_fhir_proxy);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/*
 * makes the upstream, and checks the upstream request (ngx_cigna_gate_out.h);
 * called with one reference to the request
 */

static void
ngx_cigna_fhir_proxy(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    rc = ngx_cigna_inject_make(r);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* the location's own handler has taken a second reference to the request */

    rc = ngx_cigna_fhir_gates(r, ctx);

    if (rc == NGX_DECLINED) {
        ngx_cigna_fhir_leave(r);

    } else {
        ngx_cigna_fhir_end(r, rc);
    }
}


/*
 * NGX_DECLINED: nginx may send the request.  Otherwise this function has
 * refused it, and returns the result of a content handler.
 */

static ngx_int_t
ngx_cigna_fhir_gates(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_gate_out_t       gate;
    ngx_cigna_condition_e  e;

    e = ngx_cigna_destination(r, ctx);

    if (e == ngx_cigna_condition_served) {
        e = ngx_cigna_gate_out(r, ctx, &gate);
    }

    if (e == ngx_cigna_condition_served && ctx->public_metadata) {
        e = ngx_cigna_public_metadata_leaves(r, ctx, &gate);
    }

    if (e == ngx_cigna_condition_served) {
        e = ngx_cigna_type_guard(r, ctx, &gate);
    }

    switch (e) {

    case ngx_cigna_condition_served:
        return NGX_DECLINED;

    case ngx_cigna_condition_internal_error:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default:
        return ngx_cigna_reply_condition(r, ctx, e, ngx_cigna_reply_fhir, 0,
                                         NULL);
    }
}


/*
 * Starts the upstream request, unless public metadata is served from memory, or
 * the budgets refuse the request.  The request may wait for a metadata document
 * or for the budgets: each wait ends with another call of this function.  The
 * caller holds two references to the request.
 */

static void
ngx_cigna_fhir_leave(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (ctx->public_metadata
        && ngx_cigna_metadata_reply(r, ngx_cigna_fhir_leave) != NGX_DECLINED)
    {
        return;
    }

    rc = ctx->tenant->budget ? ngx_cigna_budget_gate(r, ngx_cigna_fhir_leave)
                             : NGX_DECLINED;

    if (rc == NGX_DECLINED) {
        ngx_cigna_inject_start(r, ctx, ngx_cigna_fhir_reply);

    } else if (rc != NGX_DONE) {
        ngx_cigna_fhir_end(r, rc);
    }
}


/* drops both references to the request, whose upstream is never started */

static void
ngx_cigna_fhir_end(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_finalize_request(r, rc);
}


/*
 * Takes the place of process_header().  If the reply to a request with a token
 * is a 401, ends the upstream request.  After the first 401 the gateway then
 * looks for another token, and after the second 401 it refuses the request.
 */

static ngx_int_t
ngx_cigna_fhir_reply(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    rc = ngx_cigna_inject_header(r, ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->budget_gate) {
        ngx_cigna_budget_gate_answered(r);
    }

    if (r->upstream->headers_in.status_n != NGX_HTTP_UNAUTHORIZED
        || ctx->public_metadata)
    {
        return NGX_OK;
    }

    ngx_cigna_fhir_reject(r, ctx);

    return ngx_cigna_replay(r, ctx, ngx_cigna_fhir_replay);
}


/* prepares a repeat after the first 401, and a refusal after the second 401 */

static void
ngx_cigna_fhir_reject(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_tokens_refused);

    if (ctx->replayed) {
        (void) ngx_cigna_token_refuse(ctx, ngx_cigna_condition_grant_refused);
        return;
    }

    ctx->replayed = 1;
    ctx->token->resume = ngx_cigna_fhir_replay;

    ngx_cigna_token_reject(r, ctx);
}


/*
 * Sends the request again, with another token.  The caller has one reference to
 * the request.  If the function has to wait for a token, it is called again.
 */

static void
ngx_cigna_fhir_replay(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    rc = ngx_cigna_token_find(r, ctx);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, ngx_cigna_fhir_refuse(r, ctx));
        return;
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_replays);

    ngx_cigna_fhir_proxy(r);
}


/* sends the refusal that ctx->token->condition asks for */

static ngx_int_t
ngx_cigna_fhir_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_cigna_condition_e  e;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    e = ctx->token->condition;

    ngx_cigna_reply_log(r, ctx, e, "fhir", NULL);

    return ngx_cigna_reply_condition(r, ctx, e, ngx_cigna_reply_fhir,
                                     ctx->token->retry_after_s,
                                     e == ngx_cigna_condition_method_refused
                                         ? "GET, HEAD" : NULL);
}

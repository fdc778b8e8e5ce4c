
/* Tells the app whether a member is connected, after one read of the vault. */


#include "ngx_cigna_dance_handlers.h"
#include "budget/ngx_cigna_budget.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_identity.h"
#include "request/ngx_cigna_reply.h"
#include "request/ngx_cigna_vault_read.h"
#include "json/cigna_json.h"


#define NGX_CIGNA_STATUS_SIZE  512         /* bytes of the reply, without its
                                              strings */
#define NGX_CIGNA_TIME_LEN     sizeof("2026-01-01T00:00:00Z")


static ngx_int_t ngx_cigna_status_begin(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_status_reply(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_status_connected(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, const cigna_grant_t *grant);
static void ngx_cigna_status_time(cigna_buf_t *b, const char *name, int64_t ms);
static void ngx_cigna_status_flag(cigna_buf_t *b, const char *name,
    ngx_uint_t flag);
static void ngx_cigna_status_pause(cigna_buf_t *b, ngx_cigna_budget_t *budget);
static ngx_int_t ngx_cigna_status_not(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, int64_t connected_ms);
static void ngx_cigna_status_member(cigna_buf_t *b, const char *name,
    cigna_slice_t value);
static ngx_int_t ngx_cigna_status_send(ngx_http_request_t *r,
    const cigna_buf_t *b);
static ngx_int_t ngx_cigna_status_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_condition_e e, const char *allow);


ngx_int_t
ngx_cigna_status_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    rc = ngx_cigna_ctx_begin(r, &ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_cigna_status_refuse(r, ctx,
                                       ngx_cigna_condition_method_refused,
                                       "GET, HEAD");
    }

    return ngx_cigna_status_begin(r, ctx);
}


static ngx_int_t
ngx_cigna_status_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_condition_e  e;

    e = ngx_cigna_identity(r, ctx);

    if (e != ngx_cigna_condition_served) {
        return ngx_cigna_status_refuse(r, ctx, e, NULL);
    }

    switch (ngx_cigna_vault_read_start(r, ctx, ngx_cigna_wait_reply)) {

    case NGX_AGAIN:
        ctx->wait->reply = ngx_cigna_status_reply;
        r->main->count++;
        return NGX_DONE;

    case NGX_BUSY:
        return ngx_cigna_status_refuse(r, ctx,
                                       ngx_cigna_condition_vault_unreachable,
                                       NULL);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_cigna_status_reply(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t              rc;
    cigna_grant_t          grant;
    ngx_cigna_condition_e  e;

    e = ngx_cigna_vault_read_grant(r, ctx, &grant);

    if (e == ngx_cigna_condition_served
        || e == ngx_cigna_condition_refresh_paused)
    {
        rc = ngx_cigna_status_connected(r, ctx, &grant);

    } else if (ngx_cigna_condition(e)->connect) {
        rc = ngx_cigna_status_not(r, ctx, e, grant.connected_ms);

    } else {
        rc = ngx_cigna_status_refuse(r, ctx, e, NULL);
    }

    ngx_cigna_vault_read_done(ctx, &grant);

    return rc;
}


static ngx_int_t
ngx_cigna_status_connected(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    const cigna_grant_t *grant)
{
    cigna_buf_t  b;

    if (ngx_cigna_ctx_grant(r, ctx, grant) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* one byte of a string becomes at most six bytes of JSON ("\u0000") */

    if (ngx_cigna_buf_init(r, &b, NGX_CIGNA_STATUS_SIZE
                                  + 6 * (ctx->tenant->name.len
                                         + grant->scope.len
                                         + grant->patient.len
                                         + grant->userinfo.len))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cigna_buf_append_str(&b, "{\"connected\":true");
    ngx_cigna_status_member(&b, "tenant", ngx_cigna_slice(&ctx->tenant->name));
    ngx_cigna_status_time(&b, "connected_at", grant->connected_ms);
    ngx_cigna_status_time(&b, "obtained_at", grant->obtained_ms);
    ngx_cigna_status_time(&b, "expires_at", grant->expires_ms);
    ngx_cigna_status_member(&b, "scope", grant->scope);
    ngx_cigna_status_member(&b, "patient", grant->patient);
    ngx_cigna_status_member(&b, "userinfo", grant->userinfo);
    ngx_cigna_status_flag(&b, "refreshable", grant->refresh_token.len != 0);
    ngx_cigna_status_flag(&b, "refresh_pending",
                          ngx_cigna_vault_read_marked(ctx));
    ngx_cigna_status_pause(&b, ctx->tenant->budget);
    cigna_buf_append_str(&b, "}\n");

    ctx->outcome = ngx_cigna_condition(ngx_cigna_condition_served)->name;

    return ngx_cigna_status_send(r, &b);
}


/* adds a time in the format of RFC 3339, in UTC */

static void
ngx_cigna_status_time(cigna_buf_t *b, const char *name, int64_t ms)
{
    u_char         text[NGX_CIGNA_TIME_LEN];
    ngx_tm_t       tm;
    cigna_slice_t  time;

    ngx_gmtime((time_t) (ms / 1000), &tm);

    time.data = text;
    time.len = ngx_snprintf(text, NGX_CIGNA_TIME_LEN,
                            "%4d-%02d-%02dT%02d:%02d:%02dZ",
                            tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                            tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec)
               - text;

    ngx_cigna_status_member(b, name, time);
}


static void
ngx_cigna_status_flag(cigna_buf_t *b, const char *name, ngx_uint_t flag)
{
    cigna_buf_append_str(b, ",\"");
    cigna_buf_append_str(b, name);
    cigna_buf_append_str(b, flag ? "\":true" : "\":false");
}


/* adds the rest of a pause that the FHIR server asked for, in whole seconds */

static void
ngx_cigna_status_pause(cigna_buf_t *b, ngx_cigna_budget_t *budget)
{
    int64_t  ms;

    ms = budget ? ngx_cigna_budget_pause_left_ms(&budget->pause) : 0;

    if (ms > 0) {
        cigna_buf_append_str(b, ",\"held_back_for\":");
        cigna_buf_append_uint(b, (uint64_t) (ms + 999) / 1000);
    }
}


/*
 * replies that the member is not connected; e: the reason; connected_ms: when
 * the last dance connected the member, 0 if it is not known
 */

static ngx_int_t
ngx_cigna_status_not(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, int64_t connected_ms)
{
    ngx_str_t    connect;
    cigna_buf_t  b;

    if (ngx_cigna_connect_url(r, ctx, &connect) != NGX_OK
        || ngx_cigna_buf_init(r, &b, NGX_CIGNA_STATUS_SIZE
                                     + 6 * (ctx->tenant->name.len
                                            + connect.len))
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->outcome = ngx_cigna_condition(e)->name;

    cigna_buf_append_str(&b, "{\"connected\":false");
    ngx_cigna_status_member(&b, "tenant", ngx_cigna_slice(&ctx->tenant->name));
    ngx_cigna_status_member(&b, "reason", ngx_cigna_slice(&ctx->outcome));

    if (connected_ms) {
        ngx_cigna_status_time(&b, "connected_at", connected_ms);
    }

    ngx_cigna_status_member(&b, "connect", ngx_cigna_slice(&connect));
    cigna_buf_append_str(&b, "}\n");

    return ngx_cigna_status_send(r, &b);
}


/* adds the member "name" with this string; leaves an empty string out */

static void
ngx_cigna_status_member(cigna_buf_t *b, const char *name, cigna_slice_t value)
{
    if (value.len == 0) {
        return;
    }

    cigna_buf_append_str(b, ",\"");
    cigna_buf_append_str(b, name);
    cigna_buf_append_str(b, "\":");
    cigna_json_append_string(b, value);
}


static ngx_int_t
ngx_cigna_status_send(ngx_http_request_t *r, const cigna_buf_t *b)
{
    ngx_str_t  body;

    if (ngx_cigna_buf_done(b, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply(r, NGX_HTTP_OK, "application/json", &body);
}


static ngx_int_t
ngx_cigna_status_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, const char *allow)
{
    ngx_cigna_reply_log(r, ctx, e, "status", NULL);

    return ngx_cigna_reply_condition(r, ctx, e, ngx_cigna_reply_json, 0, allow);
}

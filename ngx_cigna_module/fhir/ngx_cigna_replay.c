
/*
 * An upstream's 401:
 *
 *   process_header    ngx_cigna_replay() ends the upstream request as if it had
 *                     never been; the request itself goes on, and waits
 *   posted            ngx_cigna_replay_resume() looks for another token, which
 *                     may take a look into the vault and a refresh: it is
 *                     called again after each
 *   found             the location's handler makes a fresh upstream request;
 *                     what it answers is the answer
 *   not found         a refusal of ours
 *
 * The second 401 is not passed on either.  No body ever leaves, so every
 * request can be made again.
 */


#include "ngx_cigna_replay.h"
#include "ngx_cigna_refusal.h"
#include "request/ngx_cigna_wait.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_tenant.h"


static void ngx_cigna_replay_judge(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_replay_leave(ngx_http_request_t *r,
    ngx_http_upstream_t *u);
static ngx_uint_t ngx_cigna_replay_whole(ngx_http_request_t *r,
    ngx_http_upstream_t *u);
static ngx_uint_t ngx_cigna_replay_chunks(ngx_http_request_t *r,
    ngx_http_upstream_t *u);
static void ngx_cigna_replay_resume(ngx_http_request_t *r);


/*
 * One reference of the request is the upstream's.  Finalizing that gives it
 * back, and so does nginx at NGX_ERROR, as it finds the upstream finalized: the
 * one that is left is for those who wait.
 */

ngx_int_t
ngx_cigna_replay(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    ngx_cigna_replay_judge(r, ctx);

    r->main->count += 2;

    ngx_cigna_replay_leave(r, r->upstream);

    if (ngx_cigna_wait_init(r, ctx) != NGX_OK
        || ngx_cigna_wait_post(ctx->wait, ngx_cigna_replay_resume)
           != NGX_AGAIN)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    return NGX_ERROR;
}


static void
ngx_cigna_replay_judge(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_tokens_refused);

    if (ctx->inject->replayed) {
        (void) ngx_cigna_token_refuse(ctx, ngx_cigna_condition_grant_refused);
        return;
    }

    ctx->inject->replayed = 1;
    ctx->token->resume = ngx_cigna_replay_resume;

    ngx_cigna_token_reject(r, ctx);
}


/* a connection serves on if nothing of the reply is still to come */

static void
ngx_cigna_replay_leave(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    if (u->state) {
        u->state->header_time = ngx_current_msec - u->start_time;
    }

    u->keepalive = !u->headers_in.connection_close
                   && ngx_cigna_replay_whole(r, u);

    (*u->cleanup)(r);
}


static ngx_uint_t
ngx_cigna_replay_whole(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    size_t  len;

    len = u->buffer.last - u->buffer.pos;

    /* nginx has set it for what has no body */

    if (u->keepalive) {
        return len == 0;
    }

    if (u->headers_in.chunked) {
        return ngx_cigna_replay_chunks(r, u);
    }

    return u->headers_in.content_length_n == (off_t) len;
}


static ngx_uint_t
ngx_cigna_replay_chunks(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    ngx_int_t           rc;
    ngx_buf_t           b;
    ngx_http_chunked_t  chunked;

    b = u->buffer;
    ngx_memzero(&chunked, sizeof(ngx_http_chunked_t));

    for ( ;; ) {

        rc = ngx_cigna_parse_chunked(r, &b, &chunked);

        if (rc != NGX_OK) {
            return rc == NGX_DONE && b.pos == b.last;
        }

        if (chunked.size > b.last - b.pos) {
            return 0;
        }

        b.pos += chunked.size;
        chunked.size = 0;
    }
}


/* holds one reference */

static void
ngx_cigna_replay_resume(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    rc = ngx_cigna_token_find(r, ctx);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, ngx_cigna_refusal(r, ctx));
        return;
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_replays);

    ctx->inject->token = ctx->token->value;

    ngx_cigna_inject_again(r);
}

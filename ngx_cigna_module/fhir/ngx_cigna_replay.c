
#include "ngx_cigna_replay.h"
#include "request/ngx_cigna_wait.h"


static void ngx_cigna_replay_leave(ngx_http_request_t *r,
    ngx_http_upstream_t *u);
static ngx_uint_t ngx_cigna_replay_whole(ngx_http_request_t *r,
    ngx_http_upstream_t *u);
static ngx_uint_t ngx_cigna_replay_chunks(ngx_http_request_t *r,
    ngx_http_upstream_t *u);


/*
 * One reference of the request is the upstream's.  Finalizing the upstream
 * gives it back.  nginx gives back another one at NGX_ERROR, as it finds the
 * upstream finalized.  So two references are taken, and the third is left for
 * the wait.
 */

ngx_int_t
ngx_cigna_replay(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_http_event_handler_pt resume)
{
    r->main->count += 2;

    ngx_cigna_replay_leave(r, r->upstream);

    if (ngx_cigna_wait_init(r, ctx) != NGX_OK
        || ngx_cigna_wait_post(ctx->wait, resume) != NGX_AGAIN)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    return NGX_ERROR;
}


/* the connection is kept if nothing of the reply is still to come */

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

    /* nginx has set it for replies without a body */

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

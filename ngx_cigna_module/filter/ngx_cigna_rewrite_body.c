
/*
 *   rw->in     input buffers that were not read to their end; the upstream
 *              owns them, and waits for them if the client reads slowly
 *   rw->rest   the unread bytes of the first buffer of rw->in
 *   rw->part   output for the client
 *   rw->busy   the filter's own buffers that the client has not read; at most
 *              NGX_CIGNA_REWRITE_BUFS of them have memory
 *
 * rw->rest points into the first buffer of rw->in.  rw->part points into that
 * buffer, to bytes that rw->links has kept, or to the gateway's base URL.  The
 * filter gives a buffer back after it has copied all output of that buffer.
 */


#include "ngx_cigna_rewrite_body.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_reply.h"
#include "fhir/cigna_fhir_base.h"
#include "fhir/cigna_link_filter.h"


#define NGX_CIGNA_REWRITE_BUF   16384
#define NGX_CIGNA_REWRITE_BUFS  4


/* a bit in c->buffered that nginx does not use */

#define NGX_CIGNA_BUFFERED      0x40


struct ngx_cigna_rewrite_s {
    cigna_link_filter_t   links;

    ngx_chain_t          *in;
    cigna_slice_t         rest;
    cigna_slice_t         part;
    ngx_uint_t            begun;           /* rw->rest was set for the first
                                              buffer of rw->in */

    ngx_chain_t          *out;
    ngx_chain_t         **last;
    ngx_buf_t            *buf;             /* the last buffer of rw->out, if it
                                              has room; otherwise NULL */

    ngx_chain_t          *free;
    ngx_chain_t          *busy;
    ngx_uint_t            bufs;            /* number of buffers allocated */
};


static ngx_int_t ngx_cigna_rewrite_fill(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static int ngx_cigna_rewrite_next(ngx_cigna_rewrite_t *rw, ngx_uint_t last);
static ngx_int_t ngx_cigna_rewrite_copy(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw);
static ngx_int_t ngx_cigna_rewrite_mark(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw, ngx_buf_t *b);
static ngx_chain_t **ngx_cigna_rewrite_free(ngx_cigna_rewrite_t *rw,
    ngx_uint_t memory);
static ngx_buf_t *ngx_cigna_rewrite_add(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw, ngx_uint_t memory);
static ngx_chain_t *ngx_cigna_rewrite_alloc(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw, ngx_uint_t memory);
static void ngx_cigna_rewrite_ended(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_rewrite_left(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_count_e kind, const char *what);


ngx_int_t
ngx_cigna_rewrite_begin(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *base_url)
{
    ngx_cigna_rewrite_t  *rw;

    rw = ngx_pcalloc(r->pool, sizeof(ngx_cigna_rewrite_t));
    if (rw == NULL) {
        return NGX_ERROR;
    }

    rw->last = &rw->out;

    cigna_link_filter_init(&rw->links, &ctx->tenant->shared->bases,
                           ngx_cigna_slice(base_url));

    ctx->rewrite = rw;
    r->filter_need_in_memory = 1;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_rewrite_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t *in, ngx_http_output_body_filter_pt next)
{
    ngx_int_t             rc, filled;
    ngx_chain_t          *out;
    ngx_cigna_rewrite_t  *rw = ctx->rewrite;

    if (in && ngx_chain_add_copy(r->pool, &rw->in, in) != NGX_OK) {
        return NGX_ERROR;
    }

    for ( ;; ) {

        filled = ngx_cigna_rewrite_fill(r, ctx);

        if (filled == NGX_ERROR) {
            return NGX_ERROR;
        }

        /* if out is NULL, the next filter sends bytes that it has kept */

        out = rw->out;
        rc = next(r, out);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        ngx_chain_update_chains(r->pool, &rw->free, &rw->busy, &rw->out,
                                (ngx_buf_tag_t) &ngx_cigna_module);

        rw->last = &rw->out;
        rw->buf = NULL;

        if (filled == NGX_OK) {
            r->connection->buffered &= ~NGX_CIGNA_BUFFERED;
            return rc;
        }

        if (out == NULL && *ngx_cigna_rewrite_free(rw, 1) == NULL) {
            r->connection->buffered |= NGX_CIGNA_BUFFERED;
            return NGX_AGAIN;
        }
    }
}


/* turns input into output; NGX_AGAIN: all output buffers are full */

static ngx_int_t
ngx_cigna_rewrite_fill(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_int_t             rc;
    ngx_buf_t            *b;
    ngx_chain_t          *cl;
    ngx_cigna_rewrite_t  *rw = ctx->rewrite;

    while (rw->in) {

        cl = rw->in;
        b = cl->buf;

        if (!rw->begun) {
            rw->begun = 1;
            rw->rest = ngx_buf_in_memory(b) ? cigna_slice_make(b->pos, b->last)
                                            : cigna_slice_null;
        }

        while (rw->part.len
               || ngx_cigna_rewrite_next(rw, b->last_buf) == CIGNA_OK)
        {
            rc = ngx_cigna_rewrite_copy(r, rw);

            if (rc != NGX_OK) {
                return rc;
            }
        }

        if (ngx_cigna_rewrite_mark(r, rw, b) != NGX_OK) {
            return NGX_ERROR;
        }

        b->pos = b->last;
        rw->begun = 0;

        if (b->last_buf) {
            ngx_cigna_rewrite_ended(r, ctx);
        }

        rw->in = cl->next;
        ngx_free_chain(r->pool, cl);
    }

    return NGX_OK;
}


/*
 * Sets rw->part to the next part of the output.  Not CIGNA_OK: there is none
 * before more input comes, or none at all if "last" is 1.
 */

static int
ngx_cigna_rewrite_next(ngx_cigna_rewrite_t *rw, ngx_uint_t last)
{
    int  rc;

    rc = cigna_link_filter_next(&rw->links, &rw->rest, &rw->part);

    if (rc != CIGNA_OK && last) {
        rc = cigna_link_filter_end(&rw->links, &rw->part);
    }

    return rc;
}


static ngx_int_t
ngx_cigna_rewrite_copy(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw)
{
    size_t      n;
    ngx_buf_t  *b;

    while (rw->part.len) {

        b = rw->buf;

        if (b == NULL || b->last == b->end) {

            if (rw->bufs == NGX_CIGNA_REWRITE_BUFS
                && *ngx_cigna_rewrite_free(rw, 1) == NULL)
            {
                return NGX_AGAIN;
            }

            b = ngx_cigna_rewrite_add(r, rw, 1);
            if (b == NULL) {
                return NGX_ERROR;
            }

            rw->buf = b;
        }

        n = ngx_min(rw->part.len, (size_t) (b->end - b->last));

        b->last = ngx_cpymem(b->last, rw->part.data, n);
        rw->part = cigna_slice_skip(rw->part, n);
    }

    return NGX_OK;
}


/* copies the flags of an input buffer to the last buffer of its output */

static ngx_int_t
ngx_cigna_rewrite_mark(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw,
    ngx_buf_t *b)
{
    ngx_buf_t  *mark;

    if (!b->last_buf && !b->last_in_chain && !b->flush && !b->sync) {
        return NGX_OK;
    }

    mark = rw->buf;

    if (mark == NULL) {

        mark = ngx_cigna_rewrite_add(r, rw, 0);
        if (mark == NULL) {
            return NGX_ERROR;
        }

        mark->sync = !b->last_buf && !b->flush;
    }

    mark->last_buf = b->last_buf;
    mark->last_in_chain = b->last_in_chain;
    mark->flush = b->flush;

    rw->buf = NULL;

    return NGX_OK;
}


/*
 * Finds a free buffer, with memory or without.  Returns the address of the
 * pointer to its chain link.  That pointer is NULL if there is no such buffer.
 */

static ngx_chain_t **
ngx_cigna_rewrite_free(ngx_cigna_rewrite_t *rw, ngx_uint_t memory)
{
    ngx_chain_t  **ll;

    for (ll = &rw->free; *ll; ll = &(*ll)->next) {

        if (((*ll)->buf->start != NULL) == memory) {
            break;
        }
    }

    return ll;
}


/* appends a buffer to the output */

static ngx_buf_t *
ngx_cigna_rewrite_add(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw,
    ngx_uint_t memory)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl, **ll;

    ll = ngx_cigna_rewrite_free(rw, memory);
    cl = *ll;

    if (cl) {
        *ll = cl->next;

    } else {

        cl = ngx_cigna_rewrite_alloc(r, rw, memory);
        if (cl == NULL) {
            return NULL;
        }
    }

    b = cl->buf;

    b->pos = b->start;
    b->last = b->start;
    b->tag = (ngx_buf_tag_t) &ngx_cigna_module;
    b->temporary = memory;
    b->sync = 0;
    b->flush = 0;
    b->last_buf = 0;
    b->last_in_chain = 0;

    cl->next = NULL;

    *rw->last = cl;
    rw->last = &cl->next;

    return b;
}


static ngx_chain_t *
ngx_cigna_rewrite_alloc(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw,
    ngx_uint_t memory)
{
    ngx_chain_t  *cl;

    cl = NULL;
    cl = ngx_chain_get_free_buf(r->pool, &cl);

    if (cl && memory) {

        cl->buf->start = ngx_palloc(r->pool, NGX_CIGNA_REWRITE_BUF);
        if (cl->buf->start == NULL) {
            return NULL;
        }

        cl->buf->end = cl->buf->start + NGX_CIGNA_REWRITE_BUF;
        rw->bufs++;
    }

    return cl;
}


/* counts and logs links that were not rewritten */

static void
ngx_cigna_rewrite_ended(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_link_filter_t  *links;

    links = &ctx->rewrite->links;

    if (links->broken) {
        ngx_cigna_rewrite_left(r, ctx, ngx_cigna_count_links_broken,
                               "no valid JSON: links behind the error still "
                               "lead to Cigna");
    }

    if (links->elsewhere) {
        ngx_cigna_rewrite_left(r, ctx, ngx_cigna_count_links_elsewhere,
                               "a Bundle with links to another host or path, "
                               "which stay; if they are Cigna's, write "
                               "\"cigna_upstream_alias\"");
    }

    if (links->outside) {
        ngx_cigna_rewrite_left(r, ctx, ngx_cigna_count_links_outside,
                               "links with dot segments, or longer than any of "
                               "FHIR, which still lead to Cigna");
    }
}


static void
ngx_cigna_rewrite_left(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_count_e kind, const char *what)
{
    if (ngx_cigna_reply_note(ctx, kind)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "cigna: upstream sent %s", what);
    }
}

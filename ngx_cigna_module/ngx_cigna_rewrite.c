
#include "ngx_cigna_rewrite.h"
#include "ngx_cigna_errors.h"
#include "ngx_cigna_inject.h"
#include "ngx_cigna_open.h"
#include "ngx_cigna_own.h"
#include "cigna_links.h"


#define NGX_CIGNA_REWRITE_BUF   16384
#define NGX_CIGNA_REWRITE_WARN  60000      /* ms between two lines of a kind */


struct ngx_cigna_rewrite_s {
    cigna_links_t         links;
    cigna_smart_t        *smart;           /* NULL: endpoints stay */

    ngx_chain_t          *free;
    ngx_chain_t          *busy;

    /* of one call of the filter */
    ngx_chain_t          *out;
    ngx_chain_t         **last;
    ngx_buf_t            *buf;             /* has room; NULL: none */
};


static ngx_uint_t ngx_cigna_rewrite_upstreams(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_rewrite_links(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_ctx_t *ctx, ngx_str_t *own);
static ngx_uint_t ngx_cigna_rewrite_readable(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_uint_t ngx_cigna_rewrite_warns(ngx_msec_t *last);
static ngx_int_t ngx_cigna_rewrite_lines(ngx_http_request_t *r,
    ngx_cigna_tenant_t *tenant, ngx_str_t *own);
static ngx_uint_t ngx_cigna_rewrite_named(ngx_table_elt_t *h, ngx_str_t *name);
static ngx_int_t ngx_cigna_rewrite_line(ngx_http_request_t *r,
    ngx_cigna_tenant_t *tenant, ngx_str_t *own, ngx_table_elt_t *h);
static ngx_uint_t ngx_cigna_rewrite_json(ngx_str_t *type, size_t len);
static ngx_int_t ngx_cigna_rewrite_begin(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_ctx_t *ctx, ngx_str_t *own,
    cigna_smart_e document);
static ngx_int_t ngx_cigna_rewrite_buf(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw, ngx_buf_t *b);
static ngx_int_t ngx_cigna_rewrite_piece(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw, cigna_slice_t piece);
static ngx_int_t ngx_cigna_rewrite_copy(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw, cigna_slice_t piece);
static ngx_buf_t *ngx_cigna_rewrite_room(ngx_http_request_t *r,
    ngx_cigna_rewrite_t *rw, size_t size);
static void ngx_cigna_rewrite_ended(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


/* no base: cigna_links.c finds no link then */

static const cigna_bases_t  ngx_cigna_rewrite_no_bases;


ngx_int_t
ngx_cigna_rewrite_header(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_int_t         rc;
    ngx_str_t         own;
    cigna_smart_e     document;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (!lcf->fhir || !ngx_cigna_rewrite_upstreams(r, ctx)) {
        return NGX_OK;
    }

    rc = ngx_cigna_rewrite_links(r, lcf, ctx, &own);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    document = cigna_smart_none;

    if (lcf->endpoints) {
        document = ngx_cigna_open_document(ctx->tenant,
                                           ngx_cigna_slice(&r->upstream->uri));
    }

    if (rc == NGX_DECLINED && document == cigna_smart_none) {
        return NGX_OK;
    }

    /* the same for all replies, with body or without, of one resource */

    ngx_http_weak_etag(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_accept_ranges(r);

    if (ngx_cigna_errors_replaced(ctx)
        || !ngx_cigna_rewrite_readable(r, ctx))
    {
        return NGX_OK;
    }

    ngx_http_clear_content_length(r);

    if (r->header_only) {
        return NGX_OK;
    }

    return ngx_cigna_rewrite_begin(r, lcf, ctx, rc == NGX_OK ? &own : NULL,
                                   document);
}


/* in the header; NGX_DECLINED: links stay */

static ngx_int_t
ngx_cigna_rewrite_links(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_ctx_t *ctx, ngx_str_t *own)
{
    ngx_int_t          rc;
    static ngx_msec_t  warned;

    if (!lcf->links) {
        return NGX_DECLINED;
    }

    rc = ngx_cigna_own_base(r, ctx, own);

    if (rc == NGX_OK) {
        return ngx_cigna_rewrite_lines(r, ctx->tenant, own);
    }

    if (rc != NGX_DECLINED) {
        return NGX_ERROR;
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_links_unknown);

    if (ngx_cigna_rewrite_warns(&warned)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "cigna: links in the reply still lead to Cigna: the "
                      "gateway's own base is not known, write "
                      "\"cigna_base_url\", or \"server_name\" with the host "
                      "that was asked for");
    }

    return NGX_DECLINED;
}


/* is there a body, and one that can be read? */

static ngx_uint_t
ngx_cigna_rewrite_readable(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    static ngx_msec_t  warned;

    if (r->headers_out.status == NGX_HTTP_NOT_MODIFIED
        || r->headers_out.status == NGX_HTTP_NO_CONTENT
        || !ngx_cigna_rewrite_json(&r->headers_out.content_type,
                                   r->headers_out.content_type_len))
    {
        return 0;
    }

    if (r->headers_out.status != NGX_HTTP_PARTIAL_CONTENT
        && (r->headers_out.content_encoding == NULL
            || r->headers_out.content_encoding->value.len == 0))
    {
        return 1;
    }

    /* it was not asked for such a reply, and this one cannot be read */

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_links_unread);

    if (ngx_cigna_rewrite_warns(&warned)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "cigna: upstream sent a part of a reply, or a "
                      "compressed one, without being asked for it: links in "
                      "it still lead to Cigna");
    }

    return 0;
}


/* what a counter tells of each request is logged now and then */

static ngx_uint_t
ngx_cigna_rewrite_warns(ngx_msec_t *last)
{
    if (*last && ngx_current_msec - *last < NGX_CIGNA_REWRITE_WARN) {
        return 0;
    }

    *last = ngx_max(ngx_current_msec, 1);

    return 1;
}


/* a reply that the upstream is sending, not an error of nginx's or ours */

static ngx_uint_t
ngx_cigna_rewrite_upstreams(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    return r == r->main
           && ctx != NULL
           && ctx->inject != NULL
           && ctx->inject->content != NULL
           && r->err_status == 0
           && r->upstream != NULL
           && r->upstream->cleanup != NULL;
}


static ngx_int_t
ngx_cigna_rewrite_lines(ngx_http_request_t *r, ngx_cigna_tenant_t *tenant,
    ngx_str_t *own)
{
    ngx_uint_t         i;
    ngx_list_part_t   *part;
    ngx_table_elt_t   *h;
    static ngx_str_t   location = ngx_string("Location");
    static ngx_str_t   content_location = ngx_string("Content-Location");

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash
                && (ngx_cigna_rewrite_named(&h[i], &location)
                    || ngx_cigna_rewrite_named(&h[i], &content_location))
                && ngx_cigna_rewrite_line(r, tenant, own, &h[i]) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_cigna_rewrite_named(ngx_table_elt_t *h, ngx_str_t *name)
{
    return h->key.len == name->len
           && ngx_strncasecmp(h->key.data, name->data, name->len) == 0;
}


static ngx_int_t
ngx_cigna_rewrite_line(ngx_http_request_t *r, ngx_cigna_tenant_t *tenant,
    ngx_str_t *own, ngx_table_elt_t *h)
{
    size_t         len, rest;
    u_char        *p;
    cigna_slice_t  instead;

    len = cigna_link_url(&tenant->bases, ngx_cigna_slice(own),
                          ngx_cigna_slice(&h->value), &instead);
    if (len == 0) {
        return NGX_OK;
    }

    rest = h->value.len - len;

    p = ngx_pnalloc(r->pool, instead.len + rest);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(p, instead.data, instead.len), h->value.data + len,
               rest);

    h->value.data = p;
    h->value.len = instead.len + rest;

    return NGX_OK;
}


/* application/json, application/fhir+json, and whatever else ends like that */

static ngx_uint_t
ngx_cigna_rewrite_json(ngx_str_t *type, size_t len)
{
    return len >= 5
           && (ngx_strncasecmp(type->data + len - 5, (u_char *) "/json", 5)
               == 0
               || ngx_strncasecmp(type->data + len - 5, (u_char *) "+json", 5)
                  == 0);
}


/* own NULL: links stay */

static ngx_int_t
ngx_cigna_rewrite_begin(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_ctx_t *ctx, ngx_str_t *own, cigna_smart_e document)
{
    ngx_cigna_rewrite_t  *rw;

    rw = ngx_palloc(r->pool, sizeof(ngx_cigna_rewrite_t));
    if (rw == NULL) {
        return NGX_ERROR;
    }

    rw->free = NULL;
    rw->busy = NULL;
    rw->smart = NULL;

    if (document != cigna_smart_none) {

        rw->smart = ngx_palloc(r->pool, sizeof(cigna_smart_t));
        if (rw->smart == NULL) {
            return NGX_ERROR;
        }

        cigna_smart_init(rw->smart, document, lcf->endpoints->elts,
                         lcf->endpoints->nelts);
    }

    if (own) {
        cigna_links_init(&rw->links, &ctx->tenant->bases,
                         ngx_cigna_slice(own));

    } else {
        cigna_links_init(&rw->links, &ngx_cigna_rewrite_no_bases,
                         cigna_slice("/"));
    }

    ctx->rewrite = rw;
    r->filter_need_in_memory = 1;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_rewrite_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t *in, ngx_http_output_body_filter_pt next)
{
    ngx_int_t             rc;
    ngx_cigna_rewrite_t  *rw;

    rw = ctx->rewrite;

    rw->out = NULL;
    rw->last = &rw->out;
    rw->buf = NULL;

    for ( /* void */ ; in; in = in->next) {

        if (ngx_cigna_rewrite_buf(r, rw, in->buf) != NGX_OK) {
            return NGX_ERROR;
        }

        if (in->buf->last_buf) {
            ngx_cigna_rewrite_ended(r, ctx);
        }
    }

    rc = next(r, rw->out);

    ngx_chain_update_chains(r->pool, &rw->free, &rw->busy, &rw->out,
                            (ngx_buf_tag_t) &ngx_cigna_module);

    return rc;
}


static ngx_int_t
ngx_cigna_rewrite_buf(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw,
    ngx_buf_t *b)
{
    ngx_buf_t      *mark;
    cigna_slice_t   in, piece;

    if (ngx_buf_in_memory(b)) {

        in = cigna_slice_make(b->pos, b->last);

        while (cigna_links_next(&rw->links, &in, &piece) == CIGNA_OK) {
            if (ngx_cigna_rewrite_piece(r, rw, piece) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        b->pos = b->last;
    }

    if (b->last_buf) {

        while (cigna_links_end(&rw->links, &piece) == CIGNA_OK) {
            if (ngx_cigna_rewrite_piece(r, rw, piece) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        while (rw->smart && cigna_smart_end(rw->smart, &piece) == CIGNA_OK) {
            if (ngx_cigna_rewrite_copy(r, rw, piece) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    if (!b->last_buf && !b->last_in_chain && !b->flush && !b->sync) {
        return NGX_OK;
    }

    /* what the buffer says beside its bytes is said behind them */

    mark = rw->buf;

    if (mark == NULL) {

        mark = ngx_cigna_rewrite_room(r, rw, 0);
        if (mark == NULL) {
            return NGX_ERROR;
        }
    }

    mark->last_buf = b->last_buf;
    mark->last_in_chain = b->last_in_chain;
    mark->flush = b->flush;

    if (mark->pos == mark->last) {
        mark->temporary = 0;
        mark->sync = !b->last_buf && !b->flush;
    }

    rw->buf = NULL;

    return NGX_OK;
}


/* with links that lead here: what remains are endpoints */

static ngx_int_t
ngx_cigna_rewrite_piece(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw,
    cigna_slice_t piece)
{
    cigna_slice_t  part;

    if (rw->smart == NULL) {
        return ngx_cigna_rewrite_copy(r, rw, piece);
    }

    while (cigna_smart_next(rw->smart, &piece, &part) == CIGNA_OK) {
        if (ngx_cigna_rewrite_copy(r, rw, part) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_rewrite_copy(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw,
    cigna_slice_t piece)
{
    size_t      n;
    ngx_buf_t  *b;

    while (piece.len) {

        b = rw->buf;

        if (b == NULL || b->last == b->end) {

            b = ngx_cigna_rewrite_room(r, rw, NGX_CIGNA_REWRITE_BUF);
            if (b == NULL) {
                return NGX_ERROR;
            }

            rw->buf = b;
        }

        n = ngx_min(piece.len, (size_t) (b->end - b->last));

        b->last = ngx_cpymem(b->last, piece.data, n);
        piece = cigna_slice_skip(piece, n);
    }

    return NGX_OK;
}


/* the next buffer of what goes out; those without memory mark something */

static ngx_buf_t *
ngx_cigna_rewrite_room(ngx_http_request_t *r, ngx_cigna_rewrite_t *rw,
    size_t size)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(r->pool, &rw->free);
    if (cl == NULL) {
        return NULL;
    }

    b = cl->buf;

    if (b->start == NULL && size) {

        b->start = ngx_palloc(r->pool, size);
        if (b->start == NULL) {
            return NULL;
        }

        b->end = b->start + size;
    }

    b->pos = b->start;
    b->last = b->start;
    b->tag = (ngx_buf_tag_t) &ngx_cigna_module;
    b->temporary = 1;
    b->recycled = 0;
    b->sync = 0;
    b->flush = 0;
    b->last_buf = 0;
    b->last_in_chain = 0;

    *rw->last = cl;
    rw->last = &cl->next;

    return b;
}


static void
ngx_cigna_rewrite_ended(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_links_t  *links;

    links = &ctx->rewrite->links;

    if (links->broken) {
        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_links_broken);

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "cigna: upstream sent no valid JSON, links behind the "
                      "error are left as they are");
    }
}

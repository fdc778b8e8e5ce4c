
#include "ngx_cigna_metadata_reply.h"
#include "ngx_cigna_base_url.h"
#include "ngx_cigna_destination.h"
#include "ngx_cigna_public_metadata.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_tenant.h"
#include "jobs/ngx_cigna_metadata.h"
#include "request/ngx_cigna_reply.h"
#include "request/ngx_cigna_wait.h"


#define NGX_CIGNA_METADATA_REPLY_ETAG  sizeof("\"0123456789abcdef-01234567\"")


static ngx_int_t ngx_cigna_metadata_reply_asked(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_metadata_t *asked, ngx_str_t *base);
static ngx_uint_t ngx_cigna_metadata_reply_same_host(
    ngx_http_request_t *r, ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf);
static ngx_int_t ngx_cigna_metadata_reply_request(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_metadata_t *asked);
static ngx_int_t ngx_cigna_metadata_reply_wait(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_run_t *run,
    ngx_http_event_handler_pt resume);
static ngx_int_t ngx_cigna_metadata_reply_send(ngx_http_request_t *r,
    ngx_cigna_metadata_text_t *text, cigna_public_metadata_e document,
    ngx_str_t *base);
static ngx_chain_t *ngx_cigna_metadata_reply_body(ngx_http_request_t *r,
    ngx_cigna_metadata_text_t *text, ngx_str_t *base);
static ngx_int_t ngx_cigna_metadata_reply_header(ngx_http_request_t *r,
    const ngx_cigna_metadata_text_t *text, cigna_public_metadata_e document,
    ngx_str_t *base);


ngx_int_t
ngx_cigna_metadata_reply(ngx_http_request_t *r,
    ngx_http_event_handler_pt resume)
{
    ngx_int_t                   rc;
    ngx_str_t                   base;
    ngx_cigna_ctx_t            *ctx;
    ngx_cigna_run_t            *run;
    ngx_cigna_metadata_t        asked;
    ngx_cigna_metadata_text_t  *text;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    rc = ngx_cigna_metadata_reply_asked(r, ctx, &asked, &base);

    if (rc == NGX_OK) {
        rc = ngx_cigna_metadata_get(&asked, &text, &run);
    }

    if (rc == NGX_AGAIN) {
        rc = ngx_cigna_metadata_reply_wait(r, ctx, run, resume);
    }

    if (rc == NGX_AGAIN || rc == NGX_DECLINED) {
        return rc;
    }

    if (rc == NGX_OK) {
        rc = ngx_cigna_metadata_reply_send(r, text, asked.document,
                                           asked.bases ? &base : NULL);
    }

    /* the upstream request is never started: release both references */

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_finalize_request(r, rc == NGX_ERROR
                                 ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc);

    return NGX_DONE;
}


/*
 * Fills *asked.  If the links of the document have to be rewritten, and the
 * gateway's base is known, sets asked->bases and *base.  NGX_DECLINED: the
 * gateway cannot keep the reply to this request.
 */

static ngx_int_t
ngx_cigna_metadata_reply_asked(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_metadata_t *asked, ngx_str_t *base)
{
    ngx_int_t              rc;
    ngx_cigna_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_cigna_module);

    if (!ngx_cigna_metadata_reply_same_host(r, ctx, lcf)) {
        return NGX_DECLINED;
    }

    asked->mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);
    asked->tenant = ctx->tenant;
    asked->document = ngx_cigna_public_metadata_document(ctx->tenant,
                                       ngx_cigna_slice(&r->upstream->uri));
    asked->endpoints = lcf->endpoints ? lcf->endpoints->elts : NULL;
    asked->n = lcf->endpoints ? lcf->endpoints->nelts : 0;
    asked->bases = NULL;

    rc = ngx_cigna_metadata_reply_request(r, ctx, asked);

    if (rc != NGX_OK || !lcf->links) {
        return rc;
    }

    rc = ngx_cigna_base_url(r, ctx, base);

    if (rc == NGX_OK) {
        asked->bases = &ctx->tenant->shared->bases;
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/*
 * Returns 1 if the upstream request goes to the host of fhir_base.  It can go
 * to another host only with "cigna_insecure_upstream on".
 */

static ngx_uint_t
ngx_cigna_metadata_reply_same_host(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, ngx_cigna_loc_conf_t *lcf)
{
    ngx_str_t  name;

    return !lcf->insecure_upstream
           || (ngx_cigna_destination_name(r, &name) == NGX_OK
               && cigna_slice_eq_case(ngx_cigna_slice(&name),
                                      ctx->tenant->fhir_uri.host));
}


/*
 * Fills asked->lines from the finished upstream request, which cigna_gate_out()
 * has written.  NGX_DECLINED: the reply must not be kept.
 */

static ngx_int_t
ngx_cigna_metadata_reply_request(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_metadata_t *asked)
{
    int                         rc;
    ngx_buf_t                  *b = r->upstream->request_bufs->buf;
    cigna_buf_t                 lines;
    cigna_slice_t               request, query, ids[2];
    ngx_http_variable_value_t  *id;

    request = cigna_slice_make(b->pos, b->last);

    query = ngx_cigna_slice(&r->upstream->uri);
    (void) cigna_slice_cut(&query, '?');

    if (ngx_cigna_buf_init(r, &lines,
                           request.len + CIGNA_PUBLIC_METADATA_LINES)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* $request_id and $cigna_request_id differ if the caller has sent an id */

    id = ngx_http_get_indexed_variable(r, asked->mcf->request_id);

    ids[0].data = id ? id->data : NULL;
    ids[0].len = id ? id->len : 0;
    ids[1] = ngx_cigna_slice(&ctx->trace.request_id);

    rc = cigna_public_metadata_asked(request, query, ids, &lines);

    if (rc != CIGNA_OK) {
        return rc == CIGNA_NONE ? NGX_DECLINED : NGX_ERROR;
    }

    asked->lines = cigna_buf_slice(&lines);

    return NGX_OK;
}


/*
 * Lets the request wait for the run that fetches the document, at most for the
 * tenant's time-out.  NGX_DECLINED: the request has waited already, or too many
 * requests wait.
 */

static ngx_int_t
ngx_cigna_metadata_reply_wait(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_run_t *run, ngx_http_event_handler_pt resume)
{
    ngx_int_t  rc;

    if (ctx->metadata_waited) {
        return NGX_DECLINED;
    }

    ctx->metadata_waited = 1;

    if (ngx_cigna_wait_init(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_cigna_wait_run(ctx->wait, run, ctx->tenant->timeout, resume);

    return rc == NGX_BUSY ? NGX_DECLINED : rc;
}


/*
 * Sends the text, and releases it together with the request's pool.  base is
 * the gateway's base for links; NULL: links in the text stay as they are.
 */

static ngx_int_t
ngx_cigna_metadata_reply_send(ngx_http_request_t *r,
    ngx_cigna_metadata_text_t *text, cigna_public_metadata_e document,
    ngx_str_t *base)
{
    ngx_int_t            rc;
    ngx_chain_t         *out;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        ngx_cigna_metadata_release(text);
        return NGX_ERROR;
    }

    cln->handler = ngx_cigna_metadata_release;
    cln->data = text;

    out = ngx_cigna_metadata_reply_body(r, text, base);

    if (out == NULL
        || ngx_cigna_metadata_reply_header(r, text, document, base) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out);
}


/*
 * Makes the buffers of the reply.  They point into the text, which is not
 * copied.  The base replaces each CIGNA_PUBLIC_METADATA_BASE in the text.
 */

static ngx_chain_t *
ngx_cigna_metadata_reply_body(ngx_http_request_t *r,
    ngx_cigna_metadata_text_t *text, ngx_str_t *base)
{
    u_char       *p, *mark, *from, *to, *end;
    ngx_chain_t  *out, *cl, **last;

    last = &out;
    r->headers_out.content_length_n = 0;

    p = text->data;
    end = p + text->len;

    do {
        mark = base ? ngx_strlchr(p, end, CIGNA_PUBLIC_METADATA_BASE) : NULL;

        from = p;
        to = mark ? mark : end;
        p = to;

        if (mark == from) {

            /* leave out the base's last "/": the text has it where needed */

            from = base->data;
            to = base->data + base->len - 1;
            p++;
        }

        cl = ngx_cigna_reply_chain(r, from, to);
        if (cl == NULL) {
            return NULL;
        }

        r->headers_out.content_length_n += to - from;

        *last = cl;
        last = &cl->next;

    } while (p < end);

    cl->buf->last_buf = 1;
    cl->buf->last_in_chain = 1;

    return out;
}


static ngx_int_t
ngx_cigna_metadata_reply_header(ngx_http_request_t *r,
    const ngx_cigna_metadata_text_t *text, cigna_public_metadata_e document,
    ngx_str_t *base)
{
    ngx_str_t         etag;
    ngx_table_elt_t  *h;

    if (ngx_cigna_reply_print(r->pool, &etag, NGX_CIGNA_METADATA_REPLY_ETAG,
                              "\"%016xL-%08xD\"", text->hash,
                              base ? ngx_crc32_long(base->data, base->len) : 0)
            != NGX_OK
        || ngx_cigna_reply_header(r, "ETag", ngx_cigna_slice(&etag)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* nginx compares r->headers_out.etag with If-None-Match */

    h = r->headers_out.headers.last->elts;
    r->headers_out.etag = &h[r->headers_out.headers.last->nelts - 1];

    r->headers_out.status = NGX_HTTP_OK;

    ngx_cigna_reply_type(r, document == cigna_public_metadata_capabilities
                            ? "application/fhir+json" : "application/json");

    return NGX_OK;
}

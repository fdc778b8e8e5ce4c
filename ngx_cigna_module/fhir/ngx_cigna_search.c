
/*
 * With request buffering nginx may write a body to disk.  So these functions
 * read the body without buffering.  nginx calls them:
 *
 *   content handler   ngx_cigna_search_read()
 *   first bytes read  ngx_cigna_search_begin()
 *   more bytes read   ngx_cigna_search_more(), perhaps several times
 *   body complete     next()
 *
 * r->request_body keeps the bytes, so the request is still a complete POST if
 * nginx goes on with the request in another location.
 *
 * Another module, such as "mirror", may have read the body before, and nginx
 * may have written a part of it to a temporary file.  Then these functions copy
 * the bytes and do not change r->request_body.
 */


#include "ngx_cigna_search.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "request/ngx_cigna_reply.h"
#include "fhir/cigna_search.h"


struct ngx_cigna_search_s {
    ngx_buf_t                        buf;
    ngx_chain_t                      link;
    ngx_http_client_body_handler_pt  next;
    unsigned                         foreign:1;  /* another module has read the
                                                    body */
};


static ngx_uint_t ngx_cigna_search_coded(ngx_http_request_t *r);
static void ngx_cigna_search_begin(ngx_http_request_t *r);
static void ngx_cigna_search_more(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_search_collect(ngx_http_request_t *r);
static ngx_int_t ngx_cigna_search_copy(ngx_http_request_t *r,
    ngx_cigna_search_t *search);
static ngx_int_t ngx_cigna_search_append(ngx_buf_t *to, ngx_buf_t *from);
static void ngx_cigna_search_done(ngx_http_request_t *r,
    ngx_cigna_search_t *search);
static void ngx_cigna_search_refuse(ngx_http_request_t *r);


ngx_cigna_condition_e
ngx_cigna_search_check(ngx_http_request_t *r)
{
    ngx_table_elt_t  *type;

    if (r->method != NGX_HTTP_POST
        || !cigna_search_path(ngx_cigna_slice(&r->uri)))
    {
        return ngx_cigna_condition_method_refused;
    }

    type = r->headers_in.content_type;

    if (type == NULL || !cigna_search_form(ngx_cigna_slice(&type->value))
        || ngx_cigna_search_coded(r))
    {
        return ngx_cigna_condition_media_type_refused;
    }

    if (r->headers_in.content_length_n > NGX_CIGNA_SEARCH_MAX) {
        return ngx_cigna_condition_search_too_large;
    }

    return ngx_cigna_condition_served;
}


/* returns 1 if the body has a content coding, such as gzip */

static ngx_uint_t
ngx_cigna_search_coded(ngx_http_request_t *r)
{
    ngx_str_t   *coding;
    ngx_uint_t   from;

    from = 0;

    while ((coding = ngx_cigna_request_header(r, "content-encoding", &from))
           != NULL)
    {
        if (!cigna_slice_eq_case(ngx_cigna_slice(coding),
                                 cigna_slice("identity")))
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_cigna_search_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt next)
{
    ngx_int_t            rc;
    ngx_cigna_ctx_t     *ctx;
    ngx_cigna_search_t  *search;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    search = ngx_pcalloc(r->pool, sizeof(ngx_cigna_search_t));
    if (search == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    search->buf.start = ngx_cigna_pool_secret_alloc(r->pool,
                                                    NGX_CIGNA_SEARCH_MAX);
    if (search->buf.start == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    search->buf.pos = search->buf.start;
    search->buf.last = search->buf.start;
    search->buf.end = search->buf.start + NGX_CIGNA_SEARCH_MAX;
    search->buf.temporary = 1;
    search->buf.last_buf = 1;

    search->link.buf = &search->buf;
    search->next = next;
    search->foreign = (r->request_body != NULL);

    ctx->search = search;

    r->request_body_no_buffering = 1;
    r->request_body_in_file_only = 0;

    rc = ngx_http_read_client_request_body(r, ngx_cigna_search_begin);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
ngx_cigna_search_begin(ngx_http_request_t *r)
{
    /* another module has discarded the body */

    if (r->request_body == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_BAD_REQUEST);
        return;
    }

    if (r->reading_body) {
        r->read_event_handler = ngx_cigna_search_more;
    }

    if (ngx_cigna_search_collect(r) == NGX_AGAIN) {
        ngx_cigna_search_more(r);
    }
}


/* reads and copies the body's bytes that have arrived */

static void
ngx_cigna_search_more(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    do {
        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_finalize_request(r, rc);
            return;
        }

    } while (ngx_cigna_search_collect(r) == NGX_AGAIN);
}


/*
 * Copies the bytes that nginx has read.  NGX_AGAIN: read more bytes now.
 * NGX_DONE: the body is complete, was refused, or nginx will read later.
 */

static ngx_int_t
ngx_cigna_search_collect(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_cigna_ctx_t     *ctx;
    ngx_cigna_search_t  *search;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);
    search = ctx->search;

    rc = ngx_cigna_search_copy(r, search);

    if (rc == NGX_ERROR) {
        ngx_cigna_search_refuse(r);
        return NGX_DONE;
    }

    if (!r->reading_body) {
        ngx_cigna_search_done(r, search);
        return NGX_DONE;
    }

    return rc == NGX_DECLINED ? NGX_DONE : NGX_AGAIN;
}


/* NGX_DECLINED: no new bytes; NGX_ERROR: body too large, or not readable */

static ngx_int_t
ngx_cigna_search_copy(ngx_http_request_t *r, ngx_cigna_search_t *search)
{
    ngx_chain_t  *cl;

    cl = r->request_body->bufs;

    if (cl == NULL) {
        return NGX_DECLINED;
    }

    if (!search->foreign) {
        r->request_body->bufs = NULL;
    }

    for ( /* void */ ; cl; cl = cl->next) {

        if (ngx_cigna_search_append(&search->buf, cl->buf) != NGX_OK) {
            return NGX_ERROR;
        }

        if (!search->foreign) {
            cl->buf->pos = cl->buf->last;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_search_append(ngx_buf_t *to, ngx_buf_t *from)
{
    off_t  len;

    len = ngx_buf_size(from);

    if (len > to->end - to->last) {
        return NGX_ERROR;
    }

    if (!ngx_buf_in_memory(from) && from->in_file) {

        if (ngx_read_file(from->file, to->last, (size_t) len, from->file_pos)
            != (ssize_t) len)
        {
            return NGX_ERROR;
        }

        to->last += len;

        return NGX_OK;
    }

    to->last = ngx_cpymem(to->last, from->pos, (size_t) len);

    return NGX_OK;
}


static void
ngx_cigna_search_done(ngx_http_request_t *r, ngx_cigna_search_t *search)
{
    size_t  len;

    len = search->buf.last - search->buf.pos;

    /*
     * nginx does not accept an empty buffer in request_body->bufs.  Over HTTP/2
     * nginx does not count the bytes of a body without Content-Length.
     */

    if (!search->foreign) {

        r->request_body->bufs = len ? &search->link : NULL;

        if (r->headers_in.chunked) {
            r->headers_in.content_length_n = len;
        }
    }

    r->request_body_no_buffering = 0;
    r->read_event_handler = ngx_http_block_reading;

    search->next(r);
}


cigna_slice_t
ngx_cigna_search_body(const ngx_cigna_ctx_t *ctx)
{
    return cigna_slice_make(ctx->search->buf.pos, ctx->search->buf.last);
}


/* does not read the rest of the body: nginx closes the connection */

static void
ngx_cigna_search_refuse(ngx_http_request_t *r)
{
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    r->read_event_handler = ngx_http_block_reading;

    ngx_cigna_reply_log(r, ctx, ngx_cigna_condition_search_too_large, "fhir",
                        NULL);

    ngx_http_finalize_request(r,
        ngx_cigna_reply_condition(r, ctx, ngx_cigna_condition_search_too_large,
                                  ngx_cigna_reply_fhir, 0, NULL));
}

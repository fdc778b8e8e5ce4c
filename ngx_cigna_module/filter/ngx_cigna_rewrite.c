
#include "ngx_cigna_rewrite.h"
#include "ngx_cigna_errors.h"
#include "ngx_cigna_rewrite_body.h"
#include "fhir/ngx_cigna_base_url.h"
#include "fhir/ngx_cigna_public_metadata.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_tenant.h"
#include "request/ngx_cigna_reply.h"
#include "fhir/cigna_link_keys.h"


static void ngx_cigna_rewrite_metadata(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_rewrite_links(ngx_http_request_t *r,
    ngx_cigna_loc_conf_t *lcf, ngx_cigna_ctx_t *ctx, ngx_str_t *base_url);
static ngx_uint_t ngx_cigna_rewrite_readable(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static void ngx_cigna_rewrite_type(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_rewrite_lines(ngx_http_request_t *r,
    ngx_cigna_tenant_t *tenant, ngx_str_t *base_url);
static ngx_int_t ngx_cigna_rewrite_line(ngx_http_request_t *r,
    ngx_cigna_tenant_t *tenant, ngx_str_t *base_url, ngx_table_elt_t *h);


ngx_int_t
ngx_cigna_rewrite_header(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_int_t         rc;
    ngx_str_t         base_url;
    ngx_cigna_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (!lcf->fhir || !ngx_cigna_errors_upstreams(r, ctx)) {
        return NGX_OK;
    }

    if (lcf->endpoints) {
        ngx_cigna_rewrite_metadata(r, ctx);
    }

    rc = ngx_cigna_rewrite_links(r, lcf, ctx, &base_url);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    /* a reply to HEAD, and a 304, must have the header of the reply to GET */

    ngx_http_weak_etag(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_accept_ranges(r);

    if (ngx_cigna_errors_replaced(ctx)
        || !ngx_cigna_rewrite_readable(r, ctx))
    {
        return NGX_OK;
    }

    ngx_http_clear_content_length(r);
    ngx_cigna_errors_digests(r);

    if (r->header_only) {
        return NGX_OK;
    }

    return ngx_cigna_rewrite_begin(r, ctx, &base_url);
}


/*
 * Counts and logs a metadata document that nginx has proxied, because the
 * endpoints in it are Cigna's and not those of "cigna_smart_endpoint".
 */

static void
ngx_cigna_rewrite_metadata(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    cigna_slice_t  uri;

    uri = ngx_cigna_slice(&r->upstream->uri);

    if (r->headers_out.status == NGX_HTTP_OK
        && r->method != NGX_HTTP_HEAD
        && ngx_cigna_public_metadata_document(ctx->tenant, uri)
           != cigna_public_metadata_none
        && ngx_cigna_reply_note(ctx, ngx_cigna_count_metadata_passed))
    {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "cigna: metadata that is not kept was proxied: the "
                      "endpoints in it are Cigna's, \"cigna_smart_endpoint\" "
                      "has no effect");
    }
}


/*
 * Rewrites links in the header.  NGX_DECLINED: "links=off", or the gateway's
 * own base is not known, so links in header and body stay.
 */

static ngx_int_t
ngx_cigna_rewrite_links(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf,
    ngx_cigna_ctx_t *ctx, ngx_str_t *base_url)
{
    ngx_int_t  rc;

    if (!lcf->links) {
        return NGX_DECLINED;
    }

    rc = ngx_cigna_base_url(r, ctx, base_url);

    return rc == NGX_OK ? ngx_cigna_rewrite_lines(r, ctx->tenant, base_url)
                        : rc;
}


/* returns 1 if the reply is JSON whose links the filter can rewrite */

static ngx_uint_t
ngx_cigna_rewrite_readable(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_uint_t  readable;

    if (r->headers_out.status == NGX_HTTP_NOT_MODIFIED
        || r->headers_out.status == NGX_HTTP_NO_CONTENT)
    {
        return 0;
    }

    readable = r->headers_out.status != NGX_HTTP_PARTIAL_CONTENT
               && !ngx_cigna_errors_encoded(r);

    /*
     * An untyped reply to GET is JSON if its body begins like JSON.  A reply to
     * HEAD must have the same header as the reply to GET, but has no body for
     * the filter to look at.  So an untyped reply without a readable body
     * counts as JSON.
     */

    if (!ngx_cigna_errors_json(r, ctx)
        && (!ngx_cigna_errors_untyped(r)
            || (r->method != NGX_HTTP_HEAD && readable)))
    {
        ngx_cigna_rewrite_type(r, ctx);
        return 0;
    }

    if (readable) {
        return 1;
    }

    /* with links=on, requests ask for a whole reply without compression */

    if (ngx_cigna_reply_note(ctx, ngx_cigna_count_links_unread)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "cigna: upstream sent a part of a reply, or a "
                      "compressed one, without being asked for it: links in "
                      "it still lead to Cigna");
    }

    return 0;
}


/* counts and logs a reply whose links stay because of its type, such as XML */

static void
ngx_cigna_rewrite_type(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    if (r->method != NGX_HTTP_HEAD
        && (ngx_cigna_errors_typed(r, "ndjson")
            || ngx_cigna_errors_typed(r, "/fhir+xml")
            || ngx_cigna_errors_typed(r, "/xml+fhir")
            || ngx_cigna_errors_typed(r, "/xml")
            || ngx_cigna_errors_typed(r, "turtle"))
        && ngx_cigna_reply_note(ctx, ngx_cigna_count_links_type))
    {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "cigna: upstream sent \"%V\", in which links are not "
                      "read: they still lead to Cigna",
                      &r->headers_out.content_type);
    }
}


static ngx_int_t
ngx_cigna_rewrite_lines(ngx_http_request_t *r, ngx_cigna_tenant_t *tenant,
    ngx_str_t *base_url)
{
    cigna_slice_t        name;
    ngx_table_elt_t     *h;
    ngx_cigna_header_t   header;

    header = ngx_cigna_header(&r->headers_out.headers);

    while ((h = ngx_cigna_header_next(&header)) != NULL) {

        name = ngx_cigna_slice(&h->key);

        if (h->hash
            && (cigna_slice_eq_case(name, cigna_slice("Location"))
                || cigna_slice_eq_case(name, cigna_slice("Content-Location")))
            && ngx_cigna_rewrite_line(r, tenant, base_url, h) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_rewrite_line(ngx_http_request_t *r, ngx_cigna_tenant_t *tenant,
    ngx_str_t *base_url, ngx_table_elt_t *h)
{
    size_t         len, rest;
    u_char        *p;
    cigna_slice_t  instead;

    if (cigna_link_keys_url(&tenant->shared->bases, ngx_cigna_slice(base_url),
                            ngx_cigna_slice(&h->value), &len, &instead)
        != CIGNA_OK)
    {
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

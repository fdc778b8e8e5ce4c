
#include "ngx_cigna_failure.h"
#include "ngx_cigna_inject.h"
#include "ngx_cigna_reply.h"


static ngx_uint_t ngx_cigna_failure_is(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


ngx_int_t
ngx_cigna_failure_header(ngx_http_request_t *r, ngx_cigna_loc_conf_t *lcf)
{
    ngx_cigna_ctx_t        *ctx;
    ngx_cigna_condition_e   e;

    ctx = ngx_http_get_module_ctx(r, ngx_cigna_module);

    if (!lcf->fhir || ctx == NULL || !ngx_cigna_failure_is(r, ctx)) {
        return NGX_OK;
    }

    switch (r->headers_out.status) {

    case NGX_HTTP_BAD_GATEWAY:
        e = ngx_cigna_upstream_unreachable;
        break;

    case NGX_HTTP_GATEWAY_TIME_OUT:
        e = ngx_cigna_upstream_late;
        break;

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        e = ngx_cigna_internal_error;
        break;

    default:
        return NGX_OK;
    }

    /* nginx has logged it already */

    ctx->outcome = ngx_cigna_condition(e)->name;

    if (ngx_cigna_reply_body(r, ctx, e, ngx_cigna_reply_fhir, &ctx->failure)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&r->headers_out.content_type, NGX_CIGNA_FHIR_TYPE);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = ctx->failure.len;

    return NGX_OK;
}


/*
 * An error of nginx's own, after the token was given out: while an upstream's
 * reply is passed on, its cleanup is set.
 */

static ngx_uint_t
ngx_cigna_failure_is(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    return r == r->main
           && r->err_status == r->headers_out.status
           && ctx->inject != NULL
           && ctx->inject->content != NULL
           && (r->upstream == NULL || r->upstream->cleanup == NULL);
}


ngx_chain_t *
ngx_cigna_failure_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_chain_t  *out;

    for ( /* void */ ; in; in = in->next) {
        in->buf->pos = in->buf->last;
    }

    b = ngx_calloc_buf(r->pool);
    out = ngx_alloc_chain_link(r->pool);

    if (b == NULL || out == NULL) {
        return NULL;
    }

    b->pos = ctx->failure.data;
    b->last = b->pos + ctx->failure.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out->buf = b;
    out->next = NULL;

    ngx_str_null(&ctx->failure);

    return out;
}


#include "ngx_cigna_reply.h"
#include "gateway/ngx_cigna_loc_conf.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "nginx/ngx_cigna_log.h"
#include "http/cigna_uri.h"


#define NGX_CIGNA_REPLY_SIZE    1024
#define NGX_CIGNA_LINK          "<%V>; rel=\"cigna-connect\""
#define NGX_CIGNA_ORIGIN_EXTRA  sizeof("https://[]:65535")


static ngx_str_t ngx_cigna_reply_member(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);
static ngx_int_t ngx_cigna_reply_link(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx);


ngx_cigna_condition_e
ngx_cigna_reply_log(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, const char *what, const ngx_str_t *detail)
{
    ngx_str_t                     member;
    const ngx_cigna_condition_t  *c;
    static ngx_str_t              none = ngx_string("");
    static ngx_str_t              unknown = ngx_string("-");

    c = ngx_cigna_condition(e);

    ctx->outcome = c->name;

    /* if nothing is logged, hashing the member's name would be wasted */

    if (r->connection->log->log_level < c->level) {
        return e;
    }

    member = (e == ngx_cigna_condition_identity_invalid)
             ? unknown : ngx_cigna_reply_member(r, ctx);

    if (detail == NULL) {
        detail = &none;
    }

    ngx_log_error(c->level, r->connection->log, 0,
                  "cigna: %s request %s, condition: %V, tenant: %V, "
                  "member: %V, request: %V%s%V",
                  what,
                  e == ngx_cigna_condition_served_stale ? "served" : "refused",
                  &c->name, ctx->tenant ? &ctx->tenant->name : &unknown,
                  &member, ngx_cigna_request_id(r),
                  detail->len ? ", detail: " : "", detail);

    return e;
}


/* returns the hash of the member's name, or "-" */

static ngx_str_t
ngx_cigna_reply_member(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_str_t             member;
    cigna_vault_names_t  *id;

    ngx_str_set(&member, "-");

    if (ctx->tenant && ctx->member.len) {

        id = ngx_cigna_identity_names(r, ctx);

        if (id != NULL) {
            member.data = id->hash;
            member.len = CIGNA_NAME_LEN;
        }
    }

    return member;
}


ngx_uint_t
ngx_cigna_reply_note(ngx_cigna_ctx_t *ctx, ngx_cigna_count_e kind)
{
    ngx_cigna_count(ctx->tenant->counters, kind);

    return ngx_cigna_log_due(&ctx->mcf->worker->noted[kind]);
}


ngx_int_t
ngx_cigna_reply_header(ngx_http_request_t *r, const char *key,
    cigna_slice_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value.data = (u_char *) value.data;
    h->value.len = value.len;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_reply(ngx_http_request_t *r, ngx_uint_t status, const char *type,
    ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_chain_t  *out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = body ? body->len : 0;

    if (type) {
        ngx_cigna_reply_type(r, type);
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    if (body == NULL || body->len == 0) {
        return ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    out = ngx_cigna_reply_chain(r, body->data, body->data + body->len);
    if (out == NULL) {
        return NGX_ERROR;
    }

    out->buf->last_buf = 1;
    out->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out);
}


ngx_chain_t *
ngx_cigna_reply_chain(ngx_http_request_t *r, u_char *pos, u_char *last)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(r->pool);
    cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    b->pos = pos;
    b->last = last;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;

    return cl;
}


void
ngx_cigna_reply_type(ngx_http_request_t *r, const char *type)
{
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
}


/* nginx would make the URL of headers_out.location absolute */

ngx_int_t
ngx_cigna_reply_redirect(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *location)
{
    if (ngx_cigna_reply_header(r, "Location", ngx_cigna_slice(location))
            != NGX_OK
        || ngx_cigna_reply_header(r, "Referrer-Policy",
                                  cigna_slice("no-referrer"))
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply(r, status, NULL, NULL);
}


ngx_int_t
ngx_cigna_reply_condition(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_cigna_reply_e form, ngx_uint_t retry_after_s,
    const char *allow)
{
    ngx_str_t  body;

    if (ngx_cigna_reply_condition_headers(r, ctx, e, retry_after_s, allow)
            != NGX_OK
        || ngx_cigna_reply_body(r, ctx, e, form, &body) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply(r, ngx_cigna_condition(e)->status,
                           form == ngx_cigna_reply_fhir
                               ? NGX_CIGNA_REPLY_FHIR_TYPE
                               : "application/json",
                           &body);
}


ngx_int_t
ngx_cigna_reply_body(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_cigna_reply_e form, ngx_str_t *body)
{
    size_t                        size;
    ngx_str_t                     connect, text;
    const ngx_cigna_condition_t  *c;

    c = ngx_cigna_condition(e);

    ngx_str_null(&connect);

    if (c->connect && ngx_cigna_connect_url(r, ctx, &connect) != NGX_OK) {
        return NGX_ERROR;
    }

    /* texts of conditions and URLs of the configuration need no JSON escapes */

    size = NGX_CIGNA_REPLY_SIZE + connect.len + ctx->about.len;

    if (ngx_cigna_reply_print(r->pool, &text, size, "%s%s%V%s%V", c->text,
                              ctx->about.len ? " " : "", &ctx->about,
                              connect.len ? " To connect, send the member's "
                                            "browser to " : "",
                              &connect)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (form == ngx_cigna_reply_json) {
        return ngx_cigna_reply_print(r->pool, body, size,
                                     "{\"error\":\"%V\",\"message\":\"%V\"}\n",
                                     &c->name, &text);
    }

    return ngx_cigna_reply_print(r->pool, body, size,
                                 "{\"resourceType\":\"OperationOutcome\","
                                 "\"issue\":[{\"severity\":\"error\","
                                 "\"code\":\"%s\",\"details\":{\"coding\":[{"
                                 "\"system\":\"urn:cigna-gateway:condition\","
                                 "\"code\":\"%V\"}]},"
                                 "\"diagnostics\":\"%V\"}]}\n",
                                 ctx->issue ? ctx->issue : c->issue,
                                 &c->name, &text);
}


ngx_int_t
ngx_cigna_reply_condition_headers(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e, ngx_uint_t retry_after_s, const char *allow)
{
    const ngx_cigna_condition_t  *c;

    c = ngx_cigna_condition(e);

    if (c->retry_after_s
        && ngx_cigna_reply_retry_after(r, retry_after_s ? retry_after_s
                                                        : c->retry_after_s)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (allow
        && ngx_cigna_reply_header(r, "Allow", cigna_slice_str(allow)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return c->connect ? ngx_cigna_reply_link(r, ctx) : NGX_OK;
}


ngx_int_t
ngx_cigna_reply_retry_after(ngx_http_request_t *r, ngx_uint_t seconds)
{
    ngx_str_t  value;

    if (ngx_cigna_reply_print(r->pool, &value, NGX_INT_T_LEN, "%ui", seconds)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_reply_header(r, "Retry-After", ngx_cigna_slice(&value));
}


static ngx_int_t
ngx_cigna_reply_link(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    ngx_str_t  connect, value;

    if (ngx_cigna_connect_url(r, ctx, &connect) != NGX_OK) {
        return NGX_ERROR;
    }

    if (connect.len == 0) {
        return NGX_OK;
    }

    if (ngx_cigna_reply_print(r->pool, &value,
                              connect.len + sizeof(NGX_CIGNA_LINK),
                              NGX_CIGNA_LINK, &connect)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_cigna_reply_header(r, "Link", ngx_cigna_slice(&value));
}


ngx_int_t
ngx_cigna_connect_url(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    ngx_str_t *url)
{
    cigna_uri_t           *uri;
    cigna_buf_t            b;
    ngx_cigna_srv_conf_t  *scf;

    ngx_str_null(url);

    scf = ngx_http_get_module_srv_conf(r, ngx_cigna_module);

    if (scf->connect_path.len == 0 || ctx->tenant == NULL) {
        return NGX_OK;
    }

    uri = &ctx->tenant->redirect_uri;

    if (ngx_cigna_buf_init(r, &b, uri->authority.len + NGX_CIGNA_ORIGIN_EXTRA
                                  + scf->connect_path.len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cigna_uri_append_origin(&b, uri);
    cigna_buf_append(&b, ngx_cigna_slice(&scf->connect_path));

    return ngx_cigna_buf_done(&b, url);
}


ngx_int_t
ngx_cigna_reply_print(ngx_pool_t *pool, ngx_str_t *s, size_t size,
    const char *format, ...)
{
    va_list  args;

    s->data = ngx_pnalloc(pool, size);
    if (s->data == NULL) {
        return NGX_ERROR;
    }

    va_start(args, format);
    s->len = ngx_vslprintf(s->data, s->data + size, format, args) - s->data;
    va_end(args);

    return NGX_OK;
}


ngx_int_t
ngx_cigna_buf_init(ngx_http_request_t *r, cigna_buf_t *b, size_t size)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cigna_buf_init(b, p, size);

    return NGX_OK;
}


ngx_int_t
ngx_cigna_buf_done(const cigna_buf_t *b, ngx_str_t *s)
{
    if (b->overflow) {
        return NGX_ERROR;
    }

    s->data = b->start;
    s->len = b->pos - b->start;

    return NGX_OK;
}

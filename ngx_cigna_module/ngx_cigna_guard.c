
/*
 * What a request asks for is read in the request that would leave: whatever
 * rewrites, locations and proxy_pass make of a path, this is where it leads.
 * So the request is made once to be looked at, and once more by nginx.
 */


#include "ngx_cigna_guard.h"
#include "ngx_cigna_inject.h"
#include "ngx_cigna_reply.h"


#define NGX_CIGNA_GUARD_ABOUT  (sizeof("Asked for: .") + CIGNA_TYPE_LEN_MAX)


static ngx_int_t ngx_cigna_guard_target(ngx_http_request_t *r,
    cigna_slice_t *target);
static ngx_uint_t ngx_cigna_guard_allows(ngx_cigna_tenant_t *tenant,
    cigna_slice_t target, cigna_buf_t *what);
static ngx_int_t ngx_cigna_guard_refuse(ngx_http_request_t *r,
    ngx_cigna_ctx_t *ctx, cigna_slice_t what);


ngx_int_t
ngx_cigna_guard(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx)
{
    u_char               mem[CIGNA_TYPE_LEN_MAX];
    cigna_buf_t          what;
    cigna_slice_t        target;
    ngx_cigna_tenant_t  *tenant;

    tenant = ctx->tenant;

    if (tenant->types.count == 0 || ctx->inject->open
        || ctx->inject->replayed)
    {
        return NGX_OK;
    }

    /* what cannot be made fails once more, as it should */

    if (ngx_cigna_guard_target(r, &target) != NGX_OK) {
        return NGX_OK;
    }

    cigna_buf_init(&what, mem, CIGNA_TYPE_LEN_MAX);

    if (ngx_cigna_guard_allows(tenant, target, &what)) {
        return NGX_OK;
    }

    return ngx_cigna_guard_refuse(r, ctx, cigna_buf_slice(&what));
}


/* a body, of which the reading was waited for, is nginx's to add */

static ngx_int_t
ngx_cigna_guard_target(ngx_http_request_t *r, cigna_slice_t *target)
{
    ngx_int_t             rc;
    ngx_buf_t            *b;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    u->request_bufs = NULL;

    rc = u->create_request(r);
    b = (rc == NGX_OK && u->request_bufs) ? u->request_bufs->buf : NULL;

    u->request_bufs = NULL;

    if (b == NULL) {
        return NGX_ERROR;
    }

    *target = cigna_slice_make(b->pos, b->last);

    (void) cigna_slice_cut(target, ' ');
    *target = cigna_slice_cut(target, ' ');

    return NGX_OK;
}


static ngx_uint_t
ngx_cigna_guard_allows(ngx_cigna_tenant_t *tenant, cigna_slice_t target,
    cigna_buf_t *what)
{
    cigna_slice_t  base, path, query;

    base = tenant->fhir_uri.path;

    if (base.len && base.data[base.len - 1] == '/') {
        base.len--;
    }

    if (!cigna_slice_starts(target, base)) {
        return 0;
    }

    query = cigna_slice_skip(target, base.len);
    path = cigna_slice_cut(&query, '?');

    if (path.len) {

        if (path.data[0] != '/') {
            return 0;
        }

        path = cigna_slice_skip(path, 1);
    }

    return cigna_types_allow(&tenant->types, path, query, what) == CIGNA_OK;
}


static ngx_int_t
ngx_cigna_guard_refuse(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx,
    cigna_slice_t what)
{
    u_char     *p;
    ngx_str_t   detail;

    if (what.len == 0) {
        what = cigna_slice("?");
    }

    if (ctx->tenant->types_dry) {

        ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_types_dry);

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "cigna: \"resource_types\" of tenant %V would have "
                      "refused a request for \"%*s\", request: %V",
                      &ctx->tenant->name, what.len, what.data,
                      ngx_cigna_request_id(r));
        return NGX_OK;
    }

    ngx_cigna_count(ctx->tenant->counters, ngx_cigna_count_types_refused);

    p = ngx_pnalloc(r->pool, NGX_CIGNA_GUARD_ABOUT);
    if (p == NULL) {
        return NGX_ABORT;
    }

    ctx->about.data = p;
    ctx->about.len = ngx_snprintf(p, NGX_CIGNA_GUARD_ABOUT, "Asked for: %*s.",
                                  what.len, what.data) - p;

    detail = ctx->about;

    ngx_cigna_reply_log(r, ctx, ngx_cigna_type_refused, "fhir", &detail);

    return NGX_ABORT;
}

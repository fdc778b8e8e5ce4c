
#include "ngx_cigna_resolve.h"


static void ngx_cigna_resolve_ask(ngx_cigna_resolve_t *resolve);
static void ngx_cigna_resolve_handler(ngx_resolver_ctx_t *ctx);
static void ngx_cigna_resolve_known(ngx_cigna_resolve_t *resolve);
static void ngx_cigna_resolve_add(ngx_cigna_resolve_t *resolve,
    struct sockaddr *sockaddr, socklen_t socklen);
static void ngx_cigna_resolve_finish(ngx_cigna_resolve_t *resolve);


ngx_int_t
ngx_cigna_resolve_start(ngx_cigna_resolve_t *resolve)
{
    ngx_cigna_origin_t  *origin = resolve->origin;

    resolve->reason = NULL;
    resolve->naddrs = 0;
    resolve->over = 0;

    resolve->starting = 1;

    if (origin->literal || origin->resolver == NULL) {
        ngx_cigna_resolve_known(resolve);

    } else {
        ngx_cigna_resolve_ask(resolve);
    }

    resolve->starting = 0;

    return resolve->over ? NGX_OK : NGX_AGAIN;
}


static void
ngx_cigna_resolve_ask(ngx_cigna_resolve_t *resolve)
{
    ngx_resolver_ctx_t  *ctx, temp;
    ngx_cigna_origin_t  *origin = resolve->origin;

    temp.name = origin->host;

    ctx = ngx_resolve_start(origin->resolver, &temp);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_cigna_resolve_known(resolve);
        return;
    }

    ctx->name = origin->host;
    ctx->handler = ngx_cigna_resolve_handler;
    ctx->data = resolve;
    ctx->timeout = ngx_min(origin->resolver_timeout, resolve->timeout);
    ctx->cancelable = (resolve->cancelable != 0);

    if (origin->naddrs) {

        /* leave time to try the addresses that were found at start */

        ctx->timeout = ngx_min(ctx->timeout, resolve->timeout / 2);
    }

    resolve->ctx = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        resolve->ctx = NULL;
        ngx_cigna_resolve_known(resolve);
    }
}


static void
ngx_cigna_resolve_handler(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t            i;
    ngx_cigna_resolve_t  *resolve = ctx->data;

    if (ctx->state == NGX_OK) {

        for (i = 0; i < ctx->naddrs; i++) {
            ngx_cigna_resolve_add(resolve, ctx->addrs[i].sockaddr,
                                  ctx->addrs[i].socklen);
        }

    } else {
        resolve->reason = ngx_resolver_strerror(ctx->state);
    }

    ngx_cigna_resolve_done(resolve);

    if (resolve->naddrs == 0) {
        ngx_cigna_resolve_known(resolve);
        return;
    }

    ngx_cigna_resolve_finish(resolve);
}


static void
ngx_cigna_resolve_known(ngx_cigna_resolve_t *resolve)
{
    ngx_uint_t           i;
    ngx_addr_t          *addr;
    ngx_cigna_origin_t  *origin = resolve->origin;

    for (i = 0; i < origin->naddrs; i++) {
        addr = &origin->addrs[(origin->next + i) % origin->naddrs];

        ngx_cigna_resolve_add(resolve, addr->sockaddr, addr->socklen);
    }

    origin->next++;

    ngx_cigna_resolve_finish(resolve);
}


static void
ngx_cigna_resolve_add(ngx_cigna_resolve_t *resolve, struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_sockaddr_t  *sa;

    if (resolve->naddrs == NGX_CIGNA_RESOLVE_MAX
        || socklen > (socklen_t) sizeof(ngx_sockaddr_t))
    {
        return;
    }

    sa = &resolve->sockaddrs[resolve->naddrs];

    ngx_memcpy(sa, sockaddr, socklen);

    if (sa->sockaddr.sa_family != AF_UNIX) {
        ngx_inet_set_port(&sa->sockaddr, resolve->origin->port);
    }

    resolve->socklens[resolve->naddrs++] = socklen;
}


static void
ngx_cigna_resolve_finish(ngx_cigna_resolve_t *resolve)
{
    resolve->over = 1;

    if (!resolve->starting) {
        resolve->handler(resolve);
    }
}


void
ngx_cigna_resolve_done(ngx_cigna_resolve_t *resolve)
{
    if (resolve->ctx) {
        ngx_resolve_name_done(resolve->ctx);
        resolve->ctx = NULL;
    }
}

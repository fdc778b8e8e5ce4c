
#ifndef _NGX_CIGNA_RESOLVE_H_INCLUDED_
#define _NGX_CIGNA_RESOLVE_H_INCLUDED_


#include "ngx_cigna_origin.h"


/*
 * Finds the current addresses of an origin with nginx's resolver.  If there is
 * no resolver, or if the resolver fails, the result is the addresses that were
 * found when nginx started.
 */

#define NGX_CIGNA_RESOLVE_MAX  8


typedef struct ngx_cigna_resolve_s  ngx_cigna_resolve_t;

typedef void (*ngx_cigna_resolve_pt)(ngx_cigna_resolve_t *resolve);


struct ngx_cigna_resolve_s {
    /* set by the caller, all else zeroed */
    ngx_cigna_origin_t    *origin;
    ngx_msec_t             timeout;
    ngx_uint_t             cancelable;     /* 1: the resolver's timers do not
                                              keep an exiting worker alive */
    ngx_cigna_resolve_pt   handler;
    void                  *data;

    /* results; reason: why the resolver failed, or NULL */
    const char            *reason;
    ngx_uint_t             naddrs;
    ngx_sockaddr_t         sockaddrs[NGX_CIGNA_RESOLVE_MAX];
    socklen_t              socklens[NGX_CIGNA_RESOLVE_MAX];

    /* private */
    ngx_resolver_ctx_t    *ctx;
    unsigned               starting:1;     /* start() has not returned */
    unsigned               over:1;         /* the results are complete */
};


/*
 * Starts to resolve.  NGX_OK: the results are complete, and handler is not
 * called.  NGX_AGAIN: handler will be called once, later.
 */
ngx_int_t ngx_cigna_resolve_start(ngx_cigna_resolve_t *resolve);

/* stops resolving; may be called at any time, and twice */
void ngx_cigna_resolve_done(ngx_cigna_resolve_t *resolve);


#endif /* _NGX_CIGNA_RESOLVE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_TOKEN_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_H_INCLUDED_


#include "request/ngx_cigna_condition.h"
#include "request/ngx_cigna_ctx.h"
#include "nginx/ngx_cigna_cache_key.h"
#include "shm/ngx_cigna_cache.h"


/* Finds the access token of a request's identity, and waits for it. */


typedef enum {
    ngx_cigna_token_new = 0,
    ngx_cigna_token_reading,
    ngx_cigna_token_refreshing,
    ngx_cigna_token_found,
    ngx_cigna_token_refused
} ngx_cigna_token_e;


struct ngx_cigna_token_s {
    /* results */
    ngx_str_t                 value;           /* lives as the request does */
    ngx_cigna_condition_e     condition;       /* why there is none */
    ngx_uint_t                retry_after_s;   /* 0: the condition's */

    ngx_cigna_token_e         state;

    /* who goes on after having waited */
    ngx_http_event_handler_pt  resume;

    /* private */
    ngx_cigna_cache_key_t     key;
    ngx_uint_t                epoch;
    ngx_cigna_cache_entry_t   cached;          /* token.len 0: none */
    ngx_str_t                 old;             /* ends soon: better than none */
    u_char                    id[CIGNA_GRANT_ID_LEN];   /* of the value or the
                                                  old one: its grant ... */
    uint64_t                  generation;
    ngx_str_t                 refused;         /* by the FHIR server */
    unsigned                  mine:1;          /* ... to this request */
    unsigned                  again:1;         /* refreshed twice, no more */
    unsigned                  reread:1;        /* since the journal was ahead */
};


/*
 * With ctx->token zeroed at first but for "resume", and the identity known.
 * NGX_OK: there is one, and ctx->source tells from where.  NGX_AGAIN: waits,
 * and "resume" will be called, to call this again.  NGX_ABORT: there is none.
 */
ngx_int_t ngx_cigna_token_find(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/*
 * The FHIR server has refused the token that was found, with 401.  No request
 * of this node uses it for now, and ngx_cigna_token_find() is to be called
 * once more, to find another one.
 */
void ngx_cigna_token_reject(ngx_http_request_t *r, ngx_cigna_ctx_t *ctx);

/* there is to be none: always NGX_ABORT */
ngx_int_t ngx_cigna_token_refuse(ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e);

/* which grant it comes from; what the cache has tells that by itself */
void ngx_cigna_token_of(ngx_cigna_token_t *t,
    const u_char id[CIGNA_GRANT_ID_LEN], uint64_t generation);

/* this is it: always NGX_OK */
ngx_int_t ngx_cigna_token_take(ngx_cigna_ctx_t *ctx, ngx_str_t *value,
    ngx_cigna_source_e source);

#define ngx_cigna_token_eq(a, b)                                              \
    cigna_secret_eq(ngx_cigna_slice(a), ngx_cigna_slice(b))


#endif /* _NGX_CIGNA_TOKEN_H_INCLUDED_ */


#ifndef _NGX_CIGNA_TOKEN_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "request/ngx_cigna_condition.h"
#include "request/ngx_cigna_ctx.h"
#include "shm/ngx_cigna_cache.h"


/*
 * The record of a request's search for its access token.  The search itself is
 * in ngx_cigna_token_find.c.
 */


typedef enum {
    ngx_cigna_token_new = 0,
    ngx_cigna_token_reading,
    ngx_cigna_token_refreshing,
    ngx_cigna_token_found,
    ngx_cigna_token_refused
} ngx_cigna_token_e;


struct ngx_cigna_token_s {
    ngx_cigna_token_e          state;

    /* results */
    ngx_str_t                  value;          /* lives as the request does */
    ngx_cigna_condition_e      condition;      /* why there is no token */
    ngx_uint_t                 retry_after_s;  /* 0: the condition's own */

    /* called after each wait, to go on with the search */
    ngx_http_event_handler_pt  resume;

    /* private */
    ngx_cigna_cache_key_t      key;
    ngx_uint_t                 epoch;          /* of the cache, before a read */
    ngx_cigna_cache_entry_t    cached;         /* token.len 0: no entry */
    ngx_str_t                  old;            /* about to expire, but better
                                                  than no token */

    /* the grant that "value" or "old" belongs to */
    u_char                     id[CIGNA_GRANT_ID_LEN];
    uint64_t                   generation;

    ngx_str_t                  refused;        /* by the FHIR server ... */
    unsigned                   refused_here:1; /* ... to this request */
    unsigned                   retried:1;      /* a second refresh was asked
                                                  for; there is no third */
    unsigned                   reread:1;       /* the vault was read again, as
                                                  the journal was ahead */
};


/* ends the search without a token; always NGX_ABORT */
ngx_int_t ngx_cigna_token_refuse(ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e);

/* ends the search with this token, which is borrowed; always NGX_OK */
ngx_int_t ngx_cigna_token_use(ngx_cigna_ctx_t *ctx, ngx_str_t *value,
    ngx_cigna_source_e source);

/* remembers the grant of a token; a cached entry has its grant with it */
void ngx_cigna_token_of(ngx_cigna_token_t *t,
    const u_char id[CIGNA_GRANT_ID_LEN], uint64_t generation);

/* compares in constant time */
#define ngx_cigna_token_eq(a, b)                                              \
    cigna_secret_eq(ngx_cigna_slice(a), ngx_cigna_slice(b))


#endif /* _NGX_CIGNA_TOKEN_H_INCLUDED_ */

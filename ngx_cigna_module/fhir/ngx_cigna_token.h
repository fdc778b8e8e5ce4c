
#ifndef _NGX_CIGNA_TOKEN_H_INCLUDED_
#define _NGX_CIGNA_TOKEN_H_INCLUDED_


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
    ngx_str_t                  value;          /* lives as long as the
                                                  request */
    ngx_cigna_condition_e      condition;      /* the reason, if there is no
                                                  token */
    ngx_uint_t                 retry_after_s;  /* for Retry-After; 0: see
                                                  ngx_cigna_condition.c */

    /* called after each wait, to go on looking for a token */
    ngx_http_event_handler_pt  resume;

    /* private */
    ngx_cigna_cache_key_t      key;
    ngx_uint_t                 epoch;          /* the identity's epoch in the
                                                  cache, before the vault was
                                                  read */
    ngx_cigna_cache_entry_t    cached;         /* token.len 0: no entry, or its
                                                  token got a 401 */
    ngx_str_t                  old;            /* copy of the vault's token;
                                                  used unless a refresh brings
                                                  a new token */

    /* the grant that "value" or "old" belongs to */
    u_char                     id[CIGNA_GRANT_ID_LEN];
    uint64_t                   generation;

    ngx_str_t                  refused;        /* a token that got a 401 */
    unsigned                   refused_here:1; /* this request got the 401 */
    unsigned                   retried:1;      /* this request has asked for a
                                                  second refresh, and may not
                                                  ask again */
    unsigned                   reread:1;       /* this request has read the
                                                  vault again, as the journal
                                                  was newer */
};


/* ends the search without a token; always returns NGX_ABORT */
ngx_int_t ngx_cigna_token_refuse(ngx_cigna_ctx_t *ctx,
    ngx_cigna_condition_e e);

/* ends the search with this token, which is borrowed; always returns NGX_OK */
ngx_int_t ngx_cigna_token_use(ngx_cigna_ctx_t *ctx, ngx_str_t *value,
    ngx_cigna_source_e source);

/* sets t->id and t->generation; a token from the cache has them in t->cached */
void ngx_cigna_token_of(ngx_cigna_token_t *t,
    const u_char id[CIGNA_GRANT_ID_LEN], uint64_t generation);

/* a grant id as a slice */
#define ngx_cigna_token_id(id)                                                \
    cigna_slice_make(id, (id) + CIGNA_GRANT_ID_LEN)

/* compares in constant time */
#define ngx_cigna_token_eq(a, b)                                              \
    cigna_secret_eq(ngx_cigna_slice(a), ngx_cigna_slice(b))


#endif /* _NGX_CIGNA_TOKEN_H_INCLUDED_ */

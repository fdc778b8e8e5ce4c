
#ifndef _NGX_CIGNA_CACHE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_H_INCLUDED_


#include "ngx_cigna_zone.h"


/*
 * Access tokens of identities, shared by the workers of a node: bounded,
 * least recently used ones go first.  A key is the 128-bit SipHash of (tenant,
 * member) under a secret key, so that names are neither in shared memory nor
 * can be chosen to collide.
 */

#define NGX_CIGNA_CACHE_KEY_LEN  16


typedef struct {
    u_char      bytes[NGX_CIGNA_CACHE_KEY_LEN];
} ngx_cigna_cache_key_t;


typedef struct {
    ngx_str_t   token;                     /* bearer token */
    uint64_t    generation;
    int64_t     expires_ms;                /* of the token, since the epoch */
    int64_t     due_ms;                    /* refresh from here on, 0: never */
    int64_t     checked_ms;                /* when Redis last confirmed it */
} ngx_cigna_cache_entry_t;


/* the worker's hasher; one a worker, wiped and freed with the pool */

typedef struct ngx_cigna_hasher_s  ngx_cigna_hasher_t;

ngx_cigna_hasher_t *ngx_cigna_hasher_create(ngx_pool_t *pool,
    const u_char secret[16]);

/* NGX_ERROR if the library fails */
ngx_int_t ngx_cigna_hasher_key(ngx_cigna_hasher_t *h, ngx_str_t *tenant,
    ngx_str_t *member, ngx_cigna_cache_key_t *key);


/*
 * NGX_OK: the entry was found and touched; its token is a copy in the pool,
 * which is wiped when the pool goes.  NGX_DECLINED: not there; *epoch is to be
 * given to put() later.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_cache_get(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_pool_t *pool,
    ngx_cigna_cache_entry_t *entry, ngx_uint_t *epoch);

/*
 * Puts an entry in, evicting others if need be.  A fill from Redis counts only
 * if the key's invalidation epoch is still the one that get() told (or
 * ngx_cigna_cache_epoch()), and never over a higher generation of the same
 * epoch.  NGX_DECLINED: it did not count.  NGX_ERROR: no room, serve uncached.
 */
ngx_int_t ngx_cigna_cache_put(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry,
    ngx_uint_t epoch);

/* drops the entry and moves the epoch: fills under way do not count */
void ngx_cigna_cache_drop(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);

ngx_uint_t ngx_cigna_cache_epoch(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);


#endif /* _NGX_CIGNA_CACHE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CACHE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_H_INCLUDED_


#include "ngx_cigna_hasher.h"
#include "ngx_cigna_zone.h"


/*
 * Access tokens of identities, shared by the workers of a node: bounded,
 * least recently used ones go first.
 */

#define NGX_CIGNA_CACHE_TOKEN_MAX  (12 * 1024)


typedef struct {
    ngx_str_t   token;                     /* bearer token */
    uint64_t    generation;
    int64_t     expires_ms;                /* of the token, since the epoch */
    int64_t     due_ms;                    /* refresh from here on, 0: never */
    int64_t     checked_ms;                /* when Redis last confirmed it */
} ngx_cigna_cache_entry_t;


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
 * ngx_cigna_cache_epoch()), and not over a higher generation that was checked
 * less than ten seconds before: by then no slow reply can be the reason for a
 * lower one, but the member has connected again.  NGX_DECLINED: it did not
 * count.  NGX_ERROR: no room, serve uncached.
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


#ifndef _NGX_CIGNA_CACHE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "ngx_cigna_cache_entry.h"
#include "ngx_cigna_zone.h"


/*
 * The access tokens of identities, shared by the workers of a node.  A full
 * cache evicts the entries that were not used for the longest time.
 *
 * Each identity has an epoch.  It moves when the grant may have changed, so
 * that a read from Redis that began before does not fill the cache.  Identities
 * share epochs, which costs a fill now and then.
 */

#define NGX_CIGNA_CACHE_TOKEN_MAX  (12 * 1024)
#define NGX_CIGNA_CACHE_ABOUT_MAX  (6 * 1024)      /* all other strings */


/*
 * NGX_OK: fills the entry, with strings in the pool, which wipes them when it
 * is destroyed.  NGX_DECLINED: no entry.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_cache_get(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_pool_t *pool,
    ngx_cigna_cache_entry_t *entry);

/*
 * Stores a copy of the entry that was read from Redis.  epoch: the identity's
 * before the read was sent.  NGX_DECLINED: the epoch has moved, or the cache
 * has a higher generation that Redis confirmed less than ten seconds ago.  (A
 * lower generation is then a slow reply.  Later it is a new grant.)  NGX_ERROR:
 * no room.
 */
ngx_int_t ngx_cigna_cache_put(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry,
    ngx_uint_t epoch);

/*
 * The FHIR server has refused this token.  The cache drops the token, and
 * remembers a digest of it for a minute.  Nothing happens if the cache has
 * another token of the identity.
 */
void ngx_cigna_cache_refuse(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const u_char name[CIGNA_NAME_LEN],
    const ngx_str_t *token, int64_t now_ms);

/* 1 if the cache remembers this token as refused */
ngx_uint_t ngx_cigna_cache_refused(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_str_t *token, int64_t now_ms);

/* drops the entry and moves the epoch */
void ngx_cigna_cache_drop(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const u_char name[CIGNA_NAME_LEN]);

/*
 * Some node has written this generation of this grant.  Drops an older entry
 * or one of another grant, and moves the epoch in any case.  Returns 1 if it
 * dropped an entry.
 */
ngx_uint_t ngx_cigna_cache_invalidate(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN], const u_char id[CIGNA_GRANT_ID_LEN],
    uint64_t generation);

/*
 * Messages may have been missed: all entries that Redis confirmed before now
 * are suspect, and all epochs move.
 */
void ngx_cigna_cache_suspect(ngx_shm_zone_t *zone, int64_t now_ms);

ngx_uint_t ngx_cigna_cache_epoch(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN]);

/* moves the epoch, which wakes those who watch it */
void ngx_cigna_cache_moved(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN]);


#endif /* _NGX_CIGNA_CACHE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CACHE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "ngx_cigna_cache_entry.h"
#include "ngx_cigna_zone.h"


/*
 * The access tokens of identities, shared by the workers of a node.  A full
 * cache evicts the entries that were not used for the longest time.
 *
 * Each identity has an epoch, a number that grows when the grant may have
 * changed.  A reply from Redis to a read that began at an earlier epoch is not
 * stored.  Several identities share an epoch, so a valid reply is sometimes not
 * stored either.
 */

#define NGX_CIGNA_CACHE_TOKEN_MAX  (12 * 1024)
#define NGX_CIGNA_CACHE_ABOUT_MAX  (6 * 1024)      /* bytes of all other
                                                      strings */


/*
 * Reads an entry.  NGX_OK: the entry is filled in; its strings are in the pool,
 * which wipes them when it is destroyed.  NGX_DECLINED: the cache has no token
 * of the identity.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_cigna_cache_get(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_pool_t *pool,
    ngx_cigna_cache_entry_t *entry);

/*
 * Stores a copy of an entry that Redis has confirmed.  epoch: the identity's
 * epoch before the command was sent to Redis.  NGX_DECLINED: the epoch has
 * changed, or the cache has a higher generation that Redis confirmed less than
 * ten seconds before this entry.  (Within ten seconds a lower generation is a
 * late reply.  After that it is a new grant.)  NGX_ERROR: no room, no token, or
 * strings that are too long.
 */
ngx_int_t ngx_cigna_cache_put(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry,
    ngx_uint_t epoch);

/*
 * The FHIR server has refused this token.  Drops the token, and remembers a
 * digest of the token for a minute.  Does nothing if the cache has another
 * token of the identity.
 */
void ngx_cigna_cache_refuse(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const u_char name[CIGNA_NAME_LEN],
    const ngx_str_t *token, int64_t now_ms);

/* 1 if the cache remembers this token as refused */
ngx_uint_t ngx_cigna_cache_refused(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_str_t *token, int64_t now_ms);

/* drops the identity's entry, if there is one, and raises its epoch */
void ngx_cigna_cache_drop(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const u_char name[CIGNA_NAME_LEN]);

/*
 * Some node has written this generation of the grant "id", or, if generation is
 * 0, may have removed the identity's grant.  Drops the identity's entry if the
 * entry is older, if it belongs to another grant, or if generation is 0.
 * Raises the epoch in any case.  Returns 1 if the function dropped an entry.
 */
ngx_uint_t ngx_cigna_cache_invalidate(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN], const u_char id[CIGNA_GRANT_ID_LEN],
    uint64_t generation);

/*
 * Must be called when this node may have missed messages about changed grants.
 * All entries that Redis confirmed before now become suspect, and all epochs
 * rise.
 */
void ngx_cigna_cache_suspect(ngx_shm_zone_t *zone, int64_t now_ms);

ngx_uint_t ngx_cigna_cache_epoch(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN]);

/* raises the epoch, so that flows that wait for a change of the grant go on */
void ngx_cigna_cache_moved(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN]);


#endif /* _NGX_CIGNA_CACHE_H_INCLUDED_ */

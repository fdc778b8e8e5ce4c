
#ifndef _NGX_CIGNA_CACHE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "ngx_cigna_zone.h"
#include "vault/cigna_grant.h"
#include "vault/cigna_vault_names.h"


/*
 * Access tokens of identities, shared by the workers of a node: bounded,
 * least recently used ones go first.
 */

#define NGX_CIGNA_CACHE_TOKEN_MAX  (12 * 1024)
#define NGX_CIGNA_CACHE_ABOUT_MAX  (6 * 1024)      /* patient, ... */


typedef struct {
    ngx_str_t   token;                     /* bearer token */
    ngx_str_t   patient;                   /* of the grant, may be empty */
    ngx_str_t   scope;
    ngx_str_t   userinfo;
    u_char      name[CIGNA_NAME_LEN];       /* identity, as messages name it */
    u_char      id[CIGNA_GRANT_ID_LEN];    /* of the grant */
    uint64_t    generation;
    int64_t     expires_ms;                /* of the token, since the epoch */
    int64_t     due_ms;                    /* refresh from here on, 0: never */
    int64_t     checked_ms;                /* when Redis last confirmed it */
    unsigned    suspect:1;                 /* of get(): to be checked again
                                              before its time */
} ngx_cigna_cache_entry_t;


/*
 * NGX_OK: the entry was found and touched; its strings are a copy in the pool,
 * which is wiped when the pool goes.  NGX_DECLINED: not there.  NGX_ERROR: no
 * memory.
 */
ngx_int_t ngx_cigna_cache_get(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_pool_t *pool,
    ngx_cigna_cache_entry_t *entry);

/*
 * Puts an entry in, evicting others if need be.  A fill from Redis counts only
 * if the identity's invalidation epoch is still the one it had before the read
 * was sent, and not over a higher generation that was checked less than ten
 * seconds before: by then no slow reply can be the reason for a lower one, but
 * the member has connected again.  NGX_DECLINED: it did not count.  NGX_ERROR:
 * no room, serve uncached.
 */
ngx_int_t ngx_cigna_cache_put(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry,
    ngx_uint_t epoch);

/*
 * The FHIR server has refused this token.  If it is the entry's, or there is
 * no entry, the place remembers for a minute that it was refused, though not
 * the token; another token stays.
 */
void ngx_cigna_cache_refuse(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const u_char name[CIGNA_NAME_LEN],
    const ngx_str_t *token, int64_t now_ms);

/* is this token remembered as refused? */
ngx_uint_t ngx_cigna_cache_refused(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_str_t *token, int64_t now_ms);

/* drops the entry and moves the epoch: fills under way do not count */
void ngx_cigna_cache_drop(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const u_char name[CIGNA_NAME_LEN]);

/*
 * Word of a write from somewhere: the entry stays if it is this generation of
 * this grant or a later one, and is dropped otherwise.  The epoch moves in any
 * case.  1 if one was dropped.
 */
ngx_uint_t ngx_cigna_cache_invalidate(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN], const u_char id[CIGNA_GRANT_ID_LEN],
    uint64_t generation);

/*
 * Words may have been missed: what was checked before is suspect, and no fill
 * under way counts.
 */
void ngx_cigna_cache_suspect(ngx_shm_zone_t *zone, int64_t now_ms);

ngx_uint_t ngx_cigna_cache_epoch(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN]);

/* the grant is known to have changed: whoever watches the epoch looks again */
void ngx_cigna_cache_moved(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN]);


#endif /* _NGX_CIGNA_CACHE_H_INCLUDED_ */

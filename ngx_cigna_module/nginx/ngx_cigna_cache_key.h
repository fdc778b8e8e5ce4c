
#ifndef _NGX_CIGNA_CACHE_KEY_H_INCLUDED_
#define _NGX_CIGNA_CACHE_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "vault/cigna_keyring.h"


/*
 * A key of the cache is the 128-bit SipHash of (tenant, member) under a secret
 * key.  So shared memory holds no names, and an attacker cannot choose names
 * whose keys collide.
 */

#define NGX_CIGNA_CACHE_KEY_LEN    16


typedef struct {
    u_char      bytes[NGX_CIGNA_CACHE_KEY_LEN];
} ngx_cigna_cache_key_t;


/* a worker's secret key; its pool wipes and frees it */

typedef struct ngx_cigna_cache_hash_s  ngx_cigna_cache_hash_t;

/* derives the secret key from the key ring; NULL: no memory */
ngx_cigna_cache_hash_t *ngx_cigna_cache_key_create(ngx_pool_t *pool,
    const cigna_keyring_t *ring);

/* hashes (tenant, member); NGX_ERROR: the names are too long */
ngx_int_t ngx_cigna_cache_key_hash(ngx_cigna_cache_hash_t *h, ngx_str_t *tenant,
    ngx_str_t *member, ngx_cigna_cache_key_t *key);


#endif /* _NGX_CIGNA_CACHE_KEY_H_INCLUDED_ */

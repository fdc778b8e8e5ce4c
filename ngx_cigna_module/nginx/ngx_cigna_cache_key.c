
#include "ngx_cigna_cache_key.h"
#include "ngx_cigna_pool_secret.h"

#include "base/cigna_siphash.h"


#define NGX_CIGNA_CACHE_KEY_NAMES_MAX  512    /* bytes of tenant and member */


struct ngx_cigna_cache_hash_s {
    u_char  secret[CIGNA_SIPHASH_KEY_LEN];
};


ngx_cigna_cache_hash_t *
ngx_cigna_cache_key_create(ngx_pool_t *pool, const cigna_keyring_t *ring)
{
    ngx_cigna_cache_hash_t  *h;

    h = (ngx_cigna_cache_hash_t *)
            ngx_cigna_pool_secret_alloc(pool, sizeof(ngx_cigna_cache_hash_t));

    if (h) {
        cigna_keyring_siphash_key(ring, h->secret);
    }

    return h;
}


/*
 * The hashed text begins with the tenant's length, so that two different pairs
 * (tenant, member) never have the same text.
 */

ngx_int_t
ngx_cigna_cache_key_hash(ngx_cigna_cache_hash_t *h, ngx_str_t *tenant,
    ngx_str_t *member, ngx_cigna_cache_key_t *key)
{
    u_char  *p, text[2 + NGX_CIGNA_CACHE_KEY_NAMES_MAX];

    if (tenant->len > NGX_CIGNA_CACHE_KEY_NAMES_MAX
        || member->len > NGX_CIGNA_CACHE_KEY_NAMES_MAX - tenant->len)
    {
        return NGX_ERROR;
    }

    p = text;
    *p++ = (u_char) (tenant->len >> 8);
    *p++ = (u_char) tenant->len;
    p = ngx_cpymem(p, tenant->data, tenant->len);
    p = ngx_cpymem(p, member->data, member->len);

    cigna_siphash(h->secret, cigna_slice_make(text, p), key->bytes);

    return NGX_OK;
}

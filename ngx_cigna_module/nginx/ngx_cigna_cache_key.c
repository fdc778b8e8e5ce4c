
#include "ngx_cigna_cache_key.h"
#include "ngx_cigna_pool_secret.h"

#include "base/cigna_siphash.h"


#define NGX_CIGNA_CACHE_KEY_NAMES_MAX  512    /* bytes of tenant and member */


struct ngx_cigna_cache_hash_s {
    u_char  secret[CIGNA_SIPHASH_KEY_LEN];
};


ngx_cigna_cache_hash_t *
ngx_cigna_cache_key_create(ngx_pool_t *pool, const u_char secret[16])
{
    ngx_str_t  copy;

    if (ngx_cigna_pool_secret_copy(pool, &copy, secret, CIGNA_SIPHASH_KEY_LEN)
        != NGX_OK)
    {
        return NULL;
    }

    return (ngx_cigna_cache_hash_t *) copy.data;
}


/* the tenant's length comes first: no two pairs have the same text */

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

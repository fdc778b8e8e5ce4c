
#include "ngx_cigna_cache_key.h"
#include "base/cigna_siphash.h"


#define NGX_CIGNA_CACHE_KEY_NAMES_MAX  512    /* bytes of tenant and member */


struct ngx_cigna_cache_hash_s {
    u_char  secret[CIGNA_SIPHASH_KEY_LEN];
};


static void ngx_cigna_cache_key_wipe(void *data);


ngx_cigna_cache_hash_t *
ngx_cigna_cache_key_create(ngx_pool_t *pool, const u_char secret[16])
{
    ngx_cigna_cache_hash_t  *h;
    ngx_pool_cleanup_t      *cln;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_cigna_cache_hash_t));
    if (cln == NULL) {
        return NULL;
    }

    h = cln->data;
    cln->handler = ngx_cigna_cache_key_wipe;

    ngx_memcpy(h->secret, secret, sizeof(h->secret));

    return h;
}


static void
ngx_cigna_cache_key_wipe(void *data)
{
    ngx_explicit_memzero(data, sizeof(ngx_cigna_cache_hash_t));
}


/* the tenant goes behind its length, so that no two pairs are one text */

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

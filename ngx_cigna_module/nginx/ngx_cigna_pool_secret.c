
#include "ngx_cigna_pool_secret.h"


typedef struct {
    size_t    len;
    u_char    data[1];
} ngx_cigna_pool_secret_t;


static void ngx_cigna_pool_secret_cleanup(void *data);


u_char *
ngx_cigna_pool_secret_alloc(ngx_pool_t *pool, size_t len)
{
    ngx_pool_cleanup_t       *cln;
    ngx_cigna_pool_secret_t  *secret;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_cigna_pool_secret_t) + len);
    if (cln == NULL) {
        return NULL;
    }

    secret = cln->data;
    secret->len = len;

    cln->handler = ngx_cigna_pool_secret_cleanup;

    return secret->data;
}


ngx_int_t
ngx_cigna_pool_secret_copy(ngx_pool_t *pool, ngx_str_t *copy,
    const u_char *data, size_t len)
{
    copy->data = ngx_cigna_pool_secret_alloc(pool, len);
    if (copy->data == NULL) {
        return NGX_ERROR;
    }

    copy->len = len;

    ngx_memcpy(copy->data, data, len);

    return NGX_OK;
}


static void
ngx_cigna_pool_secret_cleanup(void *data)
{
    ngx_cigna_pool_secret_t  *secret = data;

    ngx_explicit_memzero(secret->data, secret->len);
}


#include "ngx_cigna_redis_out.h"
#include "base/cigna_secret.h"


#define NGX_CIGNA_REDIS_OUT_SIZE  4096
#define NGX_CIGNA_REDIS_OUT_KEEP  (256 * 1024)
#define NGX_CIGNA_REDIS_OUT_MAX   (64 * 1024 * 1024)


ngx_int_t
ngx_cigna_redis_out_reserve(ngx_cigna_redis_out_t *out, size_t need)
{
    size_t   len, size;
    u_char  *p;

    if ((size_t) (out->end - out->last) >= need) {
        return NGX_OK;
    }

    len = out->last - out->pos;
    size = out->end - out->start;

    if (need > NGX_CIGNA_REDIS_OUT_MAX - len) {
        return NGX_ERROR;
    }

    if (size - len >= need && len <= size / 2) {
        ngx_memmove(out->start, out->pos, len);

        out->pos = out->start;
        out->last = out->start + len;

        return NGX_OK;
    }

    size = ngx_max(ngx_max(2 * size, len + need), NGX_CIGNA_REDIS_OUT_SIZE);

    p = ngx_alloc(size, ngx_cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (len) {
        ngx_memcpy(p, out->pos, len);
    }

    ngx_cigna_redis_out_free(out);

    out->start = p;
    out->pos = p;
    out->last = p + len;
    out->end = p + size;

    return NGX_OK;
}


void
ngx_cigna_redis_out_skip(ngx_cigna_redis_out_t *out, size_t n)
{
    out->pos += n;

    if (out->pos < out->last) {
        return;
    }

    if (out->end - out->start > NGX_CIGNA_REDIS_OUT_KEEP) {
        ngx_cigna_redis_out_free(out);
        return;
    }

    cigna_secret_wipe(out->start, out->last - out->start);

    out->pos = out->start;
    out->last = out->start;
}


void
ngx_cigna_redis_out_free(ngx_cigna_redis_out_t *out)
{
    if (out->start) {
        cigna_secret_wipe(out->start, out->end - out->start);
        ngx_free(out->start);
    }

    ngx_memzero(out, sizeof(ngx_cigna_redis_out_t));
}

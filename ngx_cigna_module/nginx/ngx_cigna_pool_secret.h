
#ifndef _NGX_CIGNA_POOL_SECRET_H_INCLUDED_
#define _NGX_CIGNA_POOL_SECRET_H_INCLUDED_


#include "ngx_cigna_compat.h"


/* Secrets in a pool.  They are wiped when the pool is destroyed. */

/* len bytes, uninitialized; NULL if there is no memory */
u_char *ngx_cigna_pool_secret_alloc(ngx_pool_t *pool, size_t len);

/* NGX_OK: *copy has a copy of the len bytes.  NGX_ERROR: no memory. */
ngx_int_t ngx_cigna_pool_secret_copy(ngx_pool_t *pool, ngx_str_t *copy,
    const u_char *data, size_t len);


#endif /* _NGX_CIGNA_POOL_SECRET_H_INCLUDED_ */

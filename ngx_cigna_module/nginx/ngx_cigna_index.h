
#ifndef _NGX_CIGNA_INDEX_H_INCLUDED_
#define _NGX_CIGNA_INDEX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "base/cigna_slice.h"


/*
 * A hash table from names to values, filled while nginx reads its
 * configuration.  All keys come from the operator, so an attacker cannot choose
 * keys that collide.
 */

typedef struct ngx_cigna_index_node_s  ngx_cigna_index_node_t;

typedef struct {
    ngx_pool_t               *pool;
    ngx_cigna_index_node_t  **heads;
    ngx_uint_t                size;        /* number of heads, a power of two;
                                              0: the index is empty */
    ngx_uint_t                n;           /* number of keys */
} ngx_cigna_index_t;


/* returns the key's value, or NULL; a zeroed index is empty */
void *ngx_cigna_index_find(const ngx_cigna_index_t *index,
    cigna_slice_t key);

/* borrows the key, which must be new; NGX_ERROR: no memory */
ngx_int_t ngx_cigna_index_add(ngx_cigna_index_t *index, cigna_slice_t key,
    void *value);


#endif /* _NGX_CIGNA_INDEX_H_INCLUDED_ */

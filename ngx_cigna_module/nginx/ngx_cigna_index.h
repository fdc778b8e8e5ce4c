
#ifndef _NGX_CIGNA_INDEX_H_INCLUDED_
#define _NGX_CIGNA_INDEX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "base/cigna_slice.h"


/*
 * What was configured, by name.  A search takes as long among 10,000 as among
 * two.  Keys are the operator's, so that nobody else can make chains long.
 */

typedef struct ngx_cigna_index_node_s  ngx_cigna_index_node_t;

typedef struct {
    ngx_pool_t               *pool;
    ngx_cigna_index_node_t  **heads;
    ngx_uint_t                size;        /* of heads, a power of two; 0: it is
                                              empty */
    ngx_uint_t                n;           /* of keys */
} ngx_cigna_index_t;


/* one that is all zero is empty and may be searched */
void *ngx_cigna_index_find(const ngx_cigna_index_t *index,
    cigna_slice_t key);

/* borrows the key, which must not be there yet */
ngx_int_t ngx_cigna_index_add(ngx_cigna_index_t *index, cigna_slice_t key,
    void *value);


#endif /* _NGX_CIGNA_INDEX_H_INCLUDED_ */


#include "ngx_cigna_index.h"


#define NGX_CIGNA_INDEX_SIZE  16           /* number of hash chains at first */


struct ngx_cigna_index_node_s {
    ngx_cigna_index_node_t   *next;
    cigna_slice_t             key;
    void                     *value;
    uint32_t                  hash;
};


static ngx_int_t ngx_cigna_index_grow(ngx_cigna_index_t *index);


void *
ngx_cigna_index_find(const ngx_cigna_index_t *index, cigna_slice_t key)
{
    uint32_t                 hash;
    ngx_cigna_index_node_t  *node;

    if (index->size == 0) {
        return NULL;
    }

    hash = ngx_crc32_long((u_char *) key.data, key.len);

    for (node = index->heads[hash & (index->size - 1)];
         node;
         node = node->next)
    {
        if (node->hash == hash && cigna_slice_eq(node->key, key)) {
            return node->value;
        }
    }

    return NULL;
}


ngx_int_t
ngx_cigna_index_add(ngx_cigna_index_t *index, cigna_slice_t key, void *value)
{
    ngx_cigna_index_node_t  *node, **head;

    if (index->n == index->size && ngx_cigna_index_grow(index) != NGX_OK) {
        return NGX_ERROR;
    }

    node = ngx_palloc(index->pool, sizeof(ngx_cigna_index_node_t));
    if (node == NULL) {
        return NGX_ERROR;
    }

    node->key = key;
    node->value = value;
    node->hash = ngx_crc32_long((u_char *) key.data, key.len);

    head = &index->heads[node->hash & (index->size - 1)];

    node->next = *head;
    *head = node;

    index->n++;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_index_grow(ngx_cigna_index_t *index)
{
    ngx_uint_t                i, size;
    ngx_cigna_index_node_t   *node, *next, **heads, **head;

    size = index->size ? 2 * index->size : NGX_CIGNA_INDEX_SIZE;

    heads = ngx_pcalloc(index->pool, size * sizeof(ngx_cigna_index_node_t *));
    if (heads == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < index->size; i++) {

        for (node = index->heads[i]; node; node = next) {
            next = node->next;
            head = &heads[node->hash & (size - 1)];

            node->next = *head;
            *head = node;
        }
    }

    index->heads = heads;
    index->size = size;

    return NGX_OK;
}

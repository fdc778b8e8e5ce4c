
#ifndef _NGX_CIGNA_CACHE_NODE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_NODE_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "ngx_cigna_cache_entry.h"


/*
 * An entry of the cache, as stored in the slab.  Its strings are cut into
 * pieces, because the slab rounds sizes up to powers of two: with whole strings
 * up to half of the zone would be wasted.  Call all functions with the zone
 * locked.
 */

typedef struct ngx_cigna_cache_piece_s  ngx_cigna_cache_piece_t;


typedef struct {
    ngx_str_node_t            node;        /* its string is "key" */
    ngx_rbtree_node_t         named;       /* its key: the first bytes of
                                              "name" */
    ngx_queue_t               queue;
    ngx_cigna_cache_key_t     key;
    u_char                    name[CIGNA_NAME_LEN];
    u_char                    id[CIGNA_GRANT_ID_LEN];
    uint64_t                  generation;
    int64_t                   expires_ms;
    int64_t                   due_ms;
    int64_t                   checked_ms;
    ngx_cigna_cache_piece_t  *pieces;      /* bytes that "data" does not hold */
    uint32_t                  len:31;      /* bytes of all strings */
    uint32_t                  refused:1;   /* the FHIR server refused the token;
                                              only its digest is stored */
    uint16_t                  patient;     /* lengths of the strings */
    uint16_t                  scope;
    uint16_t                  userinfo;
    u_char                    data[1];
} ngx_cigna_cache_node_t;


/* makes a node with room for len bytes of strings; NULL: the slab is full */
ngx_cigna_cache_node_t *ngx_cigna_cache_node_create(ngx_slab_pool_t *pool,
    size_t len);

/* wipes and frees the node and its pieces */
void ngx_cigna_cache_node_destroy(ngx_slab_pool_t *pool,
    ngx_cigna_cache_node_t *node);

/* bytes: the entry's strings, one after the other, node->len bytes in all */
void ngx_cigna_cache_node_write(ngx_cigna_cache_node_t *node,
    const ngx_cigna_cache_entry_t *entry, u_char *bytes);

/* fills the entry, and copies the strings to entry->token.data */
void ngx_cigna_cache_node_read(const ngx_cigna_cache_node_t *node,
    ngx_cigna_cache_entry_t *entry);

/* sets all strings after entry->token to the bytes that follow the token */
void ngx_cigna_cache_node_strings(ngx_cigna_cache_entry_t *entry);


#endif /* _NGX_CIGNA_CACHE_NODE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CACHE_NODE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_NODE_H_INCLUDED_


#include "nginx/ngx_cigna_cache_key.h"
#include "ngx_cigna_cache_entry.h"


/*
 * An entry of the cache as it lies in the slab.  Its strings are cut into
 * pieces: the slab rounds up to powers of two, which for a whole token would
 * cost up to half of the zone.  All functions are called with the zone locked.
 */

typedef struct ngx_cigna_cache_piece_s  ngx_cigna_cache_piece_t;


typedef struct {
    ngx_rbtree_node_t         node;        /* its key: the first bytes of the
                                              cache key */
    ngx_rbtree_node_t         named;       /* its key: the first bytes of
                                              "name" */
    ngx_queue_t               queue;
    u_char                    rest[NGX_CIGNA_CACHE_KEY_LEN
                                   - sizeof(ngx_rbtree_key_t)];
    u_char                    name[CIGNA_NAME_LEN];
    u_char                    id[CIGNA_GRANT_ID_LEN];
    uint64_t                  generation;
    int64_t                   expires_ms;
    int64_t                   due_ms;
    int64_t                   checked_ms;
    ngx_cigna_cache_piece_t  *pieces;      /* of the bytes behind data */
    uint32_t                  len:31;      /* of all strings */
    uint32_t                  refused:1;   /* the token is the digest of one
                                              that the FHIR server refused */
    uint16_t                  patient;     /* lengths */
    uint16_t                  scope;
    uint16_t                  userinfo;
    u_char                    data[1];
} ngx_cigna_cache_node_t;


/* a node with room for len bytes of strings; NULL if the slab has none */
ngx_cigna_cache_node_t *ngx_cigna_cache_node_create(ngx_slab_pool_t *pool,
    size_t len);

/* wipes and frees */
void ngx_cigna_cache_node_destroy(ngx_slab_pool_t *pool,
    ngx_cigna_cache_node_t *node);

/* bytes: node->len bytes, the entry's strings one behind the other */
void ngx_cigna_cache_node_write(ngx_cigna_cache_node_t *node,
    const ngx_cigna_cache_entry_t *entry, u_char *bytes);

/* fills the entry, and copies the strings to entry->token.data */
void ngx_cigna_cache_node_read(const ngx_cigna_cache_node_t *node,
    ngx_cigna_cache_entry_t *entry);

/* points the other strings to the bytes behind the token */
void ngx_cigna_cache_node_strings(ngx_cigna_cache_entry_t *entry);


#endif /* _NGX_CIGNA_CACHE_NODE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_CACHE_NODE_H_INCLUDED_
#define _NGX_CIGNA_CACHE_NODE_H_INCLUDED_


#include "ngx_cigna_cache.h"


/*
 * An entry of the cache as it lies in the slab.  Its token, with patient, scope
 * and userinfo behind it, is kept in pieces: the slab rounds up to powers of
 * two, which for a whole token would cost up to half of the zone.  Everything
 * here is called with the zone locked.
 */

typedef struct ngx_cigna_cache_piece_s  ngx_cigna_cache_piece_t;


typedef struct {
    ngx_rbtree_node_t         node;        /* key: the first bytes of ours */
    ngx_rbtree_node_t         named;       /* by name, its first bytes */
    ngx_queue_t               queue;
    u_char                    rest[NGX_CIGNA_CACHE_KEY_LEN
                                   - sizeof(ngx_rbtree_key_t)];
    u_char                    name[CIGNA_NAME_LEN];
    u_char                    id[CIGNA_GRANT_ID_LEN];
    uint64_t                  generation;
    int64_t                   expires_ms;
    int64_t                   due_ms;
    int64_t                   checked_ms;
    ngx_cigna_cache_piece_t  *pieces;      /* of what does not fit in data */
    uint32_t                  len:31;      /* of all strings */
    uint32_t                  refused:1;   /* "token" is a digest of one that
                                              the FHIR server has refused */
    uint16_t                  patient;     /* lengths */
    uint16_t                  scope;
    uint16_t                  userinfo;
    u_char                    data[1];
} ngx_cigna_cache_node_t;


/* room for strings of len bytes; NULL if there is none in the slab */
ngx_cigna_cache_node_t *ngx_cigna_cache_node_create(ngx_slab_pool_t *pool,
    size_t len);

/* wipes and frees */
void ngx_cigna_cache_node_destroy(ngx_slab_pool_t *pool,
    ngx_cigna_cache_node_t *node);

/* bytes: the entry's strings, one behind the other, of the node's length */
void ngx_cigna_cache_node_write(ngx_cigna_cache_node_t *node,
    const ngx_cigna_cache_entry_t *entry, u_char *bytes);

/* copies the strings to where entry->token.data points */
void ngx_cigna_cache_node_read(const ngx_cigna_cache_node_t *node,
    ngx_cigna_cache_entry_t *entry);

/* makes the other strings what is behind the token */
void ngx_cigna_cache_node_strings(ngx_cigna_cache_entry_t *entry);

/* of all strings */
#define ngx_cigna_cache_entry_len(entry)                                      \
    ((entry)->token.len + (entry)->patient.len + (entry)->scope.len           \
     + (entry)->userinfo.len)


#endif /* _NGX_CIGNA_CACHE_NODE_H_INCLUDED_ */

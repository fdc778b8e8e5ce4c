
#include "ngx_cigna_cache_node.h"


#define NGX_CIGNA_CACHE_NODE       256     /* bytes of a cache node */
#define NGX_CIGNA_CACHE_SMALL      128     /* bytes of a piece: one of these
                                              two sizes */
#define NGX_CIGNA_CACHE_LARGE      1024


struct ngx_cigna_cache_piece_s {
    ngx_cigna_cache_piece_t  *next;
    u_char                    data[1];
};


/* bytes of strings that fit into a node, and into a piece of "size" bytes */

#define NGX_CIGNA_CACHE_INLINE                                                \
    (NGX_CIGNA_CACHE_NODE - offsetof(ngx_cigna_cache_node_t, data))

#define ngx_cigna_cache_room(size)                                            \
    ((size) - offsetof(ngx_cigna_cache_piece_t, data))


static size_t ngx_cigna_cache_first(size_t len);
static size_t ngx_cigna_cache_next(size_t len, size_t *size);


ngx_cigna_cache_node_t *
ngx_cigna_cache_node_create(ngx_slab_pool_t *pool, size_t len)
{
    size_t                     size;
    ngx_cigna_cache_node_t    *node;
    ngx_cigna_cache_piece_t  **last;

    node = ngx_slab_alloc_locked(pool, NGX_CIGNA_CACHE_NODE);
    if (node == NULL) {
        return NULL;
    }

    node->len = len;
    node->refused = 0;
    node->pieces = NULL;
    last = &node->pieces;

    len -= ngx_cigna_cache_first(len);

    while (len) {
        len -= ngx_cigna_cache_next(len, &size);

        *last = ngx_slab_alloc_locked(pool, size);
        if (*last == NULL) {
            ngx_cigna_cache_node_destroy(pool, node);
            return NULL;
        }

        (*last)->next = NULL;
        last = &(*last)->next;
    }

    return node;
}


void
ngx_cigna_cache_node_destroy(ngx_slab_pool_t *pool,
    ngx_cigna_cache_node_t *node)
{
    size_t                    len, size;
    ngx_cigna_cache_piece_t  *piece, *next;

    len = node->len - ngx_cigna_cache_first(node->len);

    for (piece = node->pieces; piece; piece = next) {
        next = piece->next;
        len -= ngx_cigna_cache_next(len, &size);

        ngx_explicit_memzero(piece, size);
        ngx_slab_free_locked(pool, piece);
    }

    ngx_explicit_memzero(node, NGX_CIGNA_CACHE_NODE);
    ngx_slab_free_locked(pool, node);
}


void
ngx_cigna_cache_node_write(ngx_cigna_cache_node_t *node,
    const ngx_cigna_cache_entry_t *entry, u_char *bytes)
{
    u_char                   *end;
    size_t                    n, size;
    ngx_cigna_cache_piece_t  *piece;

    ngx_memcpy(node->name, entry->name, CIGNA_NAME_LEN);
    ngx_memcpy(node->id, entry->id, CIGNA_GRANT_ID_LEN);
    node->generation = entry->generation;
    node->expires_ms = entry->expires_ms;
    node->due_ms = entry->due_ms;
    node->checked_ms = entry->checked_ms;
    node->patient = entry->patient.len;
    node->scope = entry->scope.len;
    node->userinfo = entry->userinfo.len;

    end = bytes + node->len;

    n = ngx_cigna_cache_first(node->len);
    ngx_memcpy(node->data, bytes, n);

    for (piece = node->pieces; piece; piece = piece->next) {
        bytes += n;
        n = ngx_cigna_cache_next(end - bytes, &size);
        ngx_memcpy(piece->data, bytes, n);
    }
}


void
ngx_cigna_cache_node_read(const ngx_cigna_cache_node_t *node,
    ngx_cigna_cache_entry_t *entry)
{
    u_char                   *token, *end;
    size_t                    n, size;
    ngx_cigna_cache_piece_t  *piece;

    ngx_memcpy(entry->name, node->name, CIGNA_NAME_LEN);
    ngx_memcpy(entry->id, node->id, CIGNA_GRANT_ID_LEN);
    entry->generation = node->generation;
    entry->expires_ms = node->expires_ms;
    entry->due_ms = node->due_ms;
    entry->checked_ms = node->checked_ms;
    entry->token.len = node->len - node->patient - node->scope
                       - node->userinfo;
    entry->patient.len = node->patient;
    entry->scope.len = node->scope;
    entry->userinfo.len = node->userinfo;

    ngx_cigna_cache_node_strings(entry);

    token = entry->token.data;
    end = token + node->len;

    n = ngx_cigna_cache_first(node->len);
    ngx_memcpy(token, node->data, n);

    for (piece = node->pieces; piece; piece = piece->next) {
        token += n;
        n = ngx_cigna_cache_next(end - token, &size);
        ngx_memcpy(token, piece->data, n);
    }
}


void
ngx_cigna_cache_node_strings(ngx_cigna_cache_entry_t *entry)
{
    entry->patient.data = entry->token.data + entry->token.len;
    entry->scope.data = entry->patient.data + entry->patient.len;
    entry->userinfo.data = entry->scope.data + entry->scope.len;
}


/* of the len bytes of an entry's strings, returns how many its node holds */

static size_t
ngx_cigna_cache_first(size_t len)
{
    return ngx_min(len, NGX_CIGNA_CACHE_INLINE);
}


/*
 * len: bytes of an entry's strings that have no memory yet.  Returns how many
 * of them the next piece of memory holds, and sets *size to the size of that
 * piece.  The piece is a large one if small pieces would need more room.
 */

static size_t
ngx_cigna_cache_next(size_t len, size_t *size)
{
    size_t  n, small;

    small = ngx_cigna_cache_room(NGX_CIGNA_CACHE_SMALL);

    n = NGX_CIGNA_CACHE_LARGE / NGX_CIGNA_CACHE_SMALL * small;

    *size = (len > n) ? NGX_CIGNA_CACHE_LARGE : NGX_CIGNA_CACHE_SMALL;

    n = ngx_cigna_cache_room(*size);

    return ngx_min(len, n);
}

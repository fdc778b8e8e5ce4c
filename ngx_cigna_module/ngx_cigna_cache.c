
/* A tree of entries by key, and a queue of them by last use. */


#include "ngx_cigna_cache_node.h"
#include "ngx_cigna_secret.h"


/*
 * At most so many entries go at a time, and twice as many minus one for one
 * put: they may be of a size that does not make room soon.
 */
#define NGX_CIGNA_CACHE_EVICT_MAX  64

/* longer than any reply from Redis is waited for */
#define NGX_CIGNA_CACHE_RACE_MS    10000


/* at pool->data */

typedef struct {
    ngx_rbtree_t              tree;
    ngx_rbtree_node_t         sentinel;
    ngx_queue_t               used;        /* last used first */
} ngx_cigna_cache_t;


static ngx_cigna_cache_t *ngx_cigna_cache(ngx_slab_pool_t *pool);
static ngx_atomic_t *ngx_cigna_cache_slot(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key);
static ngx_cigna_cache_node_t *ngx_cigna_cache_find(ngx_cigna_cache_t *cache,
    const ngx_cigna_cache_key_t *key);
static void ngx_cigna_cache_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_int_t ngx_cigna_cache_compare(ngx_rbtree_key_t key,
    const u_char *rest, ngx_rbtree_node_t *node);
static ngx_int_t ngx_cigna_cache_put_locked(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry);
static ngx_cigna_cache_node_t *ngx_cigna_cache_add(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, size_t len);
static ngx_cigna_cache_node_t *ngx_cigna_cache_alloc(ngx_slab_pool_t *pool,
    size_t len);
static ngx_int_t ngx_cigna_cache_evict(ngx_slab_pool_t *pool, ngx_uint_t n);
static void ngx_cigna_cache_remove(ngx_slab_pool_t *pool,
    ngx_cigna_cache_node_t *node);


/* where tokens are copied to under the lock */

static u_char  ngx_cigna_cache_token[NGX_CIGNA_CACHE_TOKEN_MAX];


ngx_int_t
ngx_cigna_cache_get(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key,
    ngx_pool_t *pool, ngx_cigna_cache_entry_t *entry, ngx_uint_t *epoch)
{
    ngx_int_t                rc;
    ngx_slab_pool_t         *slab;
    ngx_cigna_cache_t       *cache;
    ngx_cigna_cache_node_t  *node;

    slab = ngx_cigna_zone_lock(zone);

    *epoch = *ngx_cigna_cache_slot(zone, key);

    cache = ngx_cigna_cache(slab);
    node = cache ? ngx_cigna_cache_find(cache, key) : NULL;

    if (node) {
        ngx_queue_remove(&node->queue);
        ngx_queue_insert_head(&cache->used, &node->queue);

        entry->token.data = ngx_cigna_cache_token;
        ngx_cigna_cache_node_read(node, entry);
    }

    ngx_cigna_zone_unlock(zone);

    if (node == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_cigna_secret_copy(pool, &entry->token, ngx_cigna_cache_token,
                               entry->token.len);

    ngx_explicit_memzero(ngx_cigna_cache_token, entry->token.len);

    return rc;
}


ngx_int_t
ngx_cigna_cache_put(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key,
    const ngx_cigna_cache_entry_t *entry, ngx_uint_t epoch)
{
    ngx_int_t         rc;
    ngx_slab_pool_t  *slab;

    if (entry->token.len == 0
        || entry->token.len > NGX_CIGNA_CACHE_TOKEN_MAX)
    {
        return NGX_ERROR;
    }

    slab = ngx_cigna_zone_lock(zone);

    if (*ngx_cigna_cache_slot(zone, key) == epoch) {
        rc = ngx_cigna_cache_put_locked(slab, key, entry);

    } else {
        rc = NGX_DECLINED;
    }

    ngx_cigna_zone_unlock(zone);

    return rc;
}


void
ngx_cigna_cache_drop(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key)
{
    ngx_slab_pool_t         *slab;
    ngx_cigna_cache_t       *cache;
    ngx_cigna_cache_node_t  *node;

    slab = ngx_cigna_zone_lock(zone);

    (*ngx_cigna_cache_slot(zone, key))++;

    cache = ngx_cigna_cache(slab);
    node = cache ? ngx_cigna_cache_find(cache, key) : NULL;

    if (node) {
        ngx_cigna_cache_remove(slab, node);
    }

    ngx_cigna_zone_unlock(zone);
}


ngx_uint_t
ngx_cigna_cache_epoch(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key)
{
    return *ngx_cigna_cache_slot(zone, key);
}


/* NULL if there is no room for as much as an empty cache */

static ngx_cigna_cache_t *
ngx_cigna_cache(ngx_slab_pool_t *pool)
{
    ngx_cigna_cache_t  *cache;

    if (pool->data) {
        return pool->data;
    }

    cache = ngx_slab_alloc_locked(pool, sizeof(ngx_cigna_cache_t));
    if (cache == NULL) {
        return NULL;
    }

    ngx_rbtree_init(&cache->tree, &cache->sentinel, ngx_cigna_cache_insert);
    ngx_queue_init(&cache->used);

    pool->data = cache;

    return cache;
}


/*
 * Keys share epochs, which costs a fill in vain now and then.  The last bytes
 * choose, as the first ones order the tree.
 */

static ngx_atomic_t *
ngx_cigna_cache_slot(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key)
{
    const u_char  *p;

    p = key->bytes + NGX_CIGNA_CACHE_KEY_LEN - 2;

    return &ngx_cigna_zone_fixed(zone)->epochs[(p[0] << 8 | p[1])
                                               % NGX_CIGNA_ZONE_EPOCHS];
}


static ngx_cigna_cache_node_t *
ngx_cigna_cache_find(ngx_cigna_cache_t *cache,
    const ngx_cigna_cache_key_t *key)
{
    ngx_int_t           rc;
    ngx_rbtree_key_t    hash;
    ngx_rbtree_node_t  *node;

    ngx_memcpy(&hash, key->bytes, sizeof(hash));

    node = cache->tree.root;

    while (node != &cache->sentinel) {

        rc = ngx_cigna_cache_compare(hash, key->bytes + sizeof(hash), node);

        if (rc == 0) {
            return (ngx_cigna_cache_node_t *) node;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


static void
ngx_cigna_cache_insert(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_int_t            rc;
    ngx_rbtree_node_t  **p;

    for ( ;; ) {

        rc = ngx_cigna_cache_compare(node->key,
                                     ((ngx_cigna_cache_node_t *) node)->rest,
                                     temp);

        p = (rc < 0) ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


static ngx_int_t
ngx_cigna_cache_compare(ngx_rbtree_key_t key, const u_char *rest,
    ngx_rbtree_node_t *node)
{
    ngx_cigna_cache_node_t  *other;

    if (key != node->key) {
        return (key < node->key) ? -1 : 1;
    }

    other = (ngx_cigna_cache_node_t *) node;

    return ngx_memcmp(rest, other->rest, sizeof(other->rest));
}


static ngx_int_t
ngx_cigna_cache_put_locked(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry)
{
    ngx_cigna_cache_t       *cache;
    ngx_cigna_cache_node_t  *node;

    cache = ngx_cigna_cache(pool);
    if (cache == NULL) {
        return NGX_ERROR;
    }

    node = ngx_cigna_cache_find(cache, key);

    if (node && node->generation > entry->generation
        && node->checked_ms + NGX_CIGNA_CACHE_RACE_MS > entry->checked_ms)
    {
        return NGX_DECLINED;
    }

    /* pieces follow from the length: with the same one they can stay */

    if (node && node->len != entry->token.len) {
        ngx_cigna_cache_remove(pool, node);
        node = NULL;
    }

    if (node == NULL) {
        node = ngx_cigna_cache_add(pool, key, entry->token.len);
        if (node == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_cigna_cache_node_write(node, entry);

    return NGX_OK;
}


static ngx_cigna_cache_node_t *
ngx_cigna_cache_add(ngx_slab_pool_t *pool, const ngx_cigna_cache_key_t *key,
    size_t len)
{
    ngx_cigna_cache_t       *cache;
    ngx_cigna_cache_node_t  *node;

    cache = pool->data;

    node = ngx_cigna_cache_alloc(pool, len);
    if (node == NULL) {
        return NULL;
    }

    ngx_memcpy(&node->node.key, key->bytes, sizeof(node->node.key));
    ngx_memcpy(node->rest, key->bytes + sizeof(node->node.key),
               sizeof(node->rest));

    ngx_rbtree_insert(&cache->tree, &node->node);
    ngx_queue_insert_head(&cache->used, &node->queue);

    return node;
}


static ngx_cigna_cache_node_t *
ngx_cigna_cache_alloc(ngx_slab_pool_t *pool, size_t len)
{
    ngx_uint_t               n;
    ngx_cigna_cache_node_t  *node;

    for (n = 1; n <= NGX_CIGNA_CACHE_EVICT_MAX; n *= 2) {

        node = ngx_cigna_cache_node_create(pool, len);

        if (node || ngx_cigna_cache_evict(pool, n) != NGX_OK) {
            return node;
        }
    }

    return ngx_cigna_cache_node_create(pool, len);
}


/* the n entries that were not used for the longest time */

static ngx_int_t
ngx_cigna_cache_evict(ngx_slab_pool_t *pool, ngx_uint_t n)
{
    ngx_queue_t        *q;
    ngx_cigna_cache_t  *cache;

    cache = pool->data;

    if (ngx_queue_empty(&cache->used)) {
        return NGX_DECLINED;
    }

    while (n-- && !ngx_queue_empty(&cache->used)) {

        q = ngx_queue_last(&cache->used);

        ngx_cigna_cache_remove(pool, ngx_queue_data(q, ngx_cigna_cache_node_t,
                                                    queue));
    }

    return NGX_OK;
}


static void
ngx_cigna_cache_remove(ngx_slab_pool_t *pool, ngx_cigna_cache_node_t *node)
{
    ngx_cigna_cache_t  *cache;

    cache = pool->data;

    ngx_queue_remove(&node->queue);
    ngx_rbtree_delete(&cache->tree, &node->node);

    ngx_cigna_cache_node_destroy(pool, node);
}

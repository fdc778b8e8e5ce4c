
/*
 * Each entry is in two trees and a queue.  One tree is ordered by key.  The
 * other is ordered by "name": messages from other nodes contain this name.  The
 * queue is ordered by last use.
 */


#include "ngx_cigna_cache.h"
#include "ngx_cigna_cache_node.h"
#include "nginx/ngx_cigna_pool_secret.h"
#include "nginx/ngx_cigna_slice.h"
#include "base/cigna_siphash.h"


/*
 * If the slab is full, ngx_cigna_cache_put() evicts one entry, then two, then
 * four, and so on, and at last this number of entries.  There is a limit,
 * because the room of evicted entries may be in pieces of the wrong size.
 */

#define NGX_CIGNA_CACHE_EVICT_MAX   64

/*
 * If Redis gives a lower generation within this time (ms) after it has
 * confirmed a higher one, that is a late reply, not a new grant.  With the
 * default time-outs no request waits for Redis this long.
 */

#define NGX_CIGNA_CACHE_RACE_MS     10000

/* ms during which a refused token is not sent to the FHIR server again */

#define NGX_CIGNA_CACHE_REFUSED_MS  60000


/* memory for the strings of an entry, to copy them while the zone is locked */

typedef u_char  ngx_cigna_cache_bytes_t[NGX_CIGNA_CACHE_TOKEN_MAX
                                        + NGX_CIGNA_CACHE_ABOUT_MAX];


/* the cache; the slab pool's "data" points to it */

typedef struct {
    ngx_rbtree_t              tree;
    ngx_rbtree_node_t         sentinel;
    ngx_rbtree_t              names;
    ngx_rbtree_node_t         names_sentinel;
    ngx_queue_t               used;        /* the entry used last comes first */
} ngx_cigna_cache_t;


static ngx_int_t ngx_cigna_cache_get_locked(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_cigna_cache_entry_t *entry,
    u_char *bytes);
static ngx_cigna_cache_t *ngx_cigna_cache(ngx_slab_pool_t *pool);
static ngx_atomic_t *ngx_cigna_cache_slot(ngx_shm_zone_t *zone,
    const u_char *name);
static ngx_uint_t ngx_cigna_cache_written(ngx_slab_pool_t *pool,
    const u_char *name, const u_char *id, uint64_t generation);
static void ngx_cigna_cache_refuse_locked(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, const ngx_str_t *token,
    ngx_cigna_cache_entry_t *mark);
static ngx_cigna_cache_node_t *ngx_cigna_cache_named(ngx_cigna_cache_t *cache,
    const u_char *name);
static ngx_cigna_cache_node_t *ngx_cigna_cache_find(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key);
static uint32_t ngx_cigna_cache_hash(const ngx_cigna_cache_key_t *key);
static ngx_int_t ngx_cigna_cache_put_locked(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry,
    u_char *bytes);
static ngx_cigna_cache_node_t *ngx_cigna_cache_add(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry);
static ngx_cigna_cache_node_t *ngx_cigna_cache_alloc(ngx_slab_pool_t *pool,
    size_t len);
static ngx_int_t ngx_cigna_cache_evict(ngx_slab_pool_t *pool, ngx_uint_t n);
static void ngx_cigna_cache_remove(ngx_slab_pool_t *pool,
    ngx_cigna_cache_node_t *node);


ngx_int_t
ngx_cigna_cache_get(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key,
    ngx_pool_t *pool, ngx_cigna_cache_entry_t *entry)
{
    ngx_int_t                rc;
    ngx_str_t                copy;
    ngx_cigna_cache_bytes_t  bytes;

    ngx_cigna_zone_lock(zone);

    rc = ngx_cigna_cache_get_locked(zone, key, entry, bytes);

    ngx_cigna_zone_unlock(zone);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_cigna_pool_secret_copy(pool, &copy, bytes,
                                    ngx_cigna_cache_entry_len(entry));

    ngx_explicit_memzero(bytes, ngx_cigna_cache_entry_len(entry));

    entry->token.data = copy.data;
    ngx_cigna_cache_node_strings(entry);

    return rc;
}


static ngx_int_t
ngx_cigna_cache_get_locked(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, ngx_cigna_cache_entry_t *entry,
    u_char *bytes)
{
    ngx_slab_pool_t         *slab;
    ngx_cigna_cache_t       *cache;
    ngx_cigna_cache_node_t  *node;

    slab = ngx_cigna_zone_slab(zone);
    node = ngx_cigna_cache_find(slab, key);

    if (node == NULL || node->refused) {
        return NGX_DECLINED;
    }

    cache = slab->data;

    ngx_queue_remove(&node->queue);
    ngx_queue_insert_head(&cache->used, &node->queue);

    entry->token.data = bytes;
    ngx_cigna_cache_node_read(node, entry);

    /* a time in the future means that the clock was set back */

    entry->suspect = entry->checked_ms
                     < (int64_t) ngx_cigna_zone_fixed(zone)->suspect_ms
                     || entry->checked_ms / 1000 > ngx_time() + 1;

    return NGX_OK;
}


ngx_int_t
ngx_cigna_cache_put(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key,
    const ngx_cigna_cache_entry_t *entry, ngx_uint_t epoch)
{
    u_char                   *p;
    ngx_int_t                 rc;
    ngx_cigna_cache_bytes_t   bytes;

    if (entry->token.len == 0
        || entry->token.len > NGX_CIGNA_CACHE_TOKEN_MAX
        || entry->patient.len + entry->scope.len + entry->userinfo.len
           > NGX_CIGNA_CACHE_ABOUT_MAX)
    {
        return NGX_ERROR;
    }

    p = ngx_cpymem(bytes, entry->token.data, entry->token.len);
    p = ngx_cpymem(p, entry->patient.data, entry->patient.len);
    p = ngx_cpymem(p, entry->scope.data, entry->scope.len);
    ngx_memcpy(p, entry->userinfo.data, entry->userinfo.len);

    ngx_cigna_zone_lock(zone);

    rc = *ngx_cigna_cache_slot(zone, entry->name) == epoch
         ? ngx_cigna_cache_put_locked(ngx_cigna_zone_slab(zone), key, entry,
                                      bytes)
         : NGX_DECLINED;

    ngx_cigna_zone_unlock(zone);

    ngx_explicit_memzero(bytes, ngx_cigna_cache_entry_len(entry));

    return rc;
}


void
ngx_cigna_cache_drop(ngx_shm_zone_t *zone, const ngx_cigna_cache_key_t *key,
    const u_char name[CIGNA_NAME_LEN])
{
    ngx_cigna_cache_node_t  *node;

    ngx_cigna_zone_lock(zone);

    (*ngx_cigna_cache_slot(zone, name))++;

    node = ngx_cigna_cache_find(ngx_cigna_zone_slab(zone), key);

    if (node) {
        ngx_cigna_cache_remove(ngx_cigna_zone_slab(zone), node);
    }

    ngx_cigna_zone_unlock(zone);
}


void
ngx_cigna_cache_refuse(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const u_char name[CIGNA_NAME_LEN],
    const ngx_str_t *token, int64_t now_ms)
{
    u_char                   digest[CIGNA_SIPHASH_LEN];
    ngx_cigna_cache_entry_t  mark;

    cigna_siphash(key->bytes, ngx_cigna_slice(token), digest);

    ngx_memzero(&mark, sizeof(ngx_cigna_cache_entry_t));

    mark.token.data = digest;
    mark.token.len = CIGNA_SIPHASH_LEN;
    mark.checked_ms = now_ms;
    ngx_memcpy(mark.name, name, CIGNA_NAME_LEN);

    ngx_cigna_zone_lock(zone);

    ngx_cigna_cache_refuse_locked(ngx_cigna_zone_slab(zone), key, token, &mark);

    ngx_cigna_zone_unlock(zone);
}


static void
ngx_cigna_cache_refuse_locked(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, const ngx_str_t *token,
    ngx_cigna_cache_entry_t *mark)
{
    ngx_uint_t                same;
    ngx_cigna_cache_node_t   *node;
    ngx_cigna_cache_entry_t   entry;
    ngx_cigna_cache_bytes_t   bytes;

    node = ngx_cigna_cache_find(pool, key);

    if (node && !node->refused) {

        entry.token.data = bytes;
        ngx_cigna_cache_node_read(node, &entry);

        same = entry.token.len == token->len
               && ngx_memcmp(bytes, token->data, token->len) == 0;

        ngx_explicit_memzero(bytes, node->len);

        if (!same) {
            return;
        }

        mark->generation = entry.generation;
        ngx_memcpy(mark->id, entry.id, CIGNA_GRANT_ID_LEN);
    }

    if (node) {
        ngx_cigna_cache_remove(pool, node);
    }

    node = ngx_cigna_cache_add(pool, key, mark);

    if (node) {
        ngx_cigna_cache_node_write(node, mark, mark->token.data);
        node->refused = 1;
    }
}


ngx_uint_t
ngx_cigna_cache_refused(ngx_shm_zone_t *zone,
    const ngx_cigna_cache_key_t *key, const ngx_str_t *token, int64_t now_ms)
{
    u_char                    seen[CIGNA_SIPHASH_LEN];
    u_char                    digest[CIGNA_SIPHASH_LEN];
    ngx_uint_t                refused;
    ngx_cigna_cache_node_t   *node;
    ngx_cigna_cache_entry_t   mark;

    ngx_cigna_zone_lock(zone);

    node = ngx_cigna_cache_find(ngx_cigna_zone_slab(zone), key);
    refused = node && node->refused;

    if (refused) {
        mark.token.data = seen;
        ngx_cigna_cache_node_read(node, &mark);
    }

    ngx_cigna_zone_unlock(zone);

    /* unsigned: if the clock was set back, the refusal is forgotten at once */

    if (!refused
        || (uint64_t) (now_ms - mark.checked_ms) >= NGX_CIGNA_CACHE_REFUSED_MS)
    {
        return 0;
    }

    cigna_siphash(key->bytes, ngx_cigna_slice(token), digest);

    return ngx_memcmp(seen, digest, CIGNA_SIPHASH_LEN) == 0;
}


ngx_uint_t
ngx_cigna_cache_invalidate(ngx_shm_zone_t *zone,
    const u_char name[CIGNA_NAME_LEN], const u_char id[CIGNA_GRANT_ID_LEN],
    uint64_t generation)
{
    ngx_uint_t  dropped;

    ngx_cigna_zone_lock(zone);

    (*ngx_cigna_cache_slot(zone, name))++;

    dropped = ngx_cigna_cache_written(ngx_cigna_zone_slab(zone), name, id,
                                      generation);

    ngx_cigna_zone_unlock(zone);

    return dropped;
}


static ngx_uint_t
ngx_cigna_cache_written(ngx_slab_pool_t *pool, const u_char *name,
    const u_char *id, uint64_t generation)
{
    ngx_cigna_cache_t       *cache = pool->data;
    ngx_cigna_cache_node_t  *node;

    node = cache ? ngx_cigna_cache_named(cache, name) : NULL;

    if (node == NULL) {
        return 0;
    }

    if (generation && generation <= node->generation
        && ngx_memcmp(node->id, id, CIGNA_GRANT_ID_LEN) == 0)
    {
        return 0;
    }

    ngx_cigna_cache_remove(pool, node);

    return 1;
}


void
ngx_cigna_cache_suspect(ngx_shm_zone_t *zone, int64_t now_ms)
{
    ngx_uint_t         i;
    ngx_cigna_zone_t  *fixed;

    fixed = ngx_cigna_zone_fixed(zone);

    ngx_cigna_zone_lock(zone);

    fixed->suspect_ms = now_ms;

    for (i = 0; i < NGX_CIGNA_ZONE_EPOCHS; i++) {
        fixed->epochs[i]++;
    }

    ngx_cigna_zone_unlock(zone);
}


ngx_uint_t
ngx_cigna_cache_epoch(ngx_shm_zone_t *zone, const u_char name[CIGNA_NAME_LEN])
{
    return *ngx_cigna_cache_slot(zone, name);
}


void
ngx_cigna_cache_moved(ngx_shm_zone_t *zone, const u_char name[CIGNA_NAME_LEN])
{
    (void) ngx_atomic_fetch_add(ngx_cigna_cache_slot(zone, name), 1);
}


/* makes the cache at first use; NULL: the slab has no room */

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

    ngx_rbtree_init(&cache->tree, &cache->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&cache->names, &cache->names_sentinel,
                    ngx_rbtree_insert_value);
    ngx_queue_init(&cache->used);

    pool->data = cache;

    return cache;
}


static ngx_atomic_t *
ngx_cigna_cache_slot(ngx_shm_zone_t *zone, const u_char *name)
{
    uint32_t  hash;

    hash = ngx_crc32_short((u_char *) name, CIGNA_NAME_LEN);

    return &ngx_cigna_zone_fixed(zone)->epochs[hash % NGX_CIGNA_ZONE_EPOCHS];
}


/*
 * The tree is ordered by the first bytes of a name, which is a keyed hash.  If
 * two names have the same first bytes, the search may miss one of them.  The
 * next read from Redis corrects its entry.
 */

static ngx_cigna_cache_node_t *
ngx_cigna_cache_named(ngx_cigna_cache_t *cache, const u_char *name)
{
    ngx_rbtree_key_t         hash;
    ngx_rbtree_node_t       *p;
    ngx_cigna_cache_node_t  *node;

    ngx_memcpy(&hash, name, sizeof(hash));

    p = cache->names.root;

    while (p != &cache->names_sentinel) {

        if (hash == p->key) {
            node = ngx_rbtree_data(p, ngx_cigna_cache_node_t, named);

            if (ngx_memcmp(node->name, name, CIGNA_NAME_LEN) == 0) {
                return node;
            }
        }

        p = (hash < p->key) ? p->left : p->right;
    }

    return NULL;
}


static ngx_cigna_cache_node_t *
ngx_cigna_cache_find(ngx_slab_pool_t *pool, const ngx_cigna_cache_key_t *key)
{
    ngx_str_t           str;
    ngx_cigna_cache_t  *cache = pool->data;

    if (cache == NULL) {
        return NULL;
    }

    str.data = (u_char *) key->bytes;
    str.len = NGX_CIGNA_CACHE_KEY_LEN;

    return (ngx_cigna_cache_node_t *)
           ngx_str_rbtree_lookup(&cache->tree, &str,
                                 ngx_cigna_cache_hash(key));
}


/* a key is a hash itself, so the tree is ordered by its first bytes */

static uint32_t
ngx_cigna_cache_hash(const ngx_cigna_cache_key_t *key)
{
    uint32_t  hash;

    ngx_memcpy(&hash, key->bytes, sizeof(hash));

    return hash;
}


static ngx_int_t
ngx_cigna_cache_put_locked(ngx_slab_pool_t *pool,
    const ngx_cigna_cache_key_t *key, const ngx_cigna_cache_entry_t *entry,
    u_char *bytes)
{
    ngx_cigna_cache_node_t  *node;

    node = ngx_cigna_cache_find(pool, key);

    if (node && node->refused) {
        ngx_cigna_cache_remove(pool, node);
        node = NULL;
    }

    if (node && node->generation > entry->generation
        && node->checked_ms + NGX_CIGNA_CACHE_RACE_MS > entry->checked_ms)
    {
        return NGX_DECLINED;
    }

    /*
     * A node is used again if its pieces fit, which depends on the length
     * alone, and if the name is the same.  A name changes only if the name key
     * in the key ring changes.
     */

    if (node && (node->len != ngx_cigna_cache_entry_len(entry)
                 || ngx_memcmp(node->name, entry->name, CIGNA_NAME_LEN) != 0))
    {
        ngx_cigna_cache_remove(pool, node);
        node = NULL;
    }

    if (node == NULL) {
        node = ngx_cigna_cache_add(pool, key, entry);
        if (node == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_cigna_cache_node_write(node, entry, bytes);

    return NGX_OK;
}


static ngx_cigna_cache_node_t *
ngx_cigna_cache_add(ngx_slab_pool_t *pool, const ngx_cigna_cache_key_t *key,
    const ngx_cigna_cache_entry_t *entry)
{
    ngx_cigna_cache_t       *cache;
    ngx_cigna_cache_node_t  *node;

    cache = ngx_cigna_cache(pool);
    if (cache == NULL) {
        return NULL;
    }

    node = ngx_cigna_cache_alloc(pool, ngx_cigna_cache_entry_len(entry));
    if (node == NULL) {
        return NULL;
    }

    node->key = *key;
    node->node.str.data = node->key.bytes;
    node->node.str.len = NGX_CIGNA_CACHE_KEY_LEN;
    node->node.node.key = ngx_cigna_cache_hash(key);
    ngx_memcpy(&node->named.key, entry->name, sizeof(node->named.key));

    ngx_rbtree_insert(&cache->tree, &node->node.node);
    ngx_rbtree_insert(&cache->names, &node->named);
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


/* evicts the n entries that were not used for the longest time */

static ngx_int_t
ngx_cigna_cache_evict(ngx_slab_pool_t *pool, ngx_uint_t n)
{
    ngx_queue_t        *q;
    ngx_cigna_cache_t  *cache = pool->data;

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
    ngx_cigna_cache_t  *cache = pool->data;

    ngx_queue_remove(&node->queue);
    ngx_rbtree_delete(&cache->tree, &node->node.node);
    ngx_rbtree_delete(&cache->names, &node->named);

    ngx_cigna_cache_node_destroy(pool, node);
}


/*
 *   +-----------------+-------------+-----------------------+
 *   | ngx_slab_pool_t | slab: texts | ngx_cigna_documents_t |
 *   +-----------------+-------------+-----------------------+
 *   shm.addr                  pool->end                shm.size
 *
 * While a process holds the lock, "dirty" has its pid.  If the next process
 * that locks the zone finds a pid there, the process with this pid died while
 * it held the lock.  The next process then forgets all documents.
 */


#include "ngx_cigna_documents.h"


/* must change with the layout, so that a newer module gets a new zone */

#define NGX_CIGNA_DOCUMENTS_NAME  "cigna_documents_1"


typedef struct {
    ngx_atomic_t            dirty;         /* pid of the process that has the
                                              lock, or died with it; 0: none */
    uint64_t                clock;         /* grows with each use of a document,
                                              and with each new text */
    ngx_cigna_document_t    documents[NGX_CIGNA_DOCUMENTS_MAX];
} ngx_cigna_documents_t;


static ngx_int_t ngx_cigna_documents_init(ngx_shm_zone_t *zone, void *data);
static void ngx_cigna_documents_reset(ngx_shm_zone_t *zone);
static ngx_cigna_document_t *ngx_cigna_documents_find(ngx_shm_zone_t *zone,
    const u_char *key);
static ngx_cigna_document_t *ngx_cigna_documents_oldest(
    ngx_cigna_documents_t *docs, ngx_uint_t texts);
static void ngx_cigna_documents_forget(ngx_shm_zone_t *zone,
    ngx_cigna_document_t *doc);


#define ngx_cigna_documents_pool(zone)                                        \
    ((ngx_slab_pool_t *) (zone)->shm.addr)


ngx_shm_zone_t *
ngx_cigna_documents_add(ngx_conf_t *cf, void *tag)
{
    ngx_str_t        name;
    ngx_shm_zone_t  *zone;

    ngx_str_set(&name, NGX_CIGNA_DOCUMENTS_NAME);

    zone = ngx_shared_memory_add(cf, &name, NGX_CIGNA_DOCUMENTS_SIZE, tag);

    if (zone) {
        zone->init = ngx_cigna_documents_init;
    }

    return zone;
}


static ngx_int_t
ngx_cigna_documents_init(ngx_shm_zone_t *zone, void *data)
{
    u_char  *end;

    if (data) {
        zone->data = data;
        return NGX_OK;
    }

    end = zone->shm.addr + zone->shm.size - sizeof(ngx_cigna_documents_t);
    end -= (uintptr_t) end % ngx_cacheline_size;

    zone->data = end;
    ngx_cigna_documents_pool(zone)->end = end;

    ngx_cigna_documents_reset(zone);

    return NGX_OK;
}


/*
 * Forgets all documents.  The clock starts from the time of day, so that no
 * version from before the reset comes again: workers compare versions with
 * those of their copies.
 */

static void
ngx_cigna_documents_reset(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t        *pool;
    ngx_cigna_documents_t  *docs;

    pool = ngx_cigna_documents_pool(zone);
    docs = zone->data;

    ngx_memzero(docs, sizeof(ngx_cigna_documents_t));
    docs->clock = (uint64_t) ngx_time() << 20;

    ngx_slab_init(pool);

    pool->log_nomem = 0;
}


ngx_cigna_document_t *
ngx_cigna_documents_lock(ngx_shm_zone_t *zone, const u_char *key)
{
    ngx_cigna_document_t   *doc;
    ngx_cigna_documents_t  *docs;

    docs = zone->data;

    ngx_shmtx_lock(&ngx_cigna_documents_pool(zone)->mutex);

    if (docs->dirty) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "cigna: process %P died while it changed the metadata "
                      "documents, which are fetched again",
                      (ngx_pid_t) docs->dirty);

        ngx_cigna_documents_reset(zone);
    }

    docs->dirty = ngx_pid;
    ngx_memory_barrier();

    doc = ngx_cigna_documents_find(zone, key);
    doc->used = ++docs->clock;

    return doc;
}


void
ngx_cigna_documents_unlock(ngx_shm_zone_t *zone)
{
    ngx_memory_barrier();
    ((ngx_cigna_documents_t *) zone->data)->dirty = 0;

    ngx_shmtx_unlock(&ngx_cigna_documents_pool(zone)->mutex);
}


/* finds the document, or makes it in place of the least recently used one */

static ngx_cigna_document_t *
ngx_cigna_documents_find(ngx_shm_zone_t *zone, const u_char *key)
{
    ngx_uint_t              i;
    ngx_cigna_document_t   *doc;
    ngx_cigna_documents_t  *docs = zone->data;

    for (i = 0; i < NGX_CIGNA_DOCUMENTS_MAX; i++) {

        doc = &docs->documents[i];

        if (doc->used && ngx_cigna_documents_same(doc->key, key)) {
            return doc;
        }
    }

    doc = ngx_cigna_documents_oldest(docs, 0);

    ngx_cigna_documents_forget(zone, doc);
    ngx_memcpy(doc->key, key, NGX_CIGNA_DOCUMENTS_KEY);

    return doc;
}


/*
 * Returns the least recently used document.  If texts is 1, returns the least
 * recently used one with a text, or NULL.
 */

static ngx_cigna_document_t *
ngx_cigna_documents_oldest(ngx_cigna_documents_t *docs, ngx_uint_t texts)
{
    ngx_uint_t             i;
    ngx_cigna_document_t  *doc, *oldest;

    oldest = NULL;

    for (i = 0; i < NGX_CIGNA_DOCUMENTS_MAX; i++) {

        doc = &docs->documents[i];

        if ((doc->text || !texts)
            && (oldest == NULL || doc->used < oldest->used))
        {
            oldest = doc;
        }
    }

    return oldest;
}


ngx_int_t
ngx_cigna_documents_keep(ngx_shm_zone_t *zone, ngx_cigna_document_t *doc,
    cigna_slice_t text)
{
    u_char                 *p;
    ngx_cigna_document_t   *oldest;
    ngx_cigna_documents_t  *docs;

    docs = zone->data;

    ngx_cigna_documents_drop(zone, doc);

    while ((p = ngx_slab_alloc_locked(ngx_cigna_documents_pool(zone),
                                      text.len))
           == NULL)
    {
        oldest = ngx_cigna_documents_oldest(docs, 1);
        if (oldest == NULL) {
            return NGX_ERROR;
        }

        ngx_cigna_documents_forget(zone, oldest);
    }

    ngx_memcpy(p, text.data, text.len);

    doc->text = p;
    doc->state.version = ++docs->clock;
    doc->state.len = text.len;

    return NGX_OK;
}


static void
ngx_cigna_documents_forget(ngx_shm_zone_t *zone, ngx_cigna_document_t *doc)
{
    ngx_cigna_documents_drop(zone, doc);
    ngx_memzero(doc, sizeof(ngx_cigna_document_t));
}


void
ngx_cigna_documents_drop(ngx_shm_zone_t *zone, ngx_cigna_document_t *doc)
{
    if (doc->text) {
        ngx_slab_free_locked(ngx_cigna_documents_pool(zone), doc->text);
    }

    doc->text = NULL;
    ngx_memzero(&doc->state, sizeof(ngx_cigna_document_state_t));
}


/*
 *   +-----------------+-------------+-----------------------+
 *   | ngx_slab_pool_t | slab: texts | ngx_cigna_documents_t |
 *   +-----------------+-------------+-----------------------+
 *   shm.addr                  pool->end                shm.size
 *
 * While a process holds the lock, "dirty" has its pid.  If the next process
 * finds a pid there, the last one died while it held the lock.  The next
 * process then forgets all documents.
 */


#include "ngx_cigna_documents.h"
#include "nginx/ngx_cigna_pid.h"


/* must change with the layout, so that a newer module gets a new zone */

#define NGX_CIGNA_DOCUMENTS_NAME  "cigna_documents_1"


typedef struct {
    u_char                       key[NGX_CIGNA_DOCUMENTS_KEY];
    ngx_cigna_document_state_t   state;
    u_char                      *text;     /* in the slab, or NULL */
    ngx_pid_t                    pid;      /* has the claim; 0: none has it */
    time_t                       claimed;  /* end of the claim */
    uint64_t                     used;     /* clock of the last use; 0: free */
} ngx_cigna_document_entry_t;


typedef struct {
    ngx_atomic_t                 dirty;    /* pid that has the lock, or 0 */
    uint64_t                     clock;    /* counts uses and versions */
    ngx_cigna_document_entry_t   entries[NGX_CIGNA_DOCUMENTS_MAX];
} ngx_cigna_documents_t;


static ngx_int_t ngx_cigna_documents_init(ngx_shm_zone_t *zone, void *data);
static void ngx_cigna_documents_reset(ngx_shm_zone_t *zone);
static ngx_cigna_documents_t *ngx_cigna_documents_lock(ngx_shm_zone_t *zone);
static void ngx_cigna_documents_unlock(ngx_shm_zone_t *zone);
static ngx_cigna_document_entry_t *ngx_cigna_documents_find(
    ngx_cigna_documents_t *docs, const u_char *key);
static ngx_cigna_document_entry_t *ngx_cigna_documents_entry(
    ngx_shm_zone_t *zone, ngx_cigna_documents_t *docs, const u_char *key);
static ngx_cigna_document_entry_t *ngx_cigna_documents_oldest(
    ngx_cigna_documents_t *docs, ngx_cigna_document_entry_t *except);
static void ngx_cigna_documents_forget(ngx_shm_zone_t *zone,
    ngx_cigna_document_entry_t *entry);
static void ngx_cigna_documents_drop(ngx_shm_zone_t *zone,
    ngx_cigna_document_entry_t *entry);
static u_char *ngx_cigna_documents_alloc(ngx_shm_zone_t *zone,
    ngx_cigna_documents_t *docs, ngx_cigna_document_entry_t *entry,
    size_t len);


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


static ngx_cigna_documents_t *
ngx_cigna_documents_lock(ngx_shm_zone_t *zone)
{
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

    return docs;
}


static void
ngx_cigna_documents_unlock(ngx_shm_zone_t *zone)
{
    ngx_memory_barrier();
    ((ngx_cigna_documents_t *) zone->data)->dirty = 0;

    ngx_shmtx_unlock(&ngx_cigna_documents_pool(zone)->mutex);
}


void
ngx_cigna_documents_look(ngx_shm_zone_t *zone, const u_char *key,
    ngx_cigna_document_state_t *state)
{
    ngx_cigna_documents_t       *docs;
    ngx_cigna_document_entry_t  *entry;

    docs = ngx_cigna_documents_lock(zone);
    entry = ngx_cigna_documents_find(docs, key);

    if (entry) {
        *state = entry->state;

    } else {
        ngx_memzero(state, sizeof(ngx_cigna_document_state_t));
    }

    ngx_cigna_documents_unlock(zone);
}


ngx_int_t
ngx_cigna_documents_copy(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_cigna_document_state_t *state, u_char *text)
{
    ngx_int_t                    rc;
    ngx_cigna_documents_t       *docs;
    ngx_cigna_document_entry_t  *entry;

    rc = NGX_DECLINED;

    docs = ngx_cigna_documents_lock(zone);
    entry = ngx_cigna_documents_find(docs, key);

    if (entry && entry->text && entry->state.version == state->version
        && entry->state.len == state->len)
    {
        ngx_memcpy(text, entry->text, state->len);
        rc = NGX_OK;
    }

    ngx_cigna_documents_unlock(zone);

    return rc;
}


ngx_int_t
ngx_cigna_documents_claim(ngx_shm_zone_t *zone, const u_char *key, time_t now,
    time_t timeout_s)
{
    ngx_int_t                    rc;
    ngx_cigna_documents_t       *docs;
    ngx_cigna_document_entry_t  *entry;

    docs = ngx_cigna_documents_lock(zone);
    entry = ngx_cigna_documents_entry(zone, docs, key);

    if (now < entry->state.due) {
        rc = NGX_DECLINED;

    } else if (entry->pid && entry->pid != ngx_pid && now < entry->claimed
               && ngx_cigna_pid_alive(entry->pid))
    {
        rc = NGX_BUSY;

    } else {
        entry->pid = ngx_pid;
        entry->claimed = now + timeout_s;
        rc = NGX_OK;
    }

    ngx_cigna_documents_unlock(zone);

    return rc;
}


ngx_int_t
ngx_cigna_documents_keep(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_str_t *text, time_t due, time_t until,
    ngx_cigna_document_state_t *before)
{
    u_char                      *p;
    ngx_cigna_documents_t       *docs;
    ngx_cigna_document_entry_t  *entry;

    docs = ngx_cigna_documents_lock(zone);
    entry = ngx_cigna_documents_entry(zone, docs, key);

    *before = entry->state;

    ngx_cigna_documents_drop(zone, entry);

    p = ngx_cigna_documents_alloc(zone, docs, entry, text->len);

    if (p) {
        ngx_memcpy(p, text->data, text->len);

        entry->text = p;
        entry->pid = 0;
        entry->state.version = ++docs->clock;
        entry->state.len = text->len;
        entry->state.due = due;
        entry->state.until = until;
    }

    ngx_cigna_documents_unlock(zone);

    return p ? NGX_OK : NGX_ERROR;
}


void
ngx_cigna_documents_fail(ngx_shm_zone_t *zone, const u_char *key, time_t due,
    ngx_uint_t passed, ngx_cigna_document_state_t *before)
{
    ngx_cigna_documents_t       *docs;
    ngx_cigna_document_entry_t  *entry;

    docs = ngx_cigna_documents_lock(zone);
    entry = ngx_cigna_documents_entry(zone, docs, key);

    *before = entry->state;

    if (entry->pid == ngx_pid) {

        if (passed) {
            ngx_cigna_documents_drop(zone, entry);
            entry->state.passed = 1;

        } else {
            entry->state.away = 1;
        }

        entry->pid = 0;
        entry->state.due = due;
    }

    ngx_cigna_documents_unlock(zone);
}


static ngx_cigna_document_entry_t *
ngx_cigna_documents_find(ngx_cigna_documents_t *docs, const u_char *key)
{
    ngx_uint_t                   i;
    ngx_cigna_document_entry_t  *entry;

    for (i = 0; i < NGX_CIGNA_DOCUMENTS_MAX; i++) {

        entry = &docs->entries[i];

        if (entry->used && ngx_cigna_documents_same(entry->key, key)) {
            entry->used = ++docs->clock;
            return entry;
        }
    }

    return NULL;
}


/* finds the entry, or makes one in place of the least recently used entry */

static ngx_cigna_document_entry_t *
ngx_cigna_documents_entry(ngx_shm_zone_t *zone, ngx_cigna_documents_t *docs,
    const u_char *key)
{
    ngx_cigna_document_entry_t  *entry;

    entry = ngx_cigna_documents_find(docs, key);

    if (entry == NULL) {
        entry = ngx_cigna_documents_oldest(docs, NULL);
        ngx_cigna_documents_forget(zone, entry);

        ngx_memcpy(entry->key, key, NGX_CIGNA_DOCUMENTS_KEY);
        entry->used = ++docs->clock;
    }

    return entry;
}


static ngx_cigna_document_entry_t *
ngx_cigna_documents_oldest(ngx_cigna_documents_t *docs,
    ngx_cigna_document_entry_t *except)
{
    ngx_uint_t                   i;
    ngx_cigna_document_entry_t  *entry, *oldest;

    oldest = NULL;

    for (i = 0; i < NGX_CIGNA_DOCUMENTS_MAX; i++) {

        entry = &docs->entries[i];

        /* with "except" the caller needs memory: only a text gives some */

        if (except && (entry == except || entry->text == NULL)) {
            continue;
        }

        if (oldest == NULL || entry->used < oldest->used) {
            oldest = entry;
        }
    }

    return oldest;
}


static void
ngx_cigna_documents_forget(ngx_shm_zone_t *zone,
    ngx_cigna_document_entry_t *entry)
{
    ngx_cigna_documents_drop(zone, entry);
    ngx_memzero(entry, sizeof(ngx_cigna_document_entry_t));
}


static void
ngx_cigna_documents_drop(ngx_shm_zone_t *zone,
    ngx_cigna_document_entry_t *entry)
{
    if (entry->text) {
        ngx_slab_free_locked(ngx_cigna_documents_pool(zone), entry->text);
    }

    entry->text = NULL;
    ngx_memzero(&entry->state, sizeof(ngx_cigna_document_state_t));
}


static u_char *
ngx_cigna_documents_alloc(ngx_shm_zone_t *zone, ngx_cigna_documents_t *docs,
    ngx_cigna_document_entry_t *entry, size_t len)
{
    u_char                      *p;
    ngx_cigna_document_entry_t  *oldest;

    for ( ;; ) {

        p = ngx_slab_alloc_locked(ngx_cigna_documents_pool(zone), len);

        if (p) {
            return p;
        }

        oldest = ngx_cigna_documents_oldest(docs, entry);

        if (oldest == NULL) {
            return NULL;
        }

        ngx_cigna_documents_forget(zone, oldest);
    }
}


/*
 * The layout of the zone:
 *
 *   +-----------------+----------------+--
 *   | ngx_slab_pool_t | slab: cache    |
 *   +-----------------+----------------+--
 *   shm.addr                       pool->end
 *
 *        --+------------------+---------+---------+--------+------+
 *          | ngx_cigna_zone_t | journal | members | roster | rows |
 *        --+------------------+---------+---------+--------+------+
 *                                                             shm.size
 *
 * nginx knows only the slab, which ends before the fixed part.  So the fixed
 * part stays as it is when the slab is initialised again.
 */


#include "ngx_cigna_zone.h"

#include <sys/mman.h>


/* grows with each change of the layout of the zone */

#define NGX_CIGNA_ZONE_VERSION  8

#define NGX_CIGNA_ZONE_MAGIC                                                  \
    ((uint64_t) 0x6369676e61 << 24 | NGX_CIGNA_ZONE_VERSION)

/* bytes that a tenant takes in the roster and in the rows */

#define NGX_CIGNA_ZONE_TENANT                                                 \
    (sizeof(cigna_roster_entry_t) + sizeof(ngx_cigna_zone_row_t))

_Static_assert(sizeof(ngx_cigna_zone_row_t) % NGX_CIGNA_ZONE_LINE == 0,
               "two rows share a line");


static void ngx_cigna_zone_hide(ngx_shm_zone_t *zone);
static void ngx_cigna_zone_recover(ngx_slab_pool_t *pool,
    ngx_cigna_zone_t *fixed);
static void ngx_cigna_zone_reset(ngx_slab_pool_t *pool);


ngx_uint_t
ngx_cigna_zone_tenants(size_t size)
{
    size_t  few;

    few = ngx_min(NGX_CIGNA_ZONE_FEW * NGX_CIGNA_ZONE_TENANT, size / 8 * 3);

    return ngx_max(few, size / NGX_CIGNA_ZONE_TENANTS) / NGX_CIGNA_ZONE_TENANT;
}


size_t
ngx_cigna_zone_size(ngx_uint_t tenants)
{
    size_t  size;

    for (size = NGX_CIGNA_ZONE_SIZE_MIN;
         ngx_cigna_zone_tenants(size) < tenants;
         size += NGX_CIGNA_ZONE_SIZE_MIN)
    {
        /* void */
    }

    return size;
}


/* data: the fixed part of the zone before a reload, or NULL at a start */

ngx_int_t
ngx_cigna_zone_init(ngx_shm_zone_t *zone, void *data)
{
    size_t             journal, members, tenants;
    u_char            *end;
    ngx_slab_pool_t   *pool;
    ngx_cigna_zone_t  *fixed;

    journal = zone->shm.size / NGX_CIGNA_ZONE_JOURNAL;
    members = zone->shm.size / NGX_CIGNA_ZONE_MEMBERS;
    tenants = ngx_cigna_zone_tenants(zone->shm.size);

    end = zone->shm.addr + zone->shm.size - journal - members
          - tenants * NGX_CIGNA_ZONE_TENANT - 2 * NGX_CIGNA_ZONE_LINE
          - sizeof(ngx_cigna_zone_t);
    end -= (uintptr_t) end % ngx_cacheline_size;

    fixed = (ngx_cigna_zone_t *) end;

    if (data) {

        if (data != fixed || fixed->magic != NGX_CIGNA_ZONE_MAGIC) {
            ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                          "cigna_zone \"%V\" was made by another version of "
                          "the module, restart nginx instead of reloading it",
                          &zone->shm.name);
            return NGX_ERROR;
        }

        zone->data = fixed;
        return NGX_OK;
    }

    ngx_cigna_zone_hide(zone);

    ngx_memzero(fixed, sizeof(ngx_cigna_zone_t));
    fixed->magic = NGX_CIGNA_ZONE_MAGIC;
    fixed->journal_size = journal - NGX_ALIGNMENT;
    fixed->members_size = members - NGX_ALIGNMENT;
    fixed->tenants = tenants;

    pool = ngx_cigna_zone_slab(zone);
    pool->end = end;
    ngx_cigna_zone_reset(pool);

    zone->data = fixed;

    return NGX_OK;
}


/* keeps tokens out of core dumps */

static void
ngx_cigna_zone_hide(ngx_shm_zone_t *zone)
{
#ifdef MADV_DONTDUMP

    if (madvise(zone->shm.addr, zone->shm.size, MADV_DONTDUMP) == -1) {
        ngx_log_error(NGX_LOG_WARN, zone->shm.log, ngx_errno,
                      "madvise(MADV_DONTDUMP) failed, core dumps will hold "
                      "the contents of cigna_zone \"%V\"", &zone->shm.name);
    }

#endif
}


void
ngx_cigna_zone_lock(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t   *pool;
    ngx_cigna_zone_t  *fixed;

    pool = ngx_cigna_zone_slab(zone);
    fixed = ngx_cigna_zone_fixed(zone);

    ngx_shmtx_lock(&pool->mutex);

    while (fixed->dirty) {
        ngx_cigna_zone_recover(pool, fixed);
        ngx_shmtx_lock(&pool->mutex);
    }

    fixed->dirty = ngx_pid;
    ngx_memory_barrier();
}


/*
 * The zone is locked and dirty: empties the cache, has the journal checked
 * before its next use, unlocks the zone, and logs.
 */

static void
ngx_cigna_zone_recover(ngx_slab_pool_t *pool, ngx_cigna_zone_t *fixed)
{
    ngx_pid_t  pid;

    pid = fixed->dirty;

    ngx_cigna_zone_reset(pool);
    fixed->journal_torn = 1;
    ngx_memory_barrier();
    fixed->dirty = 0;

    ngx_shmtx_unlock(&pool->mutex);

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "cigna: process %P died while it changed the cache, "
                  "which begins anew", pid);
}


void
ngx_cigna_zone_unlock(ngx_shm_zone_t *zone)
{
    ngx_memory_barrier();
    ngx_cigna_zone_fixed(zone)->dirty = 0;

    ngx_shmtx_unlock(&ngx_cigna_zone_slab(zone)->mutex);
}


/*
 * Gives the slab's pages, which hold tokens, back to the system.  That is
 * quicker than overwriting the tokens.  On a system without MADV_REMOVE the
 * tokens stay in memory until the pages are used again.
 */

static void
ngx_cigna_zone_reset(ngx_slab_pool_t *pool)
{
    ngx_slab_init(pool);

    pool->log_nomem = 0;
    pool->data = NULL;

#ifdef MADV_REMOVE

    (void) madvise(pool->start, (pool->last - pool->pages) * ngx_pagesize,
                   MADV_REMOVE);

#endif
}


#ifndef _NGX_CIGNA_ZONE_H_INCLUDED_
#define _NGX_CIGNA_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "redis/cigna_primaries.h"
#include "budget/cigna_roster.h"


/*
 * The shared-memory zone of "cigna_zone": a slab pool with the cache in it, and
 * fixed parts outside the slab, such as tenants, budgets and the journal.  The
 * fixed parts have no pointers.
 *
 * A process that locks the zone sets the word "dirty", and clears the word
 * before it unlocks the zone.  If a process locks the zone and finds the word
 * set, another process died with the zone locked: the process empties the cache
 * and keeps the fixed parts.  Code under the lock must not do I/O, log,
 * allocate outside the slab, or use cryptography.
 */

#define NGX_CIGNA_ZONE_SIZE_MIN  (1024 * 1024)
#define NGX_CIGNA_ZONE_LINE      64        /* bytes of a cache line; each row
                                              starts a new line */

/*
 * Sizes of those parts of the zone whose size is fixed: the number of entries,
 * or bytes.  A file whose part is given in bytes asserts that its data fit.
 */

#define NGX_CIGNA_ZONE_EPOCHS    1024           /* number, a power of two */
#define NGX_CIGNA_ZONE_COOLING   1024           /* number, a power of two */
#define NGX_CIGNA_ZONE_ORIGINS   64             /* number, a power of two */
#define NGX_CIGNA_ZONE_BUDGETS   (16 * 1024)    /* bytes, for all tenants */
#define NGX_CIGNA_ZONE_DANCES    (64 * 1024)    /* bytes, for the members'
                                                   dances */

/* bytes of the parts of a tenant's row */

#define NGX_CIGNA_ROW_COUNTERS   1024
#define NGX_CIGNA_ROW_REFRESH_GATE       256
#define NGX_CIGNA_ROW_BUDGET     384

/*
 * Room for parts that do not exist yet, because a later change of this layout
 * would force operators to restart nginx.
 */
#define NGX_CIGNA_ROW_SPARE      1408

/* the zone's size is divided by this for the journal's size */

#define NGX_CIGNA_ZONE_JOURNAL   8

/* the zone's size is divided by this for the size of the members' budgets */

#define NGX_CIGNA_ZONE_MEMBERS   16

/*
 * The zone's size is divided by NGX_CIGNA_ZONE_TENANTS for the size of the
 * tenants' rows.  A small zone has room for NGX_CIGNA_ZONE_FEW tenants, but for
 * no more than fit into three eighths of the zone.
 */

#define NGX_CIGNA_ZONE_TENANTS   8
#define NGX_CIGNA_ZONE_FEW       256


/*
 * an identity whose refresh failed; an identity with the same place in the
 * array "cooling" overwrites it
 */

typedef struct {
    uint64_t            tag;               /* names the identity */
    int64_t             until_ms;          /* end of the cool-down */
    uint64_t            failures;          /* failed refreshes in a row that
                                              sent the refresh token */
} ngx_cigna_zone_cooling_t;


/*
 * an entry for the server of a token endpoint; a new server may take over the
 * entry of an old one
 */

typedef struct {
    uint64_t            tag;               /* names the server */
    int64_t             heard_ms;          /* time of its last complete reply */
    int64_t             probe_ms;          /* when a refresh may test whether
                                              the server answers again */
    int64_t             pause_ms;          /* ms between two tests of the
                                              server */
} ngx_cigna_zone_origin_t;


/* the row of one tenant; the files that use the parts define their layout */

typedef struct ngx_cigna_zone_row_s {
    u_char              counters[NGX_CIGNA_ROW_COUNTERS];
    uint64_t            budget[NGX_CIGNA_ROW_BUDGET / sizeof(uint64_t)];
    u_char              refresh_gate[NGX_CIGNA_ROW_REFRESH_GATE];
    u_char              spare[NGX_CIGNA_ROW_SPARE];
} ngx_cigna_zone_row_t;


/* the fixed part, at the end of the shared memory, after the slab */

typedef struct {
    uint64_t            magic;             /* names the version of the layout */
    ngx_atomic_t        dirty;             /* pid of the process that has the
                                              lock, or died with it; 0: none */
    size_t              journal_size;      /* bytes of the journal */
    size_t              members_size;      /* bytes of the members' budgets */
    ngx_uint_t          tenants;           /* number of rows */
    uint64_t            generation;        /* number of the last configuration,
                                              see cigna_roster.h */

    /* by ngx_process_slot: number of the configuration that the process uses */
    uint64_t            generations[NGX_MAX_PROCESSES];

    ngx_atomic_t        journal_torn;      /* a process died with the zone
                                              locked: check the journal before
                                              using it */

    ngx_atomic_t        epochs[NGX_CIGNA_ZONE_EPOCHS];   /* see
                                              ngx_cigna_cache.h */
    ngx_atomic_t        suspect_ms;        /* entries of the cache that Redis
                                              last confirmed before this time
                                              are suspect, see
                                              ngx_cigna_cache.h */

    /* after a change of Redis' primary, see ngx_cigna_journal_writer.h */
    ngx_atomic_t        quiet_until_ms;    /* no refresh starts before this
                                              time */
    ngx_atomic_t        rewrite_ms;        /* entries of the journal that were
                                              written to Redis before this time
                                              are written again */

    ngx_cigna_zone_cooling_t   cooling[NGX_CIGNA_ZONE_COOLING];
    ngx_cigna_zone_origin_t    origins[NGX_CIGNA_ZONE_ORIGINS];
    cigna_primaries_t          primaries;
    uint64_t            budgets[NGX_CIGNA_ZONE_BUDGETS / sizeof(uint64_t)];
    uint64_t            dances[NGX_CIGNA_ZONE_DANCES / sizeof(uint64_t)];
} ngx_cigna_zone_t;


/* the number of tenants that a zone of "size" bytes has room for */
ngx_uint_t ngx_cigna_zone_tenants(size_t size);

/* the smallest size, in whole MiB, of a zone for this number of tenants */
size_t ngx_cigna_zone_size(ngx_uint_t tenants);

/*
 * Called in the zone's init handler, see ngx_shm_zone_init_pt.  Sets zone->data
 * to the fixed part: a new one, or the one that was used before a reload
 * (data).  NGX_ERROR: another version of the module made that part, which is
 * logged.
 */
ngx_int_t ngx_cigna_zone_init(ngx_shm_zone_t *zone, void *data);

#define ngx_cigna_zone_fixed(zone)  ((ngx_cigna_zone_t *) (zone)->data)

/* the journal: journal_size bytes, zeroed at first */
#define ngx_cigna_zone_journal(fixed)                                         \
    ngx_align_ptr((fixed) + 1, NGX_ALIGNMENT)

/* the members' budgets: members_size bytes, zeroed at first */
#define ngx_cigna_zone_members(fixed)                                         \
    ngx_align_ptr(ngx_cigna_zone_journal(fixed) + (fixed)->journal_size,      \
                  NGX_ALIGNMENT)

/*
 * The roster: the names of tenants and their rows.  Only the master changes
 * names.  Names and rows are zeroed at first.
 */
#define ngx_cigna_zone_roster(fixed)                                          \
    ((cigna_roster_entry_t *)                                                 \
     ngx_align_ptr(ngx_cigna_zone_members(fixed) + (fixed)->members_size,     \
                   NGX_CIGNA_ZONE_LINE))
#define ngx_cigna_zone_row(fixed, i)                                          \
    ((ngx_cigna_zone_row_t *)                                                 \
     ngx_align_ptr(ngx_cigna_zone_roster(fixed) + (fixed)->tenants,           \
                   NGX_CIGNA_ZONE_LINE)                                       \
     + (i))

/*
 * The slab pool.  Its "data" points to the cache; NULL: the slab is new and
 * nothing is allocated.  Lock the zone before you read or change the pool.
 */
#define ngx_cigna_zone_slab(zone)  ((ngx_slab_pool_t *) (zone)->shm.addr)

void ngx_cigna_zone_lock(ngx_shm_zone_t *zone);
void ngx_cigna_zone_unlock(ngx_shm_zone_t *zone);


#endif /* _NGX_CIGNA_ZONE_H_INCLUDED_ */

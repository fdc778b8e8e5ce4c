
#ifndef _NGX_CIGNA_ZONE_H_INCLUDED_
#define _NGX_CIGNA_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "redis/cigna_primaries.h"
#include "budget/cigna_roster.h"


/*
 * The shared-memory zone: a slab pool with the cache in it, and fixed,
 * pointer-free parts outside the slab (tenants, budgets, journal).
 *
 * A process sets the dirty word after it has locked the zone, and clears it
 * before it unlocks it.  A process that finds the word set knows that another
 * one died inside: it empties the cache and keeps the fixed parts.  Under the
 * lock there is no I/O, no logging, no allocation outside the slab and no
 * cryptography.
 */

#define NGX_CIGNA_ZONE_SIZE_MIN  (1024 * 1024)
#define NGX_CIGNA_ZONE_LINE      64        /* a cache line: no two rows share
                                              one */

/* sizes of the fixed parts; the files that own them assert that they fit */

#define NGX_CIGNA_ZONE_EPOCHS    1024           /* a power of two */
#define NGX_CIGNA_ZONE_COOLING   1024           /* likewise */
#define NGX_CIGNA_ZONE_ORIGINS   64             /* likewise */
#define NGX_CIGNA_ZONE_BUDGETS   (16 * 1024)    /* bytes, of all tenants */
#define NGX_CIGNA_ZONE_DANCES    (64 * 1024)    /* bytes */

/* bytes of the parts of a tenant's row */

#define NGX_CIGNA_ROW_COUNTERS   1024
#define NGX_CIGNA_ROW_REFRESH_GATE       256
#define NGX_CIGNA_ROW_BUDGET     384

/* the journal has one of so many bytes of the zone */

#define NGX_CIGNA_ZONE_JOURNAL   8

/* the members' budgets have one of so many */

#define NGX_CIGNA_ZONE_MEMBERS   16

/*
 * The tenants have one of so many.  A small zone has room for FEW tenants, but
 * not more than fit into three eighths of it.
 */

#define NGX_CIGNA_ZONE_TENANTS   8
#define NGX_CIGNA_ZONE_FEW       256


/* an identity whose refresh failed; identities may share a place */

typedef struct {
    uint64_t            tag;
    int64_t             until_ms;
    uint64_t            failures;          /* in a row */
} ngx_cigna_zone_cooling_t;


/* the server of a token endpoint; servers may share a place */

typedef struct {
    uint64_t            tag;
    int64_t             heard_ms;          /* its last complete reply */
    int64_t             probe_ms;          /* when a refresh may find out
                                              whether it answers again */
    int64_t             pause_ms;          /* between two probes */
} ngx_cigna_zone_origin_t;


/*
 * A histogram of durations, and counts of the last hours.  They are not used
 * yet: they are here because a change of this layout costs the operator a
 * restart.
 */

#define NGX_CIGNA_ROW_DURATIONS  2         /* exchanges, and dances */
#define NGX_CIGNA_ROW_BUCKETS    14
#define NGX_CIGNA_ROW_HOURS      48
#define NGX_CIGNA_ROW_CLASSES    5         /* started, and ways to end */

typedef struct {
    ngx_atomic_t        buckets[NGX_CIGNA_ROW_BUCKETS];
    ngx_atomic_t        sum_ms;
    ngx_atomic_t        unused;
} ngx_cigna_zone_durations_t;

typedef struct {
    uint32_t            hour;              /* since the epoch; the counts of a
                                              past day start from 0 */
    uint32_t            counts[NGX_CIGNA_ROW_CLASSES];
} ngx_cigna_zone_hour_t;


/* of one tenant; the files that own the parts define them */

typedef struct ngx_cigna_zone_row_s {
    u_char              counters[NGX_CIGNA_ROW_COUNTERS];
    uint64_t            budget[NGX_CIGNA_ROW_BUDGET / sizeof(uint64_t)];
    u_char              refresh_gate[NGX_CIGNA_ROW_REFRESH_GATE];
    ngx_cigna_zone_durations_t  durations[NGX_CIGNA_ROW_DURATIONS];
    ngx_cigna_zone_hour_t       hours[NGX_CIGNA_ROW_HOURS];
} ngx_cigna_zone_row_t;


/* the fixed part: the end of the segment, behind the slab */

typedef struct {
    uint64_t            magic;             /* layout of what follows */
    ngx_atomic_t        dirty;             /* pid of the process that is inside,
                                              or died there; or 0 */
    size_t              journal_size;      /* bytes behind this struct */
    size_t              members_size;      /* bytes behind the journal */
    ngx_uint_t          tenants;           /* rows behind the members' part */
    uint64_t            generation;        /* of the last configuration, see
                                              cigna_roster.h */
    uint64_t            generations[NGX_MAX_PROCESSES];   /* of processes */
    ngx_atomic_t        journal_torn;      /* a process died inside: check the
                                              journal before using it */

    ngx_atomic_t        epochs[NGX_CIGNA_ZONE_EPOCHS];   /* of the cache */
    ngx_atomic_t        suspect_ms;        /* what Redis confirmed before has to
                                              be checked again */

    /* after a change of primary, see ngx_cigna_journal_writer.h */
    ngx_atomic_t        quiet_until_ms;    /* no refresh starts */
    ngx_atomic_t        rewrite_ms;        /* what was written before has to be
                                              written again */

    ngx_cigna_zone_cooling_t   cooling[NGX_CIGNA_ZONE_COOLING];
    ngx_cigna_zone_origin_t    origins[NGX_CIGNA_ZONE_ORIGINS];
    cigna_primaries_t          primaries;
    uint64_t            budgets[NGX_CIGNA_ZONE_BUDGETS / sizeof(uint64_t)];
    uint64_t            dances[NGX_CIGNA_ZONE_DANCES / sizeof(uint64_t)];
} ngx_cigna_zone_t;


/* adds the zone to the configuration; NULL after logging an error */
ngx_shm_zone_t *ngx_cigna_zone_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size);

/* the number of tenants that a zone of so many bytes has room for */
ngx_uint_t ngx_cigna_zone_tenants(size_t size);

/* the bytes of the smallest zone with room for so many tenants */
size_t ngx_cigna_zone_size(ngx_uint_t tenants);

/*
 * In the zone's init handler, see ngx_shm_zone_init_pt: makes the fixed part,
 * or finds that of before a reload, and sets zone->data to it.
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

/* the names of tenants, which the master changes, and their rows; zeroed at
   first */
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
 * The slab pool.  Its "data" is the cache's; NULL: the slab is new and nothing
 * is allocated.  To be read and changed with the zone locked.
 */
#define ngx_cigna_zone_slab(zone)  ((ngx_slab_pool_t *) (zone)->shm.addr)

void ngx_cigna_zone_lock(ngx_shm_zone_t *zone);
void ngx_cigna_zone_unlock(ngx_shm_zone_t *zone);


#endif /* _NGX_CIGNA_ZONE_H_INCLUDED_ */

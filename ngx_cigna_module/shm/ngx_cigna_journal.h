
#ifndef _NGX_CIGNA_JOURNAL_H_INCLUDED_
#define _NGX_CIGNA_JOURNAL_H_INCLUDED_


#include "ngx_cigna_zone.h"
#include "vault/cigna_journal.h"


/*
 * The node's journal, in the fixed part of the zone: see cigna_journal.h.
 * Times are ngx_current_msec, the same clock in all processes.
 */

/*
 * Adds a copy of the entry, in place of an older entry about the grant.
 * confirmed: 1 if Redis has the entry; 0: the entry is claimed for this
 * process.  NGX_BUSY: no room, or the entry is too long or malformed.
 * NGX_DECLINED: the journal has a newer entry about the grant.
 */
ngx_int_t ngx_cigna_journal_put(ngx_shm_zone_t *zone,
    const cigna_journal_t *entry, ngx_uint_t confirmed);

/*
 * Ends this process's work on an entry, with the result "how".  due: the time
 * of the next try, for cigna_journal_left.
 */
void ngx_cigna_journal_settle(ngx_shm_zone_t *zone,
    const cigna_journal_t *entry, cigna_journal_e how, ngx_msec_t due);


/*
 * Claims one entry, which this process must then write to Redis.  NGX_OK: entry
 * borrows its bytes from mem, which has CIGNA_JOURNAL_MEM bytes.  NGX_DECLINED:
 * no more entries.  The caller zeroes *look before the first call, and passes
 * it to further calls.
 */
ngx_int_t ngx_cigna_journal_claim(ngx_shm_zone_t *zone,
    cigna_journal_look_t *look, u_char *mem, cigna_journal_t *entry);

/*
 * Finds the member's entry that is newer than the known record of Redis, see
 * cigna_journal_ahead().  NGX_OK: entry borrows its bytes from mem, which has
 * CIGNA_JOURNAL_MEM bytes.  NGX_DECLINED: there is none.  Takes no lock if the
 * journal is empty.
 */
ngx_int_t ngx_cigna_journal_ahead(ngx_shm_zone_t *zone,
    const cigna_journal_known_t *known, u_char *mem, cigna_journal_t *entry);

/*
 * the number of entries that live processes of the node have claimed by
 * ngx_cigna_journal_claim(), to write them to Redis
 */
ngx_uint_t ngx_cigna_journal_claims(ngx_shm_zone_t *zone);

/* removes the entries that Redis confirmed a minute ago or earlier */
void ngx_cigna_journal_expire(ngx_shm_zone_t *zone);

/* the numbers of unconfirmed and of all entries, read without the lock */
ngx_uint_t ngx_cigna_journal_unconfirmed(ngx_shm_zone_t *zone);
ngx_uint_t ngx_cigna_journal_entries(ngx_shm_zone_t *zone);

/*
 * lets all entries that were written to Redis before this call be written again
 */
void ngx_cigna_journal_rewrite(ngx_shm_zone_t *zone);


#endif /* _NGX_CIGNA_JOURNAL_H_INCLUDED_ */

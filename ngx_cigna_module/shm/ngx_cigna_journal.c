
#include "ngx_cigna_journal.h"
#include "nginx/ngx_cigna_pid.h"


/*
 * How long a process keeps its claim to an entry, in ms: the process that has
 * put the entry into the journal, and a process that claims it later.  If the
 * process dies, the claim ends at once.
 */

#define NGX_CIGNA_JOURNAL_WRITER   (120 * 1000)
#define NGX_CIGNA_JOURNAL_CLAIMER  (30 * 1000)


static cigna_book_t *ngx_cigna_journal_lock(ngx_shm_zone_t *zone);


#define ngx_cigna_journal_book(zone)                                          \
    ((cigna_book_t *) ngx_cigna_zone_journal(ngx_cigna_zone_fixed(zone)))


ngx_int_t
ngx_cigna_journal_put(ngx_shm_zone_t *zone, const cigna_journal_t *entry,
    ngx_uint_t confirmed)
{
    int            rc;
    cigna_book_t  *book;

    book = ngx_cigna_journal_lock(zone);

    rc = cigna_journal_put(book, entry, confirmed, ngx_pid, ngx_current_msec,
                           ngx_current_msec + NGX_CIGNA_JOURNAL_WRITER);

    ngx_cigna_zone_unlock(zone);

    return rc == CIGNA_OK ? NGX_OK
           : rc == CIGNA_NONE ? NGX_BUSY : NGX_DECLINED;
}


void
ngx_cigna_journal_settle(ngx_shm_zone_t *zone, const cigna_journal_t *entry,
    cigna_journal_e how, ngx_msec_t due)
{
    cigna_book_t  *book;

    book = ngx_cigna_journal_lock(zone);

    cigna_journal_settle(book, entry, how, ngx_current_msec, due);

    ngx_cigna_zone_unlock(zone);
}


ngx_int_t
ngx_cigna_journal_claim(ngx_shm_zone_t *zone, cigna_journal_look_t *look,
    u_char *mem, cigna_journal_t *entry)
{
    int            rc;
    cigna_book_t  *book;

    look->now_ms = ngx_current_msec;
    look->rewrite_ms = ngx_cigna_zone_fixed(zone)->rewrite_ms;
    look->until_ms = ngx_current_msec + NGX_CIGNA_JOURNAL_CLAIMER;
    look->pid = ngx_pid;
    look->alive = ngx_cigna_pid_alive;

    book = ngx_cigna_journal_lock(zone);

    rc = cigna_journal_claim(book, look, mem, entry);

    ngx_cigna_zone_unlock(zone);

    return rc == CIGNA_OK ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_cigna_journal_ahead(ngx_shm_zone_t *zone,
    const cigna_journal_known_t *known, u_char *mem, cigna_journal_t *entry)
{
    int            rc;
    cigna_book_t  *book;

    if (ngx_cigna_journal_entries(zone) == 0) {
        return NGX_DECLINED;
    }

    book = ngx_cigna_journal_lock(zone);

    rc = cigna_journal_ahead(book, known, mem, entry);

    ngx_cigna_zone_unlock(zone);

    return rc == CIGNA_OK ? NGX_OK : NGX_DECLINED;
}


ngx_uint_t
ngx_cigna_journal_claims(ngx_shm_zone_t *zone)
{
    ngx_uint_t             n;
    cigna_book_t          *book;
    cigna_journal_look_t   look;

    ngx_memzero(&look, sizeof(cigna_journal_look_t));

    look.now_ms = ngx_current_msec;
    look.pid = ngx_pid;
    look.alive = ngx_cigna_pid_alive;

    book = ngx_cigna_journal_lock(zone);

    n = cigna_journal_claims(book, &look);

    ngx_cigna_zone_unlock(zone);

    return n;
}


void
ngx_cigna_journal_expire(ngx_shm_zone_t *zone)
{
    cigna_book_t  *book;

    book = ngx_cigna_journal_lock(zone);

    cigna_journal_expire(book, ngx_current_msec);

    ngx_cigna_zone_unlock(zone);
}


ngx_uint_t
ngx_cigna_journal_unconfirmed(ngx_shm_zone_t *zone)
{
    return cigna_journal_unconfirmed(ngx_cigna_journal_book(zone));
}


ngx_uint_t
ngx_cigna_journal_entries(ngx_shm_zone_t *zone)
{
    return cigna_journal_entries(ngx_cigna_journal_book(zone));
}


void
ngx_cigna_journal_rewrite(ngx_shm_zone_t *zone)
{
    ngx_cigna_zone_fixed(zone)->rewrite_ms = ngx_current_msec;
}


static cigna_book_t *
ngx_cigna_journal_lock(ngx_shm_zone_t *zone)
{
    cigna_book_t      *book;
    ngx_cigna_zone_t  *fixed;

    fixed = ngx_cigna_zone_fixed(zone);

    ngx_cigna_zone_lock(zone);

    book = cigna_journal_open(ngx_cigna_journal_book(zone),
                              fixed->journal_size);

    if (fixed->journal_torn) {
        cigna_journal_repair(book);
        fixed->journal_torn = 0;
    }

    return book;
}

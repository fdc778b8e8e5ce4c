
#ifndef _CIGNA_JOURNAL_H_INCLUDED_
#define _CIGNA_JOURNAL_H_INCLUDED_


#include "cigna_journal_entry.h"


/*
 * A node's journal: writes of grants that Redis may lose, in memory that the
 * processes of the node share and that outlives each of them.  The memory has
 * no pointers.  If a writer dies, cigna_journal_repair() removes the entry that
 * is half written, if there is one.  The caller holds a lock during each call,
 * and no call allocates.  Times are ms of one clock, which all processes share
 * and which never steps back.  Only the times in cigna_journal_t and in
 * cigna_journal_known_t are since the epoch.
 *
 * An entry stays until Redis has confirmed it, and then for a minute.  An entry
 * that is not needed any more is removed at once.  If the memory is full, the
 * entry that was confirmed first is removed sooner.
 */

#define CIGNA_JOURNAL_KEPT_MS  (60 * 1000)

/*
 * An entry that is confirmed from the start was written to Redis at most this
 * long before cigna_journal_put() is called.
 */

#define CIGNA_JOURNAL_LATE_MS  5000

/* how the work on an entry ended */

typedef enum {
    cigna_journal_confirmed = 0,           /* Redis has the entry */
    cigna_journal_forgotten,               /* nobody needs the entry any more:
                                              it is removed */
    cigna_journal_left                     /* the caller has to try again */
} cigna_journal_e;


/* a walk over the entries of a journal, by cigna_journal_claim() */

typedef struct {
    int64_t   now_ms;
    int64_t   rewrite_ms;                  /* entries that were written before
                                              this time are written again */
    int64_t   until_ms;                    /* end of the new claim */
    int32_t   pid;                         /* the process that claims */
    int     (*alive)(int32_t pid);         /* 1 if the process lives */
    unsigned  next;                        /* number of the next entry to look
                                              at; 0 at first */
    unsigned  peek:1;                      /* 1: find every entry, and claim
                                              none */

    /* results */
    unsigned  tries;                       /* failed tries of the found entry */
    unsigned  confirmed:1;                 /* the found entry is confirmed */
    unsigned  waiting:1;                   /* an entry that must be written
                                              was passed over: it is claimed, or
                                              not due yet */
} cigna_journal_look_t;


/* the record that Redis has of a member, see cigna_journal_ahead() */

typedef struct {
    cigna_slice_t  tenant;
    cigna_slice_t  identity;
    cigna_slice_t  id;                     /* id of the grant; empty: not
                                              known */
    uint64_t       generation;
    int64_t        now_ms;                 /* since the epoch */
    unsigned       spent:1;                /* the record is marked spent */
} cigna_journal_known_t;


/*
 * Opens the journal in this memory, which is zeroed or has held a journal
 * before.  NULL: the memory is too small.
 */
cigna_book_t *cigna_journal_open(void *mem, size_t size);

/*
 * Removes entries that are half written, damaged, or already replaced by a new
 * entry, and keeps all others.  Call it when a process has died while it held
 * the lock of the journal's memory.
 */
void cigna_journal_repair(cigna_book_t *b);

/*
 * Enters a generation of a grant, or its deletion, in place of an older entry
 * about that grant.  A new entry that is not confirmed is claimed for pid until
 * until_ms.  CIGNA_NONE: there is no room, or the entry is malformed or too
 * long.  CIGNA_ERROR: the journal has a newer entry about the grant.
 */
int cigna_journal_put(cigna_book_t *b, const cigna_journal_t *j,
    int confirmed, int32_t pid, int64_t now_ms, int64_t until_ms);

/*
 * Ends the work on the entry of this generation of this grant, if it is still
 * there.  due_ms: after cigna_journal_left, the time of the next try.
 */
void cigna_journal_settle(cigna_book_t *b, const cigna_journal_t *j,
    cigna_journal_e how, int64_t now_ms, int64_t due_ms);

/*
 * Claims the next entry that must be written now.  If look->peek is set, finds
 * the next entry of any kind instead, and claims none.  An entry must be
 * written now if all of this is true:
 *
 *     it is not confirmed, or was written before look->rewrite_ms;
 *     it is due, or was last tried before look->rewrite_ms;
 *     no living process has claimed it.
 *
 * Copies the entry's bytes to mem, of size CIGNA_JOURNAL_MEM, from which j
 * borrows.  CIGNA_NONE: there are no more.
 */
int cigna_journal_claim(cigna_book_t *b, cigna_journal_look_t *look,
    uint8_t *mem, cigna_journal_t *j);

/*
 * The number of entries that live processes have claimed by
 * cigna_journal_claim(), to write them to Redis.  The claims that
 * cigna_journal_put() makes do not count.
 */
unsigned cigna_journal_claims(const cigna_book_t *b,
    const cigna_journal_look_t *look);

/*
 * Finds the entry about a later generation of the known grant, or about its
 * deletion.  If the known record is marked spent, its own generation counts as
 * later.  If no grant is known, finds the entry about the member's newest
 * grant.  Copies the entry's bytes to mem, of size CIGNA_JOURNAL_MEM, from
 * which j borrows.  CIGNA_NONE: there is none, or the entry is damaged or of
 * another tenant.  The time of a call does not depend on the number of entries.
 */
int cigna_journal_ahead(cigna_book_t *b, const cigna_journal_known_t *known,
    uint8_t *mem, cigna_journal_t *j);

/* removes the entries that were confirmed more than a minute ago */
void cigna_journal_expire(cigna_book_t *b, int64_t now_ms);

/* counts for metrics; the caller need not hold the lock */
unsigned cigna_journal_unconfirmed(const cigna_book_t *b);
unsigned cigna_journal_entries(const cigna_book_t *b);


#endif /* _CIGNA_JOURNAL_H_INCLUDED_ */


#ifndef _CIGNA_JOURNAL_H_INCLUDED_
#define _CIGNA_JOURNAL_H_INCLUDED_


#include "cigna_journal_entry.h"


/*
 * A node's journal: writes of grants that Redis may lose, in memory that the
 * processes of the node share and that outlives each of them.  The memory has
 * no pointers.  Whenever a writer dies, each entry is complete or not there.
 * The caller holds a lock during each call, no call allocates, and all times
 * are of one clock, which all processes share and which never steps back.
 *
 * An entry stays until Redis has confirmed it, and then for a minute.  If there
 * is no room, the entry that was confirmed first goes before its minute is
 * over.
 */

#define CIGNA_JOURNAL_KEPT_MS  (60 * 1000)

/* the longest time from the write of a confirmed entry to its put */

#define CIGNA_JOURNAL_LATE_MS  5000

/* how the work on an entry ended */

typedef enum {
    cigna_journal_confirmed = 0,           /* Redis has it */
    cigna_journal_forgotten,               /* it is not needed any more */
    cigna_journal_left                     /* it has to be tried again */
} cigna_journal_e;


/* a search for entries that have to be written, see cigna_journal_claim() */

typedef struct {
    int64_t   now_ms;
    int64_t   rewrite_ms;                  /* entries that were written before
                                              have to be written again */
    int64_t   until_ms;                    /* end of a claim */
    int32_t   pid;                         /* of the claimer */
    int     (*alive)(int32_t pid);         /* 1 if the process lives */
    unsigned  next;                        /* where to go on; 0 at first */
    unsigned  peek:1;                      /* take any entry, claim none */

    /* results */
    unsigned  tries;                       /* failed ones, of that entry */
    unsigned  confirmed:1;                 /* that entry is */
    unsigned  waiting:1;                   /* an entry is due later */
} cigna_journal_look_t;


/* the record that Redis has of a member, see cigna_journal_ahead() */

typedef struct {
    cigna_slice_t  tenant;
    cigna_slice_t  identity;
    cigna_slice_t  id;                     /* of the grant; empty: not known */
    uint64_t       generation;
    int64_t        now_ms;                 /* since the epoch */
    unsigned       spent:1;                /* the record is marked so */
} cigna_journal_known_t;


/*
 * The journal in this memory, which is zeroed or was a journal before.  NULL if
 * the memory is too small.
 */
cigna_book_t *cigna_journal_open(void *mem, size_t size);

/*
 * Removes an entry that is half written, and keeps all others.  To be called
 * when a process has died that had the lock.
 */
void cigna_journal_repair(cigna_book_t *b);

/*
 * Enters a generation of a grant, or its deletion, in place of an older entry
 * about that grant.  Unless it is confirmed, it is claimed for pid until
 * until_ms.  CIGNA_NONE: there is no room.  CIGNA_ERROR: a newer entry about
 * the grant is there.
 */
int cigna_journal_put(cigna_book_t *b, const cigna_journal_t *j,
    int confirmed, int32_t pid, int64_t now_ms, int64_t until_ms);

/*
 * Ends the work on the entry of this generation of this grant, if it is still
 * there.  due_ms: for "left", the time of the next try.
 */
void cigna_journal_settle(cigna_book_t *b, const cigna_journal_t *j,
    cigna_journal_e how, int64_t now_ms, int64_t due_ms);

/*
 * Claims the next entry that has to be written and that no process works on:
 * one that is not confirmed, or that was written before look->rewrite_ms.
 * Copies its bytes to mem, of CIGNA_JOURNAL_MEM, from which j borrows.
 * CIGNA_NONE: there are no more.
 */
int cigna_journal_claim(cigna_book_t *b, cigna_journal_look_t *look,
    uint8_t *mem, cigna_journal_t *j);

/* the number of claims that are open */
unsigned cigna_journal_claims(const cigna_book_t *b,
    const cigna_journal_look_t *look);

/*
 * Finds a later generation of the known grant, or its deletion; if no grant is
 * known, the entry about the member's newest one.  Copies its bytes to mem, of
 * CIGNA_JOURNAL_MEM, from which j borrows.  CIGNA_NONE: there is none.  The
 * time does not depend on the number of entries.
 */
int cigna_journal_ahead(cigna_book_t *b, const cigna_journal_known_t *known,
    uint8_t *mem, cigna_journal_t *j);

/* removes the entries that were confirmed a minute ago */
void cigna_journal_expire(cigna_book_t *b, int64_t now_ms);

/* counts for metrics, which need no lock */
unsigned cigna_journal_unconfirmed(const cigna_book_t *b);
unsigned cigna_journal_entries(const cigna_book_t *b);


#endif /* _CIGNA_JOURNAL_H_INCLUDED_ */


#ifndef _CIGNA_JOURNAL_H_INCLUDED_
#define _CIGNA_JOURNAL_H_INCLUDED_


#include "cigna_journal_entry.h"


/*
 * A book of journal entries in memory that the processes of a node share, and
 * that outlives each of them.  Pointer-free and in fixed slots: an entry is
 * there in full or not at all, whenever its writer dies.  All calls are made
 * under a lock of the caller's; none allocates.  Times are of one clock, which
 * all processes share and which never steps back.
 *
 * An entry that Redis has not confirmed stays, whatever happens.  One that it
 * has confirmed stays for a minute, and gives way before that where room is
 * needed, oldest first.
 */

#define CIGNA_JOURNAL_KEPT_MS  (60 * 1000)

/* one was confirmed before it was entered, for so long at most */

#define CIGNA_JOURNAL_LATE_MS  5000

/* what becomes of an entry that somebody has worked on */

typedef enum {
    cigna_journal_confirmed = 0,           /* Redis has it */
    cigna_journal_forgotten,               /* nobody needs it any more */
    cigna_journal_left                     /* not yet: somebody else's turn */
} cigna_journal_e;


/* who looks for entries to write, see cigna_journal_claim() */

typedef struct {
    int64_t   now_ms;
    int64_t   rewrite_ms;                  /* what was written before this is
                                              to be written again */
    int64_t   until_ms;                    /* how long a claim is good for */
    int32_t   pid;                         /* the claimer */
    int     (*alive)(int32_t pid);         /* is another process there? */
    unsigned  next;                        /* where to go on, 0 at first */
    unsigned  peek:1;                      /* any entry, which is not claimed */

    /* results */
    unsigned  tries;                       /* the claimed one was left before */
    unsigned  confirmed:1;                 /* ... and is this */
    unsigned  waiting:1;                   /* there is one that is to be
                                              written, but not now */
} cigna_journal_look_t;


/* what Redis has of a member, see cigna_journal_ahead() */

typedef struct {
    cigna_slice_t  tenant;
    cigna_slice_t  identity;
    cigna_slice_t  id;                     /* of the grant; empty: not known */
    uint64_t       generation;
    int64_t        now_ms;                 /* since the epoch */
    unsigned       spent:1;                /* it is marked spent */
} cigna_journal_known_t;


/*
 * Zeroed memory, or memory that was a book before; NULL if it is too small.
 */
cigna_book_t *cigna_journal_open(void *mem, size_t size);

/*
 * To be called when somebody died while the book was locked: drops what was
 * half written, and keeps all else.
 */
void cigna_journal_repair(cigna_book_t *b);

/*
 * Enters a generation, or a deletion, in place of an older one of the same
 * grant.  It is the writer's until until_ms, unless confirmed.  CIGNA_NONE:
 * there is no room for it.  CIGNA_ERROR: a later word about the grant is there.
 */
int cigna_journal_put(cigna_book_t *b, const cigna_journal_t *j,
    int confirmed, int32_t pid, int64_t now_ms, int64_t until_ms);

/*
 * Ends the work on this generation of this grant; nothing happens if it is
 * not there (any more).  due_ms: of one that is left, when it is to be tried
 * again.
 */
void cigna_journal_settle(cigna_book_t *b, const cigna_journal_t *j,
    cigna_journal_e how, int64_t now_ms, int64_t due_ms);

/*
 * Takes the next entry that nobody works on and that is to be written: one
 * that is not confirmed, or that was written before look->rewrite_ms.  Its
 * bytes are copied to mem, of CIGNA_JOURNAL_MEM.  CIGNA_NONE: there are no
 * more.
 */
int cigna_journal_claim(cigna_book_t *b, cigna_journal_look_t *look,
    uint8_t *mem, cigna_journal_t *j);

/* claims under way */
unsigned cigna_journal_claims(const cigna_book_t *b,
    const cigna_journal_look_t *look);

/*
 * Copies out a later generation of the grant, or its deletion; where the grant
 * is not known, what there is of the member's newest one.  The entry's bytes
 * are copied to mem, of CIGNA_JOURNAL_MEM.  CIGNA_NONE: there is none.  The
 * time that takes does not depend on how full the book is.
 */
int cigna_journal_ahead(cigna_book_t *b, const cigna_journal_known_t *known,
    uint8_t *mem, cigna_journal_t *j);

/* drops what was confirmed a minute ago */
void cigna_journal_expire(cigna_book_t *b, int64_t now_ms);

/* without a lock: a glance */
unsigned cigna_journal_unconfirmed(const cigna_book_t *b);
unsigned cigna_journal_entries(const cigna_book_t *b);


#endif /* _CIGNA_JOURNAL_H_INCLUDED_ */

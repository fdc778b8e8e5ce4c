
#ifndef _JOURNALLING_H_INCLUDED_
#define _JOURNALLING_H_INCLUDED_


#include <stdlib.h>

#include "support.h"

#include "vault/cigna_journal.h"


/* a journal for each test, whose entries follow from numbers */

#define MEM   (80 * 1024)
#define SLOT  700                          /* about, of a small entry */
#define ME    10                           /* pids: of this process, */
#define DEAD  11                           /* of one that has died, */
#define OTHER 12                           /* of one that lives */


extern uint8_t        mem[MEM];
extern uint8_t        copy[CIGNA_JOURNAL_MEM];
extern cigna_book_t  *book;


/* for setup(): an empty journal, or NULL */
cigna_book_t *new_journal(void);

int alive(int32_t pid);

/*
 * Entry n with a blob of len bytes.  Its bytes live until the fourth call after
 * this one.
 */
cigna_journal_t entry(unsigned n, uint64_t generation, size_t len);

/* puts it for a pid; pid 0: it is confirmed */
int put(unsigned n, uint64_t generation, size_t len, int32_t pid, int64_t now);

void settle(unsigned n, uint64_t generation, cigna_journal_e how, int64_t now,
    int64_t due);

/*
 * The number of the entry that the journal has instead of the known generation
 * of the grant "id" of entry n's member; -1: none.  generation may be NULL.
 */
int ahead(unsigned n, cigna_slice_t id, uint64_t known, uint64_t *generation);

cigna_journal_look_t looking(int64_t now, int64_t rewrite);

/* claims the next entry; its number, or -1: none.  generation may be NULL */
int claim(int64_t now, int64_t rewrite, uint64_t *generation);

/* puts entries until there is no room; how many there was room for */
unsigned fill(int32_t pid, int64_t now);


#endif /* _JOURNALLING_H_INCLUDED_ */


#ifndef _JOURNALLING_H_INCLUDED_
#define _JOURNALLING_H_INCLUDED_


#include <stdlib.h>

#include "support.h"

#include "vault/cigna_journal.h"


/* a journal for each test; all bytes of an entry follow from its number */

#define MEM   (80 * 1024)
#define SLOT  700                          /* bytes of a small entry, about */
#define ME    10                           /* this process's pid */
#define DEAD  11                           /* pid of a process that has died */
#define OTHER 12                           /* pid of another living process */


extern uint8_t        mem[MEM];
extern uint8_t        copy[CIGNA_JOURNAL_MEM];
extern cigna_book_t  *book;


/* for setup(): makes an empty journal in "mem"; NULL if that fails */
cigna_book_t *new_journal(void);

/* 1 unless the pid is DEAD; for cigna_journal_look_t */
int alive(int32_t pid);

/*
 * Entry n with a blob of len bytes.  The bytes live until the fourth call after
 * this one.  Entries whose numbers differ by 1000 are of one member.
 */
cigna_journal_t entry(unsigned n, uint64_t generation, size_t len);

/* puts entry n into the journal for process pid; pid 0: as a confirmed entry */
int put(unsigned n, uint64_t generation, size_t len, int32_t pid, int64_t now);

void settle(unsigned n, uint64_t generation, cigna_journal_e how, int64_t now,
    int64_t due);

/*
 * Calls cigna_journal_ahead() for the member of entry n, whose grant "id" is
 * known with the generation "known".  Returns the number of the entry that it
 * finds, or -1.  generation may be NULL.
 */
int ahead(unsigned n, cigna_slice_t id, uint64_t known, uint64_t *generation);

/* the arguments of cigna_journal_claim() for the process ME */
cigna_journal_look_t looking(int64_t now, int64_t rewrite);

/* claims the next entry; returns its number, or -1.  generation may be NULL */
int claim(int64_t now, int64_t rewrite, uint64_t *generation);

/* puts entries from 100 on until there is no room; returns their number */
unsigned fill(int32_t pid, int64_t now);


#endif /* _JOURNALLING_H_INCLUDED_ */

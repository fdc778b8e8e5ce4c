
#ifndef _CIGNA_JOURNAL_ENTRY_H_INCLUDED_
#define _CIGNA_JOURNAL_ENTRY_H_INCLUDED_


#include "cigna_grant.h"
#include "cigna_vault_names.h"
#include "flow/cigna_flow.h"


/*
 * How the entries of a journal lie in memory, and how one of them is found,
 * written and read.  For cigna_journal.c; others use cigna_journal.h.
 */

/* most bytes of one entry: tenant and sealed record */

#define CIGNA_JOURNAL_BYTES_MAX  (48 * 1024)

/* size of the memory for a copy of an entry */

#define CIGNA_JOURNAL_MEM        (CIGNA_JOURNAL_BYTES_MAX + 64)

#define CIGNA_JOURNAL_CHUNK      512

/* during a repair: marks a chunk that belongs to a live entry */

#define CIGNA_JOURNAL_USED       0x80000000


typedef struct {
    uint32_t   live;                       /* set last, cleared first */
    uint32_t   first;                      /* number of the first chunk */

    /* the head; the checksum covers these members, tenant and record */
    uint32_t   len;                        /* bytes of tenant and record */
    uint32_t   tenant_len;
    uint64_t   generation;
    int64_t    connected_ms;
    int64_t    until_ms;
    int64_t    made_ms;
    uint8_t    identity[CIGNA_NAME_LEN];
    uint8_t    id[CIGNA_GRANT_ID_LEN];

    uint64_t   sum;

    int64_t    confirmed_ms;               /* when Redis confirmed the entry; 0:
                                              not yet */
    int64_t    written_ms;                 /* a time not later than the start of
                                              the last confirmed write to
                                              Redis */
    int64_t    due_ms;                     /* no try before that time */
    int64_t    tried_ms;                   /* start of the last try */
    int64_t    claimed_ms;                 /* end of the owner's claim */
    int32_t    owner;                      /* pid of the process that writes the
                                              entry to Redis; 0: none */
    uint32_t   claimed;                    /* 1: the owner called
                                              cigna_journal_claim() */
    uint32_t   tries;                      /* failed tries */
    uint32_t   link;                       /* see cigna_journal_entry_first() */
} cigna_journal_entry_t;


typedef struct {
    uint32_t   n;                          /* number of entries, and of
                                              chunks */
    uint32_t   top;                        /* all live entries are before this
                                              number */
    uint32_t   free;                       /* number of the first free chunk; n:
                                              no chunk is free */
    uint32_t   nfree;
    uint32_t   entries;                    /* number of live entries */
    uint32_t   unconfirmed;
    uint32_t   writing;                    /* 1 + number of the entry that is
                                              being put, which may be live
                                              beside the one that it replaces;
                                              0: none */
    uint32_t   spare;
} cigna_book_t;


#define cigna_journal_links(b)  ((uint32_t *) ((b) + 1))

#define cigna_journal_heads(b)  (cigna_journal_links(b) + (b)->n)

#define cigna_journal_entry(b, i)                                             \
    (&((cigna_journal_entry_t *) (cigna_journal_heads(b) + (b)->n))[i])

#define cigna_journal_chunk(b, i)                                             \
    ((uint8_t *) cigna_journal_entry(b, (b)->n)                               \
     + (size_t) (i) * CIGNA_JOURNAL_CHUNK)

/* bytes of memory for one entry, with one chunk */
#define CIGNA_JOURNAL_SLOT                                                    \
    (2 * sizeof(uint32_t) + sizeof(cigna_journal_entry_t)                     \
     + CIGNA_JOURNAL_CHUNK)

#define cigna_journal_number(b, e)                                            \
    ((uint32_t) ((e) - cigna_journal_entry(b, 0)))

#define cigna_journal_identity(e)                                             \
    cigna_slice_make((e)->identity, (e)->identity + CIGNA_NAME_LEN)
#define cigna_journal_id(e)                                                   \
    cigna_slice_make((e)->id, (e)->id + CIGNA_GRANT_ID_LEN)


/* 1 if the entry is live and about this grant */
int cigna_journal_entry_same(const cigna_journal_entry_t *e,
    cigna_slice_t identity, cigna_slice_t id);

/*
 * Iterates over the entries that may be about this identity: those with the
 * same hash.  NULL: there are no more.
 */
cigna_journal_entry_t *cigna_journal_entry_first(const cigna_book_t *b,
    cigna_slice_t identity);
cigna_journal_entry_t *cigna_journal_entry_after(const cigna_book_t *b,
    const cigna_journal_entry_t *e);

/* makes cigna_journal_entry_first() and _after() find an entry that is live */
void cigna_journal_entry_link(cigna_book_t *b, cigna_journal_entry_t *e);

/* fills an entry that is not live; there must be enough free chunks */
void cigna_journal_entry_write(cigna_book_t *b, cigna_journal_entry_t *e,
    const cigna_journal_t *j);

/* removes an entry that is live */
void cigna_journal_entry_drop(cigna_book_t *b, cigna_journal_entry_t *e);

/*
 * Copies the entry's bytes to mem, of CIGNA_JOURNAL_MEM, and lets j borrow
 * them.  CIGNA_ERROR if the entry is damaged.
 */
int cigna_journal_entry_read(const cigna_book_t *b,
    const cigna_journal_entry_t *e, uint8_t *mem, cigna_journal_t *j);

/*
 * For a repair: marks the entry's chunks as used.  0 if a chunk belongs to
 * another entry, too, or if the entry is damaged.
 */
int cigna_journal_entry_whole(cigna_book_t *b, const cigna_journal_entry_t *e);


#endif /* _CIGNA_JOURNAL_ENTRY_H_INCLUDED_ */

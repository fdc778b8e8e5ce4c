
#ifndef _CIGNA_JOURNAL_ENTRY_H_INCLUDED_
#define _CIGNA_JOURNAL_ENTRY_H_INCLUDED_


#include "cigna_grant.h"
#include "cigna_vault_names.h"
#include "cigna_journal.h"


/* How entries lie in a book; for cigna_journal.c alone. */

#define CIGNA_JOURNAL_CHUNK  512
#define CIGNA_JOURNAL_USED   0x80000000


typedef struct {
    uint32_t   live;                       /* set last, cleared first */
    uint32_t   len;                        /* of the bytes */
    uint32_t   first;                      /* chunk */
    uint32_t   tenant_len;
    uint8_t    identity[CIGNA_NAME_LEN];
    uint8_t    id[CIGNA_GRANT_ID_LEN];
    uint64_t   generation;
    int64_t    connected_ms;
    int64_t    until_ms;
    int64_t    made_ms;
    uint64_t   sum;                        /* of all of that */

    int64_t    confirmed_ms;               /* 0: it is not */
    int64_t    written_ms;                 /* when it was begun to be */
    int64_t    due_ms;                     /* not to be tried before */
    int64_t    tried_ms;                   /* when it was last claimed */
    int64_t    taken_ms;                   /* until then by "owner" */
    int32_t    owner;                      /* 0: nobody */
    uint32_t   claimed;                    /* by claim() */
    uint32_t   tries;
    uint32_t   link;                       /* see cigna_journal_entry_first() */
} cigna_journal_entry_t;


struct cigna_book_s {
    uint32_t   n;                          /* of entries, of chunks */
    uint32_t   top;                        /* no entry is live from here on */
    uint32_t   free;                       /* first chunk, n: none */
    uint32_t   nfree;
    uint32_t   entries;
    uint32_t   unconfirmed;
    uint32_t   writing;                    /* entry that is put, and one; it
                                              may be there with the one that
                                              it replaces */
    uint32_t   spare;
};


#define cigna_journal_links(b)  ((uint32_t *) ((b) + 1))

#define cigna_journal_heads(b)  (cigna_journal_links(b) + (b)->n)

#define cigna_journal_entry(b, i)                                             \
    (&((cigna_journal_entry_t *) (cigna_journal_heads(b) + (b)->n))[i])

#define cigna_journal_chunk(b, i)                                             \
    ((uint8_t *) cigna_journal_entry(b, (b)->n)                               \
     + (size_t) (i) * CIGNA_JOURNAL_CHUNK)

#define CIGNA_JOURNAL_SLOT                                                    \
    (2 * sizeof(uint32_t) + sizeof(cigna_journal_entry_t)                     \
     + CIGNA_JOURNAL_CHUNK)

#define cigna_journal_identity(e)                                             \
    cigna_slice_make((e)->identity, (e)->identity + CIGNA_NAME_LEN)
#define cigna_journal_id(e)                                                   \
    cigna_slice_make((e)->id, (e)->id + CIGNA_GRANT_ID_LEN)


/* is it there, and about this grant? */
int cigna_journal_entry_same(const cigna_journal_entry_t *e, cigna_slice_t identity,
    cigna_slice_t id);

/*
 * Entries that may be about this identity, one after the other; NULL: there are
 * no more.
 */
cigna_journal_entry_t *cigna_journal_entry_first(const cigna_book_t *b,
    cigna_slice_t identity);
cigna_journal_entry_t *cigna_journal_entry_after(const cigna_book_t *b,
    const cigna_journal_entry_t *e);

/* makes first() and after() find an entry that is there */
void cigna_journal_entry_link(cigna_book_t *b, cigna_journal_entry_t *e);

/* into an entry that is not there, with chunks enough that are free */
void cigna_journal_entry_write(cigna_book_t *b, cigna_journal_entry_t *e,
    const cigna_journal_t *j);

void cigna_journal_entry_drop(cigna_book_t *b, cigna_journal_entry_t *e);

/* copies it to mem; CIGNA_ERROR if it is damaged */
int cigna_journal_entry_read(const cigna_book_t *b, const cigna_journal_entry_t *e,
    uint8_t *mem, cigna_journal_t *j);

/* for a repair: marks its chunks; 0 if they are not all there and its own */
int cigna_journal_identityle(cigna_book_t *b, const cigna_journal_entry_t *e);


#endif /* _CIGNA_JOURNAL_ENTRY_H_INCLUDED_ */

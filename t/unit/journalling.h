
#ifndef _JOURNALLING_H_INCLUDED_
#define _JOURNALLING_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>

#include "vault/cigna_journal.h"
#include "support.h"


/* A book for one test after the other, and what is done with it. */

#define MEM   (80 * 1024)
#define SLOT  700                          /* about, of a small entry */
#define ME    10
#define DEAD  11
#define OTHER 12


static uint8_t        mem[MEM] __attribute__((aligned(16)));
static uint8_t        copy[CIGNA_JOURNAL_MEM];
static cigna_book_t  *book;


static inline int
alive(int32_t pid)
{
    return pid != DEAD;
}


static inline int
setup(void **state)
{
    (void) state;

    memset(mem, 0, MEM);
    book = cigna_journal_open(mem, MEM);

    return book == NULL;
}


/* what an entry says follows from its number and generation */

static inline cigna_journal_t
entry(unsigned n, uint64_t generation, size_t len)
{
    size_t           i;
    cigna_journal_t  j;

    static char     who[4][64], id[4][64];
    static uint8_t  blob[4][CIGNA_JOURNAL_BYTES_MAX];
    static int      turn;

    turn = (turn + 1) % 4;

    snprintf(who[turn], sizeof(who[turn]), "%027u", n % 1000);
    snprintf(id[turn], sizeof(id[turn]), "%022u", n);

    for (i = 0; i < len; i++) {
        blob[turn][i] = (uint8_t) (n * 31 + generation * 7 + i);
    }

    memset(&j, 0, sizeof(cigna_journal_t));
    j.tenant = cigna_slice("acme");
    j.identity = cigna_slice_str(who[turn]);
    j.id = cigna_slice_str(id[turn]);
    j.generation = generation;
    j.connected_ms = n + 1;
    j.until_ms = n + 2;
    j.made_ms = n + 3;
    j.blob = cigna_slice_make(blob[turn], blob[turn] + len);

    return j;
}


static inline int
put(unsigned n, uint64_t generation, size_t len, int32_t pid, int64_t now)
{
    cigna_journal_t  j;

    j = entry(n, generation, len);

    return cigna_journal_put(book, &j, pid == 0, pid, now, now + 1000);
}


static inline void
settle(unsigned n, uint64_t generation, cigna_journal_e how, int64_t now,
    int64_t due)
{
    cigna_journal_t  j;

    j = entry(n, generation, 0);

    cigna_journal_settle(book, &j, how, now, due);
}


/*
 * The number of the entry that the book has in place of what is known of the
 * member of entry n; -1: none.
 */

static inline int
ahead(unsigned n, cigna_slice_t id, uint64_t known, uint64_t *generation)
{
    int                    found;
    cigna_journal_t        j, expected;
    cigna_journal_known_t  there;

    j = entry(n, 0, 0);

    there = (cigna_journal_known_t) {
        .tenant = j.tenant, .identity = j.identity, .id = id,
        .generation = known
    };

    if (cigna_journal_ahead(book, &there, copy, &j) != CIGNA_OK) {
        return -1;
    }

    found = atoi((const char *) j.id.data);
    expected = entry(found, j.generation, j.blob.len);

    assert_true(cigna_slice_eq(j.identity, expected.identity));
    assert_true(cigna_slice_eq(j.blob, expected.blob));
    assert_int_equal(j.connected_ms, expected.connected_ms);

    if (generation) {
        *generation = j.generation;
    }

    return found;
}


static inline cigna_journal_look_t
looking(int64_t now, int64_t rewrite)
{
    return (cigna_journal_look_t) {
        .now_ms = now, .rewrite_ms = rewrite, .until_ms = now + 1000,
        .pid = ME, .alive = alive
    };
}


/* the number of the entry that is claimed, and its generation; -1: none */

static inline int
claim(int64_t now, int64_t rewrite, uint64_t *generation)
{
    int                   n;
    cigna_journal_t       j, expected;
    cigna_journal_look_t  look;

    look = looking(now, rewrite);

    if (cigna_journal_claim(book, &look, copy, &j) != CIGNA_OK) {
        return -1;
    }

    n = atoi((const char *) j.id.data);
    expected = entry(n, j.generation, j.blob.len);

    assert_true(cigna_slice_eq(j.identity, expected.identity));
    assert_true(cigna_slice_eq(j.tenant, expected.tenant));
    assert_true(cigna_slice_eq(j.blob, expected.blob));
    assert_int_equal(j.connected_ms, expected.connected_ms);
    assert_int_equal(j.until_ms, expected.until_ms);
    assert_int_equal(j.made_ms, expected.made_ms);

    if (generation) {
        *generation = j.generation;
    }

    return n;
}


/* fills it up; returns how many there was room for */

static inline unsigned
fill(int32_t pid, int64_t now)
{
    unsigned  n;

    for (n = 100; put(n, 1, 400, pid, now) == CIGNA_OK && n < 400; n++) {
        /* void */
    }

    return n - 100;
}


#endif /* _JOURNALLING_H_INCLUDED_ */

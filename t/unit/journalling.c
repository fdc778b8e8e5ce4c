
#define _GNU_SOURCE

#include <stdio.h>

#include "journalling.h"


uint8_t        mem[MEM] __attribute__((aligned(16)));
uint8_t        copy[CIGNA_JOURNAL_MEM];
cigna_book_t  *book;


int
alive(int32_t pid)
{
    return pid != DEAD;
}


cigna_book_t *
new_journal(void)
{
    memset(mem, 0, MEM);
    book = cigna_journal_open(mem, MEM);

    return book;
}


cigna_journal_t
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


int
put(unsigned n, uint64_t generation, size_t len, int32_t pid, int64_t now)
{
    cigna_journal_t  j;

    j = entry(n, generation, len);

    return cigna_journal_put(book, &j, pid == 0, pid, now, now + 1000);
}


void
settle(unsigned n, uint64_t generation, cigna_journal_e how, int64_t now,
    int64_t due)
{
    cigna_journal_t  j;

    j = entry(n, generation, 0);

    cigna_journal_settle(book, &j, how, now, due);
}


int
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


cigna_journal_look_t
looking(int64_t now, int64_t rewrite)
{
    return (cigna_journal_look_t) {
        .now_ms = now, .rewrite_ms = rewrite, .until_ms = now + 1000,
        .pid = ME, .alive = alive
    };
}


int
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


unsigned
fill(int32_t pid, int64_t now)
{
    unsigned  n;

    for (n = 100; put(n, 1, 400, pid, now) == CIGNA_OK && n < 400; n++) {
        /* void */
    }

    return n - 100;
}

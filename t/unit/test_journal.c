
#define _GNU_SOURCE                        /* memmem() */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cigna_journal.h"
#include "support.h"


#define MEM   (80 * 1024)
#define SLOT  700                          /* about, of a small entry */
#define ME    10
#define DEAD  11
#define OTHER 12


static uint8_t        mem[MEM] __attribute__((aligned(16)));
static uint8_t        copy[CIGNA_JOURNAL_MEM];
static cigna_book_t  *book;


static int
alive(int32_t pid)
{
    return pid != DEAD;
}


static int
setup(void **state)
{
    (void) state;

    memset(mem, 0, MEM);
    book = cigna_journal_open(mem, MEM);

    return book == NULL;
}


/* what an entry says follows from its number and generation */

static cigna_journal_t
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
    j.who = cigna_slice_str(who[turn]);
    j.id = cigna_slice_str(id[turn]);
    j.generation = generation;
    j.connected_ms = n + 1;
    j.until_ms = n + 2;
    j.made_ms = n + 3;
    j.blob = cigna_slice_make(blob[turn], blob[turn] + len);

    return j;
}


static int
put(unsigned n, uint64_t generation, size_t len, int32_t pid, int64_t now)
{
    cigna_journal_t  j;

    j = entry(n, generation, len);

    return cigna_journal_put(book, &j, pid == 0, pid, now, now + 1000);
}


static void
settle(unsigned n, uint64_t generation, cigna_journal_e how, int64_t now,
    int64_t started, int64_t due)
{
    cigna_journal_t  j;

    j = entry(n, generation, 0);

    cigna_journal_settle(book, &j, how, now, started, due);
}


static cigna_journal_look_t
looking(int64_t now, int64_t rewrite)
{
    return (cigna_journal_look_t) {
        .now_ms = now, .rewrite_ms = rewrite, .until_ms = now + 1000,
        .pid = ME, .alive = alive
    };
}


/* the number of the entry that is claimed, and its generation; -1: none */

static int
claim(int64_t now, int64_t rewrite, uint64_t *generation)
{
    int                    n;
    unsigned               tries;
    cigna_journal_t        j, expected;
    cigna_journal_look_t   look;

    look = looking(now, rewrite);

    if (cigna_journal_claim(book, &look, copy, &j, &tries) != CIGNA_OK) {
        return -1;
    }

    n = atoi((const char *) j.id.data);
    expected = entry(n, j.generation, j.blob.len);

    assert_true(cigna_slice_eq(j.who, expected.who));
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


static void
what_is_put_comes_out_as_it_was(void **state)
{
    size_t    i;
    uint64_t  generation;

    static const size_t  lens[] = {
        0, 1, 507, 508, 509, 1019, 1020, 1021, 20000
    };

    (void) state;

    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        assert_int_equal(put(i, 7, lens[i], DEAD, 100), CIGNA_OK);
        assert_int_equal(cigna_journal_unconfirmed(book), 1);
        assert_int_equal(claim(100, 0, &generation), i);
        assert_int_equal(generation, 7);
        settle(i, 7, cigna_journal_forgotten, 100, 0, 0);
        assert_int_equal(cigna_journal_entries(book), 0);
    }
}


static void
a_writers_own_entry_is_left_to_it_while_it_lives(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, OTHER, 100), CIGNA_OK);
    assert_int_equal(put(2, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(claim(100, 0, NULL), 2);
    assert_int_equal(claim(100, 0, NULL), -1);

    /* or holds on to it for too long */

    assert_int_equal(claim(1099, 0, NULL), -1);
    assert_int_equal(claim(1100, 0, NULL), 1);
}


static void
what_its_run_has_left_is_taken_over_when_it_is_due(void **state)
{
    unsigned              tries;
    cigna_journal_t       j;
    cigna_journal_look_t  look;

    (void) state;

    assert_int_equal(put(1, 2, 10, ME, 100), CIGNA_OK);
    settle(1, 2, cigna_journal_left, 150, 0, 200);
    assert_int_equal(claim(199, 0, NULL), -1);

    look = looking(200, 0);
    assert_int_equal(cigna_journal_claim(book, &look, copy, &j, &tries),
                     CIGNA_OK);
    assert_int_equal(tries, 1);
    assert_int_equal(cigna_journal_claims(book, &look), 1);

    settle(1, 2, cigna_journal_confirmed, 210, 200, 0);
    assert_int_equal(cigna_journal_claims(book, &look), 0);
    assert_int_equal(cigna_journal_unconfirmed(book), 0);
    assert_int_equal(cigna_journal_entries(book), 1);
}


static void
after_a_new_connection_all_is_written_again_once(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, 0, 100), CIGNA_OK);
    assert_int_equal(put(2, 2, 10, 0, 20000), CIGNA_OK);
    assert_int_equal(claim(15000, 0, NULL), -1);
    assert_int_equal(claim(15000, 10000, NULL), 1);
    assert_int_equal(claim(15000, 10000, NULL), -1);
    settle(1, 2, cigna_journal_confirmed, 15010, 15000, 0);
    assert_int_equal(claim(15020, 10000, NULL), -1);
    assert_int_equal(claim(15020, 15010, NULL), 1);
}


static void
a_pause_ends_with_a_new_connection(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(claim(200, 0, NULL), 1);
    settle(1, 2, cigna_journal_left, 250, 200, 9000);
    assert_int_equal(claim(300, 100, NULL), -1);
    assert_int_equal(claim(300, 260, NULL), 1);
}


static void
a_later_generation_of_a_grant_replaces_an_older_one(void **state)
{
    uint64_t  generation;

    (void) state;

    assert_int_equal(put(1, 2, 2000, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(1, 3, 30, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(1, 2, 30, DEAD, 100), CIGNA_OK);
    assert_int_equal(cigna_journal_entries(book), 1);

    /* what the older one's writer says of it concerns nobody */

    settle(1, 2, cigna_journal_confirmed, 110, 0, 0);
    settle(1, 2, cigna_journal_forgotten, 110, 0, 0);
    assert_int_equal(cigna_journal_unconfirmed(book), 1);
    assert_int_equal(claim(100, 0, &generation), 1);
    assert_int_equal(generation, 3);
}


static void
another_grant_of_the_same_member_stands_beside_it(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(1001, 1, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(cigna_journal_entries(book), 2);
}


static void
a_deletion_is_the_last_word_about_a_grant(void **state)
{
    uint64_t  generation;

    (void) state;

    assert_int_equal(put(1, 5, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(1, 0, 0, 0, 100), CIGNA_OK);
    assert_int_equal(put(1, 6, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(cigna_journal_entries(book), 1);
    assert_int_equal(cigna_journal_unconfirmed(book), 0);
    assert_int_equal(claim(200, 200, &generation), 1);
    assert_int_equal(generation, 0);
}


static void
confirmed_ones_go_after_a_minute_and_others_never(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(2, 2, 10, 0, 100), CIGNA_OK);
    cigna_journal_expire(book, 60100);
    assert_int_equal(cigna_journal_entries(book), 2);
    cigna_journal_expire(book, 60101);
    assert_int_equal(cigna_journal_entries(book), 1);
    cigna_journal_expire(book, INT64_MAX / 2);
    assert_int_equal(claim(INT64_MAX / 2, 0, NULL), 1);
}


/* fills it up; returns how many there was room for */

static unsigned
fill(int32_t pid, int64_t now)
{
    unsigned  n;

    for (n = 100; put(n, 1, 400, pid, now) == CIGNA_OK && n < 400; n++) {
        /* void */
    }

    return n - 100;
}


static void
in_need_the_oldest_confirmed_ones_make_room(void **state)
{
    unsigned  n, room;

    (void) state;

    room = fill(DEAD, 100);
    assert_in_range(room, MEM / SLOT - 5, MEM / 600);
    assert_int_equal(put(1, 1, 400, DEAD, 100), CIGNA_NONE);

    settle(120, 1, cigna_journal_confirmed, 300, 0, 0);
    settle(110, 1, cigna_journal_confirmed, 200, 0, 0);
    settle(130, 1, cigna_journal_confirmed, 400, 0, 0);

    assert_int_equal(put(1, 1, 400, DEAD, 500), CIGNA_OK);
    assert_int_equal(put(2, 1, 900, DEAD, 500), CIGNA_OK);
    assert_int_equal(put(3, 1, 10, DEAD, 500), CIGNA_NONE);

    for (n = 0; claim(500, 0, NULL) >= 0; n++) {
        /* void */
    }

    assert_int_equal(n, room - 1);
}


static void
what_is_too_long_or_names_nobody_is_not_taken(void **state)
{
    cigna_journal_t  j;

    (void) state;

    assert_int_equal(put(1, 1, CIGNA_JOURNAL_BYTES_MAX - 3, DEAD, 1),
                     CIGNA_NONE);
    assert_int_equal(put(1, 1, CIGNA_JOURNAL_BYTES_MAX - 4, DEAD, 1),
                     CIGNA_OK);

    j = entry(1, 1, 10);
    j.who.len--;
    assert_int_equal(cigna_journal_put(book, &j, 0, ME, 1, 2), CIGNA_NONE);
    j = entry(1, 1, 10);
    j.id.len++;
    assert_int_equal(cigna_journal_put(book, &j, 0, ME, 1, 2), CIGNA_NONE);
    assert_null(cigna_journal_open(mem, 100));
}


/* the last thing its writer did was to let the new one count */

static void
a_writer_killed_between_new_and_old_leaves_the_new_one(void **state)
{
    size_t           i;
    uint64_t         generation;
    static uint8_t   before[MEM];
    const uint32_t   one = 1;

    (void) state;

    assert_int_equal(put(1, 2, 600, DEAD, 100), CIGNA_OK);
    memcpy(before, mem, MEM);
    assert_int_equal(put(1, 3, 600, DEAD, 100), CIGNA_OK);

    /* its "live" comes first in an entry: the old one is back again */

    for (i = 64; memcmp(before + i, &one, 4) != 0
                 || memcmp(before + i, mem + i, 4) == 0; i += 4)
    {
        assert_true(i < MEM / 4);
    }

    memcpy(mem + i, &one, 4);
    ((uint32_t *) mem)[6] = 2;

    cigna_journal_repair(book);

    assert_int_equal(cigna_journal_entries(book), 1);
    assert_int_equal(claim(100, 0, &generation), 1);
    assert_int_equal(generation, 3);
    assert_in_range(fill(DEAD, 1), MEM / SLOT - 5, MEM / 600);
}


static void
a_damaged_entry_is_dropped(void **state)
{
    uint8_t  *p;

    (void) state;

    assert_int_equal(put(1, 1, 100, DEAD, 1), CIGNA_OK);
    assert_int_equal(put(2, 1, 100, DEAD, 1), CIGNA_OK);

    p = memmem(mem, MEM, entry(1, 1, 100).blob.data, 100);
    assert_non_null(p);
    p[50] ^= 1;

    assert_int_equal(claim(1, 0, NULL), 2);
    assert_int_equal(cigna_journal_entries(book), 1);

    p = memmem(mem, MEM, entry(2, 1, 100).blob.data, 100);
    p[99] ^= 1;
    cigna_journal_repair(book);
    assert_int_equal(cigna_journal_entries(book), 0);
    assert_in_range(fill(ME, 1), MEM / SLOT - 5, MEM / 600);
}


/*
 * A process that writes, settles and drops all the time is killed somewhere
 * in the middle, again and again.  Numbers below 10 are not touched by it.
 */

static void
scribble(void)
{
    unsigned  i, n;

    for (i = 0; ; i++) {
        n = 10 + rand() % 90;

        if (rand() % 3) {
            put(n, i, rand() % 3000, rand() % 2 ? DEAD : 0, i);
        } else {
            settle(n, i, rand() % 2 ? cigna_journal_forgotten
                                    : cigna_journal_confirmed, i, 0, 0);
        }
    }
}


static void
whenever_a_writer_is_killed_all_else_is_kept(void **state)
{
    int                   n, round, found;
    pid_t                 pid;
    unsigned              tries;
    cigna_journal_t       j;
    cigna_journal_look_t  look;

    (void) state;

    book = mmap(NULL, MEM, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(book != MAP_FAILED);
    assert_ptr_equal(cigna_journal_open(book, MEM), book);

    for (n = 0; n < 10; n++) {
        assert_int_equal(put(n, 5, 100 * n, DEAD, 1), CIGNA_OK);
    }

    for (round = 0; round < 300; round++) {

        pid = fork();

        if (pid == 0) {
            srand(round);
            scribble();
        }

        usleep(200 + rand() % 1000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);

        cigna_journal_repair(book);

        look = looking(1000000 * (int64_t) (round + 1), 0);

        for (found = 0; ; ) {

            if (cigna_journal_claim(book, &look, copy, &j, &tries)
                != CIGNA_OK)
            {
                break;
            }

            n = atoi((const char *) j.id.data);
            assert_true(cigna_slice_eq(j.blob,
                                       entry(n, j.generation, j.blob.len)
                                       .blob));
            found += n < 10;

            if (n >= 10) {
                cigna_journal_settle(book, &j, cigna_journal_forgotten, 1, 0,
                                     0);
            }
        }

        assert_int_equal(found, 10);
    }

    /* nothing has leaked */

    for (n = 10; n < 100; n++) {
        j = entry(n, 0, 0);
        assert_int_equal(cigna_journal_put(book, &j, 1, 0, 1, 1), CIGNA_OK);
        cigna_journal_settle(book, &j, cigna_journal_forgotten, 1, 0, 0);
    }

    assert_int_equal(cigna_journal_entries(book), 10);
    assert_in_range(fill(ME, 1), MEM / SLOT - 25, MEM / 600);

    munmap(book, MEM);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(what_is_put_comes_out_as_it_was),
        test(a_writers_own_entry_is_left_to_it_while_it_lives),
        test(what_its_run_has_left_is_taken_over_when_it_is_due),
        test(after_a_new_connection_all_is_written_again_once),
        test(a_pause_ends_with_a_new_connection),
        test(a_later_generation_of_a_grant_replaces_an_older_one),
        test(another_grant_of_the_same_member_stands_beside_it),
        test(a_deletion_is_the_last_word_about_a_grant),
        test(confirmed_ones_go_after_a_minute_and_others_never),
        test(in_need_the_oldest_confirmed_ones_make_room),
        test(what_is_too_long_or_names_nobody_is_not_taken),
        test(a_writer_killed_between_new_and_old_leaves_the_new_one),
        test(a_damaged_entry_is_dropped),
        test(whenever_a_writer_is_killed_all_else_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

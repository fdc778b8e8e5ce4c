
#define _GNU_SOURCE                        /* memmem() */

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vault/cigna_journal_entry.h"
#include "journalling.h"


static void
an_entry_is_read_as_it_was_written(void **state)
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
        settle(i, 7, cigna_journal_forgotten, 100, 0);
        assert_int_equal(cigna_journal_entries(book), 0);
    }
}


/* the writer dies after it has made the new entry valid */

static void
a_writer_killed_before_it_drops_the_old_entry_leaves_the_new(void **state)
{
    size_t          i;
    uint64_t        generation;
    static uint8_t  before[MEM];
    const uint32_t  one = 1;

    (void) state;

    assert_int_equal(put(1, 2, 600, DEAD, 100), CIGNA_OK);
    memcpy(before, mem, MEM);
    assert_int_equal(put(1, 3, 600, DEAD, 100), CIGNA_OK);

    /*
     * sets "live", the first field of an entry, so that the old entry is valid
     * again
     */

    for (i = 64; memcmp(before + i, &one, 4) != 0
                 || memcmp(before + i, mem + i, 4) == 0; i += 4)
    {
        assert_true(i < MEM / 4);
    }

    memcpy(mem + i, &one, 4);
    ((uint32_t *) mem)[6] = 2;

    cigna_journal_repair(book);

    assert_int_equal(cigna_journal_entries(book), 1);
    assert_int_equal(ahead(1, cigna_slice_null, 0, &generation), 1);
    assert_int_equal(generation, 3);
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

    assert_int_equal(ahead(1, cigna_slice_null, 0, NULL), -1);
    assert_int_equal(cigna_journal_entries(book), 1);
    assert_int_equal(claim(1, 0, NULL), 2);
    assert_int_equal(cigna_journal_entries(book), 1);

    p = memmem(mem, MEM, entry(2, 1, 100).blob.data, 100);
    p[99] ^= 1;
    cigna_journal_repair(book);
    assert_int_equal(cigna_journal_entries(book), 0);
    assert_in_range(fill(ME, 1), MEM / SLOT - 5, MEM / 600);
}


/*
 * Writes, settles and drops entries without end, but does not touch entries 0
 * to 9.  The test kills the process that runs this function at any moment.
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
                                    : cigna_journal_confirmed, i, 0);
        }
    }
}


static void
a_writer_that_is_killed_at_any_time_damages_no_other_entry(void **state)
{
    int                   n, round, found;
    pid_t                 pid;
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

            if (cigna_journal_claim(book, &look, copy, &j)
                != CIGNA_OK)
            {
                break;
            }

            n = atoi((const char *) j.id.data);
            assert_true(cigna_slice_eq(j.blob,
                                       entry(n, j.generation, j.blob.len)
                                       .blob));
            found += n < 10;
            assert_int_equal(ahead(n, cigna_slice_null, 0, NULL), n);

            if (n >= 10) {
                cigna_journal_settle(book, &j, cigna_journal_forgotten, 1, 0);
            }
        }

        assert_int_equal(found, 10);
    }

    /* no room of the journal is lost */

    for (n = 10; n < 100; n++) {
        j = entry(n, 0, 0);
        assert_int_equal(cigna_journal_put(book, &j, 1, 0, 1, 1), CIGNA_OK);
        cigna_journal_settle(book, &j, cigna_journal_forgotten, 1, 0);
    }

    assert_int_equal(cigna_journal_entries(book), 10);
    assert_in_range(fill(ME, 1), MEM / SLOT - 25, MEM / 600);

    munmap(book, MEM);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

static int
setup(void **state)
{
    (void) state;

    return new_journal() == NULL;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(an_entry_is_read_as_it_was_written),
        test(a_writer_killed_before_it_drops_the_old_entry_leaves_the_new),
        test(a_damaged_entry_is_dropped),
        test(a_writer_that_is_killed_at_any_time_damages_no_other_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

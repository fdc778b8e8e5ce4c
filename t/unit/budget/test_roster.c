
#include "support.h"

#include "budget/cigna_roster.h"


/* the roster's rows, and tenants that claim rows; names have three digits */

#define ROWS   8
#define NAMES  1000


static char                  names[NAMES][4];
static cigna_roster_entry_t  entries[NAMES];
static cigna_roster_claim_t  claims[NAMES];


static int
setup(void **state)
{
    unsigned  i;

    (void) state;

    memset(entries, 0, sizeof(entries));

    for (i = 0; i < NAMES; i++) {
        names[i][0] = (char) ('0' + i / 100);
        names[i][1] = (char) ('0' + i / 10 % 10);
        names[i][2] = (char) ('0' + i % 10);
    }

    return 0;
}


static int
claim(unsigned rows, unsigned first, unsigned n, uint64_t generation,
    uint64_t oldest)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        claims[i].name = (cigna_slice_t) { (uint8_t *) names[first + i], 3 };
    }

    return cigna_roster_claim(entries, rows, claims, n, generation, oldest);
}


static void
each_name_has_a_row_of_its_own(void **state)
{
    unsigned  i;
    uint8_t   seen[NAMES];

    (void) state;

    memset(seen, 0, sizeof(seen));

    assert_int_equal(claim(NAMES, 0, NAMES, 1, 0), CIGNA_OK);

    for (i = 0; i < NAMES; i++) {
        assert_true(claims[i].row < NAMES);
        assert_int_equal(seen[claims[i].row]++, 0);
        assert_int_equal(claims[i].taken, 0);
    }
}


static void
a_name_that_stays_keeps_its_row(void **state)
{
    unsigned  row;

    (void) state;

    assert_int_equal(claim(ROWS, 0, 4, 1, 0), CIGNA_OK);
    row = claims[3].row;

    assert_int_equal(claim(ROWS, 3, 4, 2, 1), CIGNA_OK);
    assert_int_equal(claims[0].row, row);
    assert_int_equal(claims[0].taken, 0);
}


static void
a_name_that_comes_back_has_its_row_again(void **state)
{
    unsigned  row;

    (void) state;

    assert_int_equal(claim(ROWS, 0, 1, 1, 0), CIGNA_OK);
    row = claims[0].row;

    assert_int_equal(claim(ROWS, 1, ROWS - 1, 2, 2), CIGNA_OK);
    assert_int_equal(claim(ROWS, 0, 1, 3, 3), CIGNA_OK);

    assert_int_equal(claims[0].row, row);
    assert_int_equal(claims[0].taken, 0);
}


static void
free_rows_are_given_first_and_then_the_longest_unused(void **state)
{
    unsigned  row;

    (void) state;

    assert_int_equal(claim(ROWS, 0, 1, 1, 0), CIGNA_OK);
    row = claims[0].row;

    assert_int_equal(claim(ROWS, 1, 1, 2, 2), CIGNA_OK);
    assert_int_equal(claim(ROWS, 2, ROWS - 2, 3, 3), CIGNA_OK);
    assert_int_equal(claims[0].taken, 0);
    assert_int_equal(claims[ROWS - 3].taken, 0);

    assert_int_equal(claim(ROWS, 100, 1, 4, 4), CIGNA_OK);
    assert_int_equal(claims[0].row, row);
    assert_int_equal(claims[0].taken, 1);

    /* the first name returns, and gets a row that another name had */

    assert_int_equal(claim(ROWS, 0, 1, 5, 5), CIGNA_OK);
    assert_int_not_equal(claims[0].row, row);
    assert_int_equal(claims[0].taken, 1);
}


static void
a_row_is_kept_while_processes_with_its_name_may_run(void **state)
{
    cigna_roster_entry_t  before[ROWS];

    (void) state;

    assert_int_equal(claim(ROWS, 0, ROWS, 7, 0), CIGNA_OK);
    memcpy(before, entries, sizeof(before));

    assert_int_equal(claim(ROWS, 100, 1, 8, 7), CIGNA_NONE);
    assert_memory_equal(entries, before, sizeof(before));

    assert_int_equal(claim(ROWS, 100, 1, 8, 8), CIGNA_OK);
    assert_int_equal(claims[0].taken, 1);
}


/*
 * even if the argument "oldest" has its greatest value, a claim takes no row of
 * another claim
 */

static void
a_row_of_another_claim_is_not_taken(void **state)
{
    unsigned  i, kept[ROWS];

    (void) state;

    assert_int_equal(claim(ROWS, 0, ROWS, 1, 0), CIGNA_OK);

    for (i = 0; i < ROWS; i++) {
        kept[i] = claims[i].row;
    }

    assert_int_equal(claim(ROWS, 0, ROWS + 1, 2, UINT64_MAX), CIGNA_NONE);
    assert_int_equal(claim(ROWS, 0, ROWS, 2, UINT64_MAX), CIGNA_OK);

    for (i = 0; i < ROWS; i++) {
        assert_int_equal(claims[i].row, kept[i]);
    }
}


static void
a_thousand_configurations_leak_no_row(void **state)
{
    unsigned  i, j, row;

    (void) state;

    assert_int_equal(claim(ROWS, 0, 1, 1, 0), CIGNA_OK);
    row = claims[0].row;

    for (i = 2; i < 1000; i++) {
        assert_int_equal(claim(ROWS, 1 + i % 900, 3, i, i), CIGNA_OK);

        for (j = 0; j < 3; j++) {
            assert_int_not_equal(claims[j].row, row);
        }

        assert_int_equal(claim(ROWS, 0, 1, i, i), CIGNA_OK);
        assert_int_equal(claims[0].row, row);
        assert_int_equal(claims[0].taken, 0);
    }
}


static void
names_differ_in_their_length_too(void **state)
{
    (void) state;

    claims[0].name = cigna_slice("a");
    claims[1].name = cigna_slice("ab");

    assert_int_equal(cigna_roster_claim(entries, ROWS, claims, 2, 1, 0),
                     CIGNA_OK);
    assert_int_not_equal(claims[0].row, claims[1].row);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(each_name_has_a_row_of_its_own),
        test(a_name_that_stays_keeps_its_row),
        test(a_name_that_comes_back_has_its_row_again),
        test(free_rows_are_given_first_and_then_the_longest_unused),
        test(a_row_is_kept_while_processes_with_its_name_may_run),
        test(a_row_of_another_claim_is_not_taken),
        test(a_thousand_configurations_leak_no_row),
        test(names_differ_in_their_length_too)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

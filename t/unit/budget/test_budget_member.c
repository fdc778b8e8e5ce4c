
#include "budgeting.h"

#include "budget/cigna_budget_member.h"


#define SIZE  (CIGNA_BUDGET_MEMBERS_MIN * 4)


static uint64_t             mem[SIZE / sizeof(uint64_t)];
static cigna_budget_plan_t  plan;
static cigna_budget_t       b;


static int
setup(void **state)
{
    (void) state;

    memset(mem, 0, sizeof(mem));

    plan = (cigna_budget_plan_t) { .member = { SECOND, 3 * SECOND } };

    b = (cigna_budget_t) {
        .plan = &plan,
        .members = cigna_budget_members_init(mem, SIZE),
        .member = 7,
        .now_ns = 1000 * SECOND
    };

    return 0;
}


static unsigned
take(uint64_t member, unsigned want)
{
    unsigned  n;

    b.member = member;

    for (n = 0; n < want && cigna_budget_member_wait_ns(&b) == 0; n++) {
        cigna_budget_member_charge(&b, 1);
    }

    return n;
}


static void
each_member_has_a_bucket(void **state)
{
    (void) state;

    assert_int_equal(take(7, 10), 3);
    assert_int_equal(cigna_budget_member_wait_ns(&b), SECOND);
    assert_int_equal(take(8, 10), 3);

    b.now_ns += 2 * SECOND;
    assert_int_equal(take(7, 10), 2);
    cigna_budget_member_charge(&b, -1);
    assert_int_equal(take(7, 10), 1);
}


static void
a_member_that_is_not_counted_has_no_limit(void **state)
{
    (void) state;

    assert_int_equal(take(0, 100), 100);

    plan.member.every_ns = 0;
    assert_int_equal(take(7, 100), 100);

    setup(state);
    b.members = NULL;
    assert_int_equal(take(7, 100), 100);
}


static void
a_table_that_is_opened_again_keeps_its_contents(void **state)
{
    (void) state;

    assert_int_equal(take(7, 10), 3);
    b.members = cigna_budget_members_init(mem, SIZE);
    assert_int_equal(take(7, 10), 0);

    /* a table of another size begins empty */

    b.members = cigna_budget_members_init(mem, SIZE / 2);
    assert_int_equal(take(7, 10), 3);

    assert_null(cigna_budget_members_init(mem, CIGNA_BUDGET_MEMBERS_MIN - 1));
}


/*
 * a set of the table has places for a few members only, and all members of this
 * test are in the same set
 */

static void
a_full_table_forgets_the_member_whose_bucket_is_lowest(void **state)
{
    uint64_t  i, sets;

    (void) state;

    sets = mem[0];
    assert_in_range(sets, 1, SIZE / 96);

    for (i = 1; i <= 4; i++) {
        assert_int_equal(take(i * sets, i == 2 ? 1 : 3), i == 2 ? 1 : 3);
    }

    assert_int_equal(take(5 * sets, 3), 3);

    assert_int_equal(take(1 * sets, 3), 0);
    assert_int_equal(take(3 * sets, 3), 0);
    assert_int_equal(take(4 * sets, 3), 0);
    assert_int_equal(take(5 * sets, 3), 0);
    assert_int_equal(take(2 * sets, 3), 3);
}


static void
nothing_is_written_beside_the_table(void **state)
{
    size_t    i, size;
    uint8_t  *at;

    (void) state;

    for (size = CIGNA_BUDGET_MEMBERS_MIN; size < CIGNA_BUDGET_MEMBERS_MIN + 96;
         size += 8)
    {
        at = (uint8_t *) mem;
        memset(at, 0, size);
        memset(at + size, 0xa5, SIZE - size);

        b.members = cigna_budget_members_init(mem, size);

        for (i = 1; i < 1000; i++) {
            (void) take(i, 1);
        }

        for (i = size; i < SIZE; i++) {
            assert_int_equal(at[i], 0xa5);
        }
    }
}


static void
a_level_above_the_bucket_is_cut_off(void **state)
{
    unsigned  n;

    (void) state;

    memset(mem + 2, 0x7f, sizeof(mem) - 16);
    assert_int_equal(take(7, 10), 3);

    memset(mem + 2, 0xff, sizeof(mem) - 16);
    n = take(UINT64_MAX, 10);
    assert_in_range(n, 0, 3);
    b.now_ns += 6 * SECOND;
    assert_in_range(take(UINT64_MAX, 10), 1, 3);
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(each_member_has_a_bucket),
        test(a_member_that_is_not_counted_has_no_limit),
        test(a_table_that_is_opened_again_keeps_its_contents),
        test(a_full_table_forgets_the_member_whose_bucket_is_lowest),
        test(nothing_is_written_beside_the_table),
        test(a_level_above_the_bucket_is_cut_off)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

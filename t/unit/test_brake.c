
#include "cigna_brake.h"
#include "support.h"


#define MINUTE  60000


static cigna_brake_t  brake;


static int
setup(void **state)
{
    (void) state;

    memset(&brake, 0, sizeof(cigna_brake_t));

    return 0;
}


static void
add(unsigned n, int refused, int64_t now)
{
    while (n--) {
        cigna_brake_add(&brake, now, refused);
    }
}


static void
few_refusals_prove_nothing(void **state)
{
    (void) state;

    assert_false(cigna_brake_holds(&brake, 100 * MINUTE, 50));
    add(9, 1, 100 * MINUTE);
    assert_false(cigna_brake_holds(&brake, 100 * MINUTE, 50));
    add(1, 1, 100 * MINUTE);
    assert_true(cigna_brake_holds(&brake, 100 * MINUTE, 50));
}


static void
the_share_is_what_counts(void **state)
{
    (void) state;

    add(50, 0, 100 * MINUTE);
    add(50, 1, 103 * MINUTE);
    assert_false(cigna_brake_holds(&brake, 104 * MINUTE, 50));
    add(1, 1, 104 * MINUTE);
    assert_true(cigna_brake_holds(&brake, 104 * MINUTE, 50));
    assert_false(cigna_brake_holds(&brake, 104 * MINUTE, 60));
    add(2, 0, 104 * MINUTE);
    assert_false(cigna_brake_holds(&brake, 104 * MINUTE, 50));
}


static void
after_ten_minutes_it_is_forgotten(void **state)
{
    (void) state;

    add(20, 1, 100 * MINUTE);
    assert_true(cigna_brake_holds(&brake, 110 * MINUTE - 1, 50));
    assert_false(cigna_brake_holds(&brake, 110 * MINUTE, 50));
    add(10, 0, 110 * MINUTE);
    add(10, 1, 119 * MINUTE);
    assert_false(cigna_brake_holds(&brake, 119 * MINUTE, 50));
    add(10, 1, 119 * MINUTE);
    assert_true(cigna_brake_holds(&brake, 119 * MINUTE, 50));
}


static void
a_hundred_per_cent_switches_it_off(void **state)
{
    (void) state;

    add(1000, 1, 100 * MINUTE);
    assert_false(cigna_brake_holds(&brake, 100 * MINUTE, 100));
}


#define test(f)  cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(few_refusals_prove_nothing),
        test(the_share_is_what_counts),
        test(after_ten_minutes_it_is_forgotten),
        test(a_hundred_per_cent_switches_it_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include <ctype.h>

#include "support.h"

#include "dance/cigna_dance_outcome.h"


static void
each_outcome_has_a_row(void **state)
{
    unsigned                      i;
    const char                   *p;
    const cigna_dance_outcome_t  *row;

    (void) state;

    for (i = 0; i < cigna_dance_outcome_max; i++) {
        row = cigna_dance_outcome_row((cigna_dance_outcome_e) i);

        assert_non_null(row->name);
        assert_true(strlen(row->title) > 0);
        assert_true(strlen(row->text) > strlen(row->title));
        assert_in_range(row->status, 200, 599);

        /* URLs and log lines have the names without any escapes */

        for (p = row->name; *p; p++) {
            assert_true(islower((unsigned char) *p) || *p == '_');
        }
    }
}


static void
names_are_found_again_and_are_unique(void **state)
{
    unsigned                      i;
    const cigna_dance_outcome_t  *row;

    (void) state;

    for (i = 1; i < cigna_dance_outcome_max; i++) {
        row = cigna_dance_outcome_row((cigna_dance_outcome_e) i);

        assert_int_equal(cigna_dance_outcome_find(guarded(row->name)), i);
    }
}


static void
other_names_are_none(void **state)
{
    (void) state;

    assert_int_equal(cigna_dance_outcome_find(cigna_slice_null),
                     cigna_dance_outcome_none);
    assert_int_equal(cigna_dance_outcome_find(guarded("none")),
                     cigna_dance_outcome_none);
    assert_int_equal(cigna_dance_outcome_find(guarded("connecte")),
                     cigna_dance_outcome_none);
    assert_int_equal(cigna_dance_outcome_find(guarded("connected ")),
                     cigna_dance_outcome_none);
    assert_int_equal(cigna_dance_outcome_find(guarded("CONNECTED")),
                     cigna_dance_outcome_none);
}


static void
a_value_out_of_range_has_the_row_of_none(void **state)
{
    const cigna_dance_outcome_t  *none;

    (void) state;

    none = cigna_dance_outcome_row(cigna_dance_outcome_none);

    assert_ptr_equal(cigna_dance_outcome_row(cigna_dance_outcome_max), none);
    assert_ptr_equal(cigna_dance_outcome_row((cigna_dance_outcome_e) -1), none);
}


static void
texts_are_plain_and_need_no_escaping(void **state)
{
    unsigned                      i;
    const cigna_dance_outcome_t  *row;

    (void) state;

    for (i = 0; i < cigna_dance_outcome_max; i++) {
        row = cigna_dance_outcome_row((cigna_dance_outcome_e) i);

        assert_null(strpbrk(row->title, "<>&\""));
        assert_null(strpbrk(row->text, "<>&\""));

        assert_null(strstr(row->text, "token"));
        assert_null(strstr(row->text, "OAuth"));
        assert_null(strstr(row->text, "Redis"));
        assert_null(strstr(row->text, "redirect"));
    }
}


static void
success_and_not_navigable_are_logged_as_notice(void **state)
{
    unsigned                      i;
    const cigna_dance_outcome_t  *row;

    (void) state;

    for (i = 0; i < cigna_dance_outcome_max; i++) {
        row = cigna_dance_outcome_row((cigna_dance_outcome_e) i);

        assert_int_equal(!row->log_warn,
                         i == cigna_dance_outcome_connected
                         || i == cigna_dance_outcome_disconnected
                         || i == cigna_dance_outcome_not_navigable);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(each_outcome_has_a_row),
        cmocka_unit_test(names_are_found_again_and_are_unique),
        cmocka_unit_test(other_names_are_none),
        cmocka_unit_test(a_value_out_of_range_has_the_row_of_none),
        cmocka_unit_test(texts_are_plain_and_need_no_escaping),
        cmocka_unit_test(success_and_not_navigable_are_logged_as_notice)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

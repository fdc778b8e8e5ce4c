
#include "journalling.h"


static void
an_entry_belongs_to_its_writer_while_the_writer_lives(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, OTHER, 100), CIGNA_OK);
    assert_int_equal(put(2, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(claim(100, 0, NULL), 2);
    assert_int_equal(claim(100, 0, NULL), -1);

    /* the entry of a living process is claimed when it is due */

    assert_int_equal(claim(1099, 0, NULL), -1);
    assert_int_equal(claim(1100, 0, NULL), 1);
}


static void
an_entry_that_its_run_left_is_claimed_when_it_is_due(void **state)
{
    cigna_journal_t       j;
    cigna_journal_look_t  look;

    (void) state;

    assert_int_equal(put(1, 2, 10, ME, 100), CIGNA_OK);
    settle(1, 2, cigna_journal_left, 150, 200);
    assert_int_equal(claim(199, 0, NULL), -1);

    look = looking(200, 0);
    assert_int_equal(cigna_journal_claim(book, &look, copy, &j),
                     CIGNA_OK);
    assert_int_equal(look.tries, 1);
    assert_false(look.confirmed);
    assert_int_equal(cigna_journal_claim(book, &look, copy, &j),
                     CIGNA_NONE);
    assert_false(look.waiting);
    look = looking(200, 0);
    assert_int_equal(cigna_journal_claim(book, &look, copy, &j),
                     CIGNA_NONE);
    assert_true(look.waiting);
    assert_int_equal(cigna_journal_claims(book, &look), 1);

    settle(1, 2, cigna_journal_confirmed, 210, 0);
    assert_int_equal(cigna_journal_claims(book, &look), 0);
    assert_int_equal(cigna_journal_unconfirmed(book), 0);
    assert_int_equal(cigna_journal_entries(book), 1);
}


static void
each_entry_is_written_again_once_after_a_new_connection(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, 0, 100), CIGNA_OK);
    assert_int_equal(put(2, 2, 10, 0, 20000), CIGNA_OK);
    assert_int_equal(claim(15000, 0, NULL), -1);
    assert_int_equal(claim(15000, 10000, NULL), 1);
    assert_int_equal(claim(15000, 10000, NULL), -1);
    settle(1, 2, cigna_journal_confirmed, 15010, 0);
    assert_int_equal(claim(15020, 10000, NULL), -1);
    assert_int_equal(claim(15020, 15010, NULL), 1);
}


static void
all_entries_can_be_looked_at_in_turn_and_stay_as_they_are(void **state)
{
    int                   i;
    cigna_journal_t       j;
    cigna_journal_look_t  look;

    (void) state;

    assert_int_equal(put(1, 2, 10, 0, 9000), CIGNA_OK);
    assert_int_equal(put(2, 2, 10, OTHER, 9000), CIGNA_OK);
    assert_int_equal(put(3, 2, 10, DEAD, 9000), CIGNA_OK);

    look = looking(9100, 0);
    look.peek = 1;

    for (i = 1; i <= 3; i++) {
        assert_int_equal(cigna_journal_claim(book, &look, copy, &j),
                         CIGNA_OK);
        assert_int_equal(atoi((const char *) j.id.data), i);
        assert_int_equal(look.confirmed, i == 1);
    }

    assert_int_equal(cigna_journal_claim(book, &look, copy, &j), CIGNA_NONE);
    assert_int_equal(claim(9100, 0, NULL), 3);
}


static void
the_wait_before_a_retry_ends_with_a_new_connection(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(claim(200, 0, NULL), 1);
    settle(1, 2, cigna_journal_left, 250, 9000);
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
    assert_int_equal(put(1, 2, 30, DEAD, 100), CIGNA_ERROR);
    assert_int_equal(cigna_journal_entries(book), 1);

    /*
     * the process that wrote the older generation cannot settle the newer one
     */

    settle(1, 2, cigna_journal_confirmed, 110, 0);
    settle(1, 2, cigna_journal_forgotten, 110, 0);
    assert_int_equal(cigna_journal_unconfirmed(book), 1);
    assert_int_equal(claim(100, 0, &generation), 1);
    assert_int_equal(generation, 3);
}


static void
one_member_can_have_entries_about_two_grants(void **state)
{
    (void) state;

    assert_int_equal(put(1, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(1001, 1, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(cigna_journal_entries(book), 2);
}


static void
no_generation_replaces_the_deletion_of_its_grant(void **state)
{
    uint64_t  generation;

    (void) state;

    assert_int_equal(put(1, 5, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(1, 0, 0, 0, 100), CIGNA_OK);
    assert_int_equal(put(1, 6, 10, DEAD, 100), CIGNA_ERROR);
    assert_int_equal(cigna_journal_entries(book), 1);
    assert_int_equal(cigna_journal_unconfirmed(book), 0);
    assert_int_equal(claim(200, 200, &generation), 1);
    assert_int_equal(generation, 0);
}


static void
confirmed_entries_go_after_a_minute_and_others_never(void **state)
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


static void
the_oldest_confirmed_entries_make_room(void **state)
{
    unsigned  n, room;

    (void) state;

    room = fill(DEAD, 100);
    assert_in_range(room, MEM / SLOT - 5, MEM / 600);
    assert_int_equal(put(1, 1, 400, DEAD, 100), CIGNA_NONE);

    settle(120, 1, cigna_journal_confirmed, 300, 0);
    settle(110, 1, cigna_journal_confirmed, 200, 0);
    settle(130, 1, cigna_journal_confirmed, 400, 0);

    assert_int_equal(put(1, 1, 400, DEAD, 500), CIGNA_OK);
    assert_int_equal(put(2, 1, 900, DEAD, 500), CIGNA_OK);
    assert_int_equal(put(3, 1, 10, DEAD, 500), CIGNA_NONE);

    for (n = 0; claim(500, 0, NULL) >= 0; n++) {
        /* void */
    }

    assert_int_equal(n, room - 1);
}


/* tests of entries that are ahead of Redis */

static void
a_later_generation_is_ahead_of_the_known_record(void **state)
{
    uint64_t       generation;
    cigna_slice_t  id;

    (void) state;

    assert_int_equal(ahead(1, cigna_slice_null, 0, NULL), -1);
    assert_int_equal(put(1, 5, 700, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(2, 5, 10, DEAD, 100), CIGNA_OK);
    id = cigna_slice("0000000000000000000001");

    assert_int_equal(ahead(1, id, 4, &generation), 1);
    assert_int_equal(generation, 5);
    assert_int_equal(ahead(1, id, 5, NULL), -1);
    assert_int_equal(ahead(1, id, 6, NULL), -1);

    settle(1, 5, cigna_journal_confirmed, 100, 0);
    assert_int_equal(ahead(1, id, 4, NULL), 1);
    settle(1, 5, cigna_journal_forgotten, 100, 0);
    assert_int_equal(ahead(1, id, 4, NULL), -1);
    assert_int_equal(ahead(2, cigna_slice_null, 0, NULL), 2);
}


static void
an_entry_is_ahead_of_its_own_generation_marked_spent(void **state)
{
    cigna_journal_t        j;
    cigna_journal_known_t  known;

    (void) state;

    assert_int_equal(put(1, 5, 10, DEAD, 100), CIGNA_OK);
    j = entry(1, 5, 10);

    known = (cigna_journal_known_t) {
        .tenant = j.tenant, .identity = j.identity, .id = j.id, .generation = 5,
        .spent = 1
    };

    assert_int_equal(cigna_journal_ahead(book, &known, copy, &j), CIGNA_OK);
    known.generation = 6;
    assert_int_equal(cigna_journal_ahead(book, &known, copy, &j), CIGNA_NONE);
}


static void
an_entry_about_another_grant_is_not_ahead(void **state)
{
    (void) state;

    assert_int_equal(put(1001, 2, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(ahead(1001, cigna_slice("9999999999999999999999"), 1,
                           NULL), -1);

    /*
     * if the caller knows no grant, the entry of the member's newest grant
     * counts
     */

    assert_int_equal(put(1, 7, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(put(2001, 1, 10, DEAD, 100), CIGNA_OK);
    assert_int_equal(ahead(1, cigna_slice_null, 0, NULL), 2001);
    assert_int_equal(ahead(1, cigna_slice("0000000000000000000001"), 6, NULL),
                     1);
}


static void
a_deletion_is_ahead_of_each_generation(void **state)
{
    uint64_t  generation;

    (void) state;

    assert_int_equal(put(1001, 0, 0, 0, 100), CIGNA_OK);
    assert_int_equal(ahead(1001, cigna_slice("0000000000000000001001"), 99,
                           &generation), 1001);
    assert_int_equal(generation, 0);
    assert_int_equal(ahead(1001, cigna_slice("9999999999999999999999"), 1,
                           NULL), -1);
}


static void
an_entry_whose_record_has_expired_is_not_ahead(void **state)
{
    cigna_journal_t        j;
    cigna_journal_known_t  known;

    (void) state;

    assert_int_equal(put(1, 5, 10, DEAD, 100), CIGNA_OK);
    j = entry(1, 5, 10);

    known = (cigna_journal_known_t) {
        .tenant = j.tenant, .identity = j.identity, .now_ms = j.until_ms - 1
    };

    assert_int_equal(cigna_journal_ahead(book, &known, copy, &j), CIGNA_OK);
    known.now_ms++;
    assert_int_equal(cigna_journal_ahead(book, &known, copy, &j), CIGNA_NONE);

    known.now_ms = 0;
    known.tenant = cigna_slice("acne");
    assert_int_equal(cigna_journal_ahead(book, &known, copy, &j), CIGNA_NONE);
}


static void
each_entry_of_a_full_journal_is_found(void **state)
{
    int       n;
    unsigned  room;

    (void) state;

    room = fill(DEAD, 100);

    for (n = 100; n < 100 + (int) room; n++) {
        assert_int_equal(ahead(n, cigna_slice_null, 0, NULL), n);
    }

    for (n = 100; n < 100 + (int) room; n += 2) {
        settle(n, 1, cigna_journal_forgotten, 100, 0);
    }

    for (n = 100; n < 100 + (int) room; n++) {
        assert_int_equal(ahead(n, cigna_slice_null, 0, NULL),
                         n % 2 ? n : -1);
    }

    cigna_journal_repair(book);

    for (n = 100; n < 100 + (int) room; n++) {
        assert_int_equal(ahead(n, cigna_slice_null, 0, NULL),
                         n % 2 ? n : -1);
    }
}


static void
an_entry_that_is_too_long_or_names_no_member_is_refused(void **state)
{
    cigna_journal_t  j;

    (void) state;

    assert_int_equal(put(1, 1, CIGNA_JOURNAL_BYTES_MAX - 3, DEAD, 1),
                     CIGNA_NONE);
    assert_int_equal(put(1, 1, CIGNA_JOURNAL_BYTES_MAX - 4, DEAD, 1),
                     CIGNA_OK);

    j = entry(1, 1, 10);
    j.identity.len--;
    assert_int_equal(cigna_journal_put(book, &j, 0, ME, 1, 2), CIGNA_NONE);
    j = entry(1, 1, 10);
    j.id.len++;
    assert_int_equal(cigna_journal_put(book, &j, 0, ME, 1, 2), CIGNA_NONE);
    assert_null(cigna_journal_open(mem, 100));
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
        test(an_entry_belongs_to_its_writer_while_the_writer_lives),
        test(an_entry_that_its_run_left_is_claimed_when_it_is_due),
        test(each_entry_is_written_again_once_after_a_new_connection),
        test(all_entries_can_be_looked_at_in_turn_and_stay_as_they_are),
        test(the_wait_before_a_retry_ends_with_a_new_connection),
        test(a_later_generation_of_a_grant_replaces_an_older_one),
        test(one_member_can_have_entries_about_two_grants),
        test(no_generation_replaces_the_deletion_of_its_grant),
        test(confirmed_entries_go_after_a_minute_and_others_never),
        test(the_oldest_confirmed_entries_make_room),
        test(a_later_generation_is_ahead_of_the_known_record),
        test(an_entry_is_ahead_of_its_own_generation_marked_spent),
        test(an_entry_about_another_grant_is_not_ahead),
        test(a_deletion_is_ahead_of_each_generation),
        test(an_entry_whose_record_has_expired_is_not_ahead),
        test(each_entry_of_a_full_journal_is_found),
        test(an_entry_that_is_too_long_or_names_no_member_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

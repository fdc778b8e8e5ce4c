
#include "support.h"

#include "base/cigna_arena.h"


static cigna_arena_t
arena_of(size_t size)
{
    cigna_arena_t         a;
    static const uint8_t  zeros[256];

    assert_true(size <= sizeof(zeros));

    cigna_arena_init(&a, place_at_page_end(zeros, size), size);

    return a;
}


static int
all_zeros(const cigna_arena_t *a)
{
    const uint8_t  *p;

    for (p = a->start; p < a->end; p++) {
        if (*p) {
            return 0;
        }
    }

    return 1;
}


static int
has_room(cigna_arena_t *a, const char *text)
{
    cigna_slice_t  s;

    if (cigna_arena_copy(a, cigna_slice_str(text), &s) == CIGNA_OK) {
        assert_slice(s, text);
        return 1;
    }

    assert_slice(s, "");

    return 0;
}


static void
a_copy_that_does_not_fit_is_refused(void **state)
{
    cigna_slice_t  s;
    cigna_arena_t  a;

    (void) state;

    a = arena_of(8);

    assert_false(has_room(&a, "abcdefghi"));
    assert_int_equal(cigna_arena_copy(&a, (cigna_slice_t) { a.start, SIZE_MAX },
                                      &s),
                     CIGNA_ERROR);
    assert_true(has_room(&a, "abcdefgh"));
    assert_false(has_room(&a, "i"));
}


static void
an_empty_copy_needs_no_room(void **state)
{
    cigna_slice_t  s;
    cigna_arena_t  a;

    (void) state;

    cigna_arena_init(&a, NULL, 0);

    s = cigna_slice("old");

    assert_int_equal(cigna_arena_copy(&a, cigna_slice_null, &s), CIGNA_OK);
    assert_slice(s, "");
    assert_false(has_room(&a, "a"));
    cigna_arena_wipe(&a);
}


static void
a_copy_outlives_its_original(void **state)
{
    char           text[] = "token";
    cigna_slice_t  s;
    cigna_arena_t  a;

    (void) state;

    a = arena_of(5);

    assert_int_equal(cigna_arena_copy(&a, cigna_slice_str(text), &s),
                     CIGNA_OK);
    memset(text, 'x', sizeof(text) - 1);

    assert_slice(s, "token");
}


static void
an_appender_keeps_the_bytes_appended(void **state)
{
    cigna_buf_t    b;
    cigna_slice_t  first, second;
    cigna_arena_t  a;

    (void) state;

    a = arena_of(32);

    cigna_arena_open(&a, &b);
    cigna_buf_append_str(&b, "first");
    first = cigna_arena_close(&a, &b);

    cigna_arena_open(&a, &b);
    cigna_buf_append_str(&b, "second");
    second = cigna_arena_close(&a, &b);

    assert_slice(first, "first");
    assert_slice(second, "second");
    assert_int_equal(a.end - a.pos, 32 - 11);
}


static void
nothing_is_copied_while_an_appender_is_open(void **state)
{
    cigna_buf_t    b;
    cigna_arena_t  a;

    (void) state;

    a = arena_of(32);

    cigna_arena_open(&a, &b);
    assert_false(has_room(&a, "a"));
    (void) cigna_arena_close(&a, &b);

    assert_true(has_room(&a, "a"));
}


static void
an_appender_that_overflowed_leaves_no_bytes(void **state)
{
    cigna_buf_t    b;
    cigna_arena_t  a;

    (void) state;

    a = arena_of(8);

    cigna_arena_open(&a, &b);
    cigna_buf_append_str(&b, "secret");
    cigna_buf_append_str(&b, "secret");

    assert_slice(cigna_arena_close(&a, &b), "");
    assert_ptr_equal(a.pos, a.start);
    assert_true(all_zeros(&a));
}


static void
a_wipe_reaches_every_copy(void **state)
{
    cigna_arena_t  a;

    (void) state;

    a = arena_of(64);

    assert_true(has_room(&a, "secret"));
    assert_true(has_room(&a, "another secret"));

    cigna_arena_wipe(&a);

    assert_true(all_zeros(&a));
    assert_ptr_equal(a.pos, a.start);
}


static void
a_wipe_reaches_an_appender_that_was_never_closed(void **state)
{
    cigna_buf_t    b;
    cigna_arena_t  a;

    (void) state;

    a = arena_of(64);

    cigna_arena_open(&a, &b);
    cigna_buf_append_str(&b, "secret");
    cigna_arena_wipe(&a);

    assert_true(all_zeros(&a));
    assert_true(has_room(&a, "a"));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_copy_that_does_not_fit_is_refused),
        cmocka_unit_test(an_empty_copy_needs_no_room),
        cmocka_unit_test(a_copy_outlives_its_original),
        cmocka_unit_test(an_appender_keeps_the_bytes_appended),
        cmocka_unit_test(nothing_is_copied_while_an_appender_is_open),
        cmocka_unit_test(an_appender_that_overflowed_leaves_no_bytes),
        cmocka_unit_test(a_wipe_reaches_every_copy),
        cmocka_unit_test(a_wipe_reaches_an_appender_that_was_never_closed)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "support.h"

#include "http/cigna_form.h"


static uint8_t  mem[1024];


static int
get(const char *query, const char *name, cigna_slice_t *value)
{
    cigna_arena_t  arena;

    cigna_arena_init(&arena, mem, sizeof(mem));

    return cigna_form_get(guarded(query), guarded(name), &arena, value);
}


static cigna_slice_t
found(const char *query, const char *name)
{
    cigna_slice_t  value;

    assert_int_equal(get(query, name, &value), CIGNA_OK);

    return value;
}


static void
refused(const char *query, const char *name)
{
    cigna_slice_t  value;

    value = cigna_slice("old");

    assert_int_equal(get(query, name, &value), CIGNA_ERROR);
    assert_slice(value, "");
}


static void
absent(const char *query, const char *name)
{
    cigna_slice_t  value;

    value = cigna_slice("old");

    assert_int_equal(get(query, name, &value), CIGNA_NONE);
    assert_slice(value, "");
}


static cigna_slice_t
without(const char *query)
{
    cigna_buf_t          b;
    const cigna_slice_t  names[] = { cigna_slice("a"), cigna_slice("bc") };

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_form_append_without(&b, guarded(query), names, 2);

    return cigna_buf_slice(&b);
}


static void
a_parameter_is_found_at_any_place(void **state)
{
    (void) state;

    assert_slice(found("code=a&state=b&iss=c", "code"), "a");
    assert_slice(found("code=a&state=b&iss=c", "state"), "b");
    assert_slice(found("code=a&state=b&iss=c", "iss"), "c");
    assert_slice(found("&&code=a&&", "code"), "a");
}


static void
an_absent_parameter_differs_from_an_empty_one(void **state)
{
    (void) state;

    assert_slice(found("code=&state=b", "code"), "");
    assert_slice(found("code&state=b", "code"), "");

    absent("", "code");
    absent("state=b", "code");
    absent("code1=b&cod=c&CODE=d&xcode=e", "code");
    absent("state=code&x=code=1", "code");
}


static void
a_value_is_decoded(void **state)
{
    (void) state;

    assert_slice(found("a=%41%7a%2F%3d", "a"), "Az/=");
    assert_slice(found("a=b+c%2B+", "a"), "b c+ ");
    assert_slice(found("a=b=c", "a"), "b=c");
    assert_slice(found("a=%c3%A4", "a"), "\xc3\xa4");
    assert_slice(found("a=?;#/", "a"), "?;#/");
}


static void
a_name_may_be_encoded(void **state)
{
    (void) state;

    assert_slice(found("%63ode=a", "code"), "a");
    assert_slice(found("a+b=c", "a b"), "c");
    absent("%63od=a", "code");
    absent("code%20=a", "code");
}


static void
a_duplicated_parameter_is_refused(void **state)
{
    (void) state;

    refused("code=a&code=b", "code");
    refused("code=a&state=c&code=a", "code");
    refused("code&code", "code");
}


static void
a_duplicate_that_is_encoded_differently_is_refused(void **state)
{
    (void) state;

    refused("code=a&%63ode=b", "code");
    refused("c%6Fde=a&c%6fde=b", "code");
}


static void
a_broken_escape_in_the_value_is_refused(void **state)
{
    (void) state;

    refused("a=%", "a");
    refused("a=%4", "a");
    refused("a=b%4", "a");
    refused("a=%4g", "a");
    refused("a=%g4", "a");
    refused("a=%%41", "a");
    refused("a=%4&b=1", "a");
}


static void
a_broken_escape_elsewhere_does_not_matter(void **state)
{
    (void) state;

    assert_slice(found("b=%&a=1", "a"), "1");
    assert_slice(found("%=2&a=1", "a"), "1");
    absent("code%=1", "code");
    absent("%6=1", "code");
}


static void
a_nul_byte_is_refused(void **state)
{
    cigna_slice_t  value;
    cigna_arena_t  arena;

    (void) state;

    refused("a=b%00c", "a");
    refused("a=%00", "a");
    absent("a%00=b", "a");

    cigna_arena_init(&arena, mem, sizeof(mem));

    assert_int_equal(cigna_form_get(cigna_slice("a=b\0c"), cigna_slice("a"),
                                    &arena, &value),
                     CIGNA_ERROR);
}


static void
a_value_without_room_is_refused(void **state)
{
    cigna_slice_t  value;
    cigna_arena_t  arena;

    (void) state;

    cigna_arena_init(&arena, place_at_page_end("123", 3), 3);

    assert_int_equal(cigna_form_get(guarded("a=bcde"), guarded("a"), &arena,
                                    &value),
                     CIGNA_ERROR);
    assert_slice(value, "");

    assert_int_equal(cigna_form_get(guarded("a=b%63d"), guarded("a"), &arena,
                                    &value),
                     CIGNA_OK);
    assert_slice(value, "bcd");
}


static void
a_refused_value_takes_no_room(void **state)
{
    cigna_slice_t  value;
    cigna_arena_t  arena;

    (void) state;

    cigna_arena_init(&arena, mem, sizeof(mem));

    assert_int_equal(cigna_form_get(guarded("a=secret%"), guarded("a"), &arena,
                                    &value),
                     CIGNA_ERROR);
    assert_ptr_equal(arena.pos, arena.start);
    assert_int_equal(mem[0], 0);
}


static void
all_but_unreserved_characters_are_encoded(void **state)
{
    unsigned       c;
    uint8_t        byte;
    cigna_buf_t    b;
    cigna_slice_t  s, value;
    cigna_arena_t  arena;

    (void) state;

    for (c = 1; c < 256; c++) {

        byte = (uint8_t) c;

        cigna_buf_init(&b, mem, sizeof(mem) / 2);
        cigna_form_append_pair(&b, b.pos, cigna_slice("a"),
                               cigna_slice_make(&byte, &byte + 1));

        s = cigna_buf_slice(&b);

        assert_int_equal(s.len, strchr("-._~", (int) c)
                                || cigna_slice_alnum(byte) ? 3 : 5);

        cigna_arena_init(&arena, mem + sizeof(mem) / 2, 1);

        assert_int_equal(cigna_form_get(s, cigna_slice("a"), &arena, &value),
                         CIGNA_OK);
        assert_int_equal(value.len, 1);
        assert_int_equal(value.data[0], c);
    }
}


static void
pairs_are_joined_by_ampersands(void **state)
{
    cigna_buf_t     b;
    const uint8_t  *start;

    (void) state;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_buf_append_str(&b, "https://as.example/?");
    start = b.pos;

    cigna_form_append_pair(&b, start, guarded("scope"),
                           guarded("openid patient/*.read"));
    cigna_form_append_pair(&b, start, guarded("a&b"), guarded(""));

    assert_slice(cigna_buf_slice(&b),
                 "https://as.example/?scope=openid%20patient%2F%2A.read"
                 "&a%26b=");
}


static void
pairs_are_left_out_by_name_and_others_do_not_change(void **state)
{
    (void) state;

    assert_slice(without(""), "");
    assert_slice(without("x=1&y=%2f+"), "x=1&y=%2f+");
    assert_slice(without("ab=1&b=2&abc&A=3"), "ab=1&b=2&abc&A=3");
    assert_slice(without("x=a=1&x=bc"), "x=a=1&x=bc");

    assert_slice(without("a=1"), "");
    assert_slice(without("a&bc"), "");
    assert_slice(without("a=1&x=2"), "x=2");
    assert_slice(without("x=2&a=1"), "x=2");
    assert_slice(without("x=2&a=1&bc=3&y=4&a=5"), "x=2&y=4");
    assert_slice(without("%61=1&x=2&b%63=3"), "x=2");

    /* names with a malformed escape match no parameter */

    assert_slice(without("%6=1&%=2"), "%6=1&%=2");
}


static void
all_spellings_of_a_value_are_written_in_one(void **state)
{
    unsigned     i;
    cigna_buf_t  b;

    static const char *const  ways[] = {
        "a b\xc3\xa4/", "a+b%c3%a4%2f", "%61%20%62\xc3%A4%2F", "a%20b%C3%A4/"
    };
    static const char *const  wrong[] = {
        "%", "%4", "a%zz", "%00", "%0a", "\x7f", "\xc3", "%c3a", "%ed%a0%80"
    };

    (void) state;

    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        cigna_buf_init(&b, mem, sizeof(mem));
        assert_int_equal(cigna_form_append_anew(&b, guarded(ways[i])),
                         CIGNA_OK);
        assert_slice(cigna_buf_slice(&b), "a%20b%C3%A4%2F");
    }

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cigna_buf_init(&b, mem, sizeof(mem));
        assert_int_equal(cigna_form_append_anew(&b, guarded(wrong[i])),
                         CIGNA_ERROR);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_parameter_is_found_at_any_place),
        cmocka_unit_test(an_absent_parameter_differs_from_an_empty_one),
        cmocka_unit_test(a_value_is_decoded),
        cmocka_unit_test(a_name_may_be_encoded),
        cmocka_unit_test(a_duplicated_parameter_is_refused),
        cmocka_unit_test(a_duplicate_that_is_encoded_differently_is_refused),
        cmocka_unit_test(a_broken_escape_in_the_value_is_refused),
        cmocka_unit_test(a_broken_escape_elsewhere_does_not_matter),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(a_value_without_room_is_refused),
        cmocka_unit_test(a_refused_value_takes_no_room),
        cmocka_unit_test(all_but_unreserved_characters_are_encoded),
        cmocka_unit_test(pairs_are_joined_by_ampersands),
        cmocka_unit_test(
            pairs_are_left_out_by_name_and_others_do_not_change),
        cmocka_unit_test(all_spellings_of_a_value_are_written_in_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "support.h"


static void
an_empty_slice_may_have_no_pointer(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_eq(cigna_slice_null, cigna_slice("")), 1);
    assert_int_equal(cigna_slice_eq_case(cigna_slice_null, cigna_slice_null),
                     1);
    assert_int_equal(cigna_slice_starts(cigna_slice_null, cigna_slice_null),
                     1);
    assert_int_equal(cigna_slice_starts(cigna_slice_null, cigna_slice("a")),
                     0);
    assert_slice(cigna_slice_trim(cigna_slice_null), "");
    assert_slice(cigna_slice_skip(cigna_slice_null, 3), "");
    assert_slice(cigna_slice_str(NULL), "");
}


static void
a_slice_spans_the_bytes_between_two_pointers(void **state)
{
    const char  text[] = "abcdef";

    (void) state;

    assert_slice(cigna_slice_make(text + 1, text + 4), "bcd");
    assert_slice(cigna_slice_str("abc"), "abc");
}


static void
slices_of_different_length_are_different(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_eq(guarded("abc"), guarded("abc")), 1);
    assert_int_equal(cigna_slice_eq(guarded("abc"), guarded("abcd")), 0);
    assert_int_equal(cigna_slice_eq(guarded("abcd"), guarded("abc")), 0);
    assert_int_equal(cigna_slice_eq(guarded("abc"), guarded("abC")), 0);
}


static void
only_ascii_letters_have_two_cases(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_eq_case(guarded("Bearer"), guarded("bEARER")),
                     1);
    assert_int_equal(cigna_slice_eq_case(guarded("a"), guarded("ab")), 0);

    /*
     * bytes beside the letters in ASCII, and bytes whose lower 5 bits are equal
     */

    assert_int_equal(cigna_slice_eq_case(guarded("@"), guarded("`")), 0);
    assert_int_equal(cigna_slice_eq_case(guarded("["), guarded("{")), 0);
    assert_int_equal(cigna_slice_eq_case(guarded("\xc9"), guarded("\xe9")), 0);
    assert_int_equal(cigna_slice_lower('Z'), 'z');
    assert_int_equal(cigna_slice_lower('['), '[');
}


static void
a_prefix_longer_than_the_slice_does_not_match(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_starts(guarded("abc"), guarded("ab")), 1);
    assert_int_equal(cigna_slice_starts(guarded("abc"), guarded("abc")), 1);
    assert_int_equal(cigna_slice_starts(guarded("abc"), guarded("abcd")), 0);
    assert_int_equal(cigna_slice_starts(guarded("abc"), guarded("b")), 0);
}


static void
an_end_longer_than_the_slice_does_not_match(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_ends(guarded("abc"), guarded("bc")), 1);
    assert_int_equal(cigna_slice_ends(guarded("abc"), guarded("abc")), 1);
    assert_int_equal(cigna_slice_ends(guarded("abc"), guarded("zabc")), 0);
    assert_int_equal(cigna_slice_ends(guarded("abc"), guarded("b")), 0);
    assert_int_equal(cigna_slice_ends(guarded("abc"), guarded("BC")), 0);
    assert_int_equal(cigna_slice_ends(guarded("abc"), cigna_slice_null), 1);

    assert_int_equal(cigna_slice_ends_case(guarded("aBc"), guarded("bC")), 1);
    assert_int_equal(cigna_slice_ends_case(guarded("abc"), guarded("zabc")), 0);
    assert_int_equal(cigna_slice_ends_case(guarded("abc"), guarded("ab")), 0);
}


static void
a_byte_is_found_if_it_is_there(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_has(guarded("abc"), 'c'), 1);
    assert_int_equal(cigna_slice_has(guarded("abc"), 'd'), 0);
    assert_int_equal(cigna_slice_has(guarded("abc"), '\0'), 0);
    assert_int_equal(cigna_slice_has(cigna_slice_null, '\0'), 0);
}


static void
a_cut_stops_at_the_first_separator(void **state)
{
    cigna_slice_t  s;

    (void) state;

    s = guarded("a;;bc");

    assert_slice(cigna_slice_cut(&s, ';'), "a");
    assert_slice(cigna_slice_cut(&s, ';'), "");
    assert_slice(s, "bc");
    assert_slice(cigna_slice_cut(&s, ';'), "bc");
    assert_slice(s, "");
    assert_slice(cigna_slice_cut(&s, ';'), "");
}


static void
a_skip_goes_no_further_than_the_end(void **state)
{
    (void) state;

    assert_slice(cigna_slice_skip(guarded("abc"), 1), "bc");
    assert_slice(cigna_slice_skip(guarded("abc"), 3), "");
    assert_slice(cigna_slice_skip(guarded("abc"), SIZE_MAX), "");
}


static void
a_trim_removes_spaces_and_tabs_only(void **state)
{
    (void) state;

    assert_slice(cigna_slice_trim(guarded(" \ta b\t ")), "a b");
    assert_slice(cigna_slice_trim(guarded(" \t ")), "");
    assert_slice(cigna_slice_trim(guarded("\r\na\n")), "\r\na\n");
}


static void
letters_digits_and_token_characters_are_recognised(void **state)
{
    uint8_t   byte;
    unsigned  c;

    (void) state;

    for (c = 0; c < 256; c++) {
        assert_int_equal(cigna_slice_alnum((uint8_t) c),
                         c && strchr("0123456789abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ", (int) c)
                         != NULL);
        byte = (uint8_t) c;
        assert_int_equal(cigna_slice_only((cigna_slice_t) { &byte, 1 },
                                          CIGNA_SLICE_TOKEN),
                         cigna_slice_alnum((uint8_t) c)
                         || (c && strchr("!#$%&'*+-.^_`|~", (int) c) != NULL));
    }

    assert_int_equal(cigna_slice_hex('0'), 0);
    assert_int_equal(cigna_slice_hex('9'), 9);
    assert_int_equal(cigna_slice_hex('a'), 10);
    assert_int_equal(cigna_slice_hex('F'), 15);
    assert_int_equal(cigna_slice_hex('g'), -1);
    assert_int_equal(cigna_slice_hex('G'), -1);
    assert_int_equal(cigna_slice_hex('/'), -1);
    assert_int_equal(cigna_slice_hex(':'), -1);
    assert_int_equal(cigna_slice_hex('\0'), -1);
}


static void
a_span_ends_before_the_first_other_byte(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_span(guarded("aZ09"), ""), 4);
    assert_int_equal(cigna_slice_span(guarded("a-b_c"), "-"), 3);
    assert_int_equal(cigna_slice_span(guarded("\na"), "-"), 0);
    assert_int_equal(cigna_slice_span(cigna_slice_null, "-"), 0);

    assert_int_equal(cigna_slice_only(guarded("a-b"), "-"), 1);
    assert_int_equal(cigna_slice_only(guarded("a-b"), "_"), 0);
    assert_int_equal(cigna_slice_only(cigna_slice_null, ""), 1);
}


static void
an_escape_needs_a_percent_sign_and_two_digits(void **state)
{
    (void) state;

    assert_int_equal(cigna_slice_escaped(guarded("%2fx")), '/');
    assert_int_equal(cigna_slice_escaped(guarded("%FF")), 0xff);
    assert_int_equal(cigna_slice_escaped(guarded("%00")), 0);
    assert_int_equal(cigna_slice_escaped(guarded("%2")), -1);
    assert_int_equal(cigna_slice_escaped(guarded("%2g")), -1);
    assert_int_equal(cigna_slice_escaped(guarded("x2f")), -1);
    assert_int_equal(cigna_slice_escaped(cigna_slice_null), -1);
}


static void
one_slash_at_the_end_is_left_out(void **state)
{
    (void) state;

    assert_slice(cigna_slice_no_slash(guarded("/a/")), "/a");
    assert_slice(cigna_slice_no_slash(guarded("/a//")), "/a/");
    assert_slice(cigna_slice_no_slash(guarded("/a")), "/a");
    assert_slice(cigna_slice_no_slash(guarded("/")), "");
    assert_slice(cigna_slice_no_slash(cigna_slice_null), "");
}


static uint64_t
number(const char *text, uint64_t max)
{
    uint64_t  n;

    assert_int_equal(cigna_slice_uint(guarded(text), max, &n), CIGNA_OK);

    return n;
}


static void
refused(const char *text, uint64_t max)
{
    uint64_t  n;

    n = 42;

    assert_int_equal(cigna_slice_uint(guarded(text), max, &n), CIGNA_ERROR);
    assert_int_equal(n, 42);
}


static void
a_number_is_digits_only(void **state)
{
    (void) state;

    assert_int_equal(number("0", 0), 0);
    assert_int_equal(number("007", 7), 7);
    assert_int_equal(number("3599", 10000), 3599);

    refused("", 10);
    refused("+1", 10);
    refused("-1", 10);
    refused(" 1", 10);
    refused("1 ", 10);
    refused("1.0", 10);
    refused("0x1", 10);
    refused("a", 10);
}


static void
a_number_over_its_bound_is_refused(void **state)
{
    (void) state;

    assert_int_equal(number("10", 10), 10);
    refused("11", 10);
    refused("9", 5);
    refused("1", 0);

    assert_true(number("18446744073709551615", UINT64_MAX) == UINT64_MAX);
    refused("18446744073709551616", UINT64_MAX);
    refused("99999999999999999999999999999999", UINT64_MAX);
}


static void
hexadecimal_numbers_are_bounded_too(void **state)
{
    uint64_t  n;

    (void) state;

    assert_int_equal(cigna_slice_uint_hex(guarded("1aF"), 0x1af, &n),
                     CIGNA_OK);
    assert_int_equal(n, 0x1af);
    assert_int_equal(cigna_slice_uint_hex(guarded("1b0"), 0x1af, &n),
                     CIGNA_ERROR);
    assert_int_equal(cigna_slice_uint_hex(guarded("1g"), 0x1af, &n),
                     CIGNA_ERROR);
    assert_int_equal(cigna_slice_uint_hex(guarded(""), 0x1af, &n),
                     CIGNA_ERROR);
    assert_int_equal(cigna_slice_uint_hex(guarded("10000000000000000"),
                                          UINT64_MAX, &n),
                     CIGNA_ERROR);
}


static void
a_character_of_utf8_has_one_to_four_bytes(void **state)
{
    unsigned  i;

    static const char *const  wrong[] = {
        "", "\x80", "\xbf", "\xc3", "\xc3" "a", "\xc0\xae", "\xc1\x81",
        "\xe0\x80\xae", "\xe2\x82", "\xed\xa0\x80", "\xf0\x80\x80\xae",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff"
    };

    (void) state;

    assert_int_equal(cigna_slice_utf8(guarded("ab")), 1);
    assert_int_equal(cigna_slice_utf8(guarded("\xc3\xa4" "b")), 2);
    assert_int_equal(cigna_slice_utf8(guarded("\xe2\x82\xac")), 3);
    assert_int_equal(cigna_slice_utf8(guarded("\xf0\x9f\x98\x80")), 4);
    assert_int_equal(cigna_slice_utf8(guarded("\xf4\x8f\xbf\xbf")), 4);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(cigna_slice_utf8(guarded(wrong[i])), 0);
    }
}


static void
a_field_name_matches_in_any_case(void **state)
{
    size_t   at, len;
    int      c;
    uint8_t  text[20];

    static const char  names[] = "x-http2-settings-id1";

    (void) state;

    for (len = 0; len <= sizeof(text); len++) {
        for (at = 0; at < len; at++) {
            for (c = 0; c < 256; c++) {

                memcpy(text, names, len);
                text[at] = (uint8_t) c;

                assert_int_equal(cigna_slice_named(
                                     cigna_slice_make(text, text + len), names),
                                 cigna_slice_lower((uint8_t) c)
                                 == (uint8_t) names[at]);
            }
        }
    }

    assert_true(cigna_slice_named(guarded("X-HTTP2-Settings"), names));
    assert_true(cigna_slice_named(cigna_slice_null, names));
}


static void
a_field_value_has_no_control_bytes(void **state)
{
    int      c;
    size_t   at, len;
    uint8_t  text[20];

    (void) state;

    for (len = 1; len <= sizeof(text); len++) {
        for (at = 0; at < len; at++) {
            for (c = 0; c < 256; c++) {

                memset(text, at % 2 ? 0xff : '~', sizeof(text));
                text[at] = (uint8_t) c;

                assert_int_equal(cigna_slice_plain(
                                     cigna_slice_make(text, text + len)),
                                 (c >= 0x20 || c == '\t') && c != 0x7f);
            }
        }
    }

    assert_true(cigna_slice_plain(cigna_slice_null));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_empty_slice_may_have_no_pointer),
        cmocka_unit_test(a_slice_spans_the_bytes_between_two_pointers),
        cmocka_unit_test(slices_of_different_length_are_different),
        cmocka_unit_test(only_ascii_letters_have_two_cases),
        cmocka_unit_test(a_prefix_longer_than_the_slice_does_not_match),
        cmocka_unit_test(an_end_longer_than_the_slice_does_not_match),
        cmocka_unit_test(a_byte_is_found_if_it_is_there),
        cmocka_unit_test(a_cut_stops_at_the_first_separator),
        cmocka_unit_test(a_skip_goes_no_further_than_the_end),
        cmocka_unit_test(a_trim_removes_spaces_and_tabs_only),
        cmocka_unit_test(letters_digits_and_token_characters_are_recognised),
        cmocka_unit_test(a_span_ends_before_the_first_other_byte),
        cmocka_unit_test(an_escape_needs_a_percent_sign_and_two_digits),
        cmocka_unit_test(one_slash_at_the_end_is_left_out),
        cmocka_unit_test(a_number_is_digits_only),
        cmocka_unit_test(a_number_over_its_bound_is_refused),
        cmocka_unit_test(hexadecimal_numbers_are_bounded_too),
        cmocka_unit_test(a_character_of_utf8_has_one_to_four_bytes),
        cmocka_unit_test(a_field_name_matches_in_any_case),
        cmocka_unit_test(a_field_value_has_no_control_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

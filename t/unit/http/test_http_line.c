
#include "support.h"

#include "http/cigna_http_line.h"


static void
a_line_is_awaited_to_its_end(void **state)
{
    cigna_slice_t       line, text;
    cigna_http_lines_t  l = { 0 };

    (void) state;

    text = guarded("ab\r\n\r\nc\n");

    assert_int_equal(cigna_http_line_next(&l, NULL, 0, &line), CIGNA_AGAIN);
    assert_int_equal(cigna_http_line_next(&l, text.data, 3, &line),
                     CIGNA_AGAIN);
    assert_int_equal(cigna_http_line_next(&l, text.data, 4, &line), CIGNA_OK);
    assert_slice(line, "ab");

    assert_int_equal(cigna_http_line_next(&l, text.data, 6, &line), CIGNA_OK);
    assert_slice(line, "");

    assert_int_equal(cigna_http_line_next(&l, text.data, text.len, &line),
                     CIGNA_OK);
    assert_slice(line, "c");

    assert_int_equal(cigna_http_line_next(&l, text.data, text.len, &line),
                     CIGNA_AGAIN);
}


static void
no_byte_is_searched_twice(void **state)
{
    uint8_t             text[] = "abcd\n";
    cigna_slice_t       line;
    cigna_http_lines_t  l = { 0 };

    (void) state;

    assert_int_equal(cigna_http_line_next(&l, text, 4, &line), CIGNA_AGAIN);

    /*
     * the test changes a byte that was read before: the parser must not read it
     * again
     */

    text[1] = '\n';

    assert_int_equal(cigna_http_line_next(&l, text, 5, &line), CIGNA_ERROR);
}


static void
a_section_is_bounded_from_its_start(void **state)
{
    cigna_slice_t       line;
    cigna_http_lines_t  l = { 0 };
    static uint8_t      text[CIGNA_HTTP_SECTION_MAX + 11];

    (void) state;

    memset(text, 'a', sizeof(text));
    text[CIGNA_HTTP_SECTION_MAX] = '\n';

    assert_int_equal(cigna_http_line_next(&l, text, sizeof(text), &line),
                     CIGNA_ERROR);

    l = (cigna_http_lines_t) { 0 };
    cigna_http_line_skip(&l, 1);

    assert_int_equal(cigna_http_line_next(&l, text, sizeof(text), &line),
                     CIGNA_OK);
    assert_int_equal(line.len, CIGNA_HTTP_SECTION_MAX - 1);

    assert_int_equal(cigna_http_line_next(&l, text, sizeof(text), &line),
                     CIGNA_ERROR);
}


static void
a_header_line_has_a_name_and_a_value(void **state)
{
    cigna_slice_t  name, value;

    (void) state;

    assert_int_equal(cigna_http_line_split(guarded("Name:\t a: b "), &name,
                                           &value),
                     CIGNA_OK);
    assert_slice(name, "Name");
    assert_slice(value, "a: b");

    assert_int_equal(cigna_http_line_split(guarded("Name:"), &name, &value),
                     CIGNA_OK);
    assert_slice(value, "");
}


static void
a_name_that_is_not_a_token_is_refused(void **state)
{
    size_t              i;
    cigna_slice_t       name, value;
    static const char  *lines[] = { "", "Name", ":a", "Na me: a", "Name : a",
                                    " Name: a", "\tName: a", "N(a)me: a" };

    (void) state;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(cigna_http_line_split(guarded(lines[i]), &name,
                                               &value),
                         CIGNA_ERROR);
    }

    assert_int_equal(cigna_http_line_split(cigna_slice("N\0: a"), &name,
                                           &value),
                     CIGNA_ERROR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_line_is_awaited_to_its_end),
        cmocka_unit_test(no_byte_is_searched_twice),
        cmocka_unit_test(a_section_is_bounded_from_its_start),
        cmocka_unit_test(a_header_line_has_a_name_and_a_value),
        cmocka_unit_test(a_name_that_is_not_a_token_is_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

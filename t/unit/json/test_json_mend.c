
#include <stdio.h>

#include "support.h"

#include "json/cigna_json_mend.h"


#define HOLE  "\xef\xbf\xbd"


static uint8_t  mem[4096];


/* mends a text, with an output buffer of "size" bytes */

static cigna_slice_t
mended_by(cigna_slice_t text, size_t size)
{
    size_t             n, len;
    cigna_json_mend_t  m;

    cigna_json_mend_init(&m, text);

    for (len = 0; len + size <= sizeof(mem); len += n) {

        n = cigna_json_mend_next(&m, mem + len, size);

        if (n == 0) {
            break;
        }
    }

    assert_int_equal(m.rest.len, 0);

    return cigna_slice_make(mem, mem + len);
}


static void
mended(cigna_slice_t text, const char *expected)
{
    size_t  size;

    for (size = CIGNA_JSON_MEND_UNIT; size < 48; size++) {
        assert_slice(mended_by(text, size), expected);
    }
}


static void
kept(const char *text)
{
    mended(guarded(text), text);
}


static void
well_formed_json_is_not_changed(void **state)
{
    (void) state;

    kept("");
    kept("{}");
    kept(" {\"a\" :\t[1, -2.5e+10, 0, 0.1, 1E-9, true, false, null]}\r\n");
    kept("{\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\":\"\"}");
    kept("{\"a\":\"\x7f\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}");
    kept("{\"a\":\"true 01 tru\\\\\"}");
}


static void
a_byte_order_mark_is_left_out(void **state)
{
    (void) state;

    mended(guarded("\xef\xbb\xbf{}"), "{}");
    mended(guarded("\xef\xbb\xbf"), "");
    kept("{\"\xef\xbb\xbf\":1}");
}


static void
bytes_that_are_not_utf_8_are_replaced_in_strings(void **state)
{
    (void) state;

    mended(guarded("\"M\xfcller\""), "\"M" HOLE "ller\"");
    mended(guarded("\"a\xc3\",1"), "\"a" HOLE "\",1");
    mended(guarded("\"\xed\xa0\x80\""), "\"" HOLE HOLE HOLE "\"");
    mended(guarded("\"\xff"), "\"" HOLE);

    kept("\xff");
    kept("{\xff}");
}


static void
control_bytes_are_replaced_in_strings(void **state)
{
    (void) state;

    mended(guarded("{\"a\nb\":\"\t\"}\n"), "{\"a" HOLE "b\":\"" HOLE "\"}\n");
    mended(cigna_slice("\"\0\""), "\"" HOLE "\"");
}


static void
escapes_without_a_character_are_replaced(void **state)
{
    (void) state;

    mended(guarded("\"\\u0000\""), "\"" HOLE "\"");
    mended(guarded("\"\\ud83d\""), "\"" HOLE "\"");
    mended(guarded("\"\\ude00\\ud83d\""), "\"" HOLE HOLE "\"");
    mended(guarded("\"\\ud83d\\u0041\""), "\"" HOLE "\\u0041\"");
    mended(guarded("\"\\'\\x41\""), "\"" HOLE HOLE "41\"");
    mended(guarded("\"\\u12\""), "\"" HOLE "12\"");
    mended(guarded("\"\\u\",\"\\"), "\"" HOLE "\",\"\\");
    mended(guarded("\"\\\xc3\xa4\""), "\"" HOLE HOLE "\"");
}


static void
words_that_json_does_not_have_become_null(void **state)
{
    unsigned  i;
    char      text[64], expected[64];

    static const char *const  scalars[] = {
        "tru", "nul", "nulls", "01", "-", "-01", "1.", "1.e1", ".5", "+1",
        "1e", "1e+", "1e100", "1e-100", "1e+5000", "1-1", "0x1", "1.2.3",
        "999999999999999999999999999999999",
    };

    (void) state;

    for (i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        (void) snprintf(text, sizeof(text), "{\"a\":%s}", scalars[i]);
        (void) snprintf(expected, sizeof(expected), "{\"a\":%s}", "null");
        mended(guarded(text), expected);
    }

    kept("99999999999999999999999999999999");
    kept("-1.5e-99");
    kept("NULL");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(well_formed_json_is_not_changed),
        cmocka_unit_test(a_byte_order_mark_is_left_out),
        cmocka_unit_test(bytes_that_are_not_utf_8_are_replaced_in_strings),
        cmocka_unit_test(control_bytes_are_replaced_in_strings),
        cmocka_unit_test(escapes_without_a_character_are_replaced),
        cmocka_unit_test(words_that_json_does_not_have_become_null)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

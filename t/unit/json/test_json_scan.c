
#include "support.h"

#include "json/cigna_json_scan.h"


/* the longest text, in which bytes are tried at each offset */

#define LEN  40


static void
a_run_ends_at_quote_backslash_and_control_bytes(void **state)
{
    size_t          i, len;
    unsigned        c;
    uint8_t         text[LEN];
    const uint8_t  *p;

    (void) state;

    for (len = 1; len <= LEN; len++) {
        for (i = 0; i < len; i++) {
            for (c = 0; c < 256; c++) {

                memset(text, 'a', len);
                text[i] = (uint8_t) c;

                p = cigna_json_run(text, text + len);

                if (c < 0x20 || c == '"' || c == '\\') {
                    assert_ptr_equal(p, text + i);

                } else {
                    assert_ptr_equal(p, text + len);
                }
            }
        }
    }
}


static void
a_run_ends_at_the_first_such_byte(void **state)
{
    size_t   i, k;
    uint8_t  text[LEN];

    (void) state;

    for (i = 0; i < LEN; i++) {
        for (k = i; k < LEN; k++) {
            memset(text, '#', LEN);
            text[i] = '"';
            text[k] = '\\';
            assert_ptr_equal(cigna_json_run(text, text + LEN), text + i);
        }
    }
}


static void
white_space_ends_at_anything_else(void **state)
{
    size_t   i;
    uint8_t  text[LEN];

    static const char  spaces[] = " \t\r\n";

    (void) state;

    for (i = 0; i < LEN; i++) {
        memset(text, ' ', LEN);
        text[i / 2] = (uint8_t) spaces[i % 4];
        text[i] = (i % 2) ? '{' : '\f';
        assert_ptr_equal(cigna_json_space(text, text + LEN), text + i);
    }

    memset(text, ' ', LEN);
    assert_ptr_equal(cigna_json_space(text, text + LEN), text + LEN);
}


static void
nothing_past_the_end_is_read(void **state)
{
    size_t         len;
    uint8_t       *p;
    uint8_t        text[LEN];

    (void) state;

    for (len = 0; len < LEN; len++) {
        memset(text, ' ', LEN);
        p = place_at_page_end(text, len);
        assert_ptr_equal(cigna_json_run(p, p + len), p + len);
        assert_ptr_equal(cigna_json_space(p, p + len), p + len);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_run_ends_at_quote_backslash_and_control_bytes),
        cmocka_unit_test(a_run_ends_at_the_first_such_byte),
        cmocka_unit_test(white_space_ends_at_anything_else),
        cmocka_unit_test(nothing_past_the_end_is_read)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

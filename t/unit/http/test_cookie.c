
#include "support.h"

#include "http/cigna_cookie.h"


#define TAG     "Ab0-_xyZ"
#define SECRET  "0123456789-_ABCDEFGHij"


static uint8_t  mem[512];


static cigna_cookie_t
cookie(void)
{
    return (cigna_cookie_t) { cigna_slice(TAG), cigna_slice(SECRET),
                              1700000000 };
}


static cigna_slice_t
written(const cigna_cookie_t *c, int https, unsigned life_s)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_cookie_append(&b, c, https, life_s);

    return cigna_buf_slice(&b);
}


static int
parse(const char *name, const char *value, int https)
{
    cigna_cookie_t  c;

    return cigna_cookie_parse(guarded(name), guarded(value), https, &c);
}


static void
pairs_of_a_cookie_line_are_read_one_by_one(void **state)
{
    cigna_slice_t  rest, name, value;

    (void) state;

    rest = guarded("a=b; c=d=e;f=; g = \"h i\" ");

    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_OK);
    assert_slice(name, "a");
    assert_slice(value, "b");

    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_OK);
    assert_slice(name, "c");
    assert_slice(value, "d=e");

    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_OK);
    assert_slice(name, "f");
    assert_slice(value, "");

    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_OK);
    assert_slice(name, "g");
    assert_slice(value, "\"h i\"");

    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_NONE);
}


static void
malformed_pairs_are_skipped(void **state)
{
    cigna_slice_t  rest, name, value;

    (void) state;

    rest = guarded(";; ;novalue; =noname;a=b;=;\t");

    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_OK);
    assert_slice(name, "a");
    assert_slice(value, "b");

    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_NONE);
    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_NONE);
}


static void
a_line_without_cookies_has_no_pairs(void **state)
{
    cigna_slice_t  rest, name, value;

    (void) state;

    rest = guarded("");
    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_NONE);

    rest = cigna_slice_null;
    assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_NONE);
}


static void
a_dance_cookie_on_https_has_the_host_prefix(void **state)
{
    cigna_cookie_t  c = cookie();

    (void) state;

    assert_slice(written(&c, 1, CIGNA_COOKIE_LIFE_S),
                 "__Host-cigna-" TAG "=s44we8." SECRET "; Path=/; Max-Age=1800"
                 "; HttpOnly; SameSite=Lax; Secure");
}


static void
a_dance_cookie_on_http_has_neither_prefix_nor_secure(void **state)
{
    cigna_cookie_t  c = cookie();

    (void) state;

    assert_slice(written(&c, 0, CIGNA_COOKIE_LIFE_S),
                 "cigna-" TAG "=s44we8." SECRET "; Path=/; Max-Age=1800"
                 "; HttpOnly; SameSite=Lax");
}


static void
a_cookie_that_is_removed_has_no_value(void **state)
{
    cigna_cookie_t  c = cookie();

    (void) state;

    assert_slice(written(&c, 1, 0),
                 "__Host-cigna-" TAG "=; Path=/; Max-Age=0"
                 "; HttpOnly; SameSite=Lax; Secure");
}


static void
a_cookie_is_read_as_it_was_written(void **state)
{
    size_t           i;
    cigna_slice_t    rest, name, value;
    cigna_cookie_t   c = cookie(), back;
    const uint64_t   times[] = { 0, 1, 35, 36, 1700000000, 4102444800 };

    (void) state;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {

        c.started_s = times[i];
        rest = written(&c, 1, 1);

        assert_int_equal(cigna_cookie_next(&rest, &name, &value), CIGNA_OK);
        assert_true(name.len + value.len < 100);

        assert_int_equal(cigna_cookie_parse(name, value, 1, &back), CIGNA_OK);
        assert_slice(back.tag, TAG);
        assert_slice(back.secret, SECRET);
        assert_int_equal(back.started_s, times[i]);
    }
}


static void
cookies_of_the_other_scheme_are_refused(void **state)
{
    (void) state;

    assert_int_equal(parse("__Host-cigna-" TAG, "1." SECRET, 1), CIGNA_OK);
    assert_int_equal(parse("cigna-" TAG, "1." SECRET, 0), CIGNA_OK);

    assert_int_equal(parse("cigna-" TAG, "1." SECRET, 1), CIGNA_ERROR);
    assert_int_equal(parse("__Host-cigna-" TAG, "1." SECRET, 0), CIGNA_ERROR);
}


static void
other_cookie_names_are_refused(void **state)
{
    (void) state;

    assert_int_equal(parse("", "1." SECRET, 1), CIGNA_ERROR);
    assert_int_equal(parse("session", "1." SECRET, 1), CIGNA_ERROR);
    assert_int_equal(parse("__Host-cigna-", "1." SECRET, 1), CIGNA_ERROR);
    assert_int_equal(parse("__Host-cigna-" TAG "x", "1." SECRET, 1),
                     CIGNA_ERROR);
    assert_int_equal(parse("__Host-cigna-Ab0-_xy", "1." SECRET, 1),
                     CIGNA_ERROR);
    assert_int_equal(parse("__Host-cigna-Ab0-_xy\"", "1." SECRET, 1),
                     CIGNA_ERROR);
    assert_int_equal(parse("__host-cigna-" TAG, "1." SECRET, 1), CIGNA_ERROR);
}


static void
other_cookie_values_are_refused(void **state)
{
    (void) state;

    assert_int_equal(parse("cigna-" TAG, "", 0), CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, SECRET, 0), CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, "." SECRET, 0), CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, "1.", 0), CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, "1.0123456789ABCDEFGHijk", 0),
                     CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, "1." SECRET "." SECRET, 0),
                     CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, "1." SECRET "\x01", 0), CIGNA_ERROR);

    /* secrets of 64 and 65 characters */

    assert_int_equal(parse("cigna-" TAG, "1." SECRET SECRET
                           "0123456789-_ABCDEFGH", 0),
                     CIGNA_OK);
    assert_int_equal(parse("cigna-" TAG, "1." SECRET SECRET
                           "0123456789-_ABCDEFGHi", 0),
                     CIGNA_ERROR);
}


static void
a_bad_start_time_is_refused(void **state)
{
    (void) state;

    assert_int_equal(parse("cigna-" TAG, "zzzzzzzzzz." SECRET, 0), CIGNA_OK);
    assert_int_equal(parse("cigna-" TAG, "10000000000." SECRET, 0),
                     CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, "S44WE8." SECRET, 0), CIGNA_ERROR);
    assert_int_equal(parse("cigna-" TAG, "-1." SECRET, 0), CIGNA_ERROR);
}


static void
a_nul_byte_is_not_a_digit(void **state)
{
    cigna_cookie_t  c;

    (void) state;

    assert_int_equal(cigna_cookie_parse(cigna_slice("cigna-" TAG),
                                        cigna_slice("1\0." SECRET), 0, &c),
                     CIGNA_ERROR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(pairs_of_a_cookie_line_are_read_one_by_one),
        cmocka_unit_test(malformed_pairs_are_skipped),
        cmocka_unit_test(a_line_without_cookies_has_no_pairs),
        cmocka_unit_test(a_dance_cookie_on_https_has_the_host_prefix),
        cmocka_unit_test(a_dance_cookie_on_http_has_neither_prefix_nor_secure),
        cmocka_unit_test(a_cookie_that_is_removed_has_no_value),
        cmocka_unit_test(a_cookie_is_read_as_it_was_written),
        cmocka_unit_test(cookies_of_the_other_scheme_are_refused),
        cmocka_unit_test(other_cookie_names_are_refused),
        cmocka_unit_test(other_cookie_values_are_refused),
        cmocka_unit_test(a_bad_start_time_is_refused),
        cmocka_unit_test(a_nul_byte_is_not_a_digit)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

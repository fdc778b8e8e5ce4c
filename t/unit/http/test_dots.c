
#include "support.h"

#include "http/cigna_dots.h"


static int
end_of(cigna_slice_t path, cigna_dots_t *dots)
{
    size_t  i;

    cigna_dots_init(dots);

    for (i = 0; i < path.len; i++) {
        cigna_dots_next(dots, path.data[i]);
    }

    return cigna_dots_end(dots);
}


/* like end_of(), but skips plain bytes by cigna_dots_run() */

static int
end_of_run(cigna_slice_t path)
{
    size_t        n;
    cigna_dots_t  dots;

    cigna_dots_init(&dots);

    while (path.len) {

        n = cigna_dots_run(&dots, path.data, path.data + path.len);

        if (n == 0) {
            cigna_dots_next(&dots, path.data[0]);
            n = 1;
        }

        path = cigna_slice_skip(path, n);
    }

    return cigna_dots_end(&dots);
}


static void
judged(cigna_slice_t path, int expected)
{
    cigna_dots_t  dots;

    if (end_of(path, &dots) != expected || end_of_run(path) != expected) {
        fail_msg("\"%.*s\" is %s", (int) path.len, (const char *) path.data,
                 expected ? "plain" : "dots");
    }
}


static void
each(const char *const *paths, size_t n, int expected)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        judged(guarded(paths[i]), expected);
    }

    support_release();
}


#define dots(...)                                                             \
    do {                                                                      \
        static const char *const  paths[] = { __VA_ARGS__ };                  \
        each(paths, sizeof(paths) / sizeof(paths[0]), 1);                     \
    } while (0)

#define plain(...)                                                            \
    do {                                                                      \
        static const char *const  paths[] = { __VA_ARGS__ };                  \
        each(paths, sizeof(paths) / sizeof(paths[0]), 0);                     \
    } while (0)


static void
one_dot_and_two_dots_are_dot_segments_anywhere(void **state)
{
    (void) state;

    dots(".", "..", "/.", "/..", "/../", "/./a", "/a/..", "/a/../b", "/a/.",
         "//..//", "../a", "/a/b/c/./d");
}


static void
names_with_dots_are_not_dot_segments(void **state)
{
    (void) state;

    plain("", "/", "//", "/a", "/a/b/", "/.a", "/..a", "/a.", "/a..", "/...",
          "/a.b/c", "/.../a", "/.well-known/smart-configuration", "/a/b..c",
          "/Patient/1/$everything", "/a..b/c.", "/a;b=../c..", "/;x", "/;..");
}


static void
escapes_are_decoded_again_and_again(void **state)
{
    (void) state;

    dots("/%2e", "/%2E%2e/", "/.%2e", "/%2e./a", "/%252e", "/%2e%252e",
         "/.%252E/a", "/%25252e%2e", "/%2525252525252e/a", "/%25%32%65/",
         "/%%32e", "/%2%65", "/%%32%65/", "/%25%32e", "/%2525%32%65");

    plain("/100%25", "/100%25%20off", "/%25", "/%2541", "/%252ea", "/a%252e",
          "/%", "/%2", "/%e", "/%zz", "/%2g", "/%25%25", "/50%25..", "/%.",
          "/%2.", "/%252", "/%26", "/%c3%a4/%7C");
}


static void
both_slashes_separate_segments_escaped_or_not(void **state)
{
    (void) state;

    dots("/a\\..\\b", "\\..", "/a\\.", "/a%2f..%2fb", "/a%2F..", "/..%2f",
         "/a%5c..%5Cb", "/..%255c", "/%252e%252f", "/a%25252f.%2e");

    plain("/a\\b", "/a%2fb", "/a%5c%5c", "/a%252f%252fb", "/..a%2f");
}


static void
parameters_are_not_part_of_a_segments_name(void **state)
{
    (void) state;

    dots("/..;x", "/.;/a", "/..;x=y/a", "/..%3bx", "/..%253Bx", "/%2e.%3b",
         "/..%3fx", "/..%23x/", "/..%253f");

    plain("/a;..", "/...;x", "/a%3f..", "/a;x/b");
}


static void
bytes_that_browsers_drop_are_skipped(void **state)
{
    (void) state;

    dots("/.\t.", "/\t..", "/..\n", "/.\r\n./a", "/.. ", "/%09..", "/..%20",
         "/.%0a.", "/..%00", "/..%00x", "/ ..", "/\x01.");

    plain("/a\t..", "/a b", "/a%20..", "/%20", "/\t", "/\x7f..", "/..\x7f");
    judged((cigna_slice_t) { (const uint8_t *) "/..\0x/", 6 }, 1);
    judged((cigna_slice_t) { (const uint8_t *) "/\0..", 4 }, 1);
}


static void
an_overlong_character_counts_as_a_dot_segment(void **state)
{
    (void) state;

    dots("/%c0%ae", "/\xc0\xae/", "/%C1%9C", "/%e0%80%ae", "/%f0%80%80%ae",
         "/%25c0%25ae", "/a%c0%afb");

    plain("/%c3%a4", "/\xc3\xa4", "/%e0%a0%80", "/%f0%90%80%80", "/%e0a",
          "/\xe2\x82\xac", "/%f0/%80");
}


static void
too_many_nested_escapes_count_as_a_dot_segment(void **state)
{
    (void) state;

    plain("/%%%%%%%%", "/%%%%%%%%x", "/%%%%%%%a");
    dots("/%%%%%%%%%", "/%%%%%%%%a", "/a/%%%%%%%%%%/b", "/%2%2%2%2%2",
         "/%25%30%6%%5%30%6%%5a");
}


static void
an_escaped_slash_is_reported(void **state)
{
    cigna_dots_t  d;

    (void) state;

    assert_int_equal(end_of(guarded("a%2fb"), &d), 0);
    assert_int_equal(d.separated, 1);
    assert_int_equal(end_of(guarded("a%255Cb"), &d), 0);
    assert_int_equal(d.separated, 1);
    assert_int_equal(end_of(guarded("a/b%2e"), &d), 0);
    assert_int_equal(d.separated, 0);
}


static void
a_segment_may_have_parameters_only(void **state)
{
    cigna_dots_t  d;

    (void) state;

    (void) end_of(guarded(";a=b"), &d);
    assert_int_equal(cigna_dots_nameless(&d), 1);
    (void) end_of(guarded("%253Ba"), &d);
    assert_int_equal(cigna_dots_nameless(&d), 1);
    (void) end_of(guarded("a;b"), &d);
    assert_int_equal(cigna_dots_nameless(&d), 0);
    (void) end_of(guarded(";a/b"), &d);
    assert_int_equal(cigna_dots_nameless(&d), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(one_dot_and_two_dots_are_dot_segments_anywhere),
        cmocka_unit_test(names_with_dots_are_not_dot_segments),
        cmocka_unit_test(escapes_are_decoded_again_and_again),
        cmocka_unit_test(both_slashes_separate_segments_escaped_or_not),
        cmocka_unit_test(parameters_are_not_part_of_a_segments_name),
        cmocka_unit_test(bytes_that_browsers_drop_are_skipped),
        cmocka_unit_test(an_overlong_character_counts_as_a_dot_segment),
        cmocka_unit_test(
            too_many_nested_escapes_count_as_a_dot_segment),
        cmocka_unit_test(an_escaped_slash_is_reported),
        cmocka_unit_test(a_segment_may_have_parameters_only)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

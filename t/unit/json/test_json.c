
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "support.h"

#include "json/cigna_json.h"


static uint8_t  mem[1024];


static cigna_json_t *
doc_of(const char *text)
{
    cigna_json_t  *doc;

    doc = cigna_json_parse(guarded(text));

    if (doc == NULL) {
        fail_msg("%s was refused", text);
    }

    return doc;
}


static void
refused(cigna_slice_t text)
{
    cigna_json_t  *doc;

    doc = cigna_json_parse(text);

    if (doc != NULL) {
        cigna_json_destroy(doc);
        fail_msg("%.*s was not refused", (int) text.len, text.data);
    }
}


/* the value of the member "s" of a document; *rc: the getter's return code */

static int64_t
seconds(const char *text, int64_t max, int *rc)
{
    int64_t        value;
    cigna_json_t  *doc;

    value = -42;
    doc = doc_of(text);
    *rc = cigna_json_seconds(doc, "s", max, &value);
    cigna_json_destroy(doc);

    assert_int_equal(value == -42, *rc != CIGNA_OK);

    return value;
}


static void
assert_seconds(const char *text, int64_t expected)
{
    int  rc;

    assert_int_equal(seconds(text, 1000000, &rc), expected);
    assert_int_equal(rc, CIGNA_OK);
}


static void
assert_no_seconds(const char *text, int64_t max)
{
    int  rc;

    (void) seconds(text, max, &rc);

    if (rc != CIGNA_ERROR) {
        fail_msg("%s gave %d", text, rc);
    }
}


static cigna_slice_t
quoted(cigna_slice_t s)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_json_append_string(&b, s);

    return cigna_buf_slice(&b);
}


static void
only_objects_are_documents(void **state)
{
    (void) state;

    cigna_json_destroy(doc_of("{}"));
    cigna_json_destroy(doc_of(" {\"a\": [1, {\"b\": null}]} \n"));

    refused(cigna_slice_null);
    refused(guarded(""));
    refused(guarded("[]"));
    refused(guarded("[{}]"));
    refused(guarded("\"a\""));
    refused(guarded("1"));
    refused(guarded("null"));
}


static void
text_that_is_not_json_is_refused(void **state)
{
    (void) state;

    refused(guarded("<html></html>"));
    refused(guarded("{"));
    refused(guarded("{\"a\":1"));
    refused(guarded("{\"a\":\"b"));
    refused(guarded("{\"a\":\"\\"));
    refused(guarded("{\"a\":1,}"));
    refused(guarded("{'a':1}"));
    refused(guarded("{\"a\":01}"));
    refused(guarded("{\"a\":NaN}"));
    refused(guarded("{\"a\":\"\xff\"}"));
    refused(guarded("{\"a\":\"\n\"}"));
}


static void
bytes_after_the_document_are_refused(void **state)
{
    (void) state;

    refused(guarded("{}{}"));
    refused(guarded("{}a"));
    refused(cigna_slice("{}\0"));
}


static void
a_duplicated_name_is_refused(void **state)
{
    (void) state;

    refused(guarded("{\"a\":1,\"a\":1}"));
    refused(guarded("{\"a\":1,\"\\u0061\":2}"));
    refused(guarded("{\"b\":{\"a\":1,\"a\":2}}"));
}


static void
a_nul_byte_is_refused(void **state)
{
    (void) state;

    refused(guarded("{\"a\":\"b\\u0000c\"}"));
    refused(guarded("{\"a\\u0000b\":1}"));
    refused(cigna_slice("{\"a\":\"b\0c\"}"));
    refused(cigna_slice("{\0\"a\":1}"));
}


static char *
nested(size_t depth)
{
    char  *text, *end;

    text = calloc(1, 2 * depth + 16);
    assert_non_null(text);

    strcpy(text, "{\"a\":");
    end = text + strlen(text);

    memset(end, '[', depth - 1);
    memset(end + depth - 1, ']', depth - 1);
    end[2 * depth - 2] = '}';

    return text;
}


static void
a_document_that_is_too_deep_is_refused(void **state)
{
    char  *text;

    (void) state;

    text = nested(2000);
    cigna_json_destroy(doc_of(text));
    cigna_json_destroy(cigna_json_read(guarded(text)));
    free(text);

    text = nested(2100);
    refused(guarded(text));
    assert_null(cigna_json_read(guarded(text)));
    free(text);

    text = nested(CIGNA_JSON_SIZE_MAX / 2 - 8);
    refused(guarded(text));
    assert_null(cigna_json_read(guarded(text)));
    free(text);
}


static void
a_document_that_is_too_large_is_refused(void **state)
{
    char           *text;
    cigna_json_t   *doc;
    cigna_slice_t   s;

    (void) state;

    text = malloc(CIGNA_JSON_SIZE_MAX + 1);
    assert_non_null(text);

    memset(text, ' ', CIGNA_JSON_SIZE_MAX + 1);
    text[0] = '{';
    text[1] = '}';

    s = cigna_slice_make(text, text + CIGNA_JSON_SIZE_MAX);
    doc = cigna_json_parse(s);
    assert_non_null(doc);
    cigna_json_destroy(doc);

    s.len++;
    refused(s);

    free(text);
}


static void
a_string_is_bounded(void **state)
{
    cigna_slice_t   s;
    cigna_json_t   *doc;

    (void) state;

    doc = doc_of("{\"a\":\"b\\u00e4\\n\",\"e\":\"\",\"n\":null,\"i\":1}");

    assert_int_equal(cigna_json_string(doc, "a", 4, &s), CIGNA_OK);
    assert_slice(s, "b\xc3\xa4\n");

    assert_int_equal(cigna_json_string(doc, "a", 3, &s), CIGNA_ERROR);
    assert_slice(s, "");

    assert_int_equal(cigna_json_string(doc, "e", 0, &s), CIGNA_OK);
    assert_slice(s, "");

    cigna_json_destroy(doc);
}


static void
an_absent_member_differs_from_one_of_another_type(void **state)
{
    int                   b;
    int64_t               n;
    cigna_slice_t         s;
    cigna_json_t         *doc;
    const cigna_json_t   *array;

    (void) state;

    doc = doc_of("{\"null\":null,\"object\":{},\"true\":true,\"one\":1}");

    assert_int_equal(cigna_json_string(doc, "no", 9, &s), CIGNA_NONE);
    assert_int_equal(cigna_json_string(doc, "null", 9, &s), CIGNA_NONE);
    assert_int_equal(cigna_json_string(doc, "one", 9, &s), CIGNA_ERROR);
    assert_int_equal(cigna_json_string(doc, "true", 9, &s), CIGNA_ERROR);

    assert_int_equal(cigna_json_bool(doc, "no", &b), CIGNA_NONE);
    assert_int_equal(cigna_json_bool(doc, "null", &b), CIGNA_NONE);
    assert_int_equal(cigna_json_bool(doc, "one", &b), CIGNA_ERROR);

    assert_int_equal(cigna_json_array(doc, "no", &array), CIGNA_NONE);
    assert_int_equal(cigna_json_array(doc, "null", &array), CIGNA_NONE);
    assert_int_equal(cigna_json_array(doc, "object", &array), CIGNA_ERROR);
    assert_null(array);

    assert_int_equal(cigna_json_seconds(doc, "no", 9, &n), CIGNA_NONE);
    assert_int_equal(cigna_json_seconds(doc, "null", 9, &n), CIGNA_NONE);
    assert_int_equal(cigna_json_seconds(doc, "object", 9, &n), CIGNA_ERROR);
    assert_int_equal(cigna_json_seconds(doc, "true", 9, &n), CIGNA_ERROR);

    cigna_json_destroy(doc);
}


static void
getters_of_null_find_nothing(void **state)
{
    int                   b;
    int64_t               n;
    cigna_slice_t         s;
    const cigna_json_t   *array;

    (void) state;

    assert_int_equal(cigna_json_string(NULL, "a", 9, &s), CIGNA_NONE);
    assert_int_equal(cigna_json_bool(NULL, "a", &b), CIGNA_NONE);
    assert_int_equal(cigna_json_array(NULL, "a", &array), CIGNA_NONE);
    assert_int_equal(cigna_json_seconds(NULL, "a", 9, &n), CIGNA_NONE);
    assert_int_equal(cigna_json_count(NULL), 0);
    assert_null(cigna_json_item(NULL, 0));
    assert_slice(cigna_json_item_string(NULL, 0), "");

    cigna_json_destroy(NULL);
}


static void
a_boolean_is_true_or_false(void **state)
{
    int            b;
    cigna_json_t  *doc;

    (void) state;

    doc = doc_of("{\"t\":true,\"f\":false}");

    assert_int_equal(cigna_json_bool(doc, "t", &b), CIGNA_OK);
    assert_int_equal(b, 1);
    assert_int_equal(cigna_json_bool(doc, "f", &b), CIGNA_OK);
    assert_int_equal(b, 0);

    cigna_json_destroy(doc);
}


static void
elements_of_an_array_may_be_of_any_type(void **state)
{
    cigna_slice_t         s;
    cigna_json_t         *doc;
    const cigna_json_t   *array;

    (void) state;

    doc = doc_of("{\"a\":[{\"b\":\"c\"},\"d\",1,null]}");

    assert_int_equal(cigna_json_array(doc, "a", &array), CIGNA_OK);
    assert_int_equal(cigna_json_count(array), 4);

    assert_int_equal(cigna_json_string(cigna_json_item(array, 0), "b", 9, &s),
                     CIGNA_OK);
    assert_slice(s, "c");
    assert_null(cigna_json_item(array, 1));
    assert_null(cigna_json_item(array, 4));

    assert_slice(cigna_json_item_string(array, 0), "");
    assert_slice(cigna_json_item_string(array, 1), "d");
    assert_slice(cigna_json_item_string(array, 2), "");
    assert_slice(cigna_json_item_string(array, 4), "");

    cigna_json_destroy(doc);
}


static void
seconds_are_a_number_or_a_string_of_digits(void **state)
{
    (void) state;

    assert_seconds("{\"s\":3599}", 3599);
    assert_seconds("{\"s\":\"3599\"}", 3599);
    assert_seconds("{\"s\":0}", 0);
    assert_seconds("{\"s\":-0}", 0);
    assert_seconds("{\"s\":1000000}", 1000000);
    assert_seconds("{\"s\":\"1000000\"}", 1000000);

    assert_no_seconds("{\"s\":\"\"}", 10);
    assert_no_seconds("{\"s\":\" 1\"}", 10);
    assert_no_seconds("{\"s\":\"1.5\"}", 10);
    assert_no_seconds("{\"s\":\"1e1\"}", 10);
    assert_no_seconds("{\"s\":\"1h\"}", 10);
    assert_no_seconds("{\"s\":[1]}", 10);
    assert_no_seconds("{\"s\":true}", 10);
}


static void
a_fraction_of_a_second_is_rounded_down(void **state)
{
    (void) state;

    assert_seconds("{\"s\":3599.5}", 3599);
    assert_seconds("{\"s\":3599.999}", 3599);
    assert_seconds("{\"s\":1e3}", 1000);
    assert_seconds("{\"s\":1.5E1}", 15);
    assert_seconds("{\"s\":0.1}", 0);
    assert_seconds("{\"s\":1000000.5}", 1000000);
}


static void
negative_and_huge_seconds_are_refused(void **state)
{
    (void) state;

    assert_no_seconds("{\"s\":-1}", 10);
    assert_no_seconds("{\"s\":-0.5}", 10);
    assert_no_seconds("{\"s\":\"-1\"}", 10);
    assert_no_seconds("{\"s\":11}", 10);
    assert_no_seconds("{\"s\":\"11\"}", 10);
    assert_no_seconds("{\"s\":1e300}", 10);
    assert_no_seconds("{\"s\":-1e300}", 10);
    assert_no_seconds("{\"s\":1e300}", INT64_MAX);
    assert_no_seconds("{\"s\":9223372036854775808}", INT64_MAX);
    assert_no_seconds("{\"s\":\"9223372036854775808\"}", INT64_MAX);
    assert_no_seconds("{\"s\":\"99999999999999999999999\"}", INT64_MAX);
}


static void
a_huge_integer_does_not_spoil_the_rest(void **state)
{
    cigna_slice_t   s;
    cigna_json_t   *doc;

    (void) state;

    doc = doc_of("{\"s\":99999999999999999999999999,\"token\":\"t\"}");

    assert_int_equal(cigna_json_string(doc, "token", 9, &s), CIGNA_OK);
    assert_slice(s, "t");

    cigna_json_destroy(doc);

    assert_no_seconds("{\"s\":99999999999999999999999999}", INT64_MAX);
}


static void
a_string_is_written_with_its_escapes(void **state)
{
    (void) state;

    assert_slice(quoted(guarded("")), "\"\"");
    assert_slice(quoted(guarded("a/b <c>")), "\"a/b <c>\"");
    assert_slice(quoted(guarded("\"\\")), "\"\\\"\\\\\"");
    assert_slice(quoted(guarded("\t\n\x1f\x7f")),
                 "\"\\u0009\\u000a\\u001f\x7f\"");
    assert_slice(quoted(cigna_slice("\0")), "\"\\u0000\"");
    assert_slice(quoted(guarded("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")),
                 "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}


static void
all_of_utf_8_is_left_alone(void **state)
{
    char                expected[16];
    size_t              i;
    static const char  *ends[] = {
        "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf"
    };

    (void) state;

    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void) snprintf(expected, sizeof(expected), "\"%s\"", ends[i]);
        assert_slice(quoted(guarded(ends[i])), expected);
    }
}


static void
bytes_that_are_not_utf_8_are_replaced(void **state)
{
    (void) state;

    assert_slice(quoted(guarded("a\xff" "b")), "\"a\\ufffdb\"");
    assert_slice(quoted(guarded("\x80")), "\"\\ufffd\"");

    /* characters that are cut off by the end or by another character */

    assert_slice(quoted(guarded("\xc3")), "\"\\ufffd\"");
    assert_slice(quoted(guarded("\xe2\x82")), "\"\\ufffd\\ufffd\"");
    assert_slice(quoted(guarded("\xc3" "a")), "\"\\ufffda\"");

    /* overlong characters, surrogates, and characters beyond U+10FFFF */

    assert_slice(quoted(guarded("\xc0\xaf")), "\"\\ufffd\\ufffd\"");
    assert_slice(quoted(guarded("\xc1\xbf")), "\"\\ufffd\\ufffd\"");
    assert_slice(quoted(guarded("\xe0\x80\xaf")),
                 "\"\\ufffd\\ufffd\\ufffd\"");
    assert_slice(quoted(guarded("\xed\xa0\x80")),
                 "\"\\ufffd\\ufffd\\ufffd\"");
    assert_slice(quoted(guarded("\xed\xbf\xbf")),
                 "\"\\ufffd\\ufffd\\ufffd\"");
    assert_slice(quoted(guarded("\xf4\x90\x80\x80")),
                 "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    assert_slice(quoted(guarded("\xf8\x90\x80\x80")),
                 "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}


static void
a_string_that_was_written_can_be_read(void **state)
{
    unsigned        c;
    uint8_t         bytes[2];
    cigna_buf_t     b;
    cigna_json_t   *doc;

    (void) state;

    /* all pairs of bytes without NUL bytes, which readers refuse */

    for (c = 0x100; c < 0x10000; c++) {

        bytes[0] = (uint8_t) (c >> 8);
        bytes[1] = (uint8_t) c;

        if (bytes[1] == 0) {
            continue;
        }

        cigna_buf_init(&b, mem, sizeof(mem));
        cigna_buf_append_str(&b, "{\"a\":");
        cigna_json_append_string(&b, cigna_slice_make(bytes, bytes + 2));
        cigna_buf_append_char(&b, '}');

        doc = cigna_json_parse(cigna_buf_slice(&b));
        assert_non_null(doc);
        cigna_json_destroy(doc);
    }
}


/* addresses of two strings, and their bytes when jansson freed the memory */

static const uint8_t  *watched[2];
static uint8_t         last_seen[2][8];


static void
look_and_free(void *p)
{
    size_t  i;

    for (i = 0; i < 2; i++) {
        if (p && p == watched[i]) {
            memcpy(last_seen[i], p, 8);
        }
    }

    free(p);
}


static void
strings_are_wiped_before_they_are_freed(void **state)
{
    cigna_slice_t         s;
    cigna_json_t         *doc;
    json_free_t           free_fn;
    json_malloc_t         malloc_fn;
    const cigna_json_t   *array;

    (void) state;

    doc = doc_of("{\"a\":\"MARKER-1\",\"b\":[{\"c\":1},\"MARKER-2\"]}");

    assert_int_equal(cigna_json_string(doc, "a", 8, &s), CIGNA_OK);
    watched[0] = s.data;

    assert_int_equal(cigna_json_array(doc, "b", &array), CIGNA_OK);
    watched[1] = cigna_json_item_string(array, 1).data;

    memset(last_seen, 'x', sizeof(last_seen));

    json_get_alloc_funcs(&malloc_fn, &free_fn);
    json_set_alloc_funcs(malloc_fn, look_and_free);
    cigna_json_destroy(doc);
    json_set_alloc_funcs(malloc_fn, free_fn);

    assert_memory_equal(last_seen, (uint8_t[16]) { 0 }, 16);
}


static void
a_document_without_memory_is_refused(void **state)
{
    unsigned       n;
    cigna_json_t  *doc;
    cigna_slice_t  text;

    (void) state;

    text = guarded("{\"access_token\":\"a\",\"keys\":[{\"kid\":\"b\\u00e4\","
                   "\"n\":1.5,\"d\":[true,null,{\"e\":{}}]}]}");

    for (n = 1; ; n++) {

        support_alloc_fail(n);
        doc = cigna_json_parse(text);

        if (!support_alloc_failed()) {
            break;
        }

        assert_null(doc);
    }

    assert_true(n > 10);
    assert_non_null(doc);
    cigna_json_destroy(doc);
}


/*
 * reads a document leniently; expected: the string of the member "name", or "-"
 * if the member is not a string
 */

static void
assert_read(const char *text, const char *name, const char *expected)
{
    cigna_slice_t   s;
    cigna_json_t   *doc;

    doc = cigna_json_read(guarded(text));

    if (doc == NULL) {
        fail_msg("%s was refused", text);
    }

    if (cigna_json_string(doc, name, 64, &s) != CIGNA_OK) {
        s = cigna_slice("-");
    }

    assert_slice(s, expected);
    cigna_json_destroy(doc);
}


static void
one_bad_value_does_not_spoil_the_document(void **state)
{
    (void) state;

    assert_read("\xef\xbb\xbf {\"a\":\"b\"} ", "a", "b");
    assert_read("{\"n\":\"M\xfcller\",\"a\":\"b\"}", "a", "b");
    assert_read("{\"n\":\"M\xfcller\"}", "n", "M\xef\xbf\xbdller");
    assert_read("{\"n\\u0000\":\"\\u0000\",\"a\":\"b\"}", "a", "b");
    assert_read("{\"n\":\"a\nb\\ud800\\'\",\"a\":\"b\"}", "a", "b");
    assert_read("{\"n\":1e999,\"m\":01,\"a\":\"b\"}", "a", "b");
    assert_read("{\"a\":\"b\",\"a\":\"c\",\"d\":{\"e\":1,\"e\":2}}", "a", "c");
}


static void
documents_with_other_faults_are_refused(void **state)
{
    unsigned  i;

    static const char *const  texts[] = {
        "", "\xef\xbb\xbf", "[]", "null", "<html>", "{", "{\"a\":\"b", "{}{}",
        "{\"a\":1,}", "{'a':1}", "{a:1}", "{\"a\":\xff}", "\xfe\xff{}",
        "{\"a\" \"b\"}", "{}\xff", "\xef\xbb\xbf\xef\xbb\xbf{}"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cigna_json_read(guarded(texts[i])) != NULL) {
            fail_msg("%s was not refused", texts[i]);
        }
    }
}


/*
 * Calls cigna_json_settle() for the member "a" of a document.  expected: the
 * member's value afterwards, or "-" if it is not a string.
 */

static void
settled(const char *text, int rc, const char *expected)
{
    cigna_slice_t   s;
    cigna_json_t   *doc;

    doc = cigna_json_read(guarded(text));
    assert_non_null(doc);

    assert_int_equal(cigna_json_settle(doc, guarded(text), "a"), rc);

    if (cigna_json_string(doc, "a", 64, &s) != CIGNA_OK) {
        s = cigna_slice("-");
    }

    assert_slice(s, expected);
    cigna_json_destroy(doc);
}


static void
a_member_with_two_values_is_removed(void **state)
{
    (void) state;

    settled("{\"a\":\"b\"}", 0, "b");
    settled("{\"a\":\"b\",\"a\":\"b\"}", 0, "b");
    settled("{\"b\":1,\"b\":2}", 0, "-");

    settled("{\"a\":\"b\",\"a\":\"c\"}", 1, "-");
    settled("\xef\xbb\xbf {\"a\":\"b\",\"\\u0061\":\"c\"}", 1, "-");
    settled("{\"a\":\"c\",\"b\":[{}],\"a\":\"b\",\"a\":\"c\"}", 1, "-");
    settled("{\"a\":null,\"n\":\"\xff\n\\'\",\"a\":\"b\"}", 1, "-");

    /* cigna_json_settle() counts members of the outermost object only */

    settled("{\"d\":{\"a\":1,\"a\":2},\"a\":\"b\"}", 0, "b");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(only_objects_are_documents),
        cmocka_unit_test(text_that_is_not_json_is_refused),
        cmocka_unit_test(bytes_after_the_document_are_refused),
        cmocka_unit_test(a_duplicated_name_is_refused),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(a_document_that_is_too_deep_is_refused),
        cmocka_unit_test(a_document_that_is_too_large_is_refused),
        cmocka_unit_test(a_string_is_bounded),
        cmocka_unit_test(an_absent_member_differs_from_one_of_another_type),
        cmocka_unit_test(getters_of_null_find_nothing),
        cmocka_unit_test(a_boolean_is_true_or_false),
        cmocka_unit_test(elements_of_an_array_may_be_of_any_type),
        cmocka_unit_test(seconds_are_a_number_or_a_string_of_digits),
        cmocka_unit_test(a_fraction_of_a_second_is_rounded_down),
        cmocka_unit_test(negative_and_huge_seconds_are_refused),
        cmocka_unit_test(a_huge_integer_does_not_spoil_the_rest),
        cmocka_unit_test(a_string_is_written_with_its_escapes),
        cmocka_unit_test(all_of_utf_8_is_left_alone),
        cmocka_unit_test(bytes_that_are_not_utf_8_are_replaced),
        cmocka_unit_test(a_string_that_was_written_can_be_read),
        cmocka_unit_test(strings_are_wiped_before_they_are_freed),
        cmocka_unit_test(a_document_without_memory_is_refused),
        cmocka_unit_test(one_bad_value_does_not_spoil_the_document),
        cmocka_unit_test(documents_with_other_faults_are_refused),
        cmocka_unit_test(a_member_with_two_values_is_removed)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, NULL, NULL);
}

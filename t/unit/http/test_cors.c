
#include "support.h"

#include "http/cigna_cors.h"


static int
parsed(const char *text, const char *written)
{
    const char   *error;
    uint8_t       bytes[256];
    cigna_buf_t   b;
    cigna_uri_t   uri;

    error = NULL;

    if (cigna_cors_origin_parse(guarded(text), &uri, &error) != CIGNA_OK) {
        assert_non_null(error);
        return 0;
    }

    cigna_buf_init(&b, bytes, sizeof(bytes));
    cigna_uri_append_origin(&b, &uri);

    assert_slice(cigna_slice_make(b.start, b.pos), written);

    return 1;
}


static void
origins_are_written_as_browsers_do(void **state)
{
    (void) state;

    assert_true(parsed("https://app.example", "https://app.example"));
    assert_true(parsed("HTTPS://App.Example:443", "https://app.example"));
    assert_true(parsed("https://app.example:8443", "https://app.example:8443"));
    assert_true(parsed("https://10.0.0.1:80", "https://10.0.0.1:80"));
    assert_true(parsed("https://[2001:db8::1]:8443",
                       "https://[2001:db8::1]:8443"));
    assert_true(parsed("http://localhost:80", "http://localhost"));
    assert_true(parsed("http://App.Localhost:3000",
                       "http://app.localhost:3000"));
    assert_true(parsed("http://127.0.0.1:3000", "http://127.0.0.1:3000"));
    assert_true(parsed("http://[::1]:3000", "http://[::1]:3000"));
}


static void
other_texts_are_not_origins(void **state)
{
    size_t  i;

    static const char *const  texts[] = {
        "", "*", "null", "NULL", "off", "app.example", "//app.example",
        "https://", "https://*.app.example", "https://app.example/",
        "https://app.example/app", "https://app.example?", "https://a@b",
        "https://app.example#x", "https://app.example:0",
        "https://app.example:",
        "https://app.example:65536", "ftp://app.example", "https:app.example",
        "http://app.example", "http://localhost.example", "http://10.0.0.1",
        "http://xlocalhost", "https://app.example https://b.example",
        "https://app.example,https://b.example", "https://app%2eexample",
        "moz-extension://abc"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (parsed(texts[i], "")) {
            fail_msg("\"%s\" is an origin", texts[i]);
        }
    }
}


static void
requested_names_are_tokens(void **state)
{
    char    text[CIGNA_CORS_NAMES_MAX + 2];
    size_t  i;

    static const char *const  no_lists[] = {
        "", ",", "a,", ",a", "a,,b", "a b", "a:b", "a, ", "a\r\nb: c",
        "a\x7f", "*, \"", "a,b;c", "\xc3\xa4"
    };

    (void) state;

    assert_true(cigna_cors_names(guarded("prefer")));
    assert_true(cigna_cors_names(guarded("content-type,prefer")));
    assert_true(cigna_cors_names(guarded("Content-Type ,\tprefer, x-y_z")));

    for (i = 0; i < sizeof(no_lists) / sizeof(no_lists[0]); i++) {
        if (cigna_cors_names(guarded(no_lists[i]))) {
            fail_msg("\"%s\" is a list of names", no_lists[i]);
        }
    }

    memset(text, 'a', sizeof(text));

    text[CIGNA_CORS_NAMES_MAX] = '\0';
    assert_true(cigna_cors_names(guarded(text)));

    text[CIGNA_CORS_NAMES_MAX] = 'a';
    text[CIGNA_CORS_NAMES_MAX + 1] = '\0';
    assert_false(cigna_cors_names(guarded(text)));
}


static void
cors_lines_are_known_by_their_prefix(void **state)
{
    (void) state;

    assert_true(cigna_cors_line(guarded("Access-Control-Allow-Origin")));
    assert_true(cigna_cors_line(guarded("ACCESS-CONTROL-MAX-AGE")));
    assert_true(cigna_cors_line(guarded("access-control-x")));
    assert_false(cigna_cors_line(guarded("Access-Control-")));
    assert_false(cigna_cors_line(guarded("Access-Control")));
    assert_false(cigna_cors_line(guarded("X-Access-Control-Max-Age")));
    assert_false(cigna_cors_line(guarded("")));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(origins_are_written_as_browsers_do),
        cmocka_unit_test(other_texts_are_not_origins),
        cmocka_unit_test(requested_names_are_tokens),
        cmocka_unit_test(cors_lines_are_known_by_their_prefix)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

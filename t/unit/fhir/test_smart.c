
#include "support.h"

#include "base/cigna_buf.h"
#include "fhir/cigna_smart.h"


#define OAUTH                                                                 \
    "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

#define EXTENSIONS(list)                                                      \
    "{\"rest\":[{\"mode\":\"server\",\"security\":{\"cors\":true,"            \
    "\"extension\":[" list "],\"description\":\"x\"}}]}"


static const cigna_public_endpoint_t  endpoints[] = {
    { { (const uint8_t *) "token_endpoint", 14 },
      { (const uint8_t *) "https://g/token", 15 } },
    { { (const uint8_t *) "authorization_endpoint", 22 },
      { (const uint8_t *) "https://g/authorize?a=1", 23 } },
    { { (const uint8_t *) "issuer", 6 },
      { (const uint8_t *) "https://g", 9 } }
};


static cigna_smart_t  smart;
static uint8_t        mem[128 * 1024];


static cigna_slice_t
replaced(cigna_public_metadata_e document, cigna_slice_t rest, size_t n)
{
    cigna_buf_t    b;
    cigna_slice_t  in, piece;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_smart_init(&smart, document, endpoints, 3);

    while (rest.len) {

        in = cigna_slice_make(rest.data,
                              rest.data + (rest.len < n ? rest.len : n));
        rest = cigna_slice_skip(rest, in.len);

        while (cigna_smart_next(&smart, &in, &piece) == CIGNA_OK) {
            assert_int_not_equal(piece.len, 0);
            cigna_buf_append(&b, piece);
        }

        assert_int_equal(in.len, 0);
    }

    while (cigna_smart_end(&smart, &piece) == CIGNA_OK) {
        assert_int_not_equal(piece.len, 0);
        cigna_buf_append(&b, piece);
    }

    assert_int_equal(cigna_smart_end(&smart, &piece), CIGNA_NONE);

    return cigna_buf_slice(&b);
}


/* the same at every chunking */

static void
becomes(cigna_public_metadata_e document, const char *text, const char *expected)
{
    size_t         n;
    cigna_slice_t  out;

    for (n = 1; n <= 70; n++) {
        out = replaced(document, guarded(text), n);
        assert_slice(out, expected);
    }

    out = replaced(document, guarded(text), (size_t) -1);
    assert_slice(out, expected);

    support_release();
}


static void
stays(cigna_public_metadata_e document, const char *text)
{
    becomes(document, text, text);
    assert_int_equal(smart.replaced, 0);
}


static void
two_paths_and_no_others_are_for_everybody(void **state)
{
    unsigned  i;

    static const char *const  others[] = {
        "", "/", "/metadata/", "/metadata/x", "//metadata", "/Metadata",
        "/metadata?a=1", "/metadata%2e", "metadata",
        "/.well-known/smart-configuration/",
        "/.well-known/openid-configuration",
        "/.well-known//smart-configuration", "/Patient/metadata",
        "/.well-known/../metadata"
    };

    (void) state;

    assert_int_equal(cigna_public_metadata_document(guarded("/metadata")),
                     cigna_public_metadata_capabilities);
    assert_int_equal(cigna_public_metadata_document(
                         guarded("/.well-known/smart-configuration")),
                     cigna_public_metadata_configuration);

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(cigna_public_metadata_document(guarded(others[i])),
                         cigna_public_metadata_none);
    }

    assert_int_equal(cigna_public_metadata_document(cigna_slice("/metadata\0")),
                     cigna_public_metadata_none);
    assert_int_equal(cigna_public_metadata_path(cigna_public_metadata_none).len, 0);
}


static void
endpoints_of_smart_configuration_are_replaced(void **state)
{
    (void) state;

    becomes(cigna_public_metadata_configuration,
            "{\"issuer\":\"https://c\", \"token_endpoint\" : \"\" ,\n\"x\":1.0,"
            "\"authorization_\\u0065ndpoint\":\"https:\\/\\/c\\u002fa\"}\n",
            "{\"issuer\":\"https://g\", \"token_endpoint\" : "
            "\"https://g/token\" ,\n\"x\":1.0,"
            "\"authorization_\\u0065ndpoint\":\"https://g/authorize?a=1\"}\n");
    assert_int_equal(smart.replaced, 3);
}


static void
a_byte_order_mark_in_front_is_no_error(void **state)
{
    (void) state;

    becomes(cigna_public_metadata_configuration,
            "\xef\xbb\xbf {\"issuer\":\"https://c\"}",
            "\xef\xbb\xbf {\"issuer\":\"https://g\"}");
    stays(cigna_public_metadata_configuration, "\xef\xbb{\"issuer\":\"https://c\"}");
    stays(cigna_public_metadata_configuration,
          "\xef\xbb\xbf\xef\xbb\xbf{\"issuer\":\"https://c\"}");
}


static void
what_is_no_endpoint_at_the_top_stays(void **state)
{
    (void) state;

    stays(cigna_public_metadata_configuration,
          "{\"jwks_uri\":\"https://c\",\"tokenendpoint\":\"https://c\"}");
    stays(cigna_public_metadata_configuration,
          "{\"issuer\":[\"https://c\"],\"a\":{\"issuer\":\"https://c\"},"
          "\"token_endpoint\":null,\"b\":\"issuer\"}");
    stays(cigna_public_metadata_configuration, "[{\"issuer\":\"https://c\"},\"issuer\"]");
    stays(cigna_public_metadata_configuration, "\"issuer\"");
    stays(cigna_public_metadata_configuration,
          EXTENSIONS("{\"url\":\"" OAUTH "\",\"extension\":[{\"url\":\"token\","
                     "\"valueUri\":\"https://c\"}]}"));
}


static void
oauth_uris_of_a_capability_statement_are_replaced(void **state)
{
    (void) state;

    becomes(cigna_public_metadata_capabilities,
            EXTENSIONS("{\"url\":\"" OAUTH "\",\"extension\":[{\"url\":"
                       "\"token\",\"valueUri\":\"https://c/t\"}, {\"url\":"
                       "\"authorize\" , \"valueUri\" : \"https://c/a\"},"
                       "{\"url\":\"manage\",\"valueUri\":\"https://c/m\"}]}"),
            EXTENSIONS("{\"url\":\"" OAUTH "\",\"extension\":[{\"url\":"
                       "\"token\",\"valueUri\":\"https://g/token\"}, {\"url\":"
                       "\"authorize\" , \"valueUri\" : "
                       "\"https://g/authorize?a=1\"},"
                       "{\"url\":\"manage\",\"valueUri\":\"https://c/m\"}]}"));
    assert_int_equal(smart.replaced, 2);
}


static void
members_of_an_extension_come_in_any_order(void **state)
{
    (void) state;

    becomes(cigna_public_metadata_capabilities,
            EXTENSIONS("{\"url\":\"x\"},{\"extension\":[{\"valueUri\":"
                       "\"https://c/t\",\"id\":\"1\",\"url\":\"tok\\u0065n\"}],"
                       "\"url\":\"http:\\/\\/fhir-registry.smarthealthit.org"
                       "\\/StructureDefinition\\/oauth-uris\"}"),
            EXTENSIONS("{\"url\":\"x\"},{\"extension\":[{\"valueUri\":"
                       "\"https://g/token\",\"id\":\"1\","
                       "\"url\":\"tok\\u0065n\"}],"
                       "\"url\":\"http:\\/\\/fhir-registry.smarthealthit.org"
                       "\\/StructureDefinition\\/oauth-uris\"}"));
}


static void
extensions_elsewhere_or_of_another_kind_stay(void **state)
{
    (void) state;

    stays(cigna_public_metadata_capabilities,
          EXTENSIONS("{\"url\":\"http://x/oauth-uris\",\"extension\":[{\"url\":"
                     "\"token\",\"valueUri\":\"https://c\"}]}"));
    stays(cigna_public_metadata_capabilities,
          EXTENSIONS("{\"url\":\"" OAUTH "\",\"extension\":[{\"url\":\"tokens\""
                     ",\"valueUri\":\"https://c\"},{\"url\":\"token\","
                     "\"valueUrl\":\"https://c\"},{\"url\":\"token\","
                     "\"valueUri\":null},[\"token\"],1]}"));
    stays(cigna_public_metadata_capabilities,
          EXTENSIONS("{\"url\":\"" OAUTH "\",\"extension\":{\"url\":\"token\","
                     "\"valueUri\":\"https://c\"}},[{\"url\":\"token\"}],1"));
    stays(cigna_public_metadata_capabilities,
          "{\"rest\":[{\"extension\":[{\"url\":\"" OAUTH "\",\"extension\":["
          "{\"url\":\"token\",\"valueUri\":\"https://c\"}]}]}],"
          "\"security\":{\"extension\":[{\"url\":\"" OAUTH "\",\"extension\":["
          "{\"url\":\"token\",\"valueUri\":\"https://c\"}]}]},"
          "\"issuer\":\"https://c\"}");
    stays(cigna_public_metadata_capabilities,
          "{\"rests\":[{\"security\":{\"extension\":[{\"url\":\"" OAUTH "\","
          "\"extension\":[{\"url\":\"token\",\"valueUri\":\"c\"}]}]}}]}");
}


static void
every_rest_is_looked_at(void **state)
{
    (void) state;

    becomes(cigna_public_metadata_capabilities,
            "{\"rest\":[{\"a\":[{\"b\":{}}]},{\"security\":{\"extension\":[{"
            "\"url\":\"" OAUTH "\",\"extension\":[{\"url\":\"token\","
            "\"valueUri\":\"c\"}]}]}},{\"security\":{\"extension\":[{"
            "\"url\":\"" OAUTH "\",\"extension\":[{\"url\":\"token\","
            "\"valueUri\":\"d\"}]}]}}]}",
            "{\"rest\":[{\"a\":[{\"b\":{}}]},{\"security\":{\"extension\":[{"
            "\"url\":\"" OAUTH "\",\"extension\":[{\"url\":\"token\","
            "\"valueUri\":\"https://g/token\"}]}]}},{\"security\":{"
            "\"extension\":[{\"url\":\"" OAUTH "\",\"extension\":[{\"url\":"
            "\"token\",\"valueUri\":\"https://g/token\"}]}]}}]}");
}


static void
what_breaks_passes_unchanged_from_where_it_began(void **state)
{
    unsigned  i;

    static const char *const  broken[] = {
        "", "{", "<html>", "{\"issuer\":\"https://c", "{\"issuer\":\"a\nb\"}",
        "{\"issuer\":\"\\x\"}", "{\"issuer\" \"https://c\"}",
        "]{\"issuer\":\"https://c\"}"
    };

    (void) state;

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        stays(cigna_public_metadata_configuration, broken[i]);
    }

    becomes(cigna_public_metadata_configuration,
            "{\"issuer\":\"https://c\",}\"token_endpoint\":\"https://c\"}",
            "{\"issuer\":\"https://g\",}\"token_endpoint\":\"https://c\"}");

    stays(cigna_public_metadata_capabilities,
          "{\"rest\":[{\"security\":{\"extension\":[{\"url\":\"" OAUTH "\","
          "\"extension\":[{\"url\":\"token\",\"valueUri\":\"c\"}]]}]}}]}");
    stays(cigna_public_metadata_capabilities,
          "{\"rest\":[{\"security\":{\"extension\":[{\"url\":\"" OAUTH "\","
          "\"extension\":[{\"url\":\"token\",\"valueUri\":\"c\"}]");
}


static void
what_is_too_long_to_be_held_stays(void **state)
{
    size_t         len;
    cigna_slice_t  out;

    static char  text[2 * CIGNA_SMART_HELD_MAX];

    (void) state;

    memset(text, 'a', sizeof(text));
    memcpy(text, "{\"issuer\":\"", 11);

    /* the longest that is held, and one more */

    for (len = CIGNA_SMART_HELD_MAX; len <= CIGNA_SMART_HELD_MAX + 1; len++) {

        memset(text + 10 + len - 2, 'a', 8);
        memcpy(text + 10 + len - 1, "\"}", 2);

        out = replaced(cigna_public_metadata_configuration,
                       (cigna_slice_t) { (uint8_t *) text, 10 + len + 1 }, 999);

        if (len == CIGNA_SMART_HELD_MAX) {
            assert_slice(out, "{\"issuer\":\"https://g\"}");

        } else {
            assert_int_equal(out.len, 10 + len + 1);
            assert_memory_equal(out.data, text, out.len);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(two_paths_and_no_others_are_for_everybody),
        cmocka_unit_test(endpoints_of_smart_configuration_are_replaced),
        cmocka_unit_test(a_byte_order_mark_in_front_is_no_error),
        cmocka_unit_test(what_is_no_endpoint_at_the_top_stays),
        cmocka_unit_test(oauth_uris_of_a_capability_statement_are_replaced),
        cmocka_unit_test(members_of_an_extension_come_in_any_order),
        cmocka_unit_test(extensions_elsewhere_or_of_another_kind_stay),
        cmocka_unit_test(every_rest_is_looked_at),
        cmocka_unit_test(what_breaks_passes_unchanged_from_where_it_began),
        cmocka_unit_test(what_is_too_long_to_be_held_stays)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "fhir/cigna_public_metadata.h"


#define OAUTH                                                                 \
    "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

#define CAPABILITIES   cigna_public_metadata_capabilities
#define CONFIGURATION  cigna_public_metadata_configuration

#define REST(list)  "{\"rest\":[" list "]}"

#define EXTENSION(list)                                                       \
    "{\"url\":\"" OAUTH "\",\"extension\":[" list "]}"

#define AUTHORIZE(url)  "{\"url\":\"authorize\",\"valueUri\":\"" url "\"}"
#define TOKEN(url)      "{\"url\":\"token\",\"valueUri\":\"" url "\"}"

#define OURS                                                                  \
    AUTHORIZE("https://g/authorize?a=1") "," TOKEN("https://g/token")


static const cigna_public_endpoint_t  endpoints[] = {
    { { (const uint8_t *) "token_endpoint", 14 },
      { (const uint8_t *) "https://g/token", 15 } },
    { { (const uint8_t *) "authorization_endpoint", 22 },
      { (const uint8_t *) "https://g/authorize?a=1", 23 } },
    { { (const uint8_t *) "issuer", 6 },
      { (const uint8_t *) "https://g", 9 } }
};


static uint8_t  mem[8 * 1024 * 1024];


static int
written(cigna_public_metadata_e document, cigna_slice_t text, unsigned n,
    cigna_slice_t *out, const char **error)
{
    int          rc;
    size_t       room;
    cigna_buf_t  b;

    room = cigna_public_metadata_room(text.len, endpoints, n);
    assert_true(room <= sizeof(mem));

    cigna_buf_init(&b, mem, room);
    rc = cigna_public_metadata_write(document, text, endpoints, n, &b, error);
    *out = cigna_buf_slice(&b);

    return rc;
}


static void
becomes(cigna_public_metadata_e document, const char *text,
    const char *expected)
{
    const char     *error;
    cigna_slice_t   out;

    assert_int_equal(written(document, guarded(text), 3, &out, &error),
                     CIGNA_OK);
    assert_slice(out, expected);

    support_release();
}


static void
a_path_names_a_document(void **state)
{
    (void) state;

    assert_int_equal(cigna_public_metadata_document(cigna_slice("/metadata")),
                     CAPABILITIES);
    assert_int_equal(cigna_public_metadata_document(
                         cigna_slice("/.well-known/smart-configuration")),
                     CONFIGURATION);
    assert_int_equal(cigna_public_metadata_document(cigna_slice("/Metadata")),
                     cigna_public_metadata_none);
    assert_int_equal(cigna_public_metadata_document(cigna_slice("/metadata/")),
                     cigna_public_metadata_none);
    assert_int_equal(cigna_public_metadata_document(cigna_slice_null),
                     cigna_public_metadata_none);
}


static void
endpoints_are_replaced_in_their_place(void **state)
{
    (void) state;

    becomes(CONFIGURATION,
            "{ \"issuer\" : \"x\",\r\n\t\"token_endpoint\":null, \"a\":"
            "{\"token_endpoint\":\"inner\"},\"authorization_endpoint\":[1] }\n",
            "{ \"issuer\" : \"https://g\",\r\n\t\"token_endpoint\":"
            "\"https://g/token\", \"a\":{\"token_endpoint\":\"inner\"},"
            "\"authorization_endpoint\":\"https://g/authorize?a=1\" }\n");

    becomes(CAPABILITIES,
            REST("{\"security\":{\"extension\":[{\"url\":\"y\"},"
                 "{\"extension\":[" TOKEN("https:\\/\\/c\\/t") ","
                 "{\"valueUri\":\"z\",\"url\":\"other\"},"
                 "{\"valueUri\":\"z\",\"url\":\"\\u0061uthorize\"}],"
                 "\"url\":\"" OAUTH "\"}]}}"),
            REST("{\"security\":{\"extension\":[{\"url\":\"y\"},"
                 "{\"extension\":[" TOKEN("https://g/token") ","
                 "{\"valueUri\":\"z\",\"url\":\"other\"},"
                 "{\"valueUri\":\"https://g/authorize?a=1\","
                 "\"url\":\"\\u0061uthorize\"}],"
                 "\"url\":\"" OAUTH "\"}]}}"));
}


static void
endpoints_are_added_to_a_configuration(void **state)
{
    (void) state;

    becomes(CONFIGURATION, " {\n}",
            " {\"token_endpoint\":\"https://g/token\","
            "\"authorization_endpoint\":\"https://g/authorize?a=1\","
            "\"issuer\":\"https://g\"\n}");

    becomes(CONFIGURATION, "{\"issuer\":\"x\", \"b\":[1] }",
            "{\"issuer\":\"https://g\", \"b\":[1],"
            "\"token_endpoint\":\"https://g/token\","
            "\"authorization_endpoint\":\"https://g/authorize?a=1\" }");
}


static void
endpoints_are_added_to_a_statement(void **state)
{
    (void) state;

    becomes(CAPABILITIES, REST("{}, {\"mode\":\"server\"}"),
            REST("{\"security\":{\"extension\":[" EXTENSION(OURS) "]}}, "
                 "{\"mode\":\"server\",\"security\":{\"extension\":["
                 EXTENSION(OURS) "]}}"));

    becomes(CAPABILITIES, REST("{\"security\":{\"cors\":true},\"mode\":\"x\"}"),
            REST("{\"security\":{\"cors\":true,\"extension\":["
                 EXTENSION(OURS) "]},\"mode\":\"x\"}"));

    becomes(CAPABILITIES,
            REST("{\"security\":{\"extension\":[{\"url\":\"y\"} ]}}"),
            REST("{\"security\":{\"extension\":[{\"url\":\"y\"},"
                 EXTENSION(OURS) " ]}}"));

    becomes(CAPABILITIES, REST("{\"security\":{\"extension\":[ ]}}"),
            REST("{\"security\":{\"extension\":[" EXTENSION(OURS) " ]}}"));
}


static void
an_extension_with_some_endpoints_gets_the_others(void **state)
{
    (void) state;

    becomes(CAPABILITIES,
            REST("{\"security\":{\"extension\":["
                 EXTENSION(TOKEN("https://c/t")) "]}}"),
            REST("{\"security\":{\"extension\":["
                 EXTENSION(TOKEN("https://g/token") ","
                           AUTHORIZE("https://g/authorize?a=1")) "]}}"));

    becomes(CAPABILITIES,
            REST("{\"security\":{\"extension\":[{\"url\":\"" OAUTH "\"}]}}"),
            REST("{\"security\":{\"extension\":[{\"url\":\"" OAUTH "\","
                 "\"extension\":[" OURS "]}]}}"));

    becomes(CAPABILITIES,
            REST("{\"security\":{\"extension\":["
                 EXTENSION("{\"url\":\"token\"}," AUTHORIZE("x")) "]}}"),
            REST("{\"security\":{\"extension\":["
                 EXTENSION(TOKEN("https://g/token") ","
                           AUTHORIZE("https://g/authorize?a=1")) "]}}"));
}


static void
rest_without_a_valid_server_stays(void **state)
{
    size_t             i;
    static const char  *const  texts[] = {
        "{}", REST(""), "{\"rest\":{}}", "{\"rest\":null}",
        REST("{\"mode\":\"client\"}"), REST("null,1,\"x\",[]"),
        REST("{\"security\":null}"), REST("{\"security\":{\"extension\":5}}"),
        REST("{\"security\":{\"extension\":[{\"url\":\"" OAUTH "\","
             "\"extension\":\"x\"}]}}"),
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        becomes(CAPABILITIES, texts[i], texts[i]);
    }
}


static void
endpoints_without_an_oauth_uris_name_are_left_out(void **state)
{
    cigna_buf_t     b;
    const char     *error;

    (void) state;

    cigna_buf_init(&b, mem, 1024);
    assert_int_equal(cigna_public_metadata_write(CAPABILITIES,
                                                 cigna_slice(REST("{}")),
                                                 &endpoints[2], 1, &b, &error),
                     CIGNA_OK);
    assert_slice(cigna_buf_slice(&b), REST("{}"));
}


static void
unusual_json_stays_to_the_byte(void **state)
{
    const char     *error;
    cigna_slice_t   out;
    static const char  text[] =
        " {\"a\":1.00,\"b\":123456789012345678901234567890,\"c\":-0,"
        "\"d\":1E5 ,\"e\":\"\\u0000\\/\\ud83d\\ude00\",\"z\":0.1e-3,\"\":{}} ";

    (void) state;

    assert_int_equal(written(CONFIGURATION, guarded(text), 0, &out, &error),
                     CIGNA_OK);
    assert_slice(out, text);
    support_release();

    becomes(CONFIGURATION, "{\"a\":1.00,\"issuer\":1e2,\"token_endpoint\":"
            "12345678901234567890,\"authorization_endpoint\":{\"x\":[]}}",
            "{\"a\":1.00,\"issuer\":\"https://g\",\"token_endpoint\":"
            "\"https://g/token\",\"authorization_endpoint\":"
            "\"https://g/authorize?a=1\"}");
    becomes(CAPABILITIES, "\xef\xbb\xbf{\"a\":1}", "{\"a\":1}");
}


static void
a_text_that_is_not_json_is_refused(void **state)
{
    size_t              i;
    const char         *error;
    cigna_slice_t       out;
    static const char  *const  texts[] = {
        "", " ", "[]", "null", "\"x\"", "{", "{}}", "{\"a\":1,}", "{\"a\" 1}",
        "{\"a\":01}", "{\"a\":1,\"a\":2}", "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}",
        "{\"a\":\"\\ud800\"}", "<a/>", "\xef\xbb\xbf", "{'a':1}"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        error = NULL;
        assert_int_equal(written(CONFIGURATION, guarded(texts[i]), 3, &out,
                                 &error), CIGNA_ERROR);
        assert_string_equal(error, "is not an object of valid JSON");
        support_release();
    }
}


static void
a_text_with_a_nul_byte_is_refused(void **state)
{
    const char         *error;
    cigna_slice_t       out;
    static const char   text[] = "{\"a\":null\0}";

    (void) state;

    assert_int_equal(written(CONFIGURATION,
                             cigna_slice_make(text, text + sizeof(text) - 1),
                             3, &out, &error), CIGNA_ERROR);
}


static void
a_text_is_bounded(void **state)
{
    size_t          i, len;
    char           *text;
    const char     *error;
    cigna_slice_t   out;

    (void) state;

    len = CIGNA_PUBLIC_METADATA_MAX + 1;
    text = malloc(len);

    memset(text, ' ', len);
    text[0] = '{';
    text[len - 2] = '}';
    assert_int_equal(written(CONFIGURATION,
                             cigna_slice_make(text, text + len - 1), 0, &out,
                             &error), CIGNA_OK);
    assert_int_equal(written(CONFIGURATION,
                             cigna_slice_make(text, text + len), 0, &out,
                             &error), CIGNA_ERROR);

    /* the document is refused before jansson allocates memory for its values */

    for (i = 5; i < len - 3; i++) {
        text[i] = i % 2 ? '1' : ',';
    }

    memcpy(text, "{\"a\":[", 6);
    memcpy(text + len - 4, "1]}", 3);
    assert_int_equal(written(CONFIGURATION,
                             cigna_slice_make(text, text + len - 1), 0, &out,
                             &error), CIGNA_ERROR);
    assert_string_equal(error, "has too many values");

    free(text);
}


static void
endpoints_in_too_many_places_are_refused(void **state)
{
    size_t          i, len;
    char            text[4096];
    const char     *error;
    cigna_slice_t   out;

    (void) state;

    len = (size_t) snprintf(text, sizeof(text), "{\"rest\":[{}");

    for (i = 0; i < 1000; i++) {
        memcpy(text + len, ",{}", 3);
        len += 3;
    }

    memcpy(text + len, "]}", 2);
    len += 2;

    assert_int_equal(written(CAPABILITIES, cigna_slice_make(text, text + len),
                             3, &out, &error), CIGNA_ERROR);
    assert_string_equal(error, "wants endpoints in too many places");
}


static void
linked(const char *text, const char *expected)
{
    cigna_buf_t     b;
    const char     *error;
    cigna_bases_t   bases;

    cigna_bases_init(&bases);
    assert_int_equal(cigna_bases_add(&bases, cigna_slice("https://c/fhir"),
                                     &error), CIGNA_OK);

    cigna_buf_init(&b, mem, strlen(text) + 32);
    assert_int_equal(cigna_public_metadata_links(guarded(text), &bases, &b,
                                                 &error), CIGNA_OK);
    assert_slice(cigna_buf_slice(&b), expected);
    support_release();
}


static void
a_placeholder_byte_replaces_a_base(void **state)
{
    (void) state;

    linked("{\"implementation\":{\"url\":\"https://c/fhir\"}}",
           "{\"implementation\":{\"url\":\"\1\"}}");
    linked("{\"implementation\":{\"url\":\"https://C:443/fhir/x?y\"}}",
           "{\"implementation\":{\"url\":\"\1/x?y\"}}");
    linked("{\"implementation\":{\"url\":\"https://c/other\"},\"a\":\"\"}",
           "{\"implementation\":{\"url\":\"https://c/other\"},\"a\":\"\"}");
}


static void
a_text_with_too_many_links_is_refused(void **state)
{
    size_t          i, len;
    char           *text;
    cigna_buf_t     b;
    const char     *error;
    cigna_bases_t   bases;

    (void) state;

    cigna_bases_init(&bases);
    assert_int_equal(cigna_bases_add(&bases, cigna_slice("https://c/fhir"),
                                     &error), CIGNA_OK);

    text = malloc(64 * 1024);
    len = (size_t) sprintf(text, "{\"a\":[");

    for (i = 0; i <= CIGNA_PUBLIC_METADATA_LINKS_MAX; i++) {
        len += (size_t) sprintf(text + len, "{\"reference\":\"https://c/fhir/"
                                "Patient/1\"},");
    }

    len += (size_t) sprintf(text + len - 1, "]}") - 1;

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_public_metadata_links(
                         cigna_slice_make(text, text + len), &bases, &b,
                         &error), CIGNA_ERROR);
    assert_string_equal(error, "has too many links");

    free(text);
}


#define REQUEST(lines)  "GET /fhir/metadata HTTP/1.1\r\n" lines "\r\n"


static int
asked(const char *request, const char *query, const char *lines)
{
    int            rc;
    cigna_buf_t    b;
    cigna_slice_t  ids[2] = { cigna_slice("id-1"), cigna_slice("id-2") };

    cigna_buf_init(&b, mem, strlen(request) + CIGNA_PUBLIC_METADATA_LINES);
    rc = cigna_public_metadata_asked(guarded(request), cigna_slice_str(query),
                                     ids, &b);
    support_release();

    if (rc == CIGNA_OK) {
        assert_slice(cigna_buf_slice(&b), lines);
    }

    return rc;
}


#define IDENTITY  "Accept-Encoding: identity\r\n"


static void
only_json_is_kept(void **state)
{
    size_t                      i;
    static const char  *const   plain = REQUEST("Host: c\r\n");
    static const char  *const   json[] = {
        "_format=json", "_format=application/json", "_format=application/fhir"
        "+json", "_format=application%2Ffhir%2Bjson", "_format=JSON", ""
    };
    static const char  *const   other[] = {
        "_format=xml", "_format=", "_format", "_summary=true", "_format=json&",
        "_format=json&a", "a&_format=json", "%5fformat=json", "_Format=json"
    };

    (void) state;

    for (i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
        assert_int_equal(asked(plain, json[i], IDENTITY), CIGNA_OK);
    }

    for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        assert_int_equal(asked(plain, other[i], ""), CIGNA_NONE);
    }
}


static void
the_accept_line_must_ask_for_json(void **state)
{
    size_t                     i;
    char                       request[512];
    static const char  *const  json[] = {
        "*/*", "application/json", "Application/FHIR+JSON;q=0.9, */*;q=0.1",
        "application/fhir+json;fhirVersion=4.0", "application/*", ""
    };
    static const char  *const  other[] = {
        "application/fhir+xml", "application/fhir+xml, */*", "text/html",
        "application/json, text/turtle"
    };

    (void) state;

    for (i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
        snprintf(request, sizeof(request), REQUEST("accept: %s\r\n"), json[i]);
        assert_int_equal(asked(request, "", IDENTITY), CIGNA_OK);
    }

    for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        snprintf(request, sizeof(request), REQUEST("Accept: %s\r\n"),
                 other[i]);
        assert_int_equal(asked(request, "", ""), CIGNA_NONE);

        /* the parameter "_format" overrides the line Accept */

        assert_int_equal(asked(request, "_format=json", IDENTITY), CIGNA_OK);
    }
}


static void
a_fetch_has_the_lines_of_the_operator(void **state)
{
    (void) state;

    assert_int_equal(asked(REQUEST("Host: c\r\nX-Api-Key: k\r\n"
                                   "User-Agent: u\r\nAccept: */*\r\n"
                                   "X-Request-Id: 1\r\nAPI-Version:2\r\n"),
                           "",
                           IDENTITY "X-Api-Key: k\r\nAPI-Version:2\r\n"),
                     CIGNA_OK);
}


static void
a_line_with_an_id_of_the_request_is_left_out(void **state)
{
    (void) state;

    assert_int_equal(asked(REQUEST("X-Correlation-Id: id-1\r\nX-Trace:id-2\r\n"
                                   "X-Key: id-11\r\nX-Empty:\r\n"),
                           "", IDENTITY "X-Key: id-11\r\n"),
                     CIGNA_OK);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_path_names_a_document),
        cmocka_unit_test(endpoints_are_replaced_in_their_place),
        cmocka_unit_test(endpoints_are_added_to_a_configuration),
        cmocka_unit_test(endpoints_are_added_to_a_statement),
        cmocka_unit_test(an_extension_with_some_endpoints_gets_the_others),
        cmocka_unit_test(rest_without_a_valid_server_stays),
        cmocka_unit_test(endpoints_without_an_oauth_uris_name_are_left_out),
        cmocka_unit_test(unusual_json_stays_to_the_byte),
        cmocka_unit_test(a_text_that_is_not_json_is_refused),
        cmocka_unit_test(a_text_with_a_nul_byte_is_refused),
        cmocka_unit_test(a_text_is_bounded),
        cmocka_unit_test(endpoints_in_too_many_places_are_refused),
        cmocka_unit_test(a_placeholder_byte_replaces_a_base),
        cmocka_unit_test(a_text_with_too_many_links_is_refused),
        cmocka_unit_test(only_json_is_kept),
        cmocka_unit_test(the_accept_line_must_ask_for_json),
        cmocka_unit_test(a_line_with_an_id_of_the_request_is_left_out),
        cmocka_unit_test(a_fetch_has_the_lines_of_the_operator)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

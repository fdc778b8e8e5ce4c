
#include <stdio.h>

#include "support.h"

#include "oauth/cigna_oauth.h"


static uint8_t           mem[16 * 1024];
static cigna_arena_t     arena;
static cigna_provider_t  provider;
static cigna_metadata_t  metadata;
static char              notes[512];


static int
parse(const char *body, const char **error)
{
    int            rc;
    cigna_buf_t    b;
    cigna_slice_t  text;

    text = guarded(body);

    cigna_arena_init(&arena, mem, sizeof(mem));
    cigna_buf_init(&b, (uint8_t *) notes, sizeof(notes) - 1);

    rc = cigna_oauth_metadata_parse(&provider, text, &arena, &metadata, &b,
                                    error);

    assert_false(b.overflow);
    notes[cigna_buf_slice(&b).len] = '\0';

    memset((uint8_t *) text.data, '#', text.len);
    support_release();

    return rc;
}


static void
assert_refused(const char *body, const char *words)
{
    const char  *error;

    if (parse(body, &error) == CIGNA_OK) {
        fail_msg("accepted: %s", body);
    }

    if (strstr(error, words) == NULL) {
        fail_msg("\"%s\" for %s", error, body);
    }

    assert_slice(metadata.issuer, "");
    assert_slice(metadata.token_endpoint, "");
}


/*
 * Parses a document, which must be accepted.  urls: the expected endpoints, as
 * "ISSUER|AUTHORIZE|TOKEN|KEYS|REVOKE"; told: the expected text for the log
 */

static void
assert_read(const char *body, const char *urls, const char *told)
{
    char         got[512];
    const char  *error;

    if (parse(body, &error) != CIGNA_OK) {
        fail_msg("\"%s\" for %s", error, body);
    }

    (void) snprintf(got, sizeof(got), "%.*s|%.*s|%.*s|%.*s|%.*s",
                    (int) metadata.issuer.len, metadata.issuer.data,
                    (int) metadata.authorization_endpoint.len,
                    metadata.authorization_endpoint.data,
                    (int) metadata.token_endpoint.len,
                    metadata.token_endpoint.data,
                    (int) metadata.jwks_uri.len, metadata.jwks_uri.data,
                    (int) metadata.revocation_endpoint.len,
                    metadata.revocation_endpoint.data);

    assert_string_equal(got, urls);
    assert_string_equal(notes, told);
}


static void
a_document_is_read(void **state)
{
    const char  *error;

    (void) state;

    assert_int_equal(parse(
        "{\"issuer\":\"https://as.example/oauth\","
        "\"authorization_endpoint\":\"https://as.example/authorize?x=1\","
        "\"token_endpoint\":\"https://as.example:8443/token\","
        "\"jwks_uri\":\"https://keys.example/jwks\","
        "\"revocation_endpoint\":\"https://as.example/revoke\","
        "\"authorization_response_iss_parameter_supported\":true,"
        "\"capabilities\":[\"launch-standalone\"],"
        "\"code_challenge_methods_supported\":[\"S256\"]}", &error),
        CIGNA_OK);

    assert_null(error);
    assert_slice(metadata.issuer, "https://as.example/oauth");
    assert_slice(metadata.authorization_endpoint,
                 "https://as.example/authorize?x=1");
    assert_slice(metadata.token_endpoint, "https://as.example:8443/token");
    assert_slice(metadata.jwks_uri, "https://keys.example/jwks");
    assert_slice(metadata.revocation_endpoint, "https://as.example/revoke");
    assert_true(metadata.iss_supported);
    assert_string_equal(notes, "");
}


static void
absent_members_are_left_empty(void **state)
{
    const char  *error;

    (void) state;

    assert_int_equal(parse("{\"token_endpoint\":\"https://as.example/t\","
                           "\"jwks_uri\":null,"
                           "\"authorization_response_iss_parameter_supported\""
                           ":\"yes\"}", &error),
                     CIGNA_OK);
    assert_slice(metadata.issuer, "");
    assert_slice(metadata.jwks_uri, "");
    assert_slice(metadata.token_endpoint, "https://as.example/t");
    assert_false(metadata.iss_supported);
}


static void
endpoints_without_tls_are_refused_unless_allowed(void **state)
{
    const char  *error;

    (void) state;

    assert_refused("{\"issuer\":\"http://as.example\"}", "issuer");
    assert_refused("{\"authorization_endpoint\":\"http://as.example/\"}",
                   "authorization_endpoint");
    assert_refused("{\"token_endpoint\":\"http://as.example/\"}",
                   "token_endpoint");

    provider.insecure_http = 1;
    assert_int_equal(parse("{\"token_endpoint\":\"http://as.example/\"}",
                           &error),
                     CIGNA_OK);
    assert_refused("{\"token_endpoint\":\"ftp://as.example/\"}",
                   "token_endpoint");
}


static void
a_text_that_is_not_a_url_is_refused(void **state)
{
    (void) state;

    assert_refused("{\"token_endpoint\":\"/token\"}", "token_endpoint");
    assert_refused("{\"token_endpoint\":5}", "token_endpoint");
    assert_refused("{\"token_endpoint\":\"https://u:p@as.example/\"}",
                   "token_endpoint");
    assert_refused("{\"token_endpoint\":\"https://as.example/#f\"}",
                   "token_endpoint");
    assert_refused("{\"token_endpoint\":\"https://as.example/\\r\\nX: y\"}",
                   "token_endpoint");
    assert_refused("{\"issuer\":\"https://as.example/?q=1\"}", "query");
}


static void
a_text_that_is_not_an_object_is_refused(void **state)
{
    (void) state;

    assert_refused("", "JSON");
    assert_refused("<html>", "JSON");
    assert_refused("[]", "JSON");
    assert_refused("\xef\xbb\xbf", "JSON");
    assert_refused("{\"issuer\":\"https://a.example\"", "JSON");
}


static void
harmless_oddities_are_accepted(void **state)
{
    const char  *strict = "\"document\": not strict JSON";

    (void) state;

    assert_read("\xef\xbb\xbf{\"issuer\":\"https://a\"}", "https://a||||",
                strict);
    assert_read("{\"service\":\"caf\xe9\",\"issuer\":\"https://a\"}",
                "https://a||||", strict);
    assert_read("\r\n {\"issuer\":\"https://a\"}\n\n", "https://a||||", "");
    assert_read("{\"issuer\":\"https://a\",\"x\":{\"y\":[1]},\"\":null}",
                "https://a||||", "");

    assert_read("{\"issuer\":\" https://a\\r\\n\","
                "\"authorization_endpoint\":\"\\thttps://a/a \","
                "\"token_endpoint\":\"https://a/t\\n\","
                "\"jwks_uri\":\"https://a/k \","
                "\"revocation_endpoint\":\"\\nhttps://a/r\"}",
                "https://a|https://a/a|https://a/t|https://a/k|https://a/r",
                "");
}


static void
of_a_name_that_occurs_twice_the_last_value_counts(void **state)
{
    const char  *strict = "\"document\": not strict JSON";

    (void) state;

    assert_read("{\"token_endpoint\":\"https://a/t\","
                "\"token_endpoint\":\"https://a/t\"}", "||https://a/t||",
                strict);
    assert_read("{\"token_endpoint\":\"https://a/1\","
                "\"token_endpoint\":\"https://a/2\"}", "||https://a/2||",
                strict);

    /* all rules apply to the last of several members with one name */

    assert_refused("{\"token_endpoint\":\"https://a/1\","
                   "\"token_endpoint\":\"http://a/2\"}", "token_endpoint");

    provider.configured_issuer = cigna_slice("https://a");

    assert_refused("{\"issuer\":\"https://a\",\"issuer\":\"https://b\"}",
                   "configured");
}


static void
a_bad_optional_endpoint_counts_as_absent(void **state)
{
    char                      body[256], told[128];
    unsigned                  i, n;
    static const char *const  names[] = { "jwks_uri", "revocation_endpoint" };

    static const struct {
        const char  *value;
        const char  *told;
    } faults[] = {
        { "\"\"", "empty" },
        { "\" \\n\"", "empty" },
        { "\"http://as.example/\"", "not an https URL" },
        { "\"javascript:x\"", "not an https URL" },
        { "\"https://u:p@as.example/\"", "not an https URL" },
        { "\"/relative\"", "not an https URL" },
        { "\"https://a/x\\u0000y\"", "not an https URL" },
        { "5", "not a string, or too long" },
        { "[\"https://as.example/\"]", "not a string, or too long" },
        { "{}", "not a string, or too long" },
        { "false", "not a string, or too long" }
    };

    (void) state;

    for (n = 0; n < 2; n++) {
        for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {

            (void) snprintf(body, sizeof(body),
                            "{\"%s\":%s,\"token_endpoint\":\"https://a/t\"}",
                            names[n], faults[i].value);

            (void) snprintf(told, sizeof(told), "%s\"%s\": %s",
                            strstr(body, "u0000")
                            ? "\"document\": not strict JSON, " : "",
                            names[n], faults[i].told);

            assert_read(body, "||https://a/t||", told);
        }
    }

    assert_read("{\"jwks_uri\":5,\"revocation_endpoint\":\"http://a\","
                "\"authorization_response_iss_parameter_supported\":\"no\"}",
                "||||", "\"jwks_uri\": not a string, or too long, "
                "\"revocation_endpoint\": not an https URL, "
                "\"authorization_response_iss_parameter_supported\": not true "
                "or false");

    assert_read("{\"issuer\":\"\",\"token_endpoint\":\" \"}", "||||",
                "\"issuer\": empty, \"token_endpoint\": empty");
}


static void
a_configured_endpoint_may_be_bad_in_the_document(void **state)
{
    (void) state;

    provider.token_endpoint = cigna_slice("https://a/t");

    assert_read("{\"token_endpoint\":\"http://a/t\"}", "||||",
                "\"token_endpoint\": not an https URL");
    assert_refused("{\"authorization_endpoint\":5}",
                   "authorization_endpoint");

    provider.authorization_endpoint = cigna_slice("https://a/a");

    assert_read("{\"authorization_endpoint\":5}", "||||",
                "\"authorization_endpoint\": not a string, or too long");

    /* the rules for the issuer are as strict as without configured endpoints */

    assert_refused("{\"issuer\":5}", "issuer");
    assert_refused("{\"issuer\":\"http://a\"}", "issuer");

    provider.configured_issuer = cigna_slice("https://a");

    assert_read("{\"issuer\":5}", "||||",
                "\"issuer\": not a string, or too long");
    assert_refused("{\"issuer\":\"http://a\"}", "configured");
}


static void
tokens_are_not_revoked_at_another_server(void **state)
{
    const char  *told = "\"revocation_endpoint\": of another server than the "
                        "\"token_endpoint\" that is configured";

    (void) state;

    provider.token_endpoint = cigna_slice("https://own/t");

    assert_read("{\"token_endpoint\":\"https://b/t\","
                "\"revocation_endpoint\":\"https://b/r\"}",
                "||https://b/t||", told);
    assert_read("{\"revocation_endpoint\":\"https://b/r\"}", "||||", told);

    /* the server of the token endpoint may use a second host for revocations */

    assert_read("{\"token_endpoint\":\"https://own/v2/t\","
                "\"revocation_endpoint\":\"https://b/r\"}",
                "||https://own/v2/t||https://b/r", "");
    assert_read("{\"revocation_endpoint\":\"https://OWN:443/r\"}",
                "||||https://OWN:443/r", "");

    /* a configured endpoint always counts */

    provider.revocation_endpoint = cigna_slice("https://b/r");

    assert_read("{\"token_endpoint\":\"https://b/t\","
                "\"revocation_endpoint\":\"https://b/r\"}",
                "||https://b/t||https://b/r", "");
}


static void
the_issuer_must_be_the_configured_one(void **state)
{
    const char  *error;

    (void) state;

    provider.configured_issuer = cigna_slice("https://as.example");

    assert_int_equal(parse("{\"issuer\":\"https://as.example\"}", &error),
                     CIGNA_OK);
    assert_int_equal(parse("{\"token_endpoint\":\"https://as.example/t\"}",
                           &error),
                     CIGNA_OK);
    assert_refused("{\"issuer\":\"https://as.example/\"}", "configured");
    assert_refused("{\"issuer\":\"https://evil.example\"}", "configured");
}


static void
too_little_room_is_reported(void **state)
{
    cigna_buf_t   b;
    const char   *error;

    (void) state;

    cigna_buf_init(&b, (uint8_t *) notes, sizeof(notes));
    cigna_arena_init(&arena, mem, 8);
    assert_int_equal(cigna_oauth_metadata_parse(&provider,
                         cigna_slice("{\"issuer\":\"https://as.example\"}"),
                         &arena, &metadata, &b, &error),
                     CIGNA_ERROR);
    assert_non_null(strstr(error, "room"));
}


static void
a_changed_host_or_issuer_is_noticed(void **state)
{
    cigna_metadata_t  known, fresh;

    (void) state;

    memset(&known, 0, sizeof(known));
    known.issuer = cigna_slice("https://as.example");
    known.token_endpoint = cigna_slice("https://as.example/token");
    known.jwks_uri = cigna_slice("https://as.example/jwks");

    fresh = known;
    assert_false(cigna_oauth_metadata_moved(&known, &fresh));

    fresh.token_endpoint = cigna_slice("https://AS.example:443/v2/token");
    fresh.jwks_uri = cigna_slice_null;
    fresh.revocation_endpoint = cigna_slice("https://other.example/revoke");
    assert_false(cigna_oauth_metadata_moved(&known, &fresh));

    fresh.token_endpoint = cigna_slice("https://evil.example/token");
    assert_true(cigna_oauth_metadata_moved(&known, &fresh));

    fresh.token_endpoint = cigna_slice("https://as.example:8443/token");
    assert_true(cigna_oauth_metadata_moved(&known, &fresh));

    fresh.token_endpoint = cigna_slice("http://as.example/token");
    assert_true(cigna_oauth_metadata_moved(&known, &fresh));

    fresh.token_endpoint = cigna_slice("nonsense");
    assert_true(cigna_oauth_metadata_moved(&known, &fresh));

    fresh = known;
    fresh.issuer = cigna_slice("https://as.example/other");
    assert_true(cigna_oauth_metadata_moved(&known, &fresh));
}


static int
setup(void **state)
{
    (void) state;

    memset(&provider, 0, sizeof(provider));

    return 0;
}


#define test(name)  cmocka_unit_test_setup(name, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_document_is_read),
        test(absent_members_are_left_empty),
        test(endpoints_without_tls_are_refused_unless_allowed),
        test(a_text_that_is_not_a_url_is_refused),
        test(a_text_that_is_not_an_object_is_refused),
        test(harmless_oddities_are_accepted),
        test(of_a_name_that_occurs_twice_the_last_value_counts),
        test(a_bad_optional_endpoint_counts_as_absent),
        test(a_configured_endpoint_may_be_bad_in_the_document),
        test(tokens_are_not_revoked_at_another_server),
        test(the_issuer_must_be_the_configured_one),
        test(too_little_room_is_reported),
        test(a_changed_host_or_issuer_is_noticed)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

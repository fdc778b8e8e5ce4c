
#include <stdio.h>

#include "support.h"

#include "cigna_oauth.h"


static uint8_t           mem[16 * 1024];
static cigna_arena_t     arena;
static cigna_provider_t  provider;
static cigna_metadata_t  metadata;


static int
parse(const char *body, const char **error)
{
    int            rc;
    cigna_slice_t  text;

    text = guarded(body);

    cigna_arena_init(&arena, mem, sizeof(mem));
    rc = cigna_oauth_metadata_parse(&provider, text, &arena, &metadata, error);

    memset((uint8_t *) text.data, '#', text.len);
    support_release();

    return rc;
}


static void
assert_refused(const char *body, const char *words)
{
    const char  *error;

    assert_int_equal(parse(body, &error), CIGNA_ERROR);

    if (strstr(error, words) == NULL) {
        fail_msg("\"%s\" for %s", error, body);
    }

    assert_slice(metadata.issuer, "");
    assert_slice(metadata.token_endpoint, "");
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
    assert_refused("{\"jwks_uri\":\"http://as.example/\"}", "jwks_uri");
    assert_refused("{\"revocation_endpoint\":\"http://as.example/\"}",
                   "revocation_endpoint");

    provider.insecure_http = 1;
    assert_int_equal(parse("{\"token_endpoint\":\"http://as.example/\"}",
                           &error),
                     CIGNA_OK);
    assert_refused("{\"token_endpoint\":\"ftp://as.example/\"}",
                   "token_endpoint");
}


static void
what_is_no_url_is_refused(void **state)
{
    (void) state;

    assert_refused("{\"token_endpoint\":\"\"}", "token_endpoint");
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
what_is_no_document_is_refused(void **state)
{
    (void) state;

    assert_refused("", "JSON");
    assert_refused("<html>", "JSON");
    assert_refused("[]", "JSON");
    assert_refused("{\"issuer\":\"https://a.example\","
                   "\"issuer\":\"https://b.example\"}", "JSON");
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
too_little_room_is_said(void **state)
{
    const char  *error;

    (void) state;

    cigna_arena_init(&arena, mem, 8);
    assert_int_equal(cigna_oauth_metadata_parse(&provider,
                         cigna_slice("{\"issuer\":\"https://as.example\"}"),
                         &arena, &metadata, &error),
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


static void
the_document_lies_below_the_fhir_base(void **state)
{
    uint8_t      text[128];
    cigna_buf_t  b;

    (void) state;

    provider.fhir_base = cigna_slice("https://fhir.example/v1");

    cigna_buf_init(&b, text, sizeof(text));
    assert_int_equal(cigna_oauth_append_metadata_url(&b, &provider), CIGNA_OK);
    assert_slice(cigna_buf_slice(&b),
                 "https://fhir.example/v1/.well-known/smart-configuration");

    cigna_buf_init(&b, text, 40);
    assert_int_equal(cigna_oauth_append_metadata_url(&b, &provider),
                     CIGNA_ERROR);
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
        test(what_is_no_url_is_refused),
        test(what_is_no_document_is_refused),
        test(the_issuer_must_be_the_configured_one),
        test(too_little_room_is_said),
        test(a_changed_host_or_issuer_is_noticed),
        test(the_document_lies_below_the_fhir_base)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

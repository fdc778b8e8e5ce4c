
#define _GNU_SOURCE

#include "support.h"

#include "http/cigna_form.h"
#include "oauth/cigna_oauth.h"


static uint8_t           mem[128 * 1024];
static cigna_arena_t     arena;
static cigna_provider_t  provider;


static cigna_slice_t
authorize_url(void)
{
    cigna_buf_t  b;

    cigna_arena_open(&arena, &b);
    assert_int_equal(cigna_oauth_append_authorize(&b, &provider,
                         cigna_slice("st"), cigna_slice("no"),
                         cigna_slice("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj"
                                     "Xk")),
                     CIGNA_OK);

    return cigna_arena_close(&arena, &b);
}


static cigna_http_request_t
code_request(void)
{
    cigna_http_request_t  req;

    assert_int_equal(cigna_oauth_code_request(&provider,
                                              provider.client_secret,
                                              cigna_slice("co/de"),
                                              cigna_slice("ver"), &arena,
                                              &req),
                     CIGNA_OK);
    return req;
}


static void
the_challenge_is_the_one_of_rfc_7636(void **state)
{
    uint8_t      text[43];
    cigna_buf_t  b;

    (void) state;

    /* RFC 7636, appendix B */

    cigna_buf_init(&b, text, sizeof(text));
    assert_int_equal(cigna_oauth_append_challenge(&b,
                         guarded("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj"
                                 "Xk")),
                     CIGNA_OK);
    assert_slice(cigna_buf_slice(&b),
                 "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");

    cigna_buf_init(&b, text, 42);
    assert_int_equal(cigna_oauth_append_challenge(&b, guarded("x")),
                     CIGNA_ERROR);
}


static void
an_authorize_url_has_each_parameter_once(void **state)
{
    (void) state;

    assert_slice(authorize_url(),
                 "https://as.example/authorize"
                 "?response_type=code"
                 "&client_id=acme-client"
                 "&redirect_uri=https%3A%2F%2Fhealth.acme.example%2Fcb"
                 "&scope=openid%20patient%2F%2A.read"
                 "&state=st"
                 "&nonce=no"
                 "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
                 "&code_challenge_method=S256");
}


static void
aud_and_configured_parameters_come_last(void **state)
{
    cigna_slice_t  url;
    cigna_param_t  params[] = {
        { cigna_slice("prompt"), cigna_slice("login") },
        { cigna_slice("a b"), cigna_slice("") }
    };

    (void) state;

    provider.aud = cigna_slice("https://fhir.example");
    provider.params = params;
    provider.nparams = 2;

    url = authorize_url();
    assert_non_null(memmem(url.data, url.len,
                           "S256&aud=https%3A%2F%2Ffhir.example&prompt=login"
                           "&a%20b=", 54));
}


static void
an_endpoint_keeps_its_own_query(void **state)
{
    unsigned  i;

    static const char *urls[][2] = {
        { "https://as.example/a?tenant=1",
          "https://as.example/a?tenant=1&response_type=code&" },
        { "https://as.example/a?",
          "https://as.example/a?response_type=code&" },
        { "https://as.example",
          "https://as.example?response_type=code&" }
    };

    (void) state;

    for (i = 0; i < 3; i++) {
        provider.authorization_endpoint = guarded(urls[i][0]);
        assert_true(cigna_slice_starts(authorize_url(),
                                       cigna_slice_str(urls[i][1])));
    }
}


static void
no_endpoint_and_no_room_are_errors(void **state)
{
    size_t                size;
    uint8_t               room[1024];
    cigna_buf_t           b;
    cigna_slice_t         url;
    cigna_arena_t         tight;
    cigna_http_request_t  req;

    (void) state;

    url = authorize_url();

    for (size = 0; size < url.len; size++) {
        cigna_buf_init(&b, room, size);
        assert_int_equal(cigna_oauth_append_authorize(&b, &provider,
                             cigna_slice("st"), cigna_slice("no"),
                             cigna_slice("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFW"
                                         "FOEjXk")),
                         CIGNA_ERROR);
    }

    provider.auth = cigna_auth_basic;

    for (size = 0; ; size++) {
        cigna_arena_init(&tight, room, size);

        if (cigna_oauth_refresh_request(&provider, provider.client_secret,
                                        cigna_slice("r"), &tight, &req)
            == CIGNA_OK)
        {
            break;
        }
    }

    assert_true(size > req.body.len + req.authorization.len);

    provider.authorization_endpoint = cigna_slice_null;
    provider.token_endpoint = cigna_slice_null;
    provider.revocation_endpoint = cigna_slice_null;

    cigna_buf_init(&b, room, sizeof(room));
    assert_int_equal(cigna_oauth_append_authorize(&b, &provider,
                         cigna_slice("s"), cigna_slice("n"), cigna_slice("v")),
                     CIGNA_ERROR);
    assert_int_equal(cigna_oauth_refresh_request(&provider,
                                                 provider.client_secret,
                                                 cigna_slice("r"), &arena,
                                                 &req),
                     CIGNA_ERROR);
    assert_int_equal(cigna_oauth_revoke_request(&provider,
                                                provider.client_secret,
                                                cigna_slice("t"),
                                                "access_token", &arena, &req),
                     CIGNA_ERROR);
}


static void
a_public_client_sends_its_id_only(void **state)
{
    cigna_http_request_t  req;

    (void) state;

    provider.auth = cigna_auth_none;
    req = code_request();

    assert_slice(req.url, "https://as.example/token");
    assert_slice(req.authorization, "");
    assert_slice(req.body,
                 "grant_type=authorization_code&code=co%2Fde"
                 "&redirect_uri=https%3A%2F%2Fhealth.acme.example%2Fcb"
                 "&code_verifier=ver&client_id=acme-client");
}


static void
client_secret_post_sends_the_secret_in_the_body_only(void **state)
{
    cigna_http_request_t  req;

    (void) state;

    provider.auth = cigna_auth_post;
    req = code_request();

    assert_slice(req.authorization, "");
    assert_slice(req.body,
                 "grant_type=authorization_code&code=co%2Fde"
                 "&redirect_uri=https%3A%2F%2Fhealth.acme.example%2Fcb"
                 "&code_verifier=ver&client_id=acme-client"
                 "&client_secret=MARKER%3A%26%20secret");
}


static void
client_secret_basic_sends_the_secret_in_the_header_only(void **state)
{
    cigna_http_request_t  req;

    (void) state;

    provider.auth = cigna_auth_basic;
    req = code_request();

    assert_slice(req.body,
                 "grant_type=authorization_code&code=co%2Fde"
                 "&redirect_uri=https%3A%2F%2Fhealth.acme.example%2Fcb"
                 "&code_verifier=ver");

    /* the Base64 text stands for "acme-client:MARKER%3A%26%20secret" */

    assert_slice(req.authorization,
                 "Basic YWNtZS1jbGllbnQ6TUFSS0VSJTNBJTI2JTIwc2VjcmV0");
}


static void
refresh_and_revocation_send_what_they_need(void **state)
{
    cigna_http_request_t  req;

    (void) state;

    provider.auth = cigna_auth_none;

    assert_int_equal(cigna_oauth_refresh_request(&provider,
                                                 provider.client_secret,
                                                 cigna_slice("MARKER+r"),
                                                 &arena, &req),
                     CIGNA_OK);
    assert_slice(req.url, "https://as.example/token");
    assert_slice(req.body, "grant_type=refresh_token&refresh_token=MARKER%2Br"
                           "&client_id=acme-client");

    assert_int_equal(cigna_oauth_revoke_request(&provider,
                                                provider.client_secret,
                                                cigna_slice("t"),
                                                "refresh_token", &arena, &req),
                     CIGNA_OK);
    assert_slice(req.url, "https://as.example/revoke");
    assert_slice(req.body, "token=t&token_type_hint=refresh_token"
                           "&client_id=acme-client");
}


static int
setup(void **state)
{
    (void) state;

    memset(&provider, 0, sizeof(provider));
    provider.client_id = cigna_slice("acme-client");
    provider.client_secret = cigna_slice("MARKER:& secret");
    provider.redirect_uri = cigna_slice("https://health.acme.example/cb");
    provider.scope = cigna_slice("openid patient/*.read");
    provider.authorization_endpoint =
                                  cigna_slice("https://as.example/authorize");
    provider.token_endpoint = cigna_slice("https://as.example/token");
    provider.revocation_endpoint = cigna_slice("https://as.example/revoke");

    cigna_arena_init(&arena, mem, sizeof(mem));

    return 0;
}


#define test(name)  cmocka_unit_test_setup(name, setup)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_challenge_is_the_one_of_rfc_7636),
        test(an_authorize_url_has_each_parameter_once),
        test(aud_and_configured_parameters_come_last),
        test(an_endpoint_keeps_its_own_query),
        test(no_endpoint_and_no_room_are_errors),
        test(a_public_client_sends_its_id_only),
        test(client_secret_post_sends_the_secret_in_the_body_only),
        test(client_secret_basic_sends_the_secret_in_the_header_only),
        test(refresh_and_revocation_send_what_they_need)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

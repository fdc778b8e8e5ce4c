
#include <stdlib.h>

#include "support.h"

#include "provider/cigna_metadata_fetch.h"


#define URL  "https://fhir.example/r4/metadata"


static const cigna_public_endpoint_t  endpoint = {
    { (const uint8_t *) "token_endpoint", 14 },
    { (const uint8_t *) "https://g/token", 15 }
};


static cigna_metadata_fetch_t  f;
static cigna_http_reply_t      reply;
static cigna_arena_t           arena;
static cigna_op_t              op;
static cigna_event_t           ev;
static uint8_t                 mem[64 * 1024];


static int
setup(void **state)
{
    (void) state;

    memset(&f, 0, sizeof(f));
    memset(&ev, 0, sizeof(ev));

    cigna_http_reply_init(&reply);
    cigna_arena_init(&arena, mem, sizeof(mem));

    f.document = cigna_public_metadata_configuration;
    f.url = cigna_slice(URL);
    f.lines = cigna_slice("Accept-Encoding: identity\r\n");
    f.endpoints = &endpoint;
    f.n = 1;
    f.reply = &reply;
    f.arena = &arena;

    cigna_metadata_fetch_init(&f);

    return 0;
}


static cigna_metadata_fetch_e
answered(unsigned status, const char *type, const char *body)
{
    cigna_metadata_fetch_init(&f);
    cigna_arena_init(&arena, mem, sizeof(mem));

    cigna_metadata_fetch_next(&f, &ev, &op);
    assert_int_equal(op.type, cigna_op_http);

    ev.type = cigna_ev_ok;
    ev.status = status;
    ev.body = cigna_slice_str(body);
    reply.content_type = cigna_slice_str(type);

    cigna_metadata_fetch_next(&f, &ev, &op);
    assert_int_equal(op.type, cigna_op_done);

    return f.rc;
}


static void
a_document_is_below_the_fhir_base(void **state)
{
    cigna_provider_t  p;

    (void) state;

    memset(&p, 0, sizeof(p));
    p.fhir_base = cigna_slice("https://fhir.example/v1");

    assert_slice(cigna_metadata_fetch_url(&arena, &p,
                                          cigna_public_metadata_capabilities),
                 "https://fhir.example/v1/metadata");
    assert_slice(cigna_metadata_fetch_url(&arena, &p,
                                          cigna_public_metadata_configuration),
                 "https://fhir.example/v1/.well-known/smart-configuration");

    cigna_arena_init(&arena, mem, 40);
    assert_slice(cigna_metadata_fetch_url(&arena, &p,
                                          cigna_public_metadata_configuration),
                 "");
}


static void
one_request_is_made_and_charged(void **state)
{
    (void) state;

    cigna_metadata_fetch_next(&f, &ev, &op);

    assert_int_equal(op.type, cigna_op_http);
    assert_true(op.http.fhir);
    assert_slice(op.http.request.url, URL);
    assert_slice(op.http.request.lines, "Accept-Encoding: identity\r\n");
    assert_int_equal(op.http.request.accept.len, 0);
    assert_int_equal(op.http.request.body.len, 0);
    assert_int_equal(op.http.request.authorization.len, 0);

    f.document = cigna_public_metadata_capabilities;
    cigna_metadata_fetch_init(&f);
    cigna_metadata_fetch_next(&f, &ev, &op);

    assert_slice(op.http.request.accept, "application/fhir+json");
}


static void
a_document_is_kept_with_the_endpoints_in_it(void **state)
{
    size_t                     i;
    static const char  *const  types[] = {
        "application/json", "application/fhir+json;charset=utf-8", "",
        "text/plain; charset=utf-8", "application/json+fhir", "text/json"
    };

    (void) state;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(answered(200, types[i], "{\"a\":1.00}"),
                         cigna_metadata_fetch_kept);
        assert_slice(f.text, "{\"a\":1.00,\"token_endpoint\":"
                             "\"https://g/token\"}");
        assert_string_equal(f.detail, "");
    }
}


static void
a_placeholder_replaces_bases_in_links_if_there_are_any(void **state)
{
    const char     *error;
    cigna_bases_t   bases;

    (void) state;

    cigna_bases_init(&bases);
    assert_int_equal(cigna_bases_add(&bases, cigna_slice("https://c/r4"),
                                     &error), CIGNA_OK);

    f.document = cigna_public_metadata_capabilities;
    f.bases = &bases;
    assert_int_equal(answered(200, "",
                              "{\"implementation\":{\"url\":"
                              "\"https://c/r4\"}}"),
                     cigna_metadata_fetch_kept);
    assert_slice(f.text, "{\"implementation\":{\"url\":\"\1\"}}");

    f.bases = NULL;
    assert_int_equal(answered(200, "",
                              "{\"implementation\":{\"url\":"
                              "\"https://c/r4\"}}"),
                     cigna_metadata_fetch_kept);
    assert_slice(f.text, "{\"implementation\":{\"url\":\"https://c/r4\"}}");
}


static void
a_reply_that_cannot_be_kept_ends_as_passed(void **state)
{
    (void) state;

    assert_int_equal(answered(200, "application/json", "{"),
                     cigna_metadata_fetch_passed);
    assert_string_equal(f.detail, "is not an object of valid JSON");
    assert_int_equal(f.text.len, 0);

    assert_int_equal(answered(200, "application/fhir+xml", "<a/>"),
                     cigna_metadata_fetch_passed);
    assert_string_equal(f.detail, "is not JSON but: application/fhir+xml");

    assert_int_equal(answered(401, "application/json", "{}"),
                     cigna_metadata_fetch_passed);
    assert_string_equal(f.detail, "is answered with status: 401");

    assert_int_equal(answered(302, "", ""), cigna_metadata_fetch_passed);
    assert_int_equal(answered(204, "", ""), cigna_metadata_fetch_passed);

    reply.encoded = 1;
    assert_int_equal(answered(200, "application/json", "{}"),
                     cigna_metadata_fetch_passed);
    assert_string_equal(f.detail, "is compressed");
}


static void
a_failure_of_the_server_ends_as_away(void **state)
{
    (void) state;

    assert_int_equal(answered(503, "", ""), cigna_metadata_fetch_away);
    assert_string_equal(f.detail, "is answered with status: 503");
    assert_int_equal(answered(429, "", ""), cigna_metadata_fetch_away);
    assert_int_equal(answered(500, "", ""), cigna_metadata_fetch_away);

    cigna_metadata_fetch_init(&f);
    cigna_metadata_fetch_next(&f, &ev, &op);
    ev.type = cigna_ev_lost;
    cigna_metadata_fetch_next(&f, &ev, &op);

    assert_int_equal(op.type, cigna_op_done);
    assert_int_equal(f.rc, cigna_metadata_fetch_away);
    assert_string_equal(f.detail, "no reply");
}


static void
a_reply_that_is_too_long_ends_as_passed(void **state)
{
    (void) state;

    cigna_metadata_fetch_next(&f, &ev, &op);
    ev.type = cigna_ev_lost;
    reply.too_large = 1;
    cigna_metadata_fetch_next(&f, &ev, &op);

    assert_int_equal(f.rc, cigna_metadata_fetch_passed);
    assert_string_equal(f.detail, "is longer than 4 MiB");
}


static void
fresh(int64_t max_age_s, unsigned least, unsigned most)
{
    unsigned  i, low, high;

    reply.max_age_s = max_age_s;
    low = 100000;
    high = 0;

    for (i = 0; i < 65536; i += 13) {
        ev.random[0] = (uint8_t) (i >> 8);
        ev.random[1] = (uint8_t) i;

        assert_int_equal(answered(200, "", "{}"), cigna_metadata_fetch_kept);

        low = f.fresh_s < low ? f.fresh_s : low;
        high = f.fresh_s > high ? f.fresh_s : high;
    }

    assert_int_equal(low, least);
    assert_int_equal(high, most);
}


static void
freshness_follows_the_server_within_bounds(void **state)
{
    (void) state;

    fresh(-1, 270, 300);
    fresh(0, 54, 60);
    fresh(59, 54, 60);
    fresh(100, 90, 100);
    fresh(3600, 3240, 3600);
    fresh(INT32_MAX, 3240, 3600);
}


#define test(name)  cmocka_unit_test_setup(name, setup)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_document_is_below_the_fhir_base),
        test(one_request_is_made_and_charged),
        test(a_document_is_kept_with_the_endpoints_in_it),
        test(a_placeholder_replaces_bases_in_links_if_there_are_any),
        test(a_reply_that_cannot_be_kept_ends_as_passed),
        test(a_failure_of_the_server_ends_as_away),
        test(a_reply_that_is_too_long_ends_as_passed),
        test(freshness_follows_the_server_within_bounds)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

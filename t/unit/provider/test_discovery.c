
#define _GNU_SOURCE

#include <stdio.h>

#include "acting.h"


static cigna_discovery_t *
begin(void)
{
    world_end(&a);
    world_discovery(&w, &a);

    return &a.flow.discovery;
}


static cigna_discovery_t *
finish(void)
{
    world_run(&w, &a);

    return &a.flow.discovery;
}


static void
the_document_is_fetched_below_the_fhir_base(void **state)
{
    cigna_discovery_t  *f;

    (void) state;

    f = begin();
    world_step(&w, &a, world_fine);

    assert_slice(a.op.http.request.url, "https://fhir.example/r4/.well-known/"
                 "smart-configuration");
    assert_int_equal(a.op.http.request.body.len, 0);
    assert_int_equal(a.op.http.request.authorization.len, 0);

    (void) finish();

    assert_int_equal(f->rc, CIGNA_OK);
    assert_false(f->moved);
    assert_slice(f->metadata.issuer, "https://as.example");
    assert_slice(f->metadata.token_endpoint, "https://as.example/token");
    assert_string_equal(f->detail, "");
}


static void
a_failure_that_passes_is_tried_once_more(void **state)
{
    unsigned  kind;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        (void) begin();
        assert_true(world_run_fault(&w, &a, 1, kind));
        assert_int_equal(a.flow.discovery.rc, CIGNA_OK);
    }
}


static void
a_second_failure_ends_the_flow(void **state)
{
    unsigned  kind, n;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        (void) begin();

        for (n = 0; !a.done; n += a.op.type == cigna_op_http) {
            world_step(&w, &a, kind);
        }

        assert_int_equal(n, 2);
        assert_int_equal(a.flow.discovery.rc, CIGNA_ERROR);
        assert_string_not_equal(a.flow.discovery.detail, "");
    }
}


static void
a_request_that_is_refused_is_not_repeated(void **state)
{
    (void) state;

    w.auth.answer_status = 404;

    (void) begin();
    assert_int_equal(finish()->rc, CIGNA_ERROR);
    assert_int_equal(w.auth.metadata_fetched, 1);
    assert_string_equal(a.flow.discovery.detail, "status: 404");
    assert_false(a.flow.discovery.refused);
}


static void
a_body_that_is_no_document_is_refused(void **state)
{
    (void) state;

    w.auth.answer_status = 200;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body), "<html>");

    (void) begin();
    assert_int_equal(finish()->rc, CIGNA_ERROR);
    assert_string_not_equal(a.flow.discovery.detail, "");
    assert_false(a.flow.discovery.refused);
}


static void
the_same_hosts_as_before_are_accepted(void **state)
{
    (void) state;

    begin()->known = &w.auth.metadata;
    assert_int_equal(finish()->rc, CIGNA_OK);
}


static void
another_host_than_before_is_refused_and_reported(void **state)
{
    cigna_metadata_t  known;

    (void) state;

    known = w.auth.metadata;
    w.auth.metadata.token_endpoint = cigna_slice("https://evil.example/token");

    begin()->known = &known;

    assert_int_equal(finish()->rc, CIGNA_ERROR);
    assert_true(a.flow.discovery.moved);
    assert_true(a.flow.discovery.refused);
    assert_string_not_equal(a.flow.discovery.detail, "");
}


static cigna_discovery_t *
told(const cigna_metadata_t *known, const char *document)
{
    w.auth.answer_status = 200;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body), "%s",
                    document);

    begin()->known = known;

    return finish();
}


static void
a_document_may_come_with_any_status_2xx(void **state)
{
    unsigned               i;
    static const unsigned  statuses[] = { 201, 203, 299 };

    (void) state;

    for (i = 0; i < 3; i++) {
        (void) told(NULL, "{}");

        w.auth.answer_status = statuses[i];
        (void) begin();
        assert_int_equal(finish()->rc, CIGNA_OK);
    }
}


static void
ignored_members_are_reported(void **state)
{
    cigna_metadata_t    known;
    cigna_discovery_t  *f;

    (void) state;

    known = w.auth.metadata;

    f = told(&known, "\xef\xbb\xbf{\"jwks_uri\":\"http://as.example/keys\","
             "\"revocation_endpoint\":7}");

    assert_int_equal(f->rc, CIGNA_OK);
    assert_slice(f->metadata.jwks_uri, "https://as.example/jwks");
    assert_string_equal(f->ignored, "\"document\": not strict JSON, "
                        "\"jwks_uri\": not an https URL, "
                        "\"revocation_endpoint\": not a string, or too long");

    assert_string_equal(told(&known, "{}")->ignored, "");
}


/*
 * of two members with one name the last counts, and it must keep the known host
 */

static void
the_last_of_two_members_may_not_name_another_host(void **state)
{
    (void) state;

    assert_int_equal(told(&w.auth.metadata,
                          "{\"token_endpoint\":\"https://as.example/token\","
                          "\"token_endpoint\":\"https://evil.example/t\"}")
                     ->rc, CIGNA_ERROR);
    assert_true(a.flow.discovery.moved);
}


/*
 * if a document without a needed endpoint were accepted, there would be no
 * other request for an hour
 */

static void
a_document_without_a_needed_endpoint_is_refused(void **state)
{
    const char  *neither = "{}",
                *one = "{\"token_endpoint\":\"https://as.example/token\"}",
                *other = "{\"authorization_endpoint\":"
                         "\"https://as.example/authorize\"}";

    (void) state;

    /* the document may lack configured endpoints */

    assert_int_equal(told(NULL, neither)->rc, CIGNA_OK);

    w.provider.token_endpoint = cigna_slice_null;

    assert_int_equal(told(NULL, other)->rc, CIGNA_ERROR);
    assert_string_equal(a.flow.discovery.detail, "no \"token_endpoint\"");
    assert_int_equal(told(NULL, one)->rc, CIGNA_OK);

    w.provider.authorization_endpoint = cigna_slice_null;

    assert_int_equal(told(NULL, one)->rc, CIGNA_ERROR);
    assert_string_equal(a.flow.discovery.detail,
                        "no \"authorization_endpoint\"");
    assert_false(a.flow.discovery.moved);
}


static void
an_endpoint_that_a_later_document_leaves_out_stays_in_use(void **state)
{
    cigna_metadata_t    known;
    cigna_discovery_t  *f;

    (void) state;

    known = w.auth.metadata;
    known.revocation_endpoint = cigna_slice("https://as.example/revoke");

    w.provider.token_endpoint = cigna_slice_null;
    w.provider.authorization_endpoint = cigna_slice_null;

    f = told(&known, "{\"jwks_uri\":\"https://as.example/others\"}");

    assert_int_equal(f->rc, CIGNA_OK);
    assert_slice(f->metadata.issuer, "https://as.example");
    assert_slice(f->metadata.authorization_endpoint,
                 "https://as.example/authorize");
    assert_slice(f->metadata.token_endpoint, "https://as.example/token");
    assert_slice(f->metadata.revocation_endpoint,
                 "https://as.example/revoke");

    assert_slice(f->metadata.jwks_uri, "https://as.example/others");
}


static void
another_issuer_than_configured_is_refused(void **state)
{
    (void) state;

    w.provider.configured_issuer = cigna_slice("https://as.example");
    w.auth.metadata.issuer = cigna_slice("https://evil.example");

    (void) begin();
    assert_int_equal(finish()->rc, CIGNA_ERROR);
    assert_true(a.flow.discovery.refused);
}


static int
setup(void **state)
{
    (void) state;

    new_world();

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_document_is_fetched_below_the_fhir_base),
        test(a_failure_that_passes_is_tried_once_more),
        test(a_second_failure_ends_the_flow),
        test(a_request_that_is_refused_is_not_repeated),
        test(a_body_that_is_no_document_is_refused),
        test(a_document_may_come_with_any_status_2xx),
        test(ignored_members_are_reported),
        test(the_last_of_two_members_may_not_name_another_host),
        test(the_same_hosts_as_before_are_accepted),
        test(another_host_than_before_is_refused_and_reported),
        test(a_document_without_a_needed_endpoint_is_refused),
        test(an_endpoint_that_a_later_document_leaves_out_stays_in_use),
        test(another_issuer_than_configured_is_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "support.h"

#include "http/cigna_gate_in.h"


static const char *const  listed[] = {
    "Date", "ETag", "Vary", "Allow", "Location", "Retry-After", "X-Progress",
    "Content-Type", "Content-Length", "Content-Encoding", "Content-Language",
    "Content-Location", "Content-Range", "Accept-Ranges", "Last-Modified",
    "Preference-Applied", "Digest", "Content-Digest", "Repr-Digest",
    "Content-MD5", "ETAG", "etag"
};


/*
 * Names of header lines in the FHIR server's reply that must not pass, because
 * they are not on the gate's list.
 */

static const char *const  unlisted[] = {
    "", "X", "-", "Link", "Refresh", "WWW-Authenticate", "Set-Cookie",
    "Set-Cookie2", "Cookie", "Server", "Via", "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers",
    "Service-Worker-Allowed", "Content-Security-Policy",
    "Content-Security-Policy-Report-Only", "Cross-Origin-Resource-Policy",
    "Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy",
    "Strict-Transport-Security", "X-Frame-Options", "X-Content-Type-Options",
    "X-XSS-Protection", "Referrer-Policy", "Permissions-Policy",
    "Feature-Policy", "Document-Policy", "SourceMap", "X-SourceMap",
    "Clear-Site-Data", "Alt-Svc", "NEL", "Report-To", "Reporting-Endpoints",
    "Origin-Trial", "Speculation-Rules", "Accept-CH", "Critical-CH",
    "Timing-Allow-Origin", "Origin-Agent-Cluster", "Set-Login",
    "Use-As-Dictionary", "No-Vary-Search", "Cache-Control", "Expires",
    "Pragma", "Age", "Warning", "Proxy-Authenticate", "Connection",
    "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "X-Accel-Expires",
    "X-Accel-Redirect", "X-Request-Id", "X-Total-Count", "X-RateLimit-Limit",
    "RateLimit", "X-Powered-By", "X-Served-By", "traceparent", "Server-Timing",
    "Etagg", "Eta", "Dat", "Dates", "Content_Type", "Content-Typ\x05",
    "Location ", " Location", "Content-MD\x15", "Vary\r"
};


static const char *const  attachments[] = {
    "attachment", "ATTACHMENT", "attachment ", "attachment;filename=a.pdf",
    "attachment; filename=\"a b.pdf\"", "attachment;\tfilename=\"a\\\"b.pdf\"",
    "attachment; filename*=UTF-8''%e2%82%ac.pdf",
    "attachment; filename=\"a;b,c=d\" ; filename*=utf-8'en'x",
    "attachment; filename=\"\xc3\xa4.pdf\"", "attachment; filename=\"\"",
    "attachment; size=3; filename=x"
};


static const char *const  others[] = {
    "", " ", "inline", "inline; filename=a.pdf", "form-data; name=a",
    "attachments", "attachment,inline", "attachment, attachment",
    "attachment; filename", "attachment; filename=", "attachment; =a",
    "attachment;", "attachment; ", "attachment filename=a", "\"attachment\"",
    "attachment; filename=a b", "attachment; filename=\"a",
    "attachment; filename=\"a\\", "attachment; filename=\"a\\\"",
    "attachment; filename=\"a\"b", "attachment; filename=\"a\x01\"",
    "attachment; filename=\"a\\\x01\"", "attachment; filename=a/b",
    "attachment; filename=\"a\x7f\"", "; attachment", " attachment",
    "attachment; filename =a", "attachment; filename= a"
};


static const char *const  json[] = {
    "application/json", "application/fhir+json", "application/json+fhir",
    "APPLICATION/FHIR+JSON", "application/json ; charset=UTF-8",
    "application/fhir+json; fhirVersion=4.0", "text/json",
    "application/fhir+json;fhirVersion=4.0;charset=utf-8",
    "application/problem+json", "application/x-y.z+json; a=\"b;c\"",
    "application/json;"
};


static const char *const  no_json[] = {
    "", ";", "/", "json", "+json", "/json", "application/", "application",
    "text/html", "image/svg+xml", "application/fhir+xml", "text/plain",
    "application/pdf", "application/javascript", "application/jsonp",
    "application/json, text/html", "application/json; a=b, text/html",
    "text/html, application/json", "application/json; a=\",\"",
    "text/html;+json", "text/html; a=application/json", "text/html +json",
    "text/html/x+json", "text<html+json", "application/json\x01",
    "application/json text/html", "a b/c+json", "/+json", "a/+json\x01",
    "a\x01/b+json",
    "application/fhir+ndjson", "application/x-ndjson", "application/+jso",
    "application/json+fhir+xml", "\"application/json\""
};


#define n_of(array)  (sizeof(array) / sizeof((array)[0]))


static void
names_on_the_list_pass(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < n_of(listed); i++) {
        if (!cigna_gate_in_passes(guarded(listed[i]), guarded("a value"))) {
            fail_msg("\"%s\" does not pass", listed[i]);
        }
    }
}


static void
other_names_do_not_pass(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < n_of(unlisted); i++) {
        if (cigna_gate_in_passes(guarded(unlisted[i]),
                                 guarded("attachment")))
        {
            fail_msg("\"%s\" passes", unlisted[i]);
        }
    }
}


static void
a_nul_byte_does_not_end_a_name(void **state)
{
    static const char  name[] = "Date\0Etag\0";

    (void) state;

    assert_true(cigna_gate_in_passes(cigna_slice_make(name, name + 4),
                                     cigna_slice_null));
    assert_false(cigna_gate_in_passes(cigna_slice_make(name, name + 5),
                                      cigna_slice_null));
    assert_false(cigna_gate_in_passes(cigna_slice_make(name, name + 10),
                                      cigna_slice_null));
}


static void
names_that_the_gate_writes_are_known(void **state)
{
    (void) state;

    assert_int_equal(cigna_gate_in_own(guarded("Cache-Control")),
                     cigna_gate_in_storing);
    assert_int_equal(cigna_gate_in_own(guarded("Expires")),
                     cigna_gate_in_storing);
    assert_int_equal(cigna_gate_in_own(guarded("pragma")),
                     cigna_gate_in_storing);
    assert_int_equal(cigna_gate_in_own(guarded("x-content-type-options")),
                     cigna_gate_in_sniffing);
    assert_int_equal(cigna_gate_in_own(guarded("Content-Security-POLICY")),
                     cigna_gate_in_policy);
    assert_int_equal(cigna_gate_in_own(
                         guarded("Cross-Origin-Resource-Policy")),
                     cigna_gate_in_embedding);
    assert_int_equal(cigna_gate_in_own(guarded("Content-Disposition")),
                     cigna_gate_in_disposition);

    assert_int_equal(cigna_gate_in_own(guarded("ETag")),
                     cigna_gate_in_unlisted);
    assert_int_equal(cigna_gate_in_own(guarded("Content-Security-Policy-R")),
                     cigna_gate_in_unlisted);
    assert_int_equal(cigna_gate_in_own(guarded("X-Frame-Options")),
                     cigna_gate_in_unlisted);
    assert_int_equal(cigna_gate_in_own(guarded("Cache\x0d" "Control")),
                     cigna_gate_in_unlisted);
}


/*
 * tries each byte at each offset, because the code compares 8 bytes at a time
 */

static void
values_with_control_bytes_do_not_pass(void **state)
{
    size_t    at, len;
    unsigned  c;
    uint8_t   text[26];

    (void) state;

    for (len = 1; len <= sizeof(text); len++) {

        for (at = 0; at < len; at++) {

            for (c = 0; c < 256; c++) {

                memset(text, at % 2 ? 0xff : '~', sizeof(text));
                text[at] = (uint8_t) c;

                assert_int_equal(
                    cigna_gate_in_passes(cigna_slice("ETag"),
                                         cigna_slice_make(text, text + len)),
                    (c >= 0x20 || c == '\t') && c != 0x7f);
            }
        }
    }
}


static void
only_well_formed_attachments_pass(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < n_of(attachments); i++) {
        if (!cigna_gate_in_passes(guarded("Content-Disposition"),
                                  guarded(attachments[i])))
        {
            fail_msg("\"%s\" is no attachment", attachments[i]);
        }
    }

    for (i = 0; i < n_of(others); i++) {
        if (cigna_gate_in_attachment(guarded(others[i]))) {
            fail_msg("\"%s\" is an attachment", others[i]);
        }
    }
}


static void
a_type_is_json_if_every_reader_takes_it_for_json(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < n_of(json); i++) {
        if (!cigna_gate_in_json(guarded(json[i]))) {
            fail_msg("\"%s\" is not JSON", json[i]);
        }
    }

    for (i = 0; i < n_of(no_json); i++) {
        if (cigna_gate_in_json(guarded(no_json[i]))) {
            fail_msg("\"%s\" is JSON", no_json[i]);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(names_on_the_list_pass),
        cmocka_unit_test(other_names_do_not_pass),
        cmocka_unit_test(a_nul_byte_does_not_end_a_name),
        cmocka_unit_test(names_that_the_gate_writes_are_known),
        cmocka_unit_test(values_with_control_bytes_do_not_pass),
        cmocka_unit_test(only_well_formed_attachments_pass),
        cmocka_unit_test(a_type_is_json_if_every_reader_takes_it_for_json)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

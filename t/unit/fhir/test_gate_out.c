
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "fhir/cigna_gate_out.h"


#define BASE  "/PatientAccess/v1"
#define GET(target)  "GET " target " HTTP/1.1\r\n"
#define HEADER  "Host: fhir.example\r\nConnection: close\r\n"

#define OURS  "X-Request-Id: id-1\r\nAuthorization: Bearer t\r\n\r\n"


static const cigna_slice_t  operators[] = {
    { (const uint8_t *) "X-App", 5 },
    { (const uint8_t *) "X-Request-Id", 12 },
    { (const uint8_t *) "X-Forwarded-For", 15 },
    { (const uint8_t *) "Authorization", 13 },
    { (const uint8_t *) "Accept-Encoding", 15 },
    { (const uint8_t *) "tracestate", 10 }
};


static char              written[16384];
static cigna_gate_out_t  gate;


static void
begin(const char *target)
{
    memset(&gate, 0, sizeof(cigna_gate_out_t));

    gate.target = guarded(target);
    gate.host = guarded("fhir.cigna.example");
    gate.base = guarded(BASE);
    gate.token = guarded("t");
    gate.request_id = guarded("id-1");
}


/* the gate's verdict on a request; "written" gets the request that leaves */

static cigna_gate_out_e
pass(const char *request)
{
    size_t             max;
    uint8_t           *mem;
    cigna_buf_t        b;
    cigna_slice_t      text;
    cigna_gate_out_e   e;

    text = guarded(request);
    max = cigna_gate_out_max(&gate, text.len);

    mem = malloc(max);
    assert_non_null(mem);

    cigna_buf_init(&b, mem, max);

    e = cigna_gate_out(&gate, text, &b);

    assert_false(b.overflow);

    memcpy(written, mem, b.pos - mem);
    written[b.pos - mem] = '\0';

    if (e == cigna_gate_out_passed) {
        assert_true(gate.line.data == mem + 4 || gate.line.data == mem + 5);
    }

    free(mem);

    return e;
}


/* the gate's verdict on a GET of this target with these header lines */

static cigna_gate_out_e
get(const char *target, const char *header)
{
    char  request[12288];

    begin(target);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n%s\r\n", target,
             header);

    return pass(request);
}


static void
a_request_leaves_as_it_is(void **state)
{
    (void) state;

    assert_int_equal(get(BASE "/Patient?_id=1%2C2", HEADER
                         "Accept: application/fhir+json\r\n"),
                     cigna_gate_out_passed);
    assert_string_equal(written, GET(BASE "/Patient?_id=1%2C2")
                        "Host: fhir.cigna.example\r\n"
                        "Connection: close\r\n"
                        "Accept: application/fhir+json\r\n" OURS);

    begin(BASE "/metadata");
    gate.token = cigna_slice_null;
    assert_int_equal(pass("HEAD " BASE "/metadata HTTP/1.0\r\n\r\n"),
                     cigna_gate_out_passed);
    assert_string_equal(written, "HEAD " BASE "/metadata HTTP/1.0\r\n"
                        "Host: fhir.cigna.example\r\n"
                        "X-Request-Id: id-1\r\n\r\n");
}


static void
legitimate_targets_pass(void **state)
{
    size_t                    i;
    static const char *const  targets[] = {
        BASE, BASE "/", BASE "?", BASE "?_getpages=1", BASE "/?x=1",
        BASE "/Patient/$everything", BASE "/Patient/%24everything",
        BASE "/Patient/a.b-c", BASE "/Patient/1/_history/2", BASE "/...",
        BASE "/Patient?name=%E2%82%AC&x=..;/%00%2e%2e//\\'\"<>|`{}",
        BASE "/Observation?code=http://loinc.org|1-2&date=ge2020",
        BASE "/Patient/\xc3\xa4", BASE "/Patient/%c3%a4", BASE "/a|b",
        BASE "/Patient/%20x", BASE "/Patient/%23", BASE "/Patient/%3f",
        BASE "/\xe2\x82\xac\xf0\x9f\x98\x80", BASE "/Patient/",
        BASE "/x?\xff\x80", BASE "/.well-known/smart-configuration"
    };

    (void) state;

    for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {

        assert_int_equal(get(targets[i], HEADER), cigna_gate_out_passed);
        assert_non_null(strstr(written, targets[i]));
    }
}


static void
the_gate_tells_where_the_request_leads(void **state)
{
    (void) state;

    get(BASE "/Patient/1?a=b?c", HEADER);
    assert_int_equal(gate.path.len, strlen("/Patient/1"));
    assert_int_equal(gate.args.len, strlen("a=b?c"));

    get(BASE, HEADER);
    assert_int_equal(gate.path.len, 0);
    assert_int_equal(gate.args.len, 0);
}


/* different servers read these paths differently */

static void
ambiguous_paths_are_the_callers_fault(void **state)
{
    size_t                    i;
    static const char *const  targets[] = {
        BASE "/../x", BASE "/%2e%2e/x", BASE "/.%2E", BASE "/./x", BASE "/.",
        BASE "/..", BASE "/x//y", BASE "/x//", BASE "/a;b", BASE "/..;/x",
        BASE "/%3b", BASE "/a\\b", BASE "/..%5cx", BASE "/..%2fx",
        BASE "/a%2Fb", BASE "/%252e", BASE "/100%25", BASE "/%00", BASE "/%0a",
        BASE "/%7f", BASE "/%", BASE "/%2", BASE "/%zz", BASE "/\xff",
        BASE "/%c0%ae%c0%ae/x", BASE "/%c0%af", BASE "/\xe0\x80\xaf",
        BASE "/\xed\xa0\x80", BASE "/\xf4\x90\x80\x80", BASE "/\xc3",
        BASE "/\xc3/x", BASE "/%c3%", BASE "/%e2%82", BASE "/x#y",
        BASE "/x?a#b", BASE "/x?a b", BASE "/x\ty", BASE "/x?\x7f",
        BASE "/a b", "/elsewhere/../x", "//x", "http://x/"
    };

    (void) state;

    for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {

        assert_int_equal(get(targets[i], HEADER), cigna_gate_out_target);
    }
}


static void
a_path_off_the_base_is_the_configurations_fault(void **state)
{
    size_t                    i;
    static const char *const  targets[] = {
        "/", "/fhir/Patient", "/PatientAccess/v1x", "/PatientAccess/v1@evil/",
        "/PatientAccess/V1/x", "/PatientAccess", "*", "", BASE "//x",
        "/PatientAccess/v1%2fx"
    };

    (void) state;

    for (i = 0; i < sizeof(targets) / sizeof(targets[0]) - 1; i++) {
        assert_int_equal(get(targets[i], HEADER), cigna_gate_out_base);
    }

    assert_int_equal(get(targets[i], HEADER), cigna_gate_out_target);
}


static void
a_base_may_be_a_host(void **state)
{
    (void) state;

    begin("/Patient");
    gate.base = cigna_slice("/");
    assert_int_equal(pass(GET("/Patient") "\r\n"), cigna_gate_out_passed);

    begin("?x");
    gate.base = cigna_slice_null;
    assert_int_equal(pass(GET("?x") "\r\n"), cigna_gate_out_base);
}


static void
two_requests_do_not_leave_as_one(void **state)
{
    static const char  split[] = BASE "/Patient HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "GET /y";

    (void) state;

    /* a second request inside the text that nginx takes for the target */

    assert_int_equal(get(split, HEADER), cigna_gate_out_target);

    /* the target that nginx knows is not that of the request */

    begin(BASE "/Patient");
    assert_int_equal(pass(GET(BASE "/Observation") HEADER "\r\n"),
                     cigna_gate_out_request);
    assert_int_equal(pass(GET(BASE "/Patient x") HEADER "\r\n"),
                     cigna_gate_out_request);

    /* bytes after the header, and headers that do not end */

    assert_int_equal(pass(GET(BASE "/Patient") HEADER "\r\nGET / HTTP/1.1\r\n"),
                     cigna_gate_out_lines);
    assert_int_equal(pass(GET(BASE "/Patient") HEADER "\r\n\n"),
                     cigna_gate_out_lines);
    assert_int_equal(pass(GET(BASE "/Patient") HEADER), cigna_gate_out_lines);
    assert_int_equal(pass(GET(BASE "/Patient") HEADER "\n"),
                     cigna_gate_out_lines);
    assert_int_equal(pass(GET(BASE "/Patient")), cigna_gate_out_lines);
    assert_int_equal(pass(""), cigna_gate_out_request);
    assert_int_equal(pass("\r\n"), cigna_gate_out_request);
}


static void
broken_lines_are_refused(void **state)
{
    size_t                    i;
    static const char *const  lines[] = {
        "X-App: a\nb\r\n", "X-App: a\rb\r\n", "X-Other: a\rb\r\n",
        "X-App: a\r\n\nb\r\n", "no colon\r\n", ": no name\r\n",
        "Accept: a\x01\r\n", "X-App: a\x7f\r\n", "Accept\r\n", " \r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {

        char  request[512];

        begin(BASE "/x");
        gate.set = operators;
        gate.nset = 6;

        snprintf(request, sizeof(request), GET(BASE "/x") HEADER "%s\r\n",
                 lines[i]);
        assert_int_equal(pass(request), cigna_gate_out_lines);
    }

    /*
     * a request passes with a tab and a byte beyond ASCII in a line, and with a
     * bad line that is dropped
     */

    assert_int_equal(get(BASE "/x", "Accept: a,\tb\xe4\r\nX-Other: \x01\r\n"),
                     cigna_gate_out_passed);
}


static void
requests_of_other_kinds_do_not_leave(void **state)
{
    size_t                    i;
    static const char *const  firsts[] = {
        "POST " BASE "/x HTTP/1.1\r\n\r\n", "get " BASE "/x HTTP/1.1\r\n\r\n",
        "GET  " BASE "/x HTTP/1.1\r\n\r\n", "GET " BASE "/x  HTTP/1.1\r\n\r\n",
        "GET " BASE "/x HTTP/1.1 \r\n\r\n", "GET " BASE "/x HTTP/2.0\r\n\r\n",
        "GET " BASE "/x HTTP/1.2\r\n\r\n", "GET " BASE "/x\r\n\r\n",
        " GET " BASE "/x HTTP/1.1\r\n\r\n", "GET\t" BASE "/x HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET " BASE "/x HTTP/1.1\n\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        begin(BASE "/x");
        assert_int_equal(pass(firsts[i]), cigna_gate_out_request);
    }
}


static void
host_and_connection_are_written_by_the_gate(void **state)
{
    (void) state;

    get(BASE "/x", "Host: evil\r\nHost: evil2\r\nConnection: keep-alive\r\n");
    assert_null(strstr(written, "evil"));
    assert_null(strstr(written, "Connection"));

    get(BASE "/x", "Connection: authorization, close\r\nConnection: close\r\n");
    assert_non_null(strstr(written, "\r\nConnection: close\r\n"));
    assert_null(strstr(strstr(written, "Connection") + 1, "Connection"));
    assert_non_null(strstr(written, "Host: fhir.cigna.example\r\nX-Request"));

    get(BASE "/x", "Connection: close, host\r\nConnection: upgrade\r\n");
    assert_non_null(strstr(written, "\r\nConnection: close\r\n"));
    assert_null(strstr(written, "upgrade"));
}


static void
only_listed_lines_leave(void **state)
{
    static const char  header[] =
        "Cookie: a\r\nCOOKIE2: a\r\nAuthorization: Bearer x\r\n"
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\nTE: a\r\n"
        "Trailer: a\r\nUpgrade: a\r\nExpect: a\r\nKeep-Alive: a\r\n"
        "Proxy-Authorization: a\r\nProxy-Connection: a\r\nHTTP2-Settings: a\r\n"
        "X-Forwarded-For: a\r\nx-forwarded-: a\r\nForwarded: a\r\n"
        "X-Real-IP: a\r\nX-Other: a\r\nX-App : a\r\nX-App\t: a\r\n"
        "Origin: a\r\nReferer: a\r\nX-Request-Id: a\r\ntraceparent: a\r\n"
        "tracestate: a\r\nIf-Match: a\r\nX-HTTP-Method-Override: a\r\n";

    (void) state;

    assert_int_equal(get(BASE "/x", header), cigna_gate_out_passed);
    assert_string_equal(written, GET(BASE "/x")
                        "Host: fhir.cigna.example\r\n" OURS);

    assert_int_equal(get(BASE "/x", "aCCEPT: a\r\nRange: b\r\nPrefer: c\r\n"
                         "If-None-Match: d\r\nContent-Type: e\r\n"),
                     cigna_gate_out_passed);
    assert_non_null(strstr(written, "\r\naCCEPT: a\r\nRange: b\r\nPrefer: c\r\n"
                                    "If-None-Match: d\r\nContent-Type: e\r\n"));
}


static void
lines_of_the_operator_leave(void **state)
{
    (void) state;

    begin(BASE "/x");
    gate.set = operators;
    gate.nset = 6;
    gate.whole = 1;

    assert_int_equal(pass(GET(BASE "/x") "x-app: a b\r\nX-Request-ID: mine\r\n"
                          "X-Forwarded-For: c\r\nAuthorization: d\r\n"
                          "Accept-Encoding: gzip\r\ntracestate: e\r\n"
                          "X-Another: f\r\n\r\n"),
                     cigna_gate_out_passed);
    assert_string_equal(written, GET(BASE "/x")
                        "x-app: a b\r\nX-Request-ID: mine\r\n"
                        "tracestate: e\r\n"
                        "Host: fhir.cigna.example\r\n"
                        "Authorization: Bearer t\r\n\r\n");
}


static void
a_trace_of_the_caller_leaves_if_it_is_allowed(void **state)
{
    unsigned  i;

    (void) state;

    for (i = 0; i < 4; i++) {

        begin(BASE "/x");
        gate.traceparent = i & 1;
        gate.tracestate = i >> 1;

        assert_int_equal(pass(GET(BASE "/x") "traceparent: a\r\n"
                              "tracestate: b\r\n\r\n"),
                         cigna_gate_out_passed);
        assert_int_equal(strstr(written, "traceparent: a\r\n") != NULL, i & 1);
        assert_int_equal(strstr(written, "tracestate: b\r\n") != NULL, i >> 1);
    }
}


static void
lines_for_parts_and_codings_do_not_leave_with_whole(void **state)
{
    static const char  header[] = "Range: one\r\nIf-Range: two\r\n"
                                  "Accept-Encoding: three\r\n";

    (void) state;

    get(BASE "/x", header);
    assert_non_null(strstr(written, header));

    begin(BASE "/x");
    gate.whole = 1;
    pass(GET(BASE "/x") "Range: one\r\nIf-Range: two\r\n"
         "Accept-Encoding: three\r\n\r\n");
    assert_string_equal(written, GET(BASE "/x")
                        "Host: fhir.cigna.example\r\n" OURS);
}


static void
a_query_of_the_base_leaves_without_a_slash(void **state)
{
    (void) state;

    begin(BASE "/?_getpages=1");
    gate.links = 1;
    pass(GET(BASE "/?_getpages=1") "\r\n");
    assert_non_null(strstr(written, GET(BASE "?_getpages=1")));

    begin(BASE "/");
    gate.links = 1;
    pass(GET(BASE "/") "\r\n");
    assert_non_null(strstr(written, GET(BASE "/")));

    begin("/?x");
    gate.links = 1;
    gate.base = cigna_slice("/");
    pass(GET("/?x") "\r\n");
    assert_non_null(strstr(written, GET("/?x")));
}


static void
a_search_by_post_leaves_as_a_get(void **state)
{
    (void) state;

    begin(BASE "/Patient/_search?a=1");
    gate.search = 1;
    gate.query = cigna_slice("a=1&b=2");

    assert_int_equal(pass("POST " BASE "/Patient/_search?a=1 HTTP/1.1\r\n"
                          "Content-Length: 3\r\nContent-Type: x\r\n"
                          "If-None-Match: a\r\nIf-Modified-Since: b\r\n"
                          "Range: c\r\nIf-Range: d\r\nAccept: e\r\n\r\n"),
                     cigna_gate_out_passed);
    assert_string_equal(written, GET(BASE "/Patient?a=1&b=2")
                        "Accept: e\r\nHost: fhir.cigna.example\r\n" OURS);
    assert_int_equal(gate.path.len, strlen("/Patient"));

    begin(BASE "/Patient/_search");
    gate.search = 1;
    assert_int_equal(pass("POST " BASE "/Patient/_search HTTP/1.1\r\n\r\n"),
                     cigna_gate_out_passed);
    assert_non_null(strstr(written, GET(BASE "/Patient")));

    /* a search that nginx made a GET by "proxy_method GET" */

    begin(BASE "/Patient/_search");
    gate.search = 1;
    assert_int_equal(pass(GET(BASE "/Patient/_search") "\r\n"),
                     cigna_gate_out_passed);
    assert_non_null(strstr(written, GET(BASE "/Patient")));

    /* a search with another method or another path does not pass */

    begin(BASE "/Patient/_search");
    gate.search = 1;
    assert_int_equal(pass("HEAD " BASE "/Patient/_search HTTP/1.1\r\n\r\n"),
                     cigna_gate_out_request);

    begin(BASE "/Patient/_search");
    gate.search = 1;
    assert_int_equal(pass("PUT " BASE "/Patient/_search HTTP/1.1\r\n\r\n"),
                     cigna_gate_out_request);

    begin(BASE "/Patient/%5fsearch");
    gate.search = 1;
    assert_int_equal(pass("POST " BASE "/Patient/%5fsearch HTTP/1.1\r\n\r\n"),
                     cigna_gate_out_target);

    begin(BASE "/_search");
    gate.search = 1;
    assert_int_equal(pass("POST " BASE "/_search HTTP/1.1\r\n\r\n"),
                     cigna_gate_out_target);
}


static void
a_bad_target_is_the_callers_fault(void **state)
{
    (void) state;

    assert_true(cigna_gate_out_by_caller(cigna_gate_out_target));
    assert_false(cigna_gate_out_by_caller(cigna_gate_out_base));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_request_leaves_as_it_is),
        cmocka_unit_test(legitimate_targets_pass),
        cmocka_unit_test(the_gate_tells_where_the_request_leads),
        cmocka_unit_test(ambiguous_paths_are_the_callers_fault),
        cmocka_unit_test(a_path_off_the_base_is_the_configurations_fault),
        cmocka_unit_test(a_base_may_be_a_host),
        cmocka_unit_test(two_requests_do_not_leave_as_one),
        cmocka_unit_test(broken_lines_are_refused),
        cmocka_unit_test(requests_of_other_kinds_do_not_leave),
        cmocka_unit_test(host_and_connection_are_written_by_the_gate),
        cmocka_unit_test(only_listed_lines_leave),
        cmocka_unit_test(lines_of_the_operator_leave),
        cmocka_unit_test(a_trace_of_the_caller_leaves_if_it_is_allowed),
        cmocka_unit_test(lines_for_parts_and_codings_do_not_leave_with_whole),
        cmocka_unit_test(a_query_of_the_base_leaves_without_a_slash),
        cmocka_unit_test(a_search_by_post_leaves_as_a_get),
        cmocka_unit_test(a_bad_target_is_the_callers_fault)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

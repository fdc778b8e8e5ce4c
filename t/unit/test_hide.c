
#include "support.h"

#include "cigna_hide.h"


static const char *const  hidden[] = {
    "Set-Cookie", "SET-COOKIE", "set-cookie2", "Server", "Via", "B3", "NEL",
    "X-B3-TraceId", "X-B3-Sampled", "X-Cloud-Trace-Context",
    "X-Amzn-Trace-Id", "X-Amzn-RequestId", "X-Amz-Cf-Id", "X-Amz-Cf-Pop",
    "X-Powered-By", "X-Cache", "X-Cache-Hits", "X-Cache-Lookup",
    "X-Served-By", "X-Timer", "X-Varnish", "X-Backend", "X-Backend-Server",
    "X-Request-Id", "X-Correlation-ID", "traceparent", "tracestate",
    "traceresponse", "Server-Timing", "uber-trace-id", "uberctx-user",
    "sentry-trace", "baggage", "X-Global-Transaction-ID",
    "X-Backside-Transport", "X-AspNet-Version", "X-AspNetMvc-Version",
    "X-Envoy-Upstream-Service-Time", "X-Kong-Proxy-Latency", "CF-RAY",
    "CF-Cache-Status", "X-Akamai-Request-ID", "Akamai-GRN", "X-Azure-Ref",
    "X-MS-Request-Id", "X-Iinfo", "X-CDN", "X-Runtime", "X-Forwarded-For",
    "X-Real-IP", "X-OneAgent-JS-Injection", "X-ruxit-JS-Agent",
    "X-Datadog-Trace-Id", "X-Dynatrace", "X-Vcap-Request-Id",
    "X-Oracle-DMS-ECID", "Strict-Transport-Security", "Alt-Svc",
    "Clear-Site-Data", "Report-To", "Reporting-Endpoints", "Expect-CT",
    "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Refresh"
};


static const char *const  shown[] = {
    "", "X", "Date", "ETag", "Vary", "Link", "Allow", "Location",
    "Content-Type", "Content-Length", "Content-Location", "Content-Encoding",
    "Content-Disposition", "Last-Modified", "Retry-After", "Cache-Control",
    "WWW-Authenticate", "RateLimit", "RateLimit-Policy", "RateLimit-Remaining",
    "X-RateLimit-Limit", "X-Progress", "X-Provenance", "X-Content-Type-Options",
    "X-Frame-Options", "Warning", "Accept-Ranges", "Servers", "Serve",
    "Set-Cookie3", "Vias", "b4", "x-b", "Strict-Transport-Securities"
};


static void
cookies_servers_and_traces_are_hidden(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (!cigna_hide_line(guarded(hidden[i]))) {
            fail_msg("\"%s\" is shown", hidden[i]);
        }
    }
}


static void
what_is_said_to_the_caller_is_shown(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (cigna_hide_line(guarded(shown[i]))) {
            fail_msg("\"%s\" is hidden", shown[i]);
        }
    }
}


static void
a_zero_byte_is_no_end_of_a_name(void **state)
{
    static const char  name[] = "Server\0X-Cache\0";

    (void) state;

    assert_true(cigna_hide_line(cigna_slice_make(name, name + 6)));
    assert_false(cigna_hide_line(cigna_slice_make(name, name + 7)));
    assert_false(cigna_hide_line(cigna_slice_make(name, name + 14)));
    assert_true(cigna_hide_line(cigna_slice_make(name + 7, name + 14)));
    assert_false(cigna_hide_line(cigna_slice_make(name + 7, name + 15)));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(cookies_servers_and_traces_are_hidden),
        cmocka_unit_test(what_is_said_to_the_caller_is_shown),
        cmocka_unit_test(a_zero_byte_is_no_end_of_a_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

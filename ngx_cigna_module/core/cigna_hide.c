
#include "cigna_hide.h"


#define CIGNA_HIDE_NAMES  8                /* of one letter, and NULL */


typedef const char *const  cigna_hide_names_t['z' - 'a' + 1]
                                             [CIGNA_HIDE_NAMES];


/* by their first letter; "*" is whatever follows */

static cigna_hide_names_t  cigna_hide_names = {
    ['a' - 'a'] = { "akamai-*", "alt-svc" },
    ['b' - 'a'] = { "b3", "baggage" },
    ['c' - 'a'] = { "cdn-*", "cf-*", "clear-site-data" },
    ['e' - 'a'] = { "expect-ct" },
    ['f' - 'a'] = { "fastly-*" },
    ['n' - 'a'] = { "nel", "newrelic", "nr" },
    ['o' - 'a'] = { "ot-tracer-*" },
    ['p' - 'a'] = { "p3p", "public-key-pins*" },
    ['r' - 'a'] = { "refresh", "report-to", "reporting-endpoints" },
    ['s' - 'a'] = { "sentry-trace", "server", "server-timing", "set-cookie",
                    "set-cookie2", "strict-transport-security" },
    ['t' - 'a'] = { "traceparent", "traceresponse", "tracestate" },
    ['u' - 'a'] = { "uber-trace-id", "uberctx-*" },
    ['v' - 'a'] = { "via" }
};


/* without "x-", by the letter behind it */

static cigna_hide_names_t  cigna_hide_x_names = {
    ['a' - 'a'] = { "akamai-*", "amz-*", "amzn-*", "aspnet-version",
                    "aspnetmvc-version", "azure-*" },
    ['b' - 'a'] = { "b3", "b3-*", "backend", "backend-server",
                    "backside-transport" },
    ['c' - 'a'] = { "cache", "cache-*", "cdn", "cloud-trace-context",
                    "correlation-id", "correlationid" },
    ['d' - 'a'] = { "datadog-*", "dynatrace*" },
    ['e' - 'a'] = { "edge-*", "envoy-*" },
    ['f' - 'a'] = { "fastly-*", "forwarded-*" },
    ['g' - 'a'] = { "generator", "global-transaction-id", "goog-*" },
    ['h' - 'a'] = { "host", "hostname" },
    ['i' - 'a'] = { "iinfo", "instana-*", "instance" },
    ['k' - 'a'] = { "kong-*" },
    ['m' - 'a'] = { "ms-*" },
    ['n' - 'a'] = { "newrelic-*", "nginx-*", "node" },
    ['o' - 'a'] = { "oneagent-js-injection", "oracle-dms-ecid",
                    "oracle-dms-rid", "ot-span-*" },
    ['p' - 'a'] = { "pad", "pod-name", "powered-by", "proxy-*" },
    ['r' - 'a'] = { "real-ip", "request-id", "runtime", "ruxit-*" },
    ['s' - 'a'] = { "served-by", "server", "server-name", "sucuri-*" },
    ['t' - 'a'] = { "timer", "trace-*", "transaction-id" },
    ['u' - 'a'] = { "upstream", "upstream-*" },
    ['v' - 'a'] = { "varnish", "vcap-*" }
};


static int cigna_hide_is(cigna_slice_t name, const char *pattern);


/* of all lines, few have many names to be held against */

int
cigna_hide_line(cigna_slice_t name)
{
    uint8_t              letter;
    cigna_hide_names_t  *names;
    const char *const   *pattern;

    names = &cigna_hide_names;

    if (name.len > 1 && cigna_slice_lower(name.data[0]) == 'x'
        && name.data[1] == '-')
    {
        names = &cigna_hide_x_names;
        name = cigna_slice_skip(name, 2);
    }

    if (name.len == 0) {
        return 0;
    }

    letter = cigna_slice_lower(name.data[0]);

    if (letter < 'a' || letter > 'z') {
        return 0;
    }

    for (pattern = (*names)[letter - 'a']; *pattern; pattern++) {
        if (cigna_hide_is(name, *pattern)) {
            return 1;
        }
    }

    return 0;
}


static int
cigna_hide_is(cigna_slice_t name, const char *pattern)
{
    size_t  i;

    for (i = 0; pattern[i]; i++) {

        if (pattern[i] == '*') {
            return 1;
        }

        if (i == name.len
            || cigna_slice_lower(name.data[i]) != (uint8_t) pattern[i])
        {
            return 0;
        }
    }

    return i == name.len;
}

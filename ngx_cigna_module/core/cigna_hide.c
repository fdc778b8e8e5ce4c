
#include "cigna_hide.h"


#define CIGNA_HIDE_NAME_MAX  26
#define CIGNA_HIDE_NAMES     8             /* of one length, and NULL */


/* by length */

static const char *const  cigna_hide_names[CIGNA_HIDE_NAME_MAX]
                                          [CIGNA_HIDE_NAMES] =
{
    [2]  = { "b3", "nr" },
    [3]  = { "nel", "p3p", "via" },
    [4]  = { "x-b3" },
    [5]  = { "x-cdn", "x-pad" },
    [6]  = { "server", "x-host", "x-node" },
    [7]  = { "alt-svc", "baggage", "refresh", "x-cache", "x-iinfo",
             "x-timer" },
    [8]  = { "newrelic", "x-server" },
    [9]  = { "expect-ct", "report-to", "x-backend", "x-real-ip",
             "x-runtime", "x-varnish" },
    [10] = { "set-cookie", "tracestate", "x-hostname", "x-instance",
             "x-pod-name", "x-trace-id", "x-upstream" },
    [11] = { "set-cookie2", "traceparent", "x-generator", "x-served-by" },
    [12] = { "sentry-trace", "x-cache-hits", "x-powered-by", "x-request-id" },
    [13] = { "server-timing", "traceresponse", "uber-trace-id",
             "x-server-name" },
    [15] = { "clear-site-data", "x-correlationid" },
    [16] = { "x-aspnet-version", "x-backend-server", "x-correlation-id",
             "x-oracle-dms-rid", "x-transaction-id" },
    [17] = { "x-oracle-dms-ecid" },
    [19] = { "reporting-endpoints", "x-aspnetmvc-version" },
    [20] = { "x-backside-transport" },
    [21] = { "x-cloud-trace-context" },
    [23] = { "x-global-transaction-id", "x-oneagent-js-injection" },
    [25] = { "strict-transport-security" }
};


static const char *const  cigna_hide_x_prefixes[] = {
    "x-akamai-", "x-amz-", "x-amzn-", "x-azure-", "x-b3-", "x-cache-",
    "x-datadog-", "x-dynatrace", "x-edge-", "x-envoy-", "x-fastly-",
    "x-forwarded-", "x-goog-", "x-instana-", "x-kong-", "x-ms-",
    "x-newrelic-", "x-nginx-", "x-ot-span-", "x-proxy-", "x-ruxit-",
    "x-sucuri-", "x-trace-", "x-upstream-", "x-vcap-", NULL
};


static const char *const  cigna_hide_prefixes[] = {
    "akamai-", "cdn-", "cf-", "fastly-", "ot-tracer-", "public-key-pins",
    "uberctx-", NULL
};


static int cigna_hide_among(const char *const *names, cigna_slice_t name);
static int cigna_hide_starts(cigna_slice_t name, const char *prefix);


/* of all lines, few begin as one of these does */

int
cigna_hide_line(cigna_slice_t name)
{
    if (name.len < CIGNA_HIDE_NAME_MAX
        && cigna_hide_among(cigna_hide_names[name.len], name))
    {
        return 1;
    }

    return cigna_hide_among(cigna_hide_starts(name, "x-")
                            ? cigna_hide_x_prefixes : cigna_hide_prefixes,
                            name);
}


static int
cigna_hide_among(const char *const *names, cigna_slice_t name)
{
    uint8_t  first;

    if (name.len == 0) {
        return 0;
    }

    first = cigna_slice_lower(name.data[0]);

    for ( /* void */ ; *names; names++) {

        if (first == (uint8_t) **names && cigna_hide_starts(name, *names)) {
            return 1;
        }
    }

    return 0;
}


static int
cigna_hide_starts(cigna_slice_t name, const char *prefix)
{
    size_t  i;

    for (i = 0; prefix[i]; i++) {
        if (i == name.len
            || cigna_slice_lower(name.data[i]) != (uint8_t) prefix[i])
        {
            return 0;
        }
    }

    return 1;
}

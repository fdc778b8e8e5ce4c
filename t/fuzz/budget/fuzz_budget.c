
#include "fuzz.h"

#include "budget/cigna_budget_call.h"
#include "budget/cigna_rate.h"
#include "http/cigna_retry_after.h"


/*
 * The inputs that the budgets parse: rates of operators, Retry-After of
 * upstreams, and replies of Redis.
 */

static void
fuzz_rate(cigna_slice_t s)
{
    char          text[32];
    int           len;
    int64_t       ns;
    uint64_t      day;
    cigna_rate_t  rate;

    if (cigna_rate_parse(s, &rate) != CIGNA_OK) {
        return;
    }

    fuzz_assert(rate.n >= 1 && rate.n <= CIGNA_RATE_MAX);

    /*
     * the parsed rate, written as text, is the input without its leading zeros
     */

    len = snprintf(text, sizeof(text), "%ur/%c", rate.n,
                   rate.per_s == 1 ? 's' : rate.per_s == 60 ? 'm' : 'd');

    fuzz_assert(s.len >= (size_t) len);
    fuzz_assert(memcmp(s.data + s.len - len, text, len) == 0);

    day = cigna_rate_per_day(&rate);
    ns = cigna_rate_interval_ns(day);

    fuzz_assert(ns >= 10000 && day * (uint64_t) ns >= UINT64_C(86400000000000));
    fuzz_assert(cigna_rate_burst(&rate) >= 1);
}


static void
fuzz_retry_after(cigna_slice_t s)
{
    int      rc;
    int64_t  ms;

    rc = cigna_retry_after_parse(s, 784111777, &ms);

    fuzz_assert((rc == CIGNA_OK) == (ms >= 0));
    fuzz_assert(ms <= CIGNA_RETRY_AFTER_MAX_MS);
}


static void
fuzz_reply(cigna_slice_t s)
{
    int64_t                     left_ms;
    cigna_reply_t              *reply;
    cigna_reader_t             *reader;
    cigna_budget_lease_reply_t  r;

    reader = cigna_reader_create();

    if (cigna_reader_feed(reader, s) == CIGNA_OK
        && cigna_reader_next(reader, &reply) == CIGNA_OK)
    {
        if (cigna_budget_lease_parse(reply, &r) == CIGNA_OK) {
            fuzz_assert(r.nodes >= 1 && r.nodes <= CIGNA_BUDGET_NODES_MAX);
            fuzz_assert(r.grant.granted >= 0 && r.grant.wait_ns >= 0);
            fuzz_assert(r.grant.tenant_dry <= r.grant.granted);
        }

        if (cigna_budget_pause_parse(reply, &left_ms) == CIGNA_OK) {
            fuzz_assert(left_ms >= 0);
        }

        cigna_reply_destroy(reply);
    }

    cigna_reader_destroy(reader);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_slice_t  s;

    s = fuzz_input(data, size);

    switch (fuzz_byte(&s) % 3) {

    case 0:
        fuzz_rate(s);
        break;

    case 1:
        fuzz_retry_after(s);
        break;

    default:
        fuzz_reply(s);
    }

    return 0;
}

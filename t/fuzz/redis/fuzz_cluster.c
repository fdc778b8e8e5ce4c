
#include "fuzz.h"

#include "redis/cigna_cluster.h"
#include "redis/cigna_sentinel.h"
#include "redis/cigna_server.h"


/*
 * Replies in which Redis servers name other servers.  For any reply, each
 * parsed address can be connected to, and each parsed slot exists.
 */


static void
check_server(const cigna_server_t *s)
{
    size_t  i;

    fuzz_assert(s->port);
    fuzz_assert(s->host.len <= CIGNA_SERVER_HOST_MAX);

    for (i = 0; i < s->host.len; i++) {
        fuzz_assert(s->host.data[i] > ' ' && s->host.data[i] < 0x7f);
        fuzz_assert(s->host.data[i] != '"' && s->host.data[i] != '/');
    }
}


static void
check_map(const cigna_reply_t *map)
{
    int                    rc;
    size_t                 i, k;
    cigna_server_t         s;
    cigna_cluster_range_t  range;

    for (i = 0; ; i++) {
        rc = cigna_cluster_range(map, i, &range);

        if (rc == CIGNA_NONE) {
            break;
        }

        if (rc != CIGNA_OK) {
            continue;
        }

        fuzz_assert(range.first <= range.last && range.last < CIGNA_SLOTS);

        for (k = 0; ; k++) {
            rc = cigna_cluster_server(&range, k, &s);

            if (rc == CIGNA_NONE) {
                break;
            }

            if (rc == CIGNA_OK) {
                check_server(&s);
            }
        }
    }

    fuzz_assert(i == cigna_reply_count(map));
}


static void
check(const cigna_reply_t *reply)
{
    cigna_server_t    s;
    cigna_redirect_t  r;

    check_map(reply);

    switch (cigna_cluster_redirect(reply, &r)) {

    case cigna_redirect_moved:
    case cigna_redirect_ask:
        fuzz_assert(r.slot < CIGNA_SLOTS);
        check_server(&r.server);

        /* fall through */

    case cigna_redirect_wait:
        fuzz_assert(cigna_reply_type(reply) == cigna_reply_error);
        break;

    default:
        break;
    }

    if (cigna_sentinel_primary(reply, &s) == CIGNA_OK) {
        check_server(&s);
        fuzz_assert(s.host.len);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_reply_t   *reply;
    cigna_server_t   s;
    cigna_reader_t  *r;

    if (cigna_server_parse(&s, fuzz_input(data, size)) == CIGNA_OK) {
        check_server(&s);
        fuzz_assert(fuzz_within(s.host, fuzz_input(data, size)));
    }

    r = cigna_reader_create();
    fuzz_assert(r);

    if (cigna_reader_feed(r, fuzz_input(data, size)) == CIGNA_OK) {

        while (cigna_reader_next(r, &reply) == CIGNA_OK) {
            check(reply);
            cigna_reply_destroy(reply);
        }
    }

    cigna_reader_destroy(r);

    return 0;
}

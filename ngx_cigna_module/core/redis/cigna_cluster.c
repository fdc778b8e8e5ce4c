
#include <string.h>

#include "cigna_cluster.h"


static int cigna_cluster_number(const cigna_reply_t *reply, unsigned *slot);


/* commands without a key; in others it is the first argument, see EVAL */

static const char  *cigna_cluster_keyless[] = {
    "PUBLISH", "PING", "TIME", "INFO", "CLUSTER", "SCRIPT", "WAIT"
};

#define CIGNA_CLUSTER_KEYLESS                                                 \
    (sizeof(cigna_cluster_keyless) / sizeof(cigna_cluster_keyless[0]))


/* Redis answers with these before it has begun a command or a script */

static const char  *cigna_cluster_waits[] = {
    "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN"
};

#define CIGNA_CLUSTER_WAITS                                                   \
    (sizeof(cigna_cluster_waits) / sizeof(cigna_cluster_waits[0]))


int
cigna_cluster_slot(const cigna_slice_t *argv, size_t argc, unsigned *slot)
{
    size_t    i, key;
    uint64_t  nkeys;

    if (argc < 2) {
        return CIGNA_NONE;
    }

    key = 1;

    if (cigna_slice_eq(argv[0], cigna_slice("EVALSHA"))
        || cigna_slice_eq(argv[0], cigna_slice("EVAL")))
    {
        if (argc < 4
            || cigna_slice_uint(argv[2], argc - 3, &nkeys) != CIGNA_OK
            || nkeys == 0)
        {
            return CIGNA_NONE;
        }

        key = 3;
    }

    for (i = 0; i < CIGNA_CLUSTER_KEYLESS; i++) {

        if (cigna_slice_eq(argv[0],
                           cigna_slice_str(cigna_cluster_keyless[i])))
        {
            return CIGNA_NONE;
        }
    }

    *slot = cigna_slot(argv[key]);

    return CIGNA_OK;
}


int
cigna_cluster_range(const cigna_reply_t *map, size_t i,
    cigna_cluster_range_t *range)
{
    const cigna_reply_t  *reply;

    if (i >= cigna_reply_count(map)) {
        return CIGNA_NONE;
    }

    reply = cigna_reply_item(map, i);

    if (cigna_cluster_number(cigna_reply_item(reply, 0), &range->first)
        != CIGNA_OK
        || cigna_cluster_number(cigna_reply_item(reply, 1), &range->last)
           != CIGNA_OK
        || range->first > range->last)
    {
        return CIGNA_ERROR;
    }

    range->reply = reply;

    return CIGNA_OK;
}


static int
cigna_cluster_number(const cigna_reply_t *reply, unsigned *slot)
{
    int64_t  n;

    n = cigna_reply_int(reply, -1);

    if (n < 0 || n >= CIGNA_SLOTS) {
        return CIGNA_ERROR;
    }

    *slot = (unsigned) n;

    return CIGNA_OK;
}


/*
 * A server is an array: host, port, and more.  The host is nil or empty if it
 * is the server that was asked, or if that server does not know the host.
 */

int
cigna_cluster_server(const cigna_cluster_range_t *range, size_t i,
    cigna_server_t *server)
{
    int64_t               port;
    const cigna_reply_t  *reply, *host;

    if (i + 2 >= cigna_reply_count(range->reply)) {
        return CIGNA_NONE;
    }

    reply = cigna_reply_item(range->reply, i + 2);
    host = cigna_reply_item(reply, 0);
    port = cigna_reply_int(cigna_reply_item(reply, 1), 0);

    if (port < 0
        || (cigna_reply_type(host) != cigna_reply_string
            && cigna_reply_type(host) != cigna_reply_nil))
    {
        return CIGNA_ERROR;
    }

    return cigna_server_init(server, cigna_reply_slice(host), (uint64_t) port);
}


/* "MOVED 3999 127.0.0.1:6381", the same with "ASK", or one of the waits */

cigna_redirect_e
cigna_cluster_redirect(const cigna_reply_t *reply, cigna_redirect_t *r)
{
    size_t            i;
    uint64_t          slot;
    cigna_slice_t     text;
    cigna_redirect_e  type;

    memset(r, 0, sizeof(cigna_redirect_t));

    if (cigna_reply_is_error(reply, "MOVED")) {
        type = cigna_redirect_moved;

    } else if (cigna_reply_is_error(reply, "ASK")) {
        type = cigna_redirect_ask;

    } else {

        for (i = 0; i < CIGNA_CLUSTER_WAITS; i++) {

            if (cigna_reply_is_error(reply, cigna_cluster_waits[i])) {
                r->type = cigna_redirect_wait;
                break;
            }
        }

        return r->type;
    }

    text = cigna_reply_slice(reply);

    (void) cigna_slice_cut(&text, ' ');

    if (cigna_slice_uint(cigna_slice_cut(&text, ' '), CIGNA_SLOTS - 1, &slot)
        == CIGNA_OK
        && cigna_server_parse(&r->server, text) == CIGNA_OK)
    {
        r->type = type;
        r->slot = (unsigned) slot;
    }

    return r->type;
}

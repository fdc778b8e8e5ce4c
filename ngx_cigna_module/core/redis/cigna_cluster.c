
#include <string.h>

#include "cigna_cluster.h"


static int cigna_cluster_among(cigna_slice_t word, const char *const *words);
static int cigna_cluster_number(const cigna_reply_t *reply, unsigned *slot);


/*
 * Commands without a key.  In EVAL and EVALSHA the third argument is the first
 * key, in all other commands the first argument.
 */

static const char *const  cigna_cluster_keyless[] = {
    "PUBLISH", "PING", "TIME", "INFO", "CLUSTER", "SCRIPT", "WAIT", NULL
};


/* Redis sends these errors before it begins a command or a script */

static const char *const  cigna_cluster_waits[] = {
    "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", NULL
};


int
cigna_cluster_slot(const cigna_slice_t *argv, size_t argc, unsigned *slot)
{
    size_t    key;
    uint64_t  nkeys;

    if (argc < 2 || cigna_cluster_among(argv[0], cigna_cluster_keyless)) {
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

    *slot = cigna_slot(argv[key]);

    return CIGNA_OK;
}


static int
cigna_cluster_among(cigna_slice_t word, const char *const *words)
{
    while (*words && !cigna_slice_eq(word, cigna_slice_str(*words))) {
        words++;
    }

    return *words != NULL;
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
 * Reads a server, which is an array: host, port, and more.  Redis sends a nil
 * or empty host for the server that was asked, or if that server does not know
 * the host.
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


/*
 * reads the errors "MOVED 3999 127.0.0.1:6381", the same with "ASK", and those
 * of cigna_cluster_waits
 */

cigna_redirect_e
cigna_cluster_redirect(const cigna_reply_t *reply, cigna_redirect_t *r)
{
    uint64_t          slot;
    cigna_slice_t     text, code;
    cigna_redirect_e  type;

    memset(r, 0, sizeof(cigna_redirect_t));

    if (cigna_reply_type(reply) != cigna_reply_error) {
        return cigna_redirect_none;
    }

    text = cigna_reply_slice(reply);
    code = cigna_slice_cut(&text, ' ');

    if (cigna_cluster_among(code, cigna_cluster_waits)) {
        r->type = cigna_redirect_wait;
        return r->type;
    }

    type = cigna_slice_eq(code, cigna_slice("MOVED")) ? cigna_redirect_moved
           : cigna_slice_eq(code, cigna_slice("ASK")) ? cigna_redirect_ask
                                                      : cigna_redirect_none;

    if (type
        && cigna_slice_uint(cigna_slice_cut(&text, ' '), CIGNA_SLOTS - 1, &slot)
           == CIGNA_OK
        && cigna_server_parse(&r->server, text) == CIGNA_OK)
    {
        r->type = type;
        r->slot = (unsigned) slot;
    }

    return r->type;
}


#include "cigna_sentinel.h"


int
cigna_sentinel_primary(const cigna_reply_t *reply, cigna_server_t *server)
{
    uint64_t       port;
    cigna_slice_t  host;

    if (cigna_reply_type(reply) == cigna_reply_nil) {
        return CIGNA_NONE;
    }

    if (cigna_reply_count(reply) != 2) {
        return CIGNA_ERROR;
    }

    host = cigna_reply_slice(cigna_reply_item(reply, 0));

    if (host.len == 0
        || cigna_slice_uint(cigna_reply_slice(cigna_reply_item(reply, 1)),
                            65535, &port)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_server_init(server, host, port);
}


#include "cigna_server.h"


int
cigna_server_init(cigna_server_t *s, cigna_slice_t host, uint64_t port)
{
    size_t  i;

    if (host.len > CIGNA_SERVER_HOST_MAX || port == 0 || port > 65535) {
        return CIGNA_ERROR;
    }

    for (i = 0; i < host.len; i++) {

        if (!cigna_slice_alnum(host.data[i])
            && !cigna_slice_has(cigna_slice(".-_:"), host.data[i]))
        {
            return CIGNA_ERROR;
        }
    }

    s->host = host;
    s->port = (uint16_t) port;

    return CIGNA_OK;
}


int
cigna_server_parse(cigna_server_t *s, cigna_slice_t text)
{
    size_t         i;
    uint64_t       port;
    cigna_slice_t  host;

    for (i = text.len; i; i--) {

        if (text.data[i - 1] == ':') {
            break;
        }
    }

    if (i == 0
        || cigna_slice_uint(cigna_slice_skip(text, i), 65535, &port)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    host.data = text.data;
    host.len = i - 1;

    return cigna_server_init(s, host, port);
}

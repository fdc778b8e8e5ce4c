
#ifndef _CIGNA_SERVER_H_INCLUDED_
#define _CIGNA_SERVER_H_INCLUDED_


#include "cigna_redis.h"


/*
 * The address of a Redis server that another server has named.  The host
 * borrows from the reply.
 */

typedef struct {
    cigna_slice_t  host;                   /* a name, or an address without
                                              brackets; empty: the host of the
                                              server that was asked */
    uint16_t       port;
} cigna_server_t;


#define CIGNA_SERVER_HOST_MAX  255


/*
 * Sets host and port.  CIGNA_ERROR: one of them is invalid.  The host must not
 * have bytes that could do harm in a log or a name look-up.
 */
int cigna_server_init(cigna_server_t *s, cigna_slice_t host, uint64_t port);

/*
 * reads "host:port"; the port follows the last colon, because an IPv6 address
 * has no brackets here
 */
int cigna_server_parse(cigna_server_t *s, cigna_slice_t text);


#endif /* _CIGNA_SERVER_H_INCLUDED_ */

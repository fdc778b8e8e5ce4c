
#ifndef _CIGNA_SERVER_H_INCLUDED_
#define _CIGNA_SERVER_H_INCLUDED_


#include "cigna_redis.h"


/*
 * Where another Redis is, in the words of one that was asked.  Borrowed from
 * the reply.
 */

typedef struct {
    cigna_slice_t  host;                   /* name or address, no brackets;
                                              empty: where the one that was
                                              asked is itself */
    uint16_t       port;
} cigna_server_t;


#define CIGNA_SERVER_HOST_MAX  255


/*
 * CIGNA_ERROR if these are no host and port that can be connected to.  A host
 * is refused for a byte that could do harm in a log or a name look-up.
 */
int cigna_server_init(cigna_server_t *s, cigna_slice_t host, uint64_t port);

/* "host:port"; the last colon counts, an address of IPv6 has no brackets */
int cigna_server_parse(cigna_server_t *s, cigna_slice_t text);


#endif /* _CIGNA_SERVER_H_INCLUDED_ */

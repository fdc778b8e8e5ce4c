
#ifndef _CIGNA_SENTINEL_H_INCLUDED_
#define _CIGNA_SENTINEL_H_INCLUDED_


#include "cigna_server.h"


/*
 * The reply to "SENTINEL GET-MASTER-ADDR-BY-NAME name".  CIGNA_NONE: this
 * Sentinel has no primary of that name; CIGNA_ERROR: the reply is an error or
 * malformed.
 */
int cigna_sentinel_primary(const cigna_reply_t *reply,
    cigna_server_t *server);


#endif /* _CIGNA_SENTINEL_H_INCLUDED_ */

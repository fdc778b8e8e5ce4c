
#ifndef _CIGNA_CLUSTER_H_INCLUDED_
#define _CIGNA_CLUSTER_H_INCLUDED_


#include "cigna_server.h"
#include "cigna_slot.h"


/* What Redis Cluster says of itself: slots, servers, redirections. */


/*
 * The slot of a command's first key, which is that of all its keys, because
 * they have one hash tag; CIGNA_NONE if it has no key.  Knows only the commands
 * that this module sends.
 */
int cigna_cluster_slot(const cigna_slice_t *argv, size_t argc,
    unsigned *slot);


/*
 * The reply to "CLUSTER SLOTS", one range at a time.  The caller skips a range
 * that is an error, and asks for the next one.
 */

typedef struct {
    unsigned              first;
    unsigned              last;            /* included */
    const cigna_reply_t  *reply;
} cigna_cluster_range_t;


/* CIGNA_NONE: there are no more; CIGNA_ERROR: range i is malformed */
int cigna_cluster_range(const cigna_reply_t *map, size_t i,
    cigna_cluster_range_t *range);

/*
 * The servers of a range: 0 is the primary, the others are its replicas.
 * CIGNA_NONE: there are no more; CIGNA_ERROR: server i has no usable address.
 */
int cigna_cluster_server(const cigna_cluster_range_t *range, size_t i,
    cigna_server_t *server);


/*
 * Errors that say: Redis has not run the command, because it belongs to another
 * server, or must be sent later.  Any such command may be sent again.
 */

typedef enum {
    cigna_redirect_none = 0,               /* any other reply */
    cigna_redirect_moved,                  /* to the server that has the slot */
    cigna_redirect_ask,                    /* to another server, this command
                                              only, after "ASKING" */
    cigna_redirect_wait                    /* to the same server, later */
} cigna_redirect_e;


typedef struct {
    cigna_redirect_e  type;
    unsigned          slot;                /* of moved and ask */
    cigna_server_t    server;
} cigna_redirect_t;


/* borrows from the reply */
cigna_redirect_e cigna_cluster_redirect(const cigna_reply_t *reply,
    cigna_redirect_t *r);


#endif /* _CIGNA_CLUSTER_H_INCLUDED_ */


#ifndef _CIGNA_CLUSTER_H_INCLUDED_
#define _CIGNA_CLUSTER_H_INCLUDED_


#include "cigna_server.h"
#include "cigna_slot.h"


/*
 * Finds the slot of a command, and reads replies in which Redis Cluster
 * describes itself: slots, servers and redirections.
 */


/*
 * Gets the slot of a command's first key.  All keys of a command are in one
 * slot, because they have the same hash tag.  CIGNA_NONE: the command has no
 * key.  The function knows only the commands that this module sends.
 */
int cigna_cluster_slot(const cigna_slice_t *argv, size_t argc,
    unsigned *slot);


/*
 * A range of slots in the reply to "CLUSTER SLOTS".  If a range is malformed,
 * the caller skips it and asks for the next one.
 */

typedef struct {
    unsigned              first;
    unsigned              last;            /* the last slot of the range */
    const cigna_reply_t  *reply;
} cigna_cluster_range_t;


/*
 * reads range number i, from 0; CIGNA_NONE: there are no more ranges;
 * CIGNA_ERROR: range i is malformed
 */
int cigna_cluster_range(const cigna_reply_t *map, size_t i,
    cigna_cluster_range_t *range);

/*
 * The servers of a range: 0 is the primary, the others are its replicas.
 * CIGNA_NONE: there are no more; CIGNA_ERROR: server i has no usable address.
 */
int cigna_cluster_server(const cigna_cluster_range_t *range, size_t i,
    cigna_server_t *server);


/*
 * Errors which say that Redis has not run the command: the command belongs to
 * another server, or must be sent later.  The caller may send any such command
 * again.
 */

typedef enum {
    cigna_redirect_none = 0,               /* the reply is not such an error */
    cigna_redirect_moved,                  /* send the command to the slot's
                                              server */
    cigna_redirect_ask,                    /* send only this command to another
                                              server, after "ASKING" */
    cigna_redirect_wait                    /* send the command to the same
                                              server, later */
} cigna_redirect_e;


typedef struct {
    cigna_redirect_e  type;
    unsigned          slot;                /* set for moved and ask */
    cigna_server_t    server;
} cigna_redirect_t;


/* fills *r, whose server borrows from the reply, and returns r->type */
cigna_redirect_e cigna_cluster_redirect(const cigna_reply_t *reply,
    cigna_redirect_t *r);


#endif /* _CIGNA_CLUSTER_H_INCLUDED_ */


#ifndef _CIGNA_CLUSTER_H_INCLUDED_
#define _CIGNA_CLUSTER_H_INCLUDED_


#include "cigna_server.h"
#include "cigna_slot.h"


/* What Redis Cluster says of itself, and what is to be done about it. */


/*
 * The slot of a command's first key, which stands for all of its keys, as they
 * have one hash tag; CIGNA_NONE if it has no key.  Knows of the commands that
 * this module sends.
 */
int cigna_cluster_slot(const cigna_slice_t *argv, size_t argc,
    unsigned *slot);


/*
 * The reply to "CLUSTER SLOTS", a range at a time.  What cannot be used is
 * passed over by the caller, who asks for the next one.
 */

typedef struct {
    unsigned              first;
    unsigned              last;            /* included */
    const cigna_reply_t  *reply;
} cigna_cluster_range_t;


/* CIGNA_NONE: there are no more; CIGNA_ERROR: range i makes no sense */
int cigna_cluster_range(const cigna_reply_t *map, size_t i,
    cigna_cluster_range_t *range);

/*
 * The servers of a range: 0 is the primary, the others are its replicas.
 * CIGNA_NONE: there are no more; CIGNA_ERROR: it does not say where it is.
 */
int cigna_cluster_server(const cigna_cluster_range_t *range, size_t i,
    cigna_server_t *server);


/*
 * Answers that say: not run, and not here, or not now.  A command that got one
 * may be sent again, whatever it is.
 */

typedef enum {
    cigna_redirect_none = 0,               /* an answer like any other */
    cigna_redirect_moved,                  /* the slot is there for good */
    cigna_redirect_ask,                    /* there, for this command, after
                                              "ASKING" */
    cigna_redirect_wait                    /* here, later */
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

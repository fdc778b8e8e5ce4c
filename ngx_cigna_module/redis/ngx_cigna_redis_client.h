
#ifndef _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_


#include "ngx_cigna_redis_conn.h"


/*
 * What the parts of the client know of it; private to them.
 *
 *     start() --> route: which node? --> a connection of the node
 *                   |                      |        |
 *                   v not known yet        v none   v answered: redirected
 *                  the room <--------------+--------+
 *
 * A topology knows which node a call goes to, a node has the connections to
 * one server, and in the room calls wait for either, until their deadline.
 */


/* one server that others have told of, or that is a seed, and connections */

struct ngx_cigna_redis_node_s {
    ngx_queue_t                    link;   /* redis->nodes */
    ngx_cigna_redis_t             *redis;

    ngx_cigna_origin_t            *origins;    /* seeds of one server, tried */
    ngx_uint_t                     norigins;   /* in turn, or its own */
    ngx_uint_t                     origin;
    ngx_cigna_origin_t             own;
    ngx_cigna_origin_mem_t         mem;

    ngx_cigna_redis_conn_t        *conns;  /* NULL: not needed so far */
    ngx_uint_t                     tried;  /* origins, in this round */
    ngx_uint_t                     failures;   /* rounds */
    ngx_event_t                    retry;

    unsigned                       slot;   /* whose marker is checked */
    ngx_uint_t                     shifts; /* ... in a row */
    ngx_uint_t                     nslots;
    unsigned                       listed:1;   /* there is such a server */
    unsigned                       wanted:1;   /* there are calls for it */
    unsigned                       down:1; /* and this was logged */
    unsigned                       hope:1; /* ... but that may change yet */
    unsigned                       behind:1;   /* replicas; this was logged */
};


typedef struct {
    /* in create(), before anything else */
    ngx_int_t                    (*init)(ngx_cigna_redis_t *redis);

    /* NGX_AGAIN: not known yet; NGX_ERROR: nor will it be soon */
    ngx_int_t                    (*route)(ngx_cigna_redis_t *redis,
                                          ngx_cigna_redis_call_t *call,
                                          ngx_cigna_redis_node_t **node);

    /*
     * An answer of the node.  NGX_OK: it is for the caller.  NGX_AGAIN: it has
     * not been run, and "call" says what now.
     */
    ngx_int_t                    (*answered)(ngx_cigna_redis_node_t *node,
                                             ngx_cigna_redis_call_t *call,
                                             cigna_reply_t *reply);

    /* a connection has ended, or none can be made; 1: that may change soon */
    ngx_uint_t                   (*trouble)(ngx_cigna_redis_node_t *node);

    /* to listen to; NULL: not known yet */
    ngx_cigna_origin_t          *(*origin)(ngx_cigna_redis_t *redis);

    void                         (*done)(ngx_cigna_redis_t *redis);
} ngx_cigna_redis_topology_t;


typedef struct {
    ngx_queue_t                    calls;
    ngx_uint_t                     n;
    ngx_event_t                    wake;   /* posted */
    ngx_event_t                    timer;
} ngx_cigna_redis_pending_t;


struct ngx_cigna_redis_s {
    ngx_cigna_redis_shared_t       shared;
    ngx_pool_t                    *pool;

    const ngx_cigna_redis_topology_t
                                  *topology;
    void                          *topology_data;

    ngx_queue_t                    nodes;
    ngx_uint_t                     nnodes;

    ngx_cigna_redis_pending_t         room;
    ngx_queue_t                       subscribers;

    ngx_cigna_redis_connected_pt   connected;
    void                          *connected_data;
};


#define ngx_cigna_redis_log(redis)  (&(redis)->shared.log.log)


#endif /* _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_ */


#ifndef _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_


#include "ngx_cigna_redis_conn.h"
#include "ngx_cigna_redis_pending.h"


/*
 * What the parts of the client know of it; private to them.
 *
 *     start() --> route: which node? --> a connection of the node
 *                   |                      |        |
 *                   v not known yet        v none   v answered: redirected
 *                pending <-----------------+--------+
 *
 * A topology knows which node a call goes to, a node has the connections to one
 * server, and pending calls wait for either.
 */

typedef struct ngx_cigna_redis_node_conn_s  ngx_cigna_redis_node_conn_t;


/* one server, which is a seed or which others have named, and connections */

struct ngx_cigna_redis_node_s {
    ngx_queue_t                    link;   /* redis->nodes */
    ngx_cigna_redis_t             *redis;

    ngx_cigna_origin_t            *origins;    /* addresses of the server, */
    ngx_uint_t                     norigins;   /* tried in turn */
    ngx_uint_t                     origin;
    ngx_cigna_origin_t             named;  /* the only one, if not a seed */
    ngx_cigna_origin_mem_t         mem;

    ngx_cigna_redis_node_conn_t   *conns;  /* NULL: not needed so far */
    ngx_uint_t                     tried;  /* origins, in this round */
    ngx_uint_t                     failures;   /* rounds */
    ngx_event_t                    retry;

    unsigned                       slot;   /* whose marker is checked */
    ngx_uint_t                     shifts; /* of the slot, in a row */
    ngx_uint_t                     nslots;
    unsigned                       listed:1;   /* the cluster's map names it */
    unsigned                       wanted:1;   /* there are calls for it */
    unsigned                       down:1; /* and this was logged */
    unsigned                       hope:1; /* ... but that may change soon */
    unsigned                       behind:1;   /* replicas; this was logged */
};


typedef struct {
    /* called once, by create() */
    ngx_int_t                    (*init)(ngx_cigna_redis_t *redis);

    /* NGX_AGAIN: no node is known yet; NGX_ERROR: nor will be soon */
    ngx_int_t                    (*route)(ngx_cigna_redis_t *redis,
                                          ngx_cigna_redis_call_t *call,
                                          ngx_cigna_redis_node_t **node);

    /*
     * An error that the node has answered.  NGX_OK: it is for the caller.
     * NGX_AGAIN: Redis has not run the call, which now says where to send it.
     * NULL: all errors are for the caller.
     */
    ngx_int_t                    (*answered)(ngx_cigna_redis_node_t *node,
                                             ngx_cigna_redis_call_t *call,
                                             cigna_reply_t *reply);

    /*
     * A connection has ended, or none can be made.  1: that may change soon.
     * NULL: it will not.
     */
    ngx_uint_t                   (*trouble)(ngx_cigna_redis_node_t *node);

    /* where to subscribe; NULL: not known yet */
    ngx_cigna_origin_t          *(*origin)(ngx_cigna_redis_t *redis);

    void                         (*done)(ngx_cigna_redis_t *redis);
} ngx_cigna_redis_topology_t;


struct ngx_cigna_redis_s {
    ngx_cigna_redis_shared_t       shared;
    ngx_pool_t                    *pool;

    const ngx_cigna_redis_topology_t
                                  *topology;
    void                          *topology_data;

    ngx_queue_t                    nodes;
    ngx_uint_t                     nnodes;

    ngx_cigna_redis_pending_t      pending;
    ngx_queue_t                    subscribers;

    ngx_cigna_redis_connected_pt   connected;
    void                          *connected_data;
};


#define ngx_cigna_redis_log(redis)  (&(redis)->shared.log.log)

#define ngx_cigna_redis_each_node(redis, q)                                   \
    for (q = ngx_queue_head(&(redis)->nodes);                                 \
         q != ngx_queue_sentinel(&(redis)->nodes);                            \
         q = ngx_queue_next(q))

#define ngx_cigna_redis_node_at(q)                                            \
    ngx_queue_data(q, ngx_cigna_redis_node_t, link)


#endif /* _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_ */

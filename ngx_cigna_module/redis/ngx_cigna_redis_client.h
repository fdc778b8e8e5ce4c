
#ifndef _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_


#include "ngx_cigna_redis_conn.h"
#include "ngx_cigna_redis_pending.h"


/*
 * The client's struct, which only the files of the client may use.
 *
 *     start() --> route: which node? --> a connection of the node
 *                   |                      |        |
 *                   | not known yet        | none   | the reply
 *                   v                      v ready  v redirects
 *                pending <-----------------+--------+
 *
 * A topology knows which node a call goes to.  A node has the connections to
 * one server.  Pending calls wait for a node, or for a connection of it.
 */

typedef struct ngx_cigna_redis_node_conn_s   ngx_cigna_redis_node_conn_t;
typedef struct ngx_cigna_redis_lookup_s      ngx_cigna_redis_lookup_t;
typedef struct ngx_cigna_redis_subscriber_s  ngx_cigna_redis_subscriber_t;


/* one server, configured or named by another server, and its connections */

struct ngx_cigna_redis_node_s {
    ngx_queue_t                    link;   /* in redis->nodes */
    ngx_cigna_redis_t             *redis;

    ngx_cigna_origin_t            *origins;    /* the server's origins, at least
                                                  one */
    ngx_uint_t                     norigins;
    ngx_uint_t                     origin;     /* index of the origin in use */

    ngx_cigna_redis_node_conn_t   *conns;  /* NULL: no call was sent so far */
    ngx_uint_t                     tried;  /* origins that have failed since the
                                              node began to try them all */
    ngx_uint_t                     failures;   /* how often all origins failed,
                                                  in a row */
    ngx_event_t                    retry;  /* timer of the next attempt to
                                              connect */

    unsigned                       slot;   /* the slot whose marker the check
                                              reads */
    ngx_uint_t                     shifts; /* how often the slot was changed
                                              since a handshake succeeded */
    ngx_uint_t                     nslots; /* number of the server's slots */
    unsigned                       listed:1;   /* the cluster's map names the
                                                  node */
    unsigned                       wanted:1;   /* the client needs the node: a
                                                  call was sent to it */
    unsigned                       down:1; /* no connection can be made */
    unsigned                       hope:1; /* if down: the topology may soon
                                              find another server, so calls
                                              wait */
    unsigned                       behind:1;   /* too few replicas keep up;
                                                  this was logged */
};


typedef struct {
    /* called once, by ngx_cigna_redis_create() */
    ngx_int_t                    (*init)(ngx_cigna_redis_t *redis);

    /*
     * Finds the node of a call.  NGX_AGAIN: not known yet.  NGX_ERROR: not
     * known, and this will not change soon.
     */
    ngx_int_t                    (*route)(ngx_cigna_redis_t *redis,
                                          ngx_cigna_redis_call_t *call,
                                          ngx_cigna_redis_node_t **node);

    /*
     * The node has answered with an error.  NGX_OK: pass the error to the
     * caller.  NGX_AGAIN: Redis has not run the call; send the call again, as
     * its fields "node" and "rest_until" say, which this function may have
     * changed.  A topology without this function passes all errors to the
     * caller.
     */
    ngx_int_t                    (*answered)(ngx_cigna_redis_node_t *node,
                                             ngx_cigna_redis_call_t *call,
                                             cigna_reply_t *reply);

    /*
     * A connection to the node has ended, or cannot be made.  Returns 1 if the
     * topology may soon find another server.  A topology without this function
     * never finds one.
     */
    ngx_uint_t                   (*trouble)(ngx_cigna_redis_node_t *node);

    /* returns the server to send SUBSCRIBE to; NULL: not known yet */
    ngx_cigna_origin_t          *(*origin)(ngx_cigna_redis_t *redis);
} ngx_cigna_redis_topology_t;


/* one primary, which is configured */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_standalone;

/* one primary, which Sentinels name */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_sentinel;

/* several primaries, each with some of the slots */
extern const ngx_cigna_redis_topology_t  ngx_cigna_redis_topology_cluster;


struct ngx_cigna_redis_s {
    ngx_cigna_redis_shared_t       shared;
    ngx_pool_t                    *pool;

    const ngx_cigna_redis_topology_t
                                  *topology;
    void                          *topology_data;
    ngx_cigna_redis_lookup_t      *lookup;     /* NULL: standalone */

    ngx_queue_t                    nodes;
    ngx_uint_t                     nnodes;

    ngx_cigna_redis_pending_t      pending;
    ngx_cigna_redis_subscriber_t  *subscriber; /* NULL: there is none */

    ngx_cigna_redis_connected_pt   connected;
    void                          *connected_data;
};


#define ngx_cigna_redis_log(redis)  (&(redis)->shared.log.log)

#define ngx_cigna_redis_node_at(q)                                            \
    ngx_queue_data(q, ngx_cigna_redis_node_t, link)

#define ngx_cigna_redis_each_node(redis, node)                                \
    for (node = ngx_cigna_redis_node_at(ngx_queue_head(&(redis)->nodes));     \
         &(node)->link != ngx_queue_sentinel(&(redis)->nodes);                \
         node = ngx_cigna_redis_node_at(ngx_queue_next(&(node)->link)))


#endif /* _NGX_CIGNA_REDIS_CLIENT_H_INCLUDED_ */

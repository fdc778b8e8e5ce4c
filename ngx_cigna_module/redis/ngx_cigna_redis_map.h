
#ifndef _NGX_CIGNA_REDIS_MAP_H_INCLUDED_
#define _NGX_CIGNA_REDIS_MAP_H_INCLUDED_


#include "ngx_cigna_redis_node.h"
#include "redis/cigna_cluster.h"


/* Which node has which slot of a cluster; NULL: none has. */

typedef ngx_cigna_redis_node_t  *ngx_cigna_redis_map_t[CIGNA_SLOTS];


#define ngx_cigna_redis_each_node(redis, q)                                   \
    for (q = ngx_queue_head(&(redis)->nodes);                                 \
         q != ngx_queue_sentinel(&(redis)->nodes);                            \
         q = ngx_queue_next(q))

#define ngx_cigna_redis_node_at(q)                                            \
    ngx_queue_data(q, ngx_cigna_redis_node_t, link)


/*
 * A new map, from the reply to "CLUSTER SLOTS" of the server at "origin"; nodes
 * that have no slots any more are left.  NGX_DECLINED: it is none, and the old
 * one stays.
 */
ngx_int_t ngx_cigna_redis_map_read(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_map_t map, cigna_reply_t *reply,
    ngx_cigna_origin_t *origin);

/* another slot of the node's, whose marker is to be checked */
void ngx_cigna_redis_map_shift(ngx_cigna_redis_map_t map,
    ngx_cigna_redis_node_t *node);

/* a node with slots that is well, or any with slots; NULL: there is none */
ngx_cigna_redis_node_t *ngx_cigna_redis_map_any(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_MAP_H_INCLUDED_ */

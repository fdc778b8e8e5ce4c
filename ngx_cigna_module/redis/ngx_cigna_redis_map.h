
#ifndef _NGX_CIGNA_REDIS_MAP_H_INCLUDED_
#define _NGX_CIGNA_REDIS_MAP_H_INCLUDED_


#include "ngx_cigna_redis_node.h"
#include "redis/cigna_cluster.h"


/* The node of each slot of a cluster; NULL: no node has the slot. */

typedef ngx_cigna_redis_node_t  *ngx_cigna_redis_map_t[CIGNA_SLOTS];


/*
 * Makes a new map of the reply to "CLUSTER SLOTS" of the server at "origin",
 * and leaves the nodes that have no slots any more.  NGX_DECLINED: the reply is
 * not a map, and the old one stays.
 */
ngx_int_t ngx_cigna_redis_map_read(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_map_t map, cigna_reply_t *reply,
    ngx_cigna_origin_t *origin);

/* chooses another slot of the node, whose marker will be checked */
void ngx_cigna_redis_map_shift(ngx_cigna_redis_map_t map,
    ngx_cigna_redis_node_t *node);

/* a node with slots, one that is ready first; NULL: there is none */
ngx_cigna_redis_node_t *ngx_cigna_redis_map_any(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_MAP_H_INCLUDED_ */

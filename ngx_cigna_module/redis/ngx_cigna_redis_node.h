
#ifndef _NGX_CIGNA_REDIS_NODE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_NODE_H_INCLUDED_


#include "ngx_cigna_redis_client.h"
#include "redis/cigna_server.h"


/*
 * A Redis server and the connections to it, which are made on demand.  A node
 * is never freed: a pointer to it stays valid.
 */

/* makes a node; its connections try the origins in turn; NULL: no memory */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_create(ngx_cigna_redis_t *redis,
    ngx_cigna_origin_t *origins, ngx_uint_t norigins);

/*
 * Finds the node of a server that the server "teller" has named.  If the server
 * has no host, its host is the teller's.  NULL: there is no such node so far.
 */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_find(ngx_cigna_redis_t *redis,
    cigna_server_t *server, ngx_cigna_origin_t *teller);

/*
 * Finds the node with ngx_cigna_redis_node_find(), and makes the node if there
 * is none.  The client will send its password to the server, so the server that
 * has named it must be trusted.  NULL: no memory, or too many servers.
 */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_get(ngx_cigna_redis_t *redis,
    cigna_server_t *server, ngx_cigna_origin_t *teller);

/*
 * Sends a call.  NGX_OK: a connection has taken the call.  NGX_AGAIN: the call
 * must wait; the node wakes redis->pending when a connection is ready or has
 * failed.  NGX_ERROR: no connection can be made, or there is no memory.
 */
ngx_int_t ngx_cigna_redis_node_send(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call);

/* 1 if a connection for commands that are not durable is ready */
ngx_uint_t ngx_cigna_redis_node_ready(ngx_cigna_redis_node_t *node);

/* the origin that the node uses, or tries next */
ngx_cigna_origin_t *ngx_cigna_redis_node_origin(ngx_cigna_redis_node_t *node);

/*
 * Closes each connection once it has no calls, and makes no new connections
 * until a call is sent again.
 */
void ngx_cigna_redis_node_leave(ngx_cigna_redis_node_t *node);

/* closes the connections, calls no handler */
void ngx_cigna_redis_node_done(ngx_cigna_redis_node_t *node);


#endif /* _NGX_CIGNA_REDIS_NODE_H_INCLUDED_ */


#ifndef _NGX_CIGNA_REDIS_NODE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_NODE_H_INCLUDED_


#include "ngx_cigna_redis_client.h"
#include "redis/cigna_server.h"


/*
 * A Redis server and the connections to it.  Connections are made when they are
 * needed first.  A node is never freed: a pointer to it stays valid.
 */

/* the node of the seeds, which are tried in turn; NULL: no memory */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_seeds(ngx_cigna_redis_t *redis);

/*
 * The node of a server that "teller" has named; a server without a host is the
 * teller itself.  NULL: there is no such node so far.
 */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_find(ngx_cigna_redis_t *redis,
    cigna_server_t *server, ngx_cigna_origin_t *teller);

/*
 * The same; makes the node if there is none.  The client will send its password
 * there, so the teller must be trusted.  NULL: no memory, or too many servers.
 */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_get(ngx_cigna_redis_t *redis,
    cigna_server_t *server, ngx_cigna_origin_t *teller);

/*
 * NGX_OK: a connection has taken the call.  NGX_AGAIN: the call must wait;
 * pending is woken when a connection is ready or has failed.  NGX_ERROR: no
 * connection can be made.
 */
ngx_int_t ngx_cigna_redis_node_send(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call);

/* 1 if a connection for commands that are not durable is ready */
ngx_uint_t ngx_cigna_redis_node_ready(ngx_cigna_redis_node_t *node);

/* the origin that the node uses, or tries next */
ngx_cigna_origin_t *ngx_cigna_redis_node_origin(ngx_cigna_redis_node_t *node);

/*
 * Closes connections as they fall idle, and makes none until a call is sent
 * again.
 */
void ngx_cigna_redis_node_leave(ngx_cigna_redis_node_t *node);

/* closes the connections, calls no handler */
void ngx_cigna_redis_node_done(ngx_cigna_redis_node_t *node);


#endif /* _NGX_CIGNA_REDIS_NODE_H_INCLUDED_ */

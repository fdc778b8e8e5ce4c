
#ifndef _NGX_CIGNA_REDIS_NODE_H_INCLUDED_
#define _NGX_CIGNA_REDIS_NODE_H_INCLUDED_


#include "ngx_cigna_redis_client.h"
#include "redis/cigna_server.h"


/*
 * A server and the connections to it; made when first needed, there for good:
 * whoever knows a node may keep it.
 */

/* the node of the seeds, which are tried in turn; NULL: no memory */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_seeds(ngx_cigna_redis_t *redis);

/*
 * The node of a server of which "teller" has told, which is the one that is
 * meant where no host is named.  NULL: there is none so far.
 */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_find(ngx_cigna_redis_t *redis,
    cigna_server_t *server, ngx_cigna_origin_t *teller);

/*
 * The same, and it is made if there is none.  The password will be sent there,
 * so the teller's word must be good.  NULL: no memory, or too many servers.
 */
ngx_cigna_redis_node_t *ngx_cigna_redis_node_get(ngx_cigna_redis_t *redis,
    cigna_server_t *server, ngx_cigna_origin_t *teller);

/*
 * NGX_OK: a connection has taken the call.  NGX_AGAIN: there will be one soon,
 * or it will be known that there is none.  NGX_ERROR: there is none.
 */
ngx_int_t ngx_cigna_redis_node_send(ngx_cigna_redis_node_t *node,
    ngx_cigna_redis_call_t *call);

/* 1 if a connection for commands is ready */
ngx_uint_t ngx_cigna_redis_node_ready(ngx_cigna_redis_node_t *node);

/* the one that it is at, or will try next */
ngx_cigna_origin_t *ngx_cigna_redis_node_origin(ngx_cigna_redis_node_t *node);

/*
 * Closes connections as they fall idle, and tries no more to make one, unless
 * something is sent again.
 */
void ngx_cigna_redis_node_leave(ngx_cigna_redis_node_t *node);

void ngx_cigna_redis_node_done(ngx_cigna_redis_node_t *node);


#endif /* _NGX_CIGNA_REDIS_NODE_H_INCLUDED_ */

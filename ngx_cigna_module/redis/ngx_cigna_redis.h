
#ifndef _NGX_CIGNA_REDIS_H_INCLUDED_
#define _NGX_CIGNA_REDIS_H_INCLUDED_


#include "ngx_cigna_redis_cmd.h"
#include "ngx_cigna_redis_conf.h"


/*
 * The Redis client of a worker.  Commands are pipelined over one connection, or
 * a few, to each server that has to be asked, each command with a deadline.
 * The client connects on demand, does the handshake of each connection (see
 * cigna_redis_handshake.h), connects again with back-off and jitter, and fails
 * fast while Redis is down.  It finds the primary by asking Sentinels, or the
 * servers of a cluster by asking these.  It knows nothing of grants.
 */

/*
 * Called once per worker, in init_process.  conf is borrowed.  Makes no
 * connection yet.  NULL: no memory.
 */
ngx_cigna_redis_t *ngx_cigna_redis_create(ngx_cycle_t *cycle,
    ngx_cigna_redis_conf_t *conf);

/*
 * Sets the handler of new connections for commands; it may start commands.
 * age_ms says how long the server has been the primary: what was written to
 * another primary before may be lost.  age_ms is 0 or more, and INT64_MAX where
 * it cannot be known; in a cluster it may be too short after slots have moved.
 * "primary" is the same number as long as the server is a primary, and 0 if not
 * known.  "durable": the connection is for durable commands, which connect on
 * demand; a connection for all other commands will follow.
 */
void ngx_cigna_redis_on_connected(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_connected_pt handler, void *data);

/*
 * Queues one command, to be sent with all others of this turn of the event
 * loop; copies argv.  NGX_AGAIN: handler will be called once, later.
 * NGX_ERROR: outcome is "unsent" and handler is not called (Redis is down, or
 * too many commands wait).  Commands of one worker may overtake each other if
 * there are several connections.  A command that was used before needs done()
 * first.
 */
ngx_int_t ngx_cigna_redis_start(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc);

/* closes the connections, in exit_process; calls no handler */
void ngx_cigna_redis_destroy(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_H_INCLUDED_ */

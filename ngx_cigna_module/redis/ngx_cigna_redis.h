
#ifndef _NGX_CIGNA_REDIS_H_INCLUDED_
#define _NGX_CIGNA_REDIS_H_INCLUDED_


#include "ngx_cigna_redis_cmd.h"
#include "ngx_cigna_redis_conf.h"


/*
 * The Redis client of a worker.  The client opens one connection, or a few, to
 * each server that it needs, and pipelines commands.  Each command has a
 * deadline.  The client connects on demand, does a handshake (see
 * cigna_redis_handshake.h), connects again with back-off and jitter, and fails
 * fast while Redis is down.  The client asks Sentinels for the primary, or a
 * cluster's servers for the slots of each server.
 */

/*
 * Creates the client, once per worker, in init_process.  Borrows conf.  Does
 * not connect yet.  NULL: no memory.
 */
ngx_cigna_redis_t *ngx_cigna_redis_create(ngx_cycle_t *cycle,
    ngx_cigna_redis_conf_t *conf);

/*
 * Sets a handler, which is called when a connection for commands is ready.  The
 * handler may start commands.  Its arguments:
 *
 * age_ms: how long the server has been the primary.  Writes to an earlier
 * primary may be lost.  0 or more; INT64_MAX: not known.  In a cluster, age_ms
 * may be too short after slots have moved.
 *
 * primary: a number that stays the same as long as the server is the primary.
 * No other primary has this number.  0: not known.
 *
 * durable: 1 if the connection is for durable commands only, see
 * ngx_cigna_redis_cmd.h.
 */
void ngx_cigna_redis_on_connected(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_connected_pt handler, void *data);

/*
 * Queues one command.  The client sends it together with all other commands of
 * this turn of the event loop.  Copies argv.  NGX_AGAIN: handler will be called
 * once, later.  NGX_ERROR: Redis is down, too many commands wait, or there is
 * no memory; outcome is "unsent" and handler is not called.  Commands of one
 * worker may overtake each other if there are several connections.  To use a
 * cmd again, call ngx_cigna_redis_done() first.
 */
ngx_int_t ngx_cigna_redis_start(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_slice_t *argv, ngx_uint_t argc);

/* closes all connections, in exit_process; calls no handler */
void ngx_cigna_redis_destroy(ngx_cigna_redis_t *redis);


#endif /* _NGX_CIGNA_REDIS_H_INCLUDED_ */


#ifndef _NGX_CIGNA_REDIS_SCRIPT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_SCRIPT_H_INCLUDED_


#include "ngx_cigna_redis.h"
#include "redis/cigna_script.h"


/*
 * Calls a Lua script by its SHA-1 (EVALSHA).  A Redis server that does not know
 * the script answers NOSCRIPT and runs nothing.  The client then sends the
 * script's text (EVAL), once.
 *
 * argv: first the script's keys, script->nkeys in number, then its arguments;
 * at most CIGNA_REDIS_ARGS_MAX - 3 in all.
 */

/*
 * Sends EVALSHA with ngx_cigna_redis_start(), and returns the same.  NGX_AGAIN:
 * the handler of cmd will be called.  NGX_ERROR: the outcome is "unsent".  If
 * cmd is in flight, the function cancels it first.
 */
ngx_int_t ngx_cigna_redis_script_start(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc);

/*
 * The handler of cmd must call this function first, with the same arguments as
 * ngx_cigna_redis_script_start().  NGX_AGAIN: EVAL was sent, and the handler
 * will be called again.
 * NGX_OK: cmd has its outcome, which is "unsent" if EVAL could not be sent.
 */
ngx_int_t ngx_cigna_redis_script_again(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc);


#endif /* _NGX_CIGNA_REDIS_SCRIPT_H_INCLUDED_ */

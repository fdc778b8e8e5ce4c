
#ifndef _NGX_CIGNA_REDIS_SCRIPT_H_INCLUDED_
#define _NGX_CIGNA_REDIS_SCRIPT_H_INCLUDED_


#include "ngx_cigna_redis.h"
#include "redis/cigna_script.h"


/*
 * Calls a Lua script by its SHA-1 (EVALSHA).  A Redis server that does not know
 * the script answers NOSCRIPT and runs nothing; the script's text is then sent
 * (EVAL), once.
 *
 * argv: the script's keys, script->nkeys of them, then its arguments; at most
 * CIGNA_REDIS_ARGS_MAX - 3 in all.
 */

/*
 * Sends EVALSHA, as ngx_cigna_redis_start() does: NGX_AGAIN, or NGX_ERROR with
 * the outcome "unsent".
 */
ngx_int_t ngx_cigna_redis_script_start(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc);

/*
 * To be called first when cmd has ended, with the arguments of the start.
 * NGX_AGAIN: EVAL was sent, cmd will end once more.  NGX_OK: cmd has its
 * outcome, which is "unsent" if EVAL could not be sent.
 */
ngx_int_t ngx_cigna_redis_script_again(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc);


#endif /* _NGX_CIGNA_REDIS_SCRIPT_H_INCLUDED_ */

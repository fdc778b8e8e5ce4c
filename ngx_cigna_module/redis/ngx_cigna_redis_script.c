
#include "ngx_cigna_redis_script.h"


static ngx_int_t ngx_cigna_redis_script_send(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc);


ngx_int_t
ngx_cigna_redis_script_start(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    cmd->eval = 0;

    return ngx_cigna_redis_script_send(redis, cmd, script, argv, argc);
}


ngx_int_t
ngx_cigna_redis_script_again(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    if (cmd->eval
        || cmd->outcome != cigna_ev_ok
        || !cigna_reply_is_error(cmd->reply, "NOSCRIPT"))
    {
        return NGX_OK;
    }

    cmd->eval = 1;

    return ngx_cigna_redis_script_send(redis, cmd, script, argv, argc)
           == NGX_AGAIN ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_cigna_redis_script_send(ngx_cigna_redis_t *redis,
    ngx_cigna_redis_cmd_t *cmd, const cigna_script_t *script,
    const cigna_slice_t *argv, ngx_uint_t argc)
{
    u_char         nkeys[NGX_INT_T_LEN];
    cigna_slice_t  to[CIGNA_REDIS_ARGS_MAX];

    ngx_cigna_redis_done(cmd);

    if (argc > CIGNA_REDIS_ARGS_MAX - 3) {
        cmd->outcome = cigna_ev_unsent;
        return NGX_ERROR;
    }

    to[0] = cmd->eval ? cigna_slice("EVAL") : cigna_slice("EVALSHA");
    to[1] = cigna_slice_str(cmd->eval ? script->text : script->sha1);
    to[2].data = nkeys;
    to[2].len = ngx_sprintf(nkeys, "%ui", (ngx_uint_t) script->nkeys) - nkeys;

    ngx_memcpy(&to[3], argv, argc * sizeof(cigna_slice_t));

    return ngx_cigna_redis_start(redis, cmd, to, argc + 3);
}

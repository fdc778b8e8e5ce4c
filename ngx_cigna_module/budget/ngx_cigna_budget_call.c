
#include "ngx_cigna_budget_call.h"


void
ngx_cigna_budget_call_init(ngx_cigna_budget_call_t *call,
    ngx_cigna_redis_t *redis, cigna_budget_script_e script,
    ngx_cigna_redis_pt handler, void *data)
{
    call->redis = redis;
    call->script = cigna_budget_script(script);

    call->cmd.handler = handler;
    call->cmd.data = data;
}


ngx_int_t
ngx_cigna_budget_call_start(ngx_cigna_budget_call_t *call)
{
    return ngx_cigna_redis_script_start(call->redis, &call->cmd, call->script,
                                        call->argv, call->argc);
}


ngx_uint_t
ngx_cigna_budget_call_again(ngx_cigna_budget_call_t *call)
{
    return ngx_cigna_redis_script_again(call->redis, &call->cmd, call->script,
                                        call->argv, call->argc)
           == NGX_AGAIN;
}

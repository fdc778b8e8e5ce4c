
#include "ngx_cigna_budget_call.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_worker.h"


static ngx_int_t ngx_cigna_budget_call_send(ngx_cigna_budget_call_t *call,
    ngx_uint_t eval);


void
ngx_cigna_budget_call_init(ngx_cigna_budget_call_t *call,
    ngx_cigna_main_conf_t *mcf, cigna_script_e script,
    ngx_cigna_redis_pt handler, void *data)
{
    call->mcf = mcf;
    call->script = cigna_script(script);

    call->cmd.handler = handler;
    call->cmd.data = data;
}


ngx_int_t
ngx_cigna_budget_call(ngx_cigna_budget_call_t *call)
{
    ngx_cigna_redis_done(&call->cmd);

    call->evaled = 0;

    return ngx_cigna_budget_call_send(call, 0);
}


static ngx_int_t
ngx_cigna_budget_call_send(ngx_cigna_budget_call_t *call, ngx_uint_t eval)
{
    ngx_uint_t     i;
    cigna_slice_t  argv[CIGNA_BUDGET_ARGS + 3];

    argv[0] = eval ? cigna_slice("EVAL") : cigna_slice("EVALSHA");
    argv[1] = cigna_slice_str(eval ? call->script->text : call->script->sha1);
    argv[2] = cigna_slice("1");

    for (i = 0; i < call->argc; i++) {
        argv[3 + i] = call->argv[i];
    }

    return ngx_cigna_redis_start(call->mcf->worker->redis, &call->cmd, argv,
                                 call->argc + 3);
}


/* it has not run, so that it may be sent as a whole */

ngx_uint_t
ngx_cigna_budget_call_again(ngx_cigna_budget_call_t *call)
{
    if (call->evaled
        || call->cmd.outcome != cigna_ev_ok
        || !cigna_reply_is_error(call->cmd.reply, "NOSCRIPT"))
    {
        return 0;
    }

    call->evaled = 1;

    ngx_cigna_redis_done(&call->cmd);

    return ngx_cigna_budget_call_send(call, 1) == NGX_AGAIN;
}


void
ngx_cigna_budget_call_done(ngx_cigna_budget_call_t *call)
{
    ngx_cigna_redis_done(&call->cmd);
}

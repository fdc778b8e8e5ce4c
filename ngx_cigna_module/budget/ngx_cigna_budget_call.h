
#ifndef _NGX_CIGNA_BUDGET_CALL_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_CALL_H_INCLUDED_


#include "redis/ngx_cigna_redis_script.h"
#include "budget/cigna_budget_call.h"
#include "budget/cigna_budget_scripts.h"


/*
 * A call of one of the budgets' Redis scripts, for a tenant.  The owner ends
 * the call with ngx_cigna_redis_done(&call->cmd).
 */

typedef struct {
    ngx_cigna_redis_cmd_t    cmd;          /* has the outcome and the reply */

    /* set by the owner before start(); mem has the bytes of argv */
    cigna_slice_t            argv[CIGNA_BUDGET_ARGS];
    unsigned                 argc;
    uint8_t                  mem[CIGNA_BUDGET_CALL_MEM];

    /* private */
    ngx_cigna_redis_t       *redis;
    const cigna_script_t    *script;
} ngx_cigna_budget_call_t;


void ngx_cigna_budget_call_init(ngx_cigna_budget_call_t *call,
    ngx_cigna_redis_t *redis, cigna_budget_script_e script,
    ngx_cigna_redis_pt handler, void *data);

/*
 * Sends the call.  If an earlier call is still in flight, cancels that call
 * first.  NGX_AGAIN: the handler will be called.  NGX_ERROR: the call could not
 * be sent.
 */
ngx_int_t ngx_cigna_budget_call_start(ngx_cigna_budget_call_t *call);

/*
 * The handler must call this function first.  Returns 1 if the call was sent
 * once more, because Redis did not know the script.  The handler must then
 * return, and will be called again.
 */
ngx_uint_t ngx_cigna_budget_call_again(ngx_cigna_budget_call_t *call);


#endif /* _NGX_CIGNA_BUDGET_CALL_H_INCLUDED_ */

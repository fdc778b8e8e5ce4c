
#ifndef _NGX_CIGNA_BUDGET_CALL_H_INCLUDED_
#define _NGX_CIGNA_BUDGET_CALL_H_INCLUDED_


#include "gateway/ngx_cigna_conf.h"
#include "redis/ngx_cigna_redis.h"

#include "vault/cigna_scripts.h"
#include "budget/cigna_budget_call.h"
#include "budget/cigna_budget_take.h"


/* one of the budgets' scripts, sent to Redis for a tenant */

typedef struct {
    ngx_cigna_redis_cmd_t    cmd;          /* outcome, reply */

    /* set before call() */
    cigna_slice_t            argv[CIGNA_BUDGET_ARGS];
    unsigned                 argc;
    uint8_t                  mem[CIGNA_BUDGET_CALL_MEM];
    cigna_budget_scope_e     scope;        /* of a pause */

    /* private */
    ngx_cigna_main_conf_t   *mcf;
    const cigna_script_t    *script;
    unsigned                 evaled:1;
} ngx_cigna_budget_call_t;


void ngx_cigna_budget_call_init(ngx_cigna_budget_call_t *call,
    ngx_cigna_main_conf_t *mcf, cigna_script_e script,
    ngx_cigna_redis_pt handler, void *data);

/*
 * Sends it; one that is under way is given up.  NGX_AGAIN: the handler will be
 * called.  NGX_ERROR: it could not be sent.
 */
ngx_int_t ngx_cigna_budget_call(ngx_cigna_budget_call_t *call);

/*
 * The first thing in the handler.  1: Redis has not known the script, and was
 * sent it: the handler will be called again.
 */
ngx_uint_t ngx_cigna_budget_call_again(ngx_cigna_budget_call_t *call);

/* idempotent */
void ngx_cigna_budget_call_done(ngx_cigna_budget_call_t *call);


#endif /* _NGX_CIGNA_BUDGET_CALL_H_INCLUDED_ */


#include "ngx_cigna_run_lease.h"
#include "nginx/ngx_cigna_timer.h"
#include "redis/ngx_cigna_redis_script.h"


/*
 * ms within which a worker sets lock and mark of each open exchange again, at
 * random times
 */

#define NGX_CIGNA_RUN_LEASE_RETAKE  1000


static void ngx_cigna_run_lease_timer(ngx_event_t *ev);
static void ngx_cigna_run_lease_handler(ngx_cigna_redis_cmd_t *cmd);


void
ngx_cigna_run_lease_start(ngx_cigna_run_lease_t *lease,
    const cigna_op_lease_t *op, ngx_cigna_redis_t *redis, ngx_log_t *log)
{
    if (op->renew == NULL) {
        return;
    }

    lease->op = op;
    lease->redis = redis;
    lease->retake = 0;

    ngx_cigna_timer_init(&lease->timer, ngx_cigna_run_lease_timer, lease, log,
                         0);
    ngx_add_timer(&lease->timer, op->ms);
}


static void
ngx_cigna_run_lease_timer(ngx_event_t *ev)
{
    ngx_cigna_run_lease_t   *lease = ev->data;
    const cigna_op_lease_t  *op;

    op = lease->op;

    ngx_add_timer(ev, op->ms);

    if (ngx_cigna_redis_in_flight(&lease->cmd)) {
        return;
    }

    lease->script = lease->retake ? op->retake : op->renew;
    lease->cmd.handler = ngx_cigna_run_lease_handler;
    lease->cmd.data = lease;

    if (ngx_cigna_redis_script_start(lease->redis, &lease->cmd, lease->script,
                                     op->argv, op->argc)
        != NGX_AGAIN)
    {
        ngx_log_debug0(NGX_LOG_DEBUG_CORE, ev->log, 0, "lease not renewed");
    }
}


static void
ngx_cigna_run_lease_handler(ngx_cigna_redis_cmd_t *cmd)
{
    cigna_slice_t           word;
    ngx_cigna_run_lease_t  *lease = cmd->data;

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, lease->timer.log, 0,
                   "lease renewed, outcome: %d", (int) cmd->outcome);

    if (ngx_cigna_redis_script_again(lease->redis, cmd, lease->script,
                                     lease->op->argv, lease->op->argc)
        == NGX_AGAIN
        || cmd->outcome != cigna_ev_ok)
    {
        return;
    }

    word = cigna_reply_slice(cigna_reply_item(cmd->reply, 0));

    if (cigna_slice_eq(word, cigna_slice("mine"))) {
        lease->retake = 0;

    } else if (!lease->retake && cigna_slice_eq(word, cigna_slice("lost"))) {
        ngx_cigna_run_lease_retake(lease);
    }
}


void
ngx_cigna_run_lease_retake(ngx_cigna_run_lease_t *lease)
{
    if (lease->op == NULL) {
        return;
    }

    lease->retake = 1;

    ngx_add_timer(&lease->timer, 1 + ngx_random() % NGX_CIGNA_RUN_LEASE_RETAKE);
}


void
ngx_cigna_run_lease_done(ngx_cigna_run_lease_t *lease)
{
    ngx_cigna_redis_done(&lease->cmd);
    ngx_cigna_timer_stop(&lease->timer);

    lease->op = NULL;
}

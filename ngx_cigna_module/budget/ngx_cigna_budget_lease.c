
#include "ngx_cigna_budget_lease.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "shm/ngx_cigna_counters.h"


static void ngx_cigna_budget_lease_handler(ngx_cigna_redis_cmd_t *cmd);
static void ngx_cigna_budget_lease_failed(ngx_cigna_budget_lease_t *lease,
    cigna_slice_t why);
static cigna_slice_t ngx_cigna_budget_lease_why(ngx_cigna_redis_cmd_t *cmd);


void
ngx_cigna_budget_lease_init(ngx_cigna_budget_lease_t *lease)
{
    ngx_cigna_budget_call_init(&lease->call, lease->zone->mcf->worker->redis,
                               cigna_budget_script_lease,
                               ngx_cigna_budget_lease_handler, lease);
}


ngx_int_t
ngx_cigna_budget_lease_start(ngx_cigna_budget_lease_t *lease,
    const cigna_budget_answer_t *a)
{
    int                       rc;
    ngx_cigna_budget_call_t  *call;
    ngx_cigna_budget_zone_t  *zone = lease->zone;

    call = &lease->call;

    ngx_cigna_count(zone->tenant->counters, ngx_cigna_count_budget_leases);

    lease->number = a->call;
    lease->want = a->ask;

    rc = cigna_budget_lease_argv(zone->core.plan, &zone->names, a->ask,
                                 call->mem, call->argv, &call->argc);

    if (rc == CIGNA_OK && ngx_cigna_budget_call_start(call) == NGX_AGAIN) {
        return NGX_OK;
    }

    ngx_cigna_budget_lease_failed(lease, cigna_slice("no connection"));

    return NGX_ERROR;
}


static void
ngx_cigna_budget_lease_handler(ngx_cigna_redis_cmd_t *cmd)
{
    int                          up;
    ngx_cigna_budget_zone_t     *zone;
    ngx_cigna_budget_lease_t    *lease = cmd->data;
    cigna_budget_lease_reply_t   reply;

    zone = lease->zone;

    if (ngx_cigna_budget_call_again(&lease->call)) {
        return;
    }

    if (cmd->outcome != cigna_ev_ok
        || cigna_budget_lease_parse(cmd->reply, &reply) != CIGNA_OK)
    {
        ngx_cigna_budget_lease_failed(lease, ngx_cigna_budget_lease_why(cmd));

    } else {

        up = cigna_budget_leased(ngx_cigna_budget_lock(zone, 0),
                                 lease->number, lease->want, &reply);

        ngx_cigna_budget_unlock(zone);
        lease->handler(lease->data);

        if (up) {
            ngx_log_error(NGX_LOG_NOTICE, zone->mcf->worker->cycle->log, 0,
                          "cigna: budgets are counted in Redis again");
        }
    }

    ngx_cigna_redis_done(&lease->call.cmd);
}


static cigna_slice_t
ngx_cigna_budget_lease_why(ngx_cigna_redis_cmd_t *cmd)
{
    if (cmd->outcome != cigna_ev_ok) {
        return cigna_slice("no answer came");
    }

    if (cigna_reply_type(cmd->reply) == cigna_reply_error) {
        return cigna_reply_slice(cmd->reply);
    }

    return cigna_slice("the answer makes no sense");
}


static void
ngx_cigna_budget_lease_failed(ngx_cigna_budget_lease_t *lease,
    cigna_slice_t why)
{
    int                       began;
    ngx_cigna_budget_zone_t  *zone = lease->zone;

    ngx_cigna_count(zone->tenant->counters,
                    ngx_cigna_count_budget_lease_failures);

    began = cigna_budget_failed(ngx_cigna_budget_lock(zone, 0), lease->number);

    ngx_cigna_budget_unlock(zone);

    if (began) {
        ngx_cigna_budget_lease_outage(lease, why);
    }

    lease->handler(lease->data);
}


void
ngx_cigna_budget_lease_outage(ngx_cigna_budget_lease_t *lease,
    cigna_slice_t why)
{
    ngx_cigna_budget_zone_t  *zone;

    static const char  *what[] = {
        "each node keeps to its share of them",
        "nothing is limited",
        "requests are refused"
    };

    zone = lease->zone;

    ngx_log_error(NGX_LOG_ERR, zone->mcf->worker->cycle->log, 0,
                  "cigna: budgets cannot be counted in Redis: %*s; meanwhile "
                  "%s", why.len, why.data, what[zone->core.plan->outage]);
}

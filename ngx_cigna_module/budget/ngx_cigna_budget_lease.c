
#include "ngx_cigna_budget_lease.h"
#include "shm/ngx_cigna_zone.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"


static void ngx_cigna_budget_hold(ngx_cigna_budget_t *budget,
    cigna_budget_cause_t *cause);
static void ngx_cigna_budget_lease_handler(ngx_cigna_redis_cmd_t *cmd);
static void ngx_cigna_budget_failed(ngx_cigna_budget_t *budget,
    cigna_slice_t why);
static cigna_slice_t ngx_cigna_budget_why(ngx_cigna_redis_cmd_t *cmd);
static void ngx_cigna_budget_pause(ngx_cigna_budget_t *budget,
    const cigna_budget_cause_t *cause);
static void ngx_cigna_budget_pause_handler(ngx_cigna_redis_cmd_t *cmd);


void
ngx_cigna_budget_lease_init(ngx_cigna_budget_t *budget)
{
    ngx_cigna_budget_call_init(&budget->lease, budget->mcf,
                               cigna_script_budget_lease,
                               ngx_cigna_budget_lease_handler, budget);
    ngx_cigna_budget_call_init(&budget->pause, budget->mcf,
                               cigna_script_budget_pause,
                               ngx_cigna_budget_pause_handler, budget);
}


void
ngx_cigna_budget_lease_done(ngx_cigna_budget_t *budget)
{
    ngx_cigna_budget_call_done(&budget->lease);
    ngx_cigna_budget_call_done(&budget->pause);
}


cigna_budget_t *
ngx_cigna_budget_lock(ngx_cigna_budget_t *budget, uint64_t member)
{
    budget->core.member = member;
    budget->core.now_ns = (int64_t) ngx_current_msec * CIGNA_RATE_MS;

    ngx_cigna_zone_lock(budget->mcf->zone);

    budget->core.origin = cigna_budget_origin(budget->origins, budget->origin,
                                              budget->core.now_ns);

    return &budget->core;
}


void
ngx_cigna_budget_unlock(ngx_cigna_budget_t *budget)
{
    ngx_cigna_zone_unlock(budget->mcf->zone);
}


ngx_int_t
ngx_cigna_budget_lease(ngx_cigna_budget_t *budget,
    const cigna_budget_answer_t *a)
{
    int                       rc;
    ngx_cigna_budget_call_t  *call;

    ngx_cigna_count(budget->tenant->counters, ngx_cigna_count_budget_leases);

    call = &budget->lease;

    budget->number = a->call;
    budget->want = a->ask;

    rc = cigna_budget_lease_argv(budget->core.plan, &budget->who, a->ask,
                                 call->mem, call->argv, &call->argc);

    if (rc == CIGNA_OK
        && ngx_cigna_budget_call(call) == NGX_AGAIN)
    {
        return NGX_OK;
    }

    ngx_cigna_budget_failed(budget, cigna_slice("no connection"));

    return NGX_ERROR;
}


static void
ngx_cigna_budget_lease_handler(ngx_cigna_redis_cmd_t *cmd)
{
    int                          up;
    ngx_cigna_budget_t          *budget;
    ngx_cigna_budget_call_t     *call;
    cigna_budget_lease_reply_t   reply;

    budget = cmd->data;
    call = &budget->lease;

    if (ngx_cigna_budget_call_again(call)) {
        return;
    }

    if (cmd->outcome != cigna_ev_ok
        || cigna_budget_lease_parse(cmd->reply, &reply) != CIGNA_OK)
    {
        ngx_cigna_budget_failed(budget, ngx_cigna_budget_why(cmd));

    } else {

        up = cigna_budget_leased(ngx_cigna_budget_lock(budget, 0),
                                 budget->number, budget->want, &reply);

        ngx_cigna_budget_unlock(budget);
        ngx_cigna_budget_wake(budget);

        if (up) {
            ngx_log_error(NGX_LOG_NOTICE, budget->mcf->worker->cycle->log, 0,
                          "cigna: budgets are counted in Redis again");
        }
    }

    ngx_cigna_budget_call_done(call);
}


static cigna_slice_t
ngx_cigna_budget_why(ngx_cigna_redis_cmd_t *cmd)
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
ngx_cigna_budget_failed(ngx_cigna_budget_t *budget, cigna_slice_t why)
{
    int  began;

    ngx_cigna_count(budget->tenant->counters,
                    ngx_cigna_count_budget_lease_failures);

    began = cigna_budget_failed(ngx_cigna_budget_lock(budget, 0),
                                budget->number);

    ngx_cigna_budget_unlock(budget);

    if (began) {
        ngx_cigna_budget_log_outage(budget, why);
    }

    ngx_cigna_budget_wake(budget);
}


void
ngx_cigna_budget_log_outage(ngx_cigna_budget_t *budget, cigna_slice_t why)
{
    static const char  *what[] = {
        "each node keeps to its share of them",
        "nothing is limited",
        "requests are refused"
    };

    ngx_log_error(NGX_LOG_ERR, budget->mcf->worker->cycle->log, 0,
                  "cigna: budgets cannot be counted in Redis: %*s; %s until "
                  "then", why.len, why.data,
                  what[budget->core.plan->outage]);
}


void
ngx_cigna_budget_return(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter)
{
    ngx_cigna_count(budget->tenant->counters, ngx_cigna_count_budget_returned);

    cigna_budget_give_back(ngx_cigna_budget_lock(budget, waiter->member),
                           &waiter->answer);

    ngx_cigna_budget_unlock(budget);
}


void
ngx_cigna_budget_charge(ngx_cigna_budget_t *budget,
    ngx_cigna_budget_waiter_t *waiter)
{
    cigna_budget_charge_after(ngx_cigna_budget_lock(budget, waiter->member));

    ngx_cigna_budget_unlock(budget);
}


static void
ngx_cigna_budget_hold(ngx_cigna_budget_t *budget, cigna_budget_cause_t *cause)
{
    int                       rc, began;
    int64_t                   left;
    cigna_budget_scope_e      longest;

    began = 0;
    cause->jitter = (unsigned) ngx_random() % (CIGNA_BUDGET_JITTER_MAX + 1);

    rc = cigna_budget_held_back(ngx_cigna_budget_lock(budget, 0), cause,
                                &began);
    left = cigna_budget_pause_ms(&budget->core, &longest);

    ngx_cigna_budget_unlock(budget);

    if (began) {
        ngx_cigna_count(budget->tenant->counters, ngx_cigna_count_pauses);

        ngx_log_error(NGX_LOG_WARN, budget->mcf->worker->cycle->log, 0,
                      "cigna: the FHIR server \"%*s\" asks for fewer "
                      "requests, %s \"%V\" is held back for %L ms",
                      budget->who.origin.len, budget->who.origin.data,
                      cause->scope == cigna_budget_scope_all
                      ? "every tenant of it and" : "tenant",
                      &budget->tenant->name, left);
    }

    if (rc == CIGNA_OK) {
        ngx_cigna_budget_pause(budget, cause);
    }
}


static void
ngx_cigna_budget_pause(ngx_cigna_budget_t *budget,
    const cigna_budget_cause_t *cause)
{
    ngx_cigna_budget_call_t  *call;

    call = &budget->pause;
    call->scope = cause->scope;

    if (cigna_budget_pause_argv(&budget->who, cause, call->mem, call->argv,
                                &call->argc)
        == CIGNA_OK)
    {
        (void) ngx_cigna_budget_call(call);
    }
}


/* if it fails this node holds back alone, and others learn it by themselves */

static void
ngx_cigna_budget_pause_handler(ngx_cigna_redis_cmd_t *cmd)
{
    int64_t                   left;
    ngx_cigna_budget_t       *budget;
    ngx_cigna_budget_call_t  *call;

    budget = cmd->data;
    call = &budget->pause;

    if (ngx_cigna_budget_call_again(call)) {
        return;
    }

    if (cmd->outcome == cigna_ev_ok
        && cigna_budget_pause_parse(cmd->reply, &left) == CIGNA_OK)
    {
        cigna_budget_paused(ngx_cigna_budget_lock(budget, 0), call->scope,
                            left);
        ngx_cigna_budget_unlock(budget);
    }

    ngx_cigna_budget_call_done(call);
}


ngx_int_t
ngx_cigna_budget_answered(ngx_cigna_budget_t *budget, ngx_uint_t status,
    int64_t retry_after_ms)
{
    cigna_budget_cause_t  cause;

    cause.status = (unsigned) status;
    cause.retry_after_ms = retry_after_ms;

    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        ngx_cigna_count(budget->tenant->counters,
                        ngx_cigna_count_upstream_throttled);

        cause.scope = cigna_budget_scope_own;
        ngx_cigna_budget_hold(budget, &cause);

        return NGX_BUSY;
    }

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE && retry_after_ms >= 0) {
        cause.scope = cigna_budget_scope_all;
        ngx_cigna_budget_hold(budget, &cause);

        return NGX_BUSY;
    }

    return NGX_OK;
}


int64_t
ngx_cigna_budget_held(ngx_cigna_budget_t *budget)
{
    int64_t               ms;
    cigna_budget_scope_e  scope;

    ms = cigna_budget_pause_ms(ngx_cigna_budget_lock(budget, 0), &scope);

    ngx_cigna_budget_unlock(budget);

    return ms;
}


#include "ngx_cigna_budget_pause.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "shm/ngx_cigna_counters.h"
#include "budget/cigna_budget_pause.h"


static void ngx_cigna_budget_pause_ask(ngx_cigna_budget_pause_t *pause,
    cigna_budget_cause_t *cause);
static void ngx_cigna_budget_pause_log(ngx_cigna_budget_zone_t *zone,
    const cigna_budget_cause_t *cause, int64_t left_ms);
static void ngx_cigna_budget_pause_tell(ngx_cigna_budget_pause_t *pause,
    const cigna_budget_cause_t *cause);
static void ngx_cigna_budget_pause_handler(ngx_cigna_redis_cmd_t *cmd);


void
ngx_cigna_budget_pause_init(ngx_cigna_budget_pause_t *pause)
{
    ngx_cigna_budget_call_init(&pause->call, pause->zone->mcf->worker->redis,
                               cigna_budget_script_pause,
                               ngx_cigna_budget_pause_handler, pause);
}


ngx_int_t
ngx_cigna_budget_pause_answered(ngx_cigna_budget_pause_t *pause,
    ngx_uint_t status, int64_t retry_after_ms)
{
    cigna_budget_cause_t  cause;

    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        ngx_cigna_count(pause->zone->tenant->counters,
                        ngx_cigna_count_upstream_throttled);

        cause.scope = cigna_budget_scope_own;

    } else if (status == NGX_HTTP_SERVICE_UNAVAILABLE && retry_after_ms >= 0) {
        cause.scope = cigna_budget_scope_all;

    } else {
        return NGX_OK;
    }

    cause.status = (unsigned) status;
    cause.retry_after_ms = retry_after_ms;

    ngx_cigna_budget_pause_ask(pause, &cause);

    return NGX_BUSY;
}


static void
ngx_cigna_budget_pause_ask(ngx_cigna_budget_pause_t *pause,
    cigna_budget_cause_t *cause)
{
    int                       rc, began;
    int64_t                   left_ms;
    ngx_cigna_budget_zone_t  *zone = pause->zone;

    began = 0;
    cause->jitter = (unsigned) ngx_random() % (CIGNA_PAUSE_JITTER_MAX + 1);

    rc = cigna_budget_pause_ask(ngx_cigna_budget_lock(zone, 0), cause, &began);
    left_ms = cigna_budget_pause_left_ms(&zone->core);

    ngx_cigna_budget_unlock(zone);

    if (began) {
        ngx_cigna_budget_pause_log(zone, cause, left_ms);
    }

    if (rc == CIGNA_OK) {
        ngx_cigna_budget_pause_tell(pause, cause);
    }
}


static void
ngx_cigna_budget_pause_log(ngx_cigna_budget_zone_t *zone,
    const cigna_budget_cause_t *cause, int64_t left_ms)
{
    ngx_cigna_count(zone->tenant->counters, ngx_cigna_count_pauses);

    ngx_log_error(NGX_LOG_WARN, zone->mcf->worker->cycle->log, 0,
                  "cigna: the FHIR server \"%*s\" asks for fewer requests, %s "
                  "\"%V\" is held back for %L ms",
                  zone->names.origin.len, zone->names.origin.data,
                  cause->scope == cigna_budget_scope_all
                  ? "every tenant of it and" : "tenant",
                  &zone->tenant->name, left_ms);
}


/*
 * tells the other nodes of the pause through Redis; if that fails, only this
 * node pauses
 */

static void
ngx_cigna_budget_pause_tell(ngx_cigna_budget_pause_t *pause,
    const cigna_budget_cause_t *cause)
{
    ngx_cigna_budget_call_t  *call;

    call = &pause->call;
    pause->scope = cause->scope;

    if (cigna_budget_pause_argv(&pause->zone->names, cause, call->mem,
                                call->argv, &call->argc)
        == CIGNA_OK)
    {
        (void) ngx_cigna_budget_call_start(call);
    }
}


static void
ngx_cigna_budget_pause_handler(ngx_cigna_redis_cmd_t *cmd)
{
    int64_t                    left_ms;
    ngx_cigna_budget_zone_t   *zone;
    ngx_cigna_budget_pause_t  *pause = cmd->data;

    zone = pause->zone;

    if (ngx_cigna_budget_call_again(&pause->call)) {
        return;
    }

    if (cmd->outcome == cigna_ev_ok
        && cigna_budget_pause_parse(cmd->reply, &left_ms) == CIGNA_OK)
    {
        cigna_budget_pause_learn(ngx_cigna_budget_lock(zone, 0), pause->scope,
                                 left_ms);
        ngx_cigna_budget_unlock(zone);
    }

    ngx_cigna_redis_done(&pause->call.cmd);
}


int64_t
ngx_cigna_budget_pause_left_ms(ngx_cigna_budget_pause_t *pause)
{
    int64_t  ms;

    ms = cigna_budget_pause_left_ms(ngx_cigna_budget_lock(pause->zone, 0));

    ngx_cigna_budget_unlock(pause->zone);

    return ms;
}

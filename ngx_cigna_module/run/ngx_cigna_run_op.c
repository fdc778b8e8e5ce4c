
#include "ngx_cigna_run_op.h"
#include "ngx_cigna_endpoints.h"
#include "ngx_cigna_run_exchange.h"
#include "ngx_cigna_run_fhir.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "gateway/ngx_cigna_worker.h"
#include "redis/ngx_cigna_redis_script.h"
#include "shm/ngx_cigna_cache.h"


/* ms between two reads of the cache's epoch, in a sleep that watches it */

#define NGX_CIGNA_RUN_WATCH     20


static void ngx_cigna_run_begin(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_redis(ngx_cigna_run_t *run);
static void ngx_cigna_run_redis_handler(ngx_cigna_redis_cmd_t *cmd);
static ngx_int_t ngx_cigna_run_redis_collect(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_http(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_http_admit(ngx_cigna_run_t *run);
static void ngx_cigna_run_http_init(ngx_cigna_run_t *run);
static void ngx_cigna_run_http_handler(ngx_cigna_http_t *http);
static ngx_int_t ngx_cigna_run_http_collect(ngx_cigna_run_t *run);
static void ngx_cigna_run_http_reply(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_sleep(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_sleep_collect(ngx_cigna_run_t *run);


ngx_int_t
ngx_cigna_run_perform(ngx_cigna_run_t *run)
{
    ngx_cigna_run_begin(run);

    switch (run->op.type) {

    case cigna_op_redis:
    case cigna_op_script:
        return ngx_cigna_run_redis(run);

    case cigna_op_http:
        return ngx_cigna_run_http(run);

    case cigna_op_sleep:
        return ngx_cigna_run_sleep(run);

    case cigna_op_turn:
        ngx_cigna_run_exchange_turn(run);
        break;

    case cigna_op_journal:
        break;

    case cigna_op_settle:
        ngx_cigna_run_exchange_settle(run);
        break;

    case cigna_op_revoke:
        run->on.revoke(run, &run->op);
        break;

    case cigna_op_report:
        ngx_cigna_run_tell(run);
        break;

    case cigna_op_done:
        return NGX_DONE;
    }

    return NGX_OK;
}


/* ends the last operation, and prepares the event of the new one */

static void
ngx_cigna_run_begin(ngx_cigna_run_t *run)
{
    ngx_int_t  rc;

    /* first saves new tokens: op_done() below closes the connection */

    rc = (run->op.type == cigna_op_journal)
         ? ngx_cigna_run_exchange_journal(run) : NGX_OK;

    /* frees the bytes of the last event, which the flow has borrowed so far */

    ngx_cigna_run_op_done(run);

    ngx_memzero(&run->ev, sizeof(cigna_event_t));
    run->ev.type = (rc == NGX_OK) ? cigna_ev_ok : cigna_ev_unsent;
    run->ev.retry_after_s = -1;
}


ngx_int_t
ngx_cigna_run_collect(ngx_cigna_run_t *run)
{
    if (run->op.type == cigna_op_sleep) {
        return ngx_cigna_run_sleep_collect(run);
    }

    if (run->op.type == cigna_op_http) {
        return run->queued ? ngx_cigna_run_http(run)
                           : ngx_cigna_run_http_collect(run);
    }

    return ngx_cigna_run_redis_collect(run);
}


void
ngx_cigna_run_op_done(ngx_cigna_run_t *run)
{
    ngx_cigna_redis_done(&run->cmd);
    ngx_cigna_http_done(&run->http);
    ngx_cigna_run_fhir_done(run);
    ngx_cigna_run_lease_done(&run->lease);

    run->queued = 0;
}


static ngx_int_t
ngx_cigna_run_redis(ngx_cigna_run_t *run)
{
    ngx_int_t           rc;
    cigna_op_redis_t   *op;
    ngx_cigna_redis_t  *redis;

    op = &run->op.redis;
    redis = run->mcf->worker->redis;

    /* the reply may lack changes of the grant that are made from now on */

    run->watched = ngx_cigna_cache_epoch(run->mcf->zone, run->identity.hash);

    run->cmd.handler = ngx_cigna_run_redis_handler;
    run->cmd.data = run;
    run->cmd.durable = op->durable;

    rc = (run->op.type == cigna_op_script)
         ? ngx_cigna_redis_script_start(redis, &run->cmd, op->script,
                                        op->argv, op->argc)
         : ngx_cigna_redis_start(redis, &run->cmd, op->argv, op->argc);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    run->ev.type = cigna_ev_unsent;

    return NGX_OK;
}


static void
ngx_cigna_run_redis_handler(ngx_cigna_redis_cmd_t *cmd)
{
    ngx_cigna_run_post(cmd->data);
}


static ngx_int_t
ngx_cigna_run_redis_collect(ngx_cigna_run_t *run)
{
    const cigna_op_redis_t  *op;

    op = &run->op.redis;

    if (run->op.type == cigna_op_script
        && ngx_cigna_redis_script_again(run->mcf->worker->redis, &run->cmd,
                                        op->script, op->argv, op->argc)
           == NGX_AGAIN)
    {
        return NGX_AGAIN;
    }

    run->ev.type = run->cmd.outcome;
    run->ev.reply = run->cmd.reply;

    return NGX_OK;
}


/*
 * starts the HTTP request; called again when a request that waits may be sent,
 * or must be refused
 */

static ngx_int_t
ngx_cigna_run_http(ngx_cigna_run_t *run)
{
    ngx_int_t  rc;

    if (!run->queued) {
        run->started = ngx_current_msec;
        ngx_cigna_run_lease_start(&run->lease, &run->op.http.lease,
                                  run->mcf->worker->redis, &run->log.log);
    }

    rc = ngx_cigna_run_http_admit(run);
    if (rc != NGX_OK) {
        return rc == NGX_AGAIN ? NGX_AGAIN : NGX_OK;
    }

    ngx_cigna_run_http_init(run);

    if (run->http.origin == NULL) {
        run->ev.type = cigna_ev_unsent;
        return NGX_OK;
    }

    if (ngx_cigna_http_start(&run->http) == NGX_AGAIN) {
        ngx_cigna_run_fhir_sent(run);
        return NGX_AGAIN;
    }

    return ngx_cigna_run_http_collect(run);
}


/*
 * Decides whether the request may be sent.  NGX_AGAIN: the request waits, and
 * the run will be posted.  NGX_BUSY: the request must not be sent, and run->ev
 * is cigna_ev_unsent.
 */

static ngx_int_t
ngx_cigna_run_http_admit(ngx_cigna_run_t *run)
{
    ngx_int_t  rc;

    if (run->op.http.fhir) {
        rc = ngx_cigna_run_fhir_admit(run);

    } else if (run->op.http.exchange) {
        rc = ngx_cigna_run_exchange_admit(run);

    } else {
        rc = NGX_OK;
    }

    run->queued = (rc == NGX_AGAIN);

    if (rc == NGX_BUSY) {
        ngx_cigna_run_lease_done(&run->lease);
        run->ev.type = cigna_ev_unsent;
    }

    return rc;
}


static void
ngx_cigna_run_http_init(ngx_cigna_run_t *run)
{
    ngx_cigna_http_t       *http;
    ngx_cigna_tenant_t     *tenant;
    const cigna_op_http_t  *op;

    op = &run->op.http;
    http = &run->http;
    tenant = run->tenant;

    ngx_memzero(http, sizeof(ngx_cigna_http_t));

    http->origin = ngx_cigna_endpoint_origin(tenant, op->request.url,
                                             &run->log.log);
    http->request = op->request;
    http->pool = run->pool;
    http->log = &run->log.log;
    http->connect_timeout = tenant->connect_timeout;
    http->timeout = op->exchange ? tenant->exchange_timeout : tenant->timeout;

    if (op->timeout_ms) {
        http->connect_timeout = ngx_min(http->connect_timeout, op->timeout_ms);
        http->timeout = ngx_min(http->timeout, op->timeout_ms);
    }

    http->body_max = run->body_max;
    http->lasting = op->exchange;
    http->handler = ngx_cigna_run_http_handler;
    http->data = run;
}


static void
ngx_cigna_run_http_handler(ngx_cigna_http_t *http)
{
    ngx_cigna_run_post(http->data);
}


static ngx_int_t
ngx_cigna_run_http_collect(ngx_cigna_run_t *run)
{
    ngx_cigna_run_lease_done(&run->lease);

    run->ev.type = run->http.outcome;

    if (run->ev.type != cigna_ev_unsent) {
        run->exchange.begun = 0;
    }

    if (run->ev.type == cigna_ev_ok) {
        ngx_cigna_run_http_reply(run);

    } else {
        ngx_log_error(NGX_LOG_WARN, &run->log.log, 0, "%s",
                      run->http.error ? run->http.error : "failed");
    }

    return NGX_OK;
}


static void
ngx_cigna_run_http_reply(ngx_cigna_run_t *run)
{
    const cigna_op_http_t  *op;

    op = &run->op.http;

    if (op->exchange) {
        ngx_cigna_refresh_gate_heard(run->mcf->zone, op->request.url);
    }

    run->ev.status = run->http.reply.status;
    run->ev.body = run->http.reply.body;
    run->ev.retry_after_s = run->http.reply.retry_after_s;

    if (op->fhir) {
        ngx_cigna_run_fhir_answered(run);
    }
}


/* an exiting worker does not begin a sleep that may last for minutes */

static ngx_int_t
ngx_cigna_run_sleep(ngx_cigna_run_t *run)
{
    if (run->op.sleep.idle && ngx_exiting) {
        return NGX_DONE;
    }

    run->started = ngx_current_msec;

    return ngx_cigna_run_sleep_collect(run);
}


static ngx_int_t
ngx_cigna_run_sleep_collect(ngx_cigna_run_t *run)
{
    ngx_msec_t               slept, ms;
    const cigna_op_sleep_t  *op;

    op = &run->op.sleep;
    slept = ngx_current_msec - run->started;

    if (slept >= op->ms
        || (op->watch
            && ngx_cigna_cache_epoch(run->mcf->zone, run->identity.hash)
               != run->watched))
    {
        run->ev.type = cigna_ev_ok;
        return NGX_OK;
    }

    ms = op->ms - slept;

    if (op->watch) {
        ms = ngx_min(ms, NGX_CIGNA_RUN_WATCH);
    }

    ngx_cigna_run_post_in(run, ms, op->idle);

    return NGX_AGAIN;
}


/*
 * What a flow asks for, performed.  Next to an exchange a second command may
 * be sent now and then, which keeps the lease, or takes it again where Redis
 * does not know of it.  None outlives the exchange.
 */


#include "ngx_cigna_run_op.h"
#include "ngx_cigna_endpoints.h"
#include "shm/ngx_cigna_journal.h"
#include "redis/ngx_cigna_redis_script.h"
#include "ngx_cigna_run_fhir.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_stay.h"
#include "shm/ngx_cigna_cache.h"
#include "gateway/ngx_cigna_tenant.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_worker.h"


/* how often a sleep that watches looks */

#define NGX_CIGNA_RUN_WATCH      20

/* within which all leases are taken again */

#define NGX_CIGNA_RUN_RETAKE     1000


static ngx_int_t ngx_cigna_run_redis(ngx_cigna_run_t *run);
static void ngx_cigna_run_redis_handler(ngx_cigna_redis_cmd_t *cmd);
static ngx_int_t ngx_cigna_run_turn(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_http(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_budget(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_seat(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_pace(ngx_cigna_run_t *run);
static void ngx_cigna_run_http_handler(ngx_cigna_http_t *http);
static void ngx_cigna_run_keep(ngx_cigna_run_t *run);
static void ngx_cigna_run_keep_timer(ngx_event_t *ev);
static void ngx_cigna_run_keep_handler(ngx_cigna_redis_cmd_t *cmd);
static void ngx_cigna_run_keep_done(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_sleep(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_slept(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_journal(ngx_cigna_run_t *run);
static ngx_int_t ngx_cigna_run_settle(ngx_cigna_run_t *run);


ngx_int_t
ngx_cigna_run_perform(ngx_cigna_run_t *run)
{
    ngx_int_t  rc;

    /* nothing shall come between a reply and the journal, not even close() */

    rc = (run->op.type == cigna_op_journal) ? ngx_cigna_run_journal(run)
                                            : NGX_OK;

    /* the last event's bytes were borrowed for the call that just ended */

    ngx_cigna_run_op_done(run);

    ngx_memzero(&run->ev, sizeof(cigna_event_t));
    run->ev.type = cigna_ev_ok;
    run->ev.retry_after_s = -1;

    switch (run->op.type) {

    case cigna_op_redis:
    case cigna_op_script:
        return ngx_cigna_run_redis(run);

    case cigna_op_turn:
        return ngx_cigna_run_turn(run);

    case cigna_op_http:
        run->started = ngx_current_msec;
        ngx_cigna_run_keep(run);
        return ngx_cigna_run_http(run);

    case cigna_op_revoke:
        run->on_revoke(run, &run->op);
        return NGX_OK;

    case cigna_op_sleep:
        return ngx_cigna_run_sleep(run);

    case cigna_op_journal:

        /* of a grant that is gone Redis shall say so before it is used */

        if (rc != NGX_OK) {
            run->ev.type = cigna_ev_unsent;
        }

        return NGX_OK;

    case cigna_op_settle:
        return ngx_cigna_run_settle(run);

    case cigna_op_report:
        ngx_cigna_run_result(run);
        return NGX_OK;

    case cigna_op_done:
        break;
    }

    return NGX_DONE;
}


ngx_int_t
ngx_cigna_run_collect(ngx_cigna_run_t *run)
{
    switch (run->op.type) {

    case cigna_op_script:

        if (ngx_cigna_redis_script_again(run->mcf->worker->redis, &run->cmd,
                                         run->op.redis.script,
                                         run->op.redis.argv,
                                         run->op.redis.argc)
            == NGX_AGAIN)
        {
            return NGX_AGAIN;
        }

        /* fall through */

    case cigna_op_redis:

        run->ev.type = run->cmd.outcome;
        run->ev.reply = run->cmd.reply;

        return NGX_OK;

    case cigna_op_http:

        if (run->queued) {
            return ngx_cigna_run_http(run);
        }

        ngx_cigna_run_keep_done(run);

        run->ev.type = run->http.outcome;

        if (run->ev.type != cigna_ev_unsent) {
            run->begun = 0;
        }

        if (run->ev.type == cigna_ev_ok) {

            if (run->op.http.exchange) {
                ngx_cigna_refresh_gate_heard(run->mcf->zone,
                                             run->op.http.request.url);
            }

            run->ev.status = run->http.reply.status;
            run->ev.body = run->http.reply.body;
            run->ev.retry_after_s = run->http.reply.retry_after_s;

            if (run->op.http.fhir) {
                ngx_cigna_run_fhir_answered(run);
            }

        } else {
            ngx_log_error(NGX_LOG_WARN, &run->log.log, 0, "%s",
                          run->http.error ? run->http.error : "failed");
        }

        return NGX_OK;

    default: /* cigna_op_sleep */

        return ngx_cigna_run_slept(run);
    }
}


void
ngx_cigna_run_op_done(ngx_cigna_run_t *run)
{
    ngx_cigna_redis_done(&run->cmd);
    ngx_cigna_http_done(&run->http);
    ngx_cigna_run_fhir_done(run);
    ngx_cigna_run_keep_done(run);

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

    /* what changes from here on, the reply may not know of */

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

    run->cmd.outcome = cigna_ev_unsent;
    run->ev.type = cigna_ev_unsent;

    return NGX_OK;
}


static void
ngx_cigna_run_redis_handler(ngx_cigna_redis_cmd_t *cmd)
{
    ngx_cigna_run_post(cmd->data);
}


static ngx_int_t
ngx_cigna_run_turn(ngx_cigna_run_t *run)
{
    ngx_msec_t           wait;
    ngx_cigna_tenant_t  *tenant;

    tenant = run->tenant;

    if (run->begun) {
        return NGX_OK;
    }

    if (ngx_cigna_refresh_gate_turn(run->mcf->zone, tenant->refresh_gate,
                                    tenant->provider.token_endpoint,
                                    run->op.turn.probe, &run->turn, &wait)
        == NGX_OK)
    {
        run->begun = 1;
        return NGX_OK;
    }

    run->ev.type = cigna_ev_unsent;
    run->ev.retry_after_s = (wait + 999) / 1000;

    return NGX_OK;
}


static ngx_int_t
ngx_cigna_run_http(ngx_cigna_run_t *run)
{
    ngx_int_t               rc;
    ngx_cigna_http_t       *http;
    const cigna_op_http_t  *op;

    op = &run->op.http;

    rc = ngx_cigna_run_budget(run);
    if (rc != NGX_OK) {
        return rc == NGX_AGAIN ? NGX_AGAIN : NGX_OK;
    }

    http = &run->http;
    ngx_memzero(http, sizeof(ngx_cigna_http_t));

    http->origin = ngx_cigna_endpoint_origin(run->tenant, op->request.url,
                                             &run->log.log);
    if (http->origin == NULL) {
        run->ev.type = cigna_ev_unsent;
        return NGX_OK;
    }

    http->request = op->request;
    http->pool = run->pool;
    http->log = &run->log.log;
    http->connect_timeout = run->tenant->connect_timeout;
    http->timeout = op->exchange ? run->tenant->exchange_timeout
                                 : run->tenant->timeout;

    if (op->timeout_ms) {
        http->connect_timeout = ngx_min(http->connect_timeout, op->timeout_ms);
        http->timeout = ngx_min(http->timeout, op->timeout_ms);
    }

    http->body_max = run->body_max;
    http->lasting = op->exchange;
    http->handler = ngx_cigna_run_http_handler;
    http->data = run;

    if (ngx_cigna_http_start(http) == NGX_AGAIN) {
        ngx_cigna_run_fhir_sent(run);
        return NGX_AGAIN;
    }

    return ngx_cigna_run_collect(run);
}


static ngx_int_t
ngx_cigna_run_budget(ngx_cigna_run_t *run)
{
    ngx_int_t  rc;

    run->queued = 0;

    if (run->op.http.fhir) {
        rc = ngx_cigna_run_fhir_admit(run);

    } else if (run->op.http.exchange) {
        rc = ngx_cigna_run_seat(run);

        if (rc == NGX_OK) {
            rc = ngx_cigna_run_pace(run);
        }

    } else {
        return NGX_OK;
    }

    if (rc == NGX_AGAIN) {
        run->queued = 1;

    } else if (rc == NGX_BUSY) {
        ngx_cigna_run_keep_done(run);
        run->ev.type = cigna_ev_unsent;
    }

    return rc;
}


/* NGX_BUSY: too many exchanges are open, which counts as not sent */

static ngx_int_t
ngx_cigna_run_seat(ngx_cigna_run_t *run)
{
    ngx_int_t  rc;

    rc = ngx_cigna_seat_take(run->mcf->worker, run->tenant,
                             run->patient ? ngx_cigna_seat_refresh
                                          : ngx_cigna_seat_dance,
                             &run->seat);

    return rc == NGX_OK ? NGX_OK : NGX_BUSY;
}


/*
 * Refreshes wait their turn at the token endpoint, keeping their lease, for as
 * long as a caller waits.  The deadlines of the exchange begin after that.
 * What a person waits for is not held up.  NGX_BUSY: in vain, which counts as
 * not sent.
 */

static ngx_int_t
ngx_cigna_run_pace(ngx_cigna_run_t *run)
{
    ngx_msec_t           wait;
    ngx_cigna_tenant_t  *tenant;

    tenant = run->tenant;

    if (!run->patient) {
        ngx_cigna_refresh_gate_charge(tenant->refresh_gate);
        return NGX_OK;
    }

    /* the lease may have been lost with its primary meanwhile */

    if (ngx_cigna_refresh_gate_quiet(run->mcf->zone)) {
        return NGX_BUSY;
    }

    if (ngx_cigna_refresh_gate_take(tenant->refresh_gate, tenant->token_requests, &wait)
        == NGX_OK)
    {
        return NGX_OK;
    }

    if (ngx_current_msec - run->started + wait > tenant->timeout) {
        ngx_log_error(NGX_LOG_WARN, &run->log.log, 0,
                      "the budget of token_requests is spent");

        ngx_cigna_count(tenant->counters, ngx_cigna_count_budget_spent);

        return NGX_BUSY;
    }

    run->event.cancelable = 0;
    ngx_add_timer(&run->event, wait);

    return NGX_AGAIN;
}


static void
ngx_cigna_run_http_handler(ngx_cigna_http_t *http)
{
    ngx_cigna_run_post(http->data);
}


static void
ngx_cigna_run_keep(ngx_cigna_run_t *run)
{
    if (run->op.http.lease.renew == NULL) {
        return;
    }

    run->retake = 0;
    run->keep_timer.handler = ngx_cigna_run_keep_timer;
    run->keep_timer.data = run;
    run->keep_timer.log = &run->log.log;

    ngx_add_timer(&run->keep_timer, run->op.http.lease.ms);
}


static void
ngx_cigna_run_keep_timer(ngx_event_t *ev)
{
    ngx_cigna_run_t         *run;
    const cigna_op_lease_t  *lease;

    run = ev->data;
    lease = &run->op.http.lease;

    ngx_add_timer(ev, lease->ms);

    if (ngx_cigna_redis_in_flight(&run->keep)) {
        return;
    }

    run->keep_script = run->retake ? lease->retake : lease->renew;
    run->keep.handler = ngx_cigna_run_keep_handler;
    run->keep.data = run;

    if (ngx_cigna_redis_script_start(run->mcf->worker->redis, &run->keep,
                                     run->keep_script, lease->argv,
                                     lease->argc)
        != NGX_AGAIN)
    {
        ngx_log_debug0(NGX_LOG_DEBUG_CORE, ev->log, 0, "lease not renewed");
    }
}


static void
ngx_cigna_run_keep_handler(ngx_cigna_redis_cmd_t *cmd)
{
    cigna_slice_t     word;
    ngx_cigna_run_t  *run;

    run = cmd->data;

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, &run->log.log, 0,
                   "lease renewed, outcome: %d", (int) cmd->outcome);

    if (ngx_cigna_redis_script_again(run->mcf->worker->redis, cmd,
                                     run->keep_script,
                                     run->op.http.lease.argv,
                                     run->op.http.lease.argc)
        == NGX_AGAIN
        || cmd->outcome != cigna_ev_ok)
    {
        return;
    }

    word = cigna_reply_slice(cigna_reply_item(cmd->reply, 0));

    if (cigna_slice_eq(word, cigna_slice("mine"))) {
        run->retake = 0;

    } else if (!run->retake && cigna_slice_eq(word, cigna_slice("lost"))) {
        ngx_cigna_run_op_retake(run);
    }
}


void
ngx_cigna_run_op_retake(ngx_cigna_run_t *run)
{
    run->retake = 1;

    ngx_add_timer(&run->keep_timer, 1 + ngx_random() % NGX_CIGNA_RUN_RETAKE);
}


static void
ngx_cigna_run_keep_done(ngx_cigna_run_t *run)
{
    ngx_cigna_redis_done(&run->keep);

    if (run->keep_timer.timer_set) {
        ngx_del_timer(&run->keep_timer);
    }
}


/* who exits does not begin to wait for what may take minutes */

static ngx_int_t
ngx_cigna_run_sleep(ngx_cigna_run_t *run)
{
    if (run->op.sleep.idle && ngx_exiting) {
        run->aborted = 1;
        return NGX_DONE;
    }

    run->started = ngx_current_msec;

    return ngx_cigna_run_slept(run);
}


static ngx_int_t
ngx_cigna_run_slept(ngx_cigna_run_t *run)
{
    ngx_msec_t               slept, left;
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

    left = op->ms - slept;

    run->event.cancelable = op->idle;
    ngx_add_timer(&run->event, op->watch ? ngx_min(left, NGX_CIGNA_RUN_WATCH)
                                         : left);

    return NGX_AGAIN;
}


/* the worker, if it is to go, stays until somebody has confirmed the entry */

static ngx_int_t
ngx_cigna_run_journal(ngx_cigna_run_t *run)
{
    ngx_int_t  rc;

    rc = ngx_cigna_journal_put(run->mcf->zone, &run->op.journal.entry,
                               run->op.journal.confirmed);

    if (rc == NGX_OK) {
        run->journalled = !run->op.journal.confirmed;
        run->note = run->op.journal.entry;

        if (run->journalled) {
            ngx_cigna_stay(run->mcf->worker);
        }

        return NGX_OK;
    }

    if (rc == NGX_BUSY) {
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_journal_full);

        ngx_log_error(NGX_LOG_WARN, &run->log.log, 0,
                      "the journal is full, make cigna_zone larger");
    }

    return rc;
}


static ngx_int_t
ngx_cigna_run_settle(ngx_cigna_run_t *run)
{
    ngx_cigna_journal_settle(run->mcf->zone, &run->op.journal.entry,
                             run->op.journal.confirmed ? cigna_journal_confirmed
                                               : cigna_journal_forgotten,
                             0);

    /* others on this node need not wait for word of it to come round */

    if (run->journalled) {
        run->journalled = 0;
        ngx_cigna_cache_moved(run->mcf->zone, run->identity.hash);
    }

    return NGX_OK;
}

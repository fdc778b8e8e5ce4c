
#include "ngx_cigna_run_exchange.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_stay.h"
#include "gateway/ngx_cigna_tenant.h"
#include "shm/ngx_cigna_cache.h"
#include "shm/ngx_cigna_counters.h"
#include "shm/ngx_cigna_journal.h"


static ngx_int_t ngx_cigna_run_exchange_pace(ngx_cigna_run_t *run);


void
ngx_cigna_run_exchange_turn(ngx_cigna_run_t *run)
{
    ngx_msec_t           wait;
    ngx_cigna_tenant_t  *tenant = run->tenant;

    if (run->exchange.begun) {
        return;
    }

    if (ngx_cigna_refresh_gate_turn(run->mcf->zone, tenant->refresh_gate,
                                    tenant->provider.token_endpoint,
                                    run->op.turn.probe, &run->exchange.turn,
                                    &wait)
        == NGX_OK)
    {
        run->exchange.begun = 1;
        return;
    }

    run->ev.type = cigna_ev_unsent;
    run->ev.retry_after_s = (wait + 999) / 1000;
}


ngx_int_t
ngx_cigna_run_exchange_admit(ngx_cigna_run_t *run)
{
    if (ngx_cigna_seat_take(run->mcf->worker, run->tenant,
                            run->exchange.paced ? ngx_cigna_seat_refresh
                                                : ngx_cigna_seat_dance,
                            &run->exchange.seat)
        != NGX_OK)
    {
        return NGX_BUSY;
    }

    if (!run->exchange.paced) {

        /* a person waits: count a dance's exchange, but do not delay it */

        ngx_cigna_refresh_gate_charge(run->tenant->refresh_gate);
        return NGX_OK;
    }

    return ngx_cigna_run_exchange_pace(run);
}


/*
 * A refresh waits until token_requests allows one more request, but not longer
 * than the tenant's "timeout".  The run keeps its lease meanwhile.  The
 * time-outs of the exchange begin after the wait.
 */

static ngx_int_t
ngx_cigna_run_exchange_pace(ngx_cigna_run_t *run)
{
    ngx_msec_t           wait;
    ngx_cigna_tenant_t  *tenant = run->tenant;

    /* a new primary may have lost the lease while the refresh waited */

    if (ngx_cigna_refresh_gate_quiet(run->mcf->zone)) {
        return NGX_BUSY;
    }

    if (ngx_cigna_refresh_gate_take(tenant->refresh_gate,
                                    tenant->token_requests, &wait)
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

    ngx_cigna_run_post_in(run, wait, 0);

    return NGX_AGAIN;
}


/*
 * If Redis has not confirmed the entry, an exiting worker must stay, see
 * ngx_cigna_stay.h.
 */

ngx_int_t
ngx_cigna_run_exchange_journal(ngx_cigna_run_t *run)
{
    ngx_int_t                  rc;
    const cigna_op_journal_t  *op;

    op = &run->op.journal;

    rc = ngx_cigna_journal_put(run->mcf->zone, &op->entry, op->confirmed);

    if (rc == NGX_OK) {
        run->exchange.journalled = !op->confirmed;
        run->exchange.entry = op->entry;

        if (run->exchange.journalled) {
            ngx_cigna_stay(run->mcf->worker);
        }

    } else if (rc == NGX_BUSY) {
        ngx_cigna_count(run->tenant->counters, ngx_cigna_count_journal_full);

        ngx_log_error(NGX_LOG_WARN, &run->log.log, 0,
                      "the journal is full, make cigna_zone larger");
    }

    return rc;
}


void
ngx_cigna_run_exchange_settle(ngx_cigna_run_t *run)
{
    const cigna_op_journal_t  *op;

    op = &run->op.journal;

    ngx_cigna_journal_settle(run->mcf->zone, &op->entry,
                             op->confirmed ? cigna_journal_confirmed
                                           : cigna_journal_forgotten,
                             0);

    if (run->exchange.journalled) {
        run->exchange.journalled = 0;

        /* wake flows of this node now, before the message from Redis comes */

        ngx_cigna_cache_moved(run->mcf->zone, run->identity.hash);
    }
}


void
ngx_cigna_run_exchange_done(ngx_cigna_run_t *run)
{
    ngx_cigna_tenant_t  *tenant = run->tenant;

    ngx_cigna_seat_give(run->mcf->worker, &run->exchange.seat);

    if (run->exchange.begun) {
        ngx_cigna_refresh_gate_give_back(run->mcf->zone, tenant->refresh_gate,
                                         tenant->provider.token_endpoint,
                                         &run->exchange.turn);
    }

    if (run->exchange.journalled) {
        ngx_cigna_journal_settle(run->mcf->zone, &run->exchange.entry,
                                 cigna_journal_left, ngx_current_msec);
    }
}


#include "ngx_cigna_run_fhir.h"
#include "gateway/ngx_cigna_tenant.h"


static void ngx_cigna_run_fhir_handler(ngx_cigna_budget_waiter_t *waiter);


ngx_int_t
ngx_cigna_run_fhir_admit(ngx_cigna_run_t *run)
{
    ngx_cigna_budget_t         *budget = run->tenant->budget;
    ngx_cigna_budget_waiter_t  *waiter;

    waiter = &run->budget.waiter;

    if (budget == NULL) {
        return NGX_OK;
    }

    if (!run->budget.asked) {
        run->budget.asked = 1;

        ngx_memzero(waiter, sizeof(ngx_cigna_budget_waiter_t));
        ngx_memcpy(&waiter->member, run->key.bytes, sizeof(uint64_t));

        waiter->handler = ngx_cigna_run_fhir_handler;
        waiter->data = run;

        if (ngx_cigna_budget_take(budget, waiter) == NGX_AGAIN) {
            return NGX_AGAIN;
        }
    }

    if (waiter->answer.rc != cigna_budget_rc_granted) {
        ngx_log_error(NGX_LOG_INFO, &run->log.log, 0,
                      "a budget has refused the gateway's own request");
        return NGX_BUSY;
    }

    run->budget.charged = 1;

    return NGX_OK;
}


static void
ngx_cigna_run_fhir_handler(ngx_cigna_budget_waiter_t *waiter)
{
    ngx_cigna_run_post(waiter->data);
}


void
ngx_cigna_run_fhir_sent(ngx_cigna_run_t *run)
{
    run->budget.charged = 0;
}


void
ngx_cigna_run_fhir_answered(ngx_cigna_run_t *run)
{
    int64_t  s;

    s = run->http.reply.retry_after_s;

    if (run->tenant->budget) {
        (void) ngx_cigna_budget_pause_answered(&run->tenant->budget->pause,
                                               run->http.reply.status,
                                               s < 0 ? -1 : s * 1000);
    }
}


void
ngx_cigna_run_fhir_done(ngx_cigna_run_t *run)
{
    ngx_cigna_budget_leave(&run->budget.waiter);

    if (run->budget.charged) {
        ngx_cigna_budget_return(run->tenant->budget, &run->budget.waiter);
    }

    run->budget.asked = 0;
    run->budget.charged = 0;
}

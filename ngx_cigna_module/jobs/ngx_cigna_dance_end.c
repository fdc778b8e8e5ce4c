
#include "ngx_cigna_dance_end.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "shm/ngx_cigna_counters.h"


void
ngx_cigna_dance_end_init(ngx_cigna_dance_end_t *end, const char *what,
    ngx_cigna_run_t *run, cigna_dance_outcome_e outcome)
{
    ngx_memzero(end, sizeof(ngx_cigna_dance_end_t));

    end->what = what;
    end->outcome = outcome;
    end->tenant = run->tenant;
    end->member.data = run->identity.hash;
    end->member.len = CIGNA_NAME_LEN;
    end->request = &run->log.request;
}


void
ngx_cigna_dance_end(ngx_log_t *log, const ngx_cigna_dance_end_t *end)
{
    ngx_uint_t                    level;
    const char                   *detail;
    cigna_slice_t                 tenant, member, dance, none;
    const cigna_dance_outcome_t  *row;

    none = cigna_slice("-");

    row = cigna_dance_outcome_row(end->outcome);
    level = end->client_refused ? NGX_LOG_ERR
            : row->log_warn ? NGX_LOG_WARN : NGX_LOG_NOTICE;
    detail = end->detail ? end->detail : "";
    tenant = end->tenant ? ngx_cigna_slice(&end->tenant->name) : none;
    member = end->member.len ? end->member : none;
    dance = end->dance.len ? end->dance : none;

    if (end->tenant) {
        ngx_cigna_count_outcome(end->tenant->counters, end->outcome);
    }

    if (end->tenant && end->ended) {
        ngx_cigna_count(end->tenant->counters, ngx_cigna_count_dances_ended);
    }

    ngx_log_error(level, log, 0,
                  "cigna: %s, outcome: %s, tenant: %*s, member: %*s, "
                  "dance: %*s, request: %V%s%s",
                  end->what, row->name, tenant.len, tenant.data,
                  member.len, member.data, dance.len, dance.data,
                  end->request, *detail ? ", detail: " : "", detail);
}


void
ngx_cigna_dance_closed(ngx_cigna_run_t *run, ngx_cigna_tenant_t *tenant,
    const cigna_dance_close_t *closed)
{
    ngx_cigna_dance_end_t  end;

    ngx_memzero(&end, sizeof(ngx_cigna_dance_end_t));

    end.what = "dance ended";
    end.outcome = cigna_dance_outcome_find(closed->outcome);
    end.tenant = tenant;
    end.member = closed->forget.entry.identity;
    end.dance = closed->forget.entry.id;
    end.request = &run->log.request;
    end.ended = 1;

    ngx_cigna_dance_end(ngx_cycle->log, &end);

    if (tenant && closed->forget.dropped && run->mcf->vault.stories) {
        ngx_cigna_count(tenant->counters, ngx_cigna_count_stories_dropped);
    }
}

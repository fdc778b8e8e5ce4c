
/*
 * cigna_counters: the counters of all tenants in the text format of Prometheus.
 * The location's access rules say who may read the counters.
 */


#include "budget/ngx_cigna_budget_origins.h"
#include "ngx_cigna_handlers.h"
#include "request/ngx_cigna_ctx.h"
#include "request/ngx_cigna_reply.h"
#include "shm/ngx_cigna_counters.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "gateway/ngx_cigna_tenant.h"
#include "dance/cigna_dance_outcome.h"
#include "budget/cigna_roster.h"


#define NGX_CIGNA_COUNTERS_TYPE  "text/plain; version=0.0.4; charset=utf-8"

/* bytes of a line without the tenant's name, at most */

#define NGX_CIGNA_COUNTERS_LINE  192


typedef struct {
    const char  *name;
    const char  *text;
} ngx_cigna_counters_row_t;


#define ngx_cigna_counters_row(name, text)  { #name, text },

static const ngx_cigna_counters_row_t  ngx_cigna_counters_rows[] = {
    NGX_CIGNA_COUNTS(ngx_cigna_counters_row)
};


static size_t ngx_cigna_counters_size(ngx_cigna_main_conf_t *mcf);
static void ngx_cigna_counters_append(cigna_buf_t *b,
    ngx_cigna_main_conf_t *mcf);
static void ngx_cigna_counters_head(cigna_buf_t *b, const char *name,
    const char *text);
static void ngx_cigna_counters_line(cigna_buf_t *b, const char *name,
    ngx_cigna_tenant_t *tenant, const char *outcome, uint64_t n);


ngx_int_t
ngx_cigna_counters_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_str_t               body;
    cigna_buf_t             b;
    ngx_cigna_ctx_t        *ctx;
    ngx_cigna_main_conf_t  *mcf;

    rc = ngx_cigna_ctx_begin(r, &ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_cigna_module);

    if (ngx_cigna_buf_init(r, &b, ngx_cigna_counters_size(mcf)) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_cigna_counters_append(&b, mcf);

    if (ngx_cigna_buf_done(&b, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_cigna_reply(r, NGX_HTTP_OK, NGX_CIGNA_COUNTERS_TYPE, &body);
}


/*
 * Returns the most bytes that the reply can have.  Each counter has two lines
 * of text, and a line for each tenant.
 */

static size_t
ngx_cigna_counters_size(ngx_cigna_main_conf_t *mcf)
{
    size_t  names, line;

    names = ngx_cigna_count_max + cigna_dance_outcome_max;
    line = NGX_CIGNA_COUNTERS_LINE + CIGNA_ROSTER_NAME_MAX;

    return names * (mcf->tenants.nelts + 2) * line
           + ngx_cigna_budget_origins_size();
}


static void
ngx_cigna_counters_append(cigna_buf_t *b, ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t            i, n;
    ngx_cigna_tenant_t  **tenants = mcf->tenants.elts;

    for (n = 0; n < ngx_cigna_count_max; n++) {

        ngx_cigna_counters_head(b, ngx_cigna_counters_rows[n].name,
                                ngx_cigna_counters_rows[n].text);

        for (i = 0; i < mcf->tenants.nelts; i++) {
            ngx_cigna_counters_line(b, ngx_cigna_counters_rows[n].name,
                                    tenants[i], NULL,
                                    ngx_cigna_counted(tenants[i]->counters,
                                                      n));
        }
    }

    ngx_cigna_counters_head(b, "outcomes",
                            "Ends of dances and connections, by reason.");

    for (i = 0; i < mcf->tenants.nelts; i++) {

        for (n = cigna_dance_outcome_none + 1;
             n < cigna_dance_outcome_max;
             n++)
        {
            ngx_cigna_counters_line(b, "outcomes", tenants[i],
                                    cigna_dance_outcome_row(n)->name,
                                    ngx_cigna_counted_outcome(
                                        tenants[i]->counters, n));
        }
    }

    ngx_cigna_budget_origins_append(b, mcf);
}


static void
ngx_cigna_counters_head(cigna_buf_t *b, const char *name, const char *text)
{
    cigna_buf_append_str(b, "# HELP cigna_");
    cigna_buf_append_str(b, name);
    cigna_buf_append_str(b, "_total ");
    cigna_buf_append_str(b, text);
    cigna_buf_append_str(b, "\n# TYPE cigna_");
    cigna_buf_append_str(b, name);
    cigna_buf_append_str(b, "_total counter\n");
}


/* names of tenants have no character that needs an escape */

static void
ngx_cigna_counters_line(cigna_buf_t *b, const char *name,
    ngx_cigna_tenant_t *tenant, const char *outcome, uint64_t n)
{
    cigna_buf_append_str(b, "cigna_");
    cigna_buf_append_str(b, name);
    cigna_buf_append_str(b, "_total{tenant=\"");
    cigna_buf_append(b, ngx_cigna_slice(&tenant->name));

    if (outcome) {
        cigna_buf_append_str(b, "\",outcome=\"");
        cigna_buf_append_str(b, outcome);
    }

    cigna_buf_append_str(b, "\"} ");
    cigna_buf_append_uint(b, n);
    cigna_buf_append_char(b, '\n');
}


#include "ngx_cigna_budget_origins.h"


/* of a line, beside the origin */

#define NGX_CIGNA_BUDGET_ORIGINS_LINE  64

#define NGX_CIGNA_BUDGET_ORIGINS_HEAD  256

#define NGX_CIGNA_BUDGET_ORIGINS_NS    1000000000     /* in a second */


typedef struct {
    cigna_slice_t   name;
    uint64_t        pauses;
    uint64_t        left_s;
} ngx_cigna_budget_origin_row_t;


static ngx_uint_t ngx_cigna_budget_origins_look(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_budget_origin_row_t rows[CIGNA_BUDGET_ORIGINS]);
static void ngx_cigna_budget_origins_line(cigna_buf_t *b, const char *name,
    cigna_slice_t origin, uint64_t n);


size_t
ngx_cigna_budget_origins_size(void)
{
    return 2 * (NGX_CIGNA_BUDGET_ORIGINS_HEAD
                + CIGNA_BUDGET_ORIGINS
                  * (NGX_CIGNA_BUDGET_ORIGINS_LINE + CIGNA_BUDGET_ORIGIN_MAX));
}


void
ngx_cigna_budget_origins_append(cigna_buf_t *b, ngx_cigna_main_conf_t *mcf)
{
    ngx_uint_t                      i, n;
    ngx_cigna_budget_origin_row_t   rows[CIGNA_BUDGET_ORIGINS];

    n = ngx_cigna_budget_origins_look(mcf, rows);

    if (n == 0) {
        return;
    }

    cigna_buf_append_str(b, "# HELP cigna_origin_pauses_total Pauses that "
                            "replies to this node began.\n"
                            "# TYPE cigna_origin_pauses_total counter\n");

    for (i = 0; i < n; i++) {
        ngx_cigna_budget_origins_line(b, "cigna_origin_pauses_total",
                                      rows[i].name, rows[i].pauses);
    }

    cigna_buf_append_str(b, "# HELP cigna_origin_pause_seconds What is left of "
                            "a pause of all tenants.\n"
                            "# TYPE cigna_origin_pause_seconds gauge\n");

    for (i = 0; i < n; i++) {
        ngx_cigna_budget_origins_line(b, "cigna_origin_pause_seconds",
                                      rows[i].name, rows[i].left_s);
    }
}


/* those that have asked for a pause, each once */

static ngx_uint_t
ngx_cigna_budget_origins_look(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_budget_origin_row_t rows[CIGNA_BUDGET_ORIGINS])
{
    int64_t                left_ns;
    uint64_t               seen, place;
    ngx_uint_t             i, n;
    cigna_budget_t        *core;
    ngx_cigna_budget_t    *budget;
    ngx_cigna_tenant_t   **tenants;

    n = 0;
    seen = 0;
    tenants = mcf->tenants.elts;

    for (i = 0; i < mcf->tenants.nelts && n < CIGNA_BUDGET_ORIGINS; i++) {
        budget = tenants[i]->purse;

        if (budget == NULL) {
            continue;
        }

        core = ngx_cigna_budget_lock(budget, 0);
        place = UINT64_C(1) << (core->origin - budget->origins->origins);

        left_ns = cigna_budget_hold_left_ns(&core->origin->all, core->now_ns);

        if (!(seen & place) && (core->origin->pauses || left_ns)) {
            seen |= place;

            rows[n].name = budget->who.origin;
            rows[n].pauses = core->origin->pauses;
            rows[n].left_s = (uint64_t) (left_ns + NGX_CIGNA_BUDGET_ORIGINS_NS
                                         - 1) / NGX_CIGNA_BUDGET_ORIGINS_NS;
            n++;
        }

        ngx_cigna_budget_unlock(budget);
    }

    return n;
}


/*
 * The text of an origin has no byte that would need quoting.  An empty label
 * is one that is not there; each line begins with the same one, however.
 */

static void
ngx_cigna_budget_origins_line(cigna_buf_t *b, const char *name,
    cigna_slice_t origin, uint64_t n)
{
    cigna_buf_append_str(b, name);
    cigna_buf_append_str(b, "{tenant=\"\",origin=\"");
    cigna_buf_append(b, origin);
    cigna_buf_append_str(b, "\"} ");
    cigna_buf_append_uint(b, n);
    cigna_buf_append_char(b, '\n');
}

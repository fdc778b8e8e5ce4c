
#include "ngx_cigna_budget_origins.h"
#include "gateway/ngx_cigna_main_conf.h"
#include "shm/ngx_cigna_zone.h"
#include "gateway/ngx_cigna_shared.h"
#include "gateway/ngx_cigna_tenant.h"


#define NGX_CIGNA_BUDGET_ORIGINS_LINE  64  /* most bytes of a line,
                                              without the origin */
#define NGX_CIGNA_BUDGET_ORIGINS_HEAD  256


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
                            "began with a reply to this node.\n"
                            "# TYPE cigna_origin_pauses_total counter\n");

    for (i = 0; i < n; i++) {
        ngx_cigna_budget_origins_line(b, "cigna_origin_pauses_total",
                                      rows[i].name, rows[i].pauses);
    }

    cigna_buf_append_str(b, "# HELP cigna_origin_pause_seconds Seconds left of "
                            "the pause of all tenants.\n"
                            "# TYPE cigna_origin_pause_seconds gauge\n");

    for (i = 0; i < n; i++) {
        ngx_cigna_budget_origins_line(b, "cigna_origin_pause_seconds",
                                      rows[i].name, rows[i].left_s);
    }
}


/*
 * Fills in rows for the origins that have asked for a pause, and returns their
 * number.  Adds no origin to the zone's table.
 */

static ngx_uint_t
ngx_cigna_budget_origins_look(ngx_cigna_main_conf_t *mcf,
    ngx_cigna_budget_origin_row_t rows[CIGNA_BUDGET_ORIGINS])
{
    int64_t                        now_ns, left_ns;
    uint64_t                       seen, place;
    ngx_uint_t                     i, n;
    ngx_cigna_budget_t            *budget;
    ngx_cigna_shared_t           **shared;
    const cigna_budget_origin_t   *origin;

    n = 0;
    seen = 0;
    shared = mcf->shared.elts;
    now_ns = (int64_t) ngx_current_msec * CIGNA_RATE_MS;

    ngx_cigna_zone_lock(mcf->zone);

    for (i = 0; i < mcf->shared.nelts && n < CIGNA_BUDGET_ORIGINS; i++) {

        /* tenants of one ngx_cigna_shared_t have the same fhir_base */

        budget = (*(ngx_cigna_tenant_t **) shared[i]->tenants.elts)->budget;

        origin = budget ? cigna_budget_origin_known(budget->zone.origins,
                                                    budget->zone.origin)
                        : NULL;
        if (origin == NULL) {
            continue;
        }

        place = UINT64_C(1) << (origin - budget->zone.origins->origins);
        left_ns = cigna_pause_left_ns(&origin->all, now_ns);

        if (!(seen & place) && (origin->pauses || left_ns)) {
            seen |= place;

            rows[n++] = (ngx_cigna_budget_origin_row_t) {
                budget->zone.names.origin, origin->pauses,
                (uint64_t) (left_ns + CIGNA_RATE_SECOND - 1)
                / CIGNA_RATE_SECOND
            };
        }
    }

    ngx_cigna_zone_unlock(mcf->zone);

    return n;
}


/*
 * An origin has no bytes that need escapes.  Every line of the counters has the
 * label "tenant" first.  To Prometheus an empty label is an absent label.
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


#include "ngx_cigna_counters.h"


/* bits for the number of dances started in one second */

#define NGX_CIGNA_DANCES_BITS  16
#define NGX_CIGNA_DANCES_MASK  ((1 << NGX_CIGNA_DANCES_BITS) - 1)


/* with room for new ones: a reload with a newer module keeps the counters */

#define NGX_CIGNA_COUNTERS_MAX  80
#define NGX_CIGNA_OUTCOMES_MAX  46


struct ngx_cigna_counters_s {
    /* a second, and in the low bits the number of dances started in it */
    ngx_atomic_t  dances;

    ngx_atomic_t  counts[NGX_CIGNA_COUNTERS_MAX];
    ngx_atomic_t  outcomes[NGX_CIGNA_OUTCOMES_MAX];
};


_Static_assert(sizeof(ngx_cigna_counters_t) <= NGX_CIGNA_ROW_COUNTERS,
               "a row is too small for all counters");

_Static_assert((int) ngx_cigna_count_max <= NGX_CIGNA_COUNTERS_MAX
               && (int) cigna_dance_outcome_max <= NGX_CIGNA_OUTCOMES_MAX,
               "more counters than room: NGX_CIGNA_ZONE_VERSION has to grow");


ngx_cigna_counters_t *
ngx_cigna_counters(ngx_cigna_zone_row_t *row)
{
    return (ngx_cigna_counters_t *) row->counters;
}


void
ngx_cigna_count(ngx_cigna_counters_t *counters, ngx_cigna_count_e what)
{
    if (what < ngx_cigna_count_max) {
        (void) ngx_atomic_fetch_add(&counters->counts[what], 1);
    }
}


void
ngx_cigna_count_outcome(ngx_cigna_counters_t *counters,
    cigna_dance_outcome_e outcome)
{
    if (outcome < cigna_dance_outcome_max) {
        (void) ngx_atomic_fetch_add(&counters->outcomes[outcome], 1);
    }
}


uint64_t
ngx_cigna_counted(ngx_cigna_counters_t *counters, ngx_cigna_count_e what)
{
    if (what >= ngx_cigna_count_max) {
        return 0;
    }

    return counters->counts[what];
}


uint64_t
ngx_cigna_counted_outcome(ngx_cigna_counters_t *counters,
    cigna_dance_outcome_e outcome)
{
    if (outcome >= cigna_dance_outcome_max) {
        return 0;
    }

    return counters->outcomes[outcome];
}


/* the second and the count share a word, which needs no lock */

ngx_int_t
ngx_cigna_counters_start_dance(ngx_cigna_counters_t *counters,
    ngx_uint_t rate, time_t now)
{
    ngx_atomic_uint_t  old, second, started;

    rate = ngx_min(rate, NGX_CIGNA_DANCES_MASK);
    second = (ngx_atomic_uint_t) now << NGX_CIGNA_DANCES_BITS;

    do {
        old = counters->dances;
        started = 0;

        if ((old & ~(ngx_atomic_uint_t) NGX_CIGNA_DANCES_MASK) == second) {
            started = old & NGX_CIGNA_DANCES_MASK;
        }

        if (started >= rate) {
            return NGX_BUSY;
        }

    } while (!ngx_atomic_cmp_set(&counters->dances, old,
                                 second | (started + 1)));

    return NGX_OK;
}

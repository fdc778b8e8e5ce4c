
#include "ngx_cigna_counters.h"


#define NGX_CIGNA_SECOND_BITS  16


/*
 * A tenant's row has room for counters that do not exist yet.  So a newer
 * module can use the row after a reload.
 */

#define NGX_CIGNA_COUNTERS_MAX  80
#define NGX_CIGNA_OUTCOMES_MAX  46


struct ngx_cigna_counters_s {
    ngx_atomic_t  dances;                  /* dances started in the last second
                                              that had any, and that second; see
                                              ngx_cigna_second_take() */

    ngx_atomic_t  counts[NGX_CIGNA_COUNTERS_MAX];
    ngx_atomic_t  outcomes[NGX_CIGNA_OUTCOMES_MAX];
};


_Static_assert(sizeof(ngx_cigna_counters_t) <= NGX_CIGNA_ROW_COUNTERS,
               "a row is too small for all counters");

_Static_assert((int) ngx_cigna_count_max <= NGX_CIGNA_COUNTERS_MAX
               && (int) cigna_dance_outcome_max <= NGX_CIGNA_OUTCOMES_MAX,
               "more counters than room: NGX_CIGNA_ZONE_VERSION has to grow");


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
    return counters->counts[what];
}


uint64_t
ngx_cigna_counted_outcome(ngx_cigna_counters_t *counters,
    cigna_dance_outcome_e outcome)
{
    return counters->outcomes[outcome];
}


ngx_int_t
ngx_cigna_counters_start_dance(ngx_cigna_counters_t *counters,
    ngx_uint_t rate, time_t now)
{
    return ngx_cigna_second_take(&counters->dances, rate, now);
}


/*
 * the number of the second and the count of requests share one word, so no lock
 * is needed
 */

ngx_int_t
ngx_cigna_second_take(ngx_atomic_t *word, ngx_uint_t rate, time_t second)
{
    ngx_uint_t         n;
    ngx_atomic_uint_t  old;

    rate = ngx_min(rate, NGX_CIGNA_SECOND_MAX);

    do {
        old = *word;
        n = ngx_cigna_second_taken(old, second);

        if (n >= rate) {
            return NGX_BUSY;
        }

    } while (!ngx_atomic_cmp_set(word, old,
                                 (ngx_atomic_uint_t) second
                                 << NGX_CIGNA_SECOND_BITS | (n + 1)));

    return NGX_OK;
}


ngx_uint_t
ngx_cigna_second_taken(ngx_atomic_uint_t word, time_t second)
{
    ngx_atomic_uint_t  bits;

    bits = (ngx_atomic_uint_t) second << NGX_CIGNA_SECOND_BITS;

    return (word & ~(ngx_atomic_uint_t) NGX_CIGNA_SECOND_MAX) == bits
           ? word & NGX_CIGNA_SECOND_MAX : 0;
}

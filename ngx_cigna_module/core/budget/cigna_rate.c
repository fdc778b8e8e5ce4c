
#include "cigna_rate.h"


#define CIGNA_RATE_DAY_NS  (CIGNA_RATE_DAY_S * CIGNA_RATE_SECOND)


int
cigna_rate_parse(cigna_slice_t s, cigna_rate_t *rate)
{
    uint64_t       n;
    uint32_t       per_s;
    cigna_slice_t  unit;

    if (s.len < 3) {
        return CIGNA_ERROR;
    }

    s.len -= 3;
    unit = cigna_slice_make(s.data + s.len, s.data + s.len + 3);

    per_s = cigna_slice_eq(unit, cigna_slice("r/s")) ? 1
            : cigna_slice_eq(unit, cigna_slice("r/m")) ? 60
            : cigna_slice_eq(unit, cigna_slice("r/d")) ? CIGNA_RATE_DAY_S : 0;

    if (per_s == 0
        || cigna_slice_uint(s, CIGNA_RATE_MAX, &n) != CIGNA_OK || n == 0)
    {
        return CIGNA_ERROR;
    }

    rate->n = (uint32_t) n;
    rate->per_s = per_s;

    return CIGNA_OK;
}


uint64_t
cigna_rate_per_day(const cigna_rate_t *rate)
{
    return rate->n == 0 ? 0
           : (uint64_t) rate->n * (CIGNA_RATE_DAY_S / rate->per_s);
}


int64_t
cigna_rate_interval_ns(uint64_t per_day)
{
    if (per_day == 0) {
        return 0;
    }

    return (int64_t) ((CIGNA_RATE_DAY_NS + per_day - 1) / per_day);
}


uint32_t
cigna_rate_burst(const cigna_rate_t *rate)
{
    uint64_t  n;

    n = cigna_rate_per_day(rate) / CIGNA_RATE_DAY_S;

    return n ? (uint32_t) n : 1;
}

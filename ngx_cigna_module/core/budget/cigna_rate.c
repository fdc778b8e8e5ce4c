
#include "cigna_rate.h"


#define CIGNA_RATE_DAY_NS  (CIGNA_RATE_DAY_S * CIGNA_RATE_SECOND)


int
cigna_rate_parse(cigna_slice_t s, cigna_rate_t *rate)
{
    uint64_t  n;
    uint32_t  per_s;

    if (s.len < 3 || s.data[s.len - 3] != 'r' || s.data[s.len - 2] != '/') {
        return CIGNA_ERROR;
    }

    switch (s.data[s.len - 1]) {

    case 's':
        per_s = 1;
        break;

    case 'm':
        per_s = 60;
        break;

    case 'd':
        per_s = CIGNA_RATE_DAY_S;
        break;

    default:
        return CIGNA_ERROR;
    }

    s.len -= 3;

    if (cigna_slice_uint(s, CIGNA_RATE_MAX, &n) != CIGNA_OK || n == 0) {
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

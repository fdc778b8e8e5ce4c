
#ifndef _CIGNA_RATE_H_INCLUDED_
#define _CIGNA_RATE_H_INCLUDED_


#include "base/cigna_slice.h"


/* A rate of requests: "100r/s", "30r/m", "5000r/d". */

#define CIGNA_RATE_MAX      100000         /* the greatest number before the
                                              unit */
#define CIGNA_RATE_DAY_S    86400
#define CIGNA_RATE_MS       INT64_C(1000000)      /* ns */
#define CIGNA_RATE_SECOND   INT64_C(1000000000)


/* all zero: there is no limit */

typedef struct {
    uint32_t  n;                           /* number of requests */
    uint32_t  per_s;                       /* period in s: 1, 60 or 86400 */
} cigna_rate_t;


/* CIGNA_ERROR: not "<n>r/s", "<n>r/m" or "<n>r/d", or n is not 1..100000 */
int cigna_rate_parse(cigna_slice_t s, cigna_rate_t *rate);

/* returns the rate in requests per day, exactly; 0: no limit */
uint64_t cigna_rate_per_day(const cigna_rate_t *rate);

/*
 * Returns the ns from one request to the next, rounded up, so that the rate is
 * never exceeded.  Up to 100,000r/s, rounding costs less than 0.01 % of the
 * rate.  0: no limit.
 */
int64_t cigna_rate_interval_ns(uint64_t per_day);

/* returns the default burst: the requests of one second, at least 1 */
uint32_t cigna_rate_burst(const cigna_rate_t *rate);


#endif /* _CIGNA_RATE_H_INCLUDED_ */

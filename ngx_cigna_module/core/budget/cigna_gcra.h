
#ifndef _CIGNA_GCRA_H_INCLUDED_
#define _CIGNA_GCRA_H_INCLUDED_


#include <stdint.h>


/*
 * The generic cell rate algorithm (ITU-T I.371) in integers, as a leaky bucket.
 * "level" is the time by which the theoretical arrival time lay ahead at the
 * time "at".  The bucket keeps the two apart because the clock may step back.
 * After a step back, the level only misses one drain, but an arrival time would
 * stay in the future.
 *
 * All times are int64 ns.  The struct has no pointers; all zero is an empty
 * bucket.
 */

typedef struct {
    int64_t   every_ns;                    /* time from one request to the next;
                                              0: no limit */
    int64_t   span_ns;                     /* size of the bucket: burst *
                                              every_ns, at least every_ns */
} cigna_gcra_limit_t;


typedef struct {
    int64_t   level_ns;
    int64_t   at_ns;
} cigna_gcra_t;


/*
 * Drains the bucket up to now.  Lowers a level above max_ns to max_ns (the
 * limit has changed, or the bytes are invalid), and raises a level below zero
 * to zero.
 */
void cigna_gcra_drain(cigna_gcra_t *b, int64_t max_ns, int64_t now_ns);

/*
 * returns how many of n requests fit, after cigna_gcra_drain(); n without a
 * limit
 */
int64_t cigna_gcra_room(const cigna_gcra_t *b, const cigna_gcra_limit_t *l,
    int64_t n);

/* charges n requests whether they fit or not; n may be negative */
void cigna_gcra_charge(cigna_gcra_t *b, const cigna_gcra_limit_t *l,
    int64_t n);

/* ns until one more request fits; 0: it fits now */
int64_t cigna_gcra_wait_ns(const cigna_gcra_t *b,
    const cigna_gcra_limit_t *l);


#endif /* _CIGNA_GCRA_H_INCLUDED_ */

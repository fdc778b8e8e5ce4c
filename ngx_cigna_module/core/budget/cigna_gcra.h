
#ifndef _CIGNA_GCRA_H_INCLUDED_
#define _CIGNA_GCRA_H_INCLUDED_


#include <stdint.h>


/*
 * The generic cell rate algorithm (ITU-T I.371) in integers, as a bucket that
 * leaks: "level" is by how much the theoretical arrival time lay ahead at the
 * time "at".  Kept apart, the two outlive a clock that steps back: the level
 * then stands still for once, while an arrival time would be out of reach.
 *
 * All times are int64 ns.  Pointer-free, all zero is an empty bucket.
 */

typedef struct {
    int64_t   every_ns;                    /* from one request to the next;
                                              0: no limit */
    int64_t   span_ns;                     /* how far ahead: burst * every_ns,
                                              at least every_ns */
} cigna_gcra_limit_t;


typedef struct {
    int64_t   level_ns;
    int64_t   at_ns;
} cigna_gcra_t;


/*
 * Brings the bucket to this time.  What is above max_ns (the limit was another
 * one, the bytes are nonsense) or below zero is cut off.
 */
void cigna_gcra_drain(cigna_gcra_t *b, int64_t max_ns, int64_t now_ns);

/* how many of n fit, after cigna_gcra_drain(); n without a limit */
int64_t cigna_gcra_room(const cigna_gcra_t *b, const cigna_gcra_limit_t *l,
    int64_t n);

/* charges n, negative ones too; whether they fit is not asked */
void cigna_gcra_charge(cigna_gcra_t *b, const cigna_gcra_limit_t *l,
    int64_t n);

/* ns until one more fits, 0: it does already */
int64_t cigna_gcra_wait_ns(const cigna_gcra_t *b,
    const cigna_gcra_limit_t *l);


#endif /* _CIGNA_GCRA_H_INCLUDED_ */


#ifndef _CIGNA_PRIMARIES_H_INCLUDED_
#define _CIGNA_PRIMARIES_H_INCLUDED_


#include <stdint.h>


#define CIGNA_PRIMARIES  64


/* a primary of Redis that this node has met; see cigna_redis_handshake.h */

typedef struct {
    uint64_t          primary;             /* its number; 0: free */
    uint64_t          since_ms;
    uint64_t          met_ms;
} cigna_primary_t;


/* In shared memory, all zero at first.  The caller has the lock. */

typedef struct {
    cigna_primary_t   places[CIGNA_PRIMARIES];
} cigna_primaries_t;


/*
 * Meets a primary that says it has been a primary for age_ms, 0 or more.
 * Returns how many ms it has been a primary, as far as it and the table know.
 *
 * A primary takes age_ms from a marker.  In a cluster the marker may have come
 * with a slot of another primary: then the primary looks newer than it is.
 *
 * If the table is full, the primary that was met the longest ago gives way.  A
 * time after now_ms is from before the machine's start and does not count.
 */
int64_t cigna_primaries_meet(cigna_primaries_t *p, uint64_t primary,
    int64_t age_ms, uint64_t now_ms);


#endif /* _CIGNA_PRIMARIES_H_INCLUDED_ */

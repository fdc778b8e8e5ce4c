
#ifndef _CIGNA_PRIMARIES_H_INCLUDED_
#define _CIGNA_PRIMARIES_H_INCLUDED_


#include <stdint.h>


#define CIGNA_PRIMARIES  64


/*
 * A primary of Redis to which this node has connected; see
 * cigna_redis_handshake.h.
 */

typedef struct {
    uint64_t          primary;             /* the primary's number; 0: the place
                                              is free */
    uint64_t          since_ms;            /* when it became a primary, at
                                              the latest */
    uint64_t          met_ms;              /* when this node last connected to
                                              it */
} cigna_primary_t;


/*
 * The table is in shared memory, and all zero at first.  The caller holds the
 * lock of that memory.
 */

typedef struct {
    cigna_primary_t   places[CIGNA_PRIMARIES];
} cigna_primaries_t;


/*
 * Enters a primary to which this node has connected.  age_ms, 0 or more, is how
 * long it has been a primary by its own account.  Returns for how many ms it
 * has been a primary: age_ms, or its age in the table, if that is longer.
 *
 * age_ms comes from a marker, see cigna_marker.h.  In a cluster, a primary may
 * have got its marker with a slot of another primary.  The primary then looks
 * newer than it is.
 *
 * If the table is full, the new primary replaces the one with the smallest
 * met_ms.  A since_ms after now_ms is from before the machine's last start and
 * does not count.
 */
int64_t cigna_primaries_meet(cigna_primaries_t *p, uint64_t primary,
    int64_t age_ms, uint64_t now_ms);


#endif /* _CIGNA_PRIMARIES_H_INCLUDED_ */


#ifndef _CIGNA_ROSTER_H_INCLUDED_
#define _CIGNA_ROSTER_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Gives names rows of a table that outlives configurations.  A name that a new
 * configuration lacks keeps its row, with its counters, until another name
 * needs the row.
 *
 * The entries are pointer-free and all zero at first.  One process writes them,
 * and no other reads them.
 */

#define CIGNA_ROSTER_NAME_MAX  64


typedef struct {
    uint64_t        generation;            /* of the last configuration with the
                                              name; 0: the row is free */
    uint64_t        len;
    uint8_t         name[CIGNA_ROSTER_NAME_MAX];
} cigna_roster_entry_t;


typedef struct {
    cigna_slice_t   name;                  /* not empty, not too long */
    unsigned        row;                   /* result: below n */
    unsigned        taken:1;               /* result: another name had the row,
                                              whose bytes are still there */
} cigna_roster_claim_t;


/*
 * Gives each claim one of n rows: its own, or a free one, or that of the name
 * that has been gone for the longest time.  No two claims may have the same
 * name.
 *
 * generation: of the configuration that claims, 1 or more, growing.  oldest:
 * that of the oldest configuration whose processes may live, or a greater
 * number if there is none; rows that it or a later one has had are not taken.
 *
 * CIGNA_NONE: there are too few rows.  CIGNA_ERROR: no memory.  Both change
 * nothing.
 */
int cigna_roster_claim(cigna_roster_entry_t *entries, unsigned n,
    cigna_roster_claim_t *claims, unsigned nclaims, uint64_t generation,
    uint64_t oldest);


#endif /* _CIGNA_ROSTER_H_INCLUDED_ */

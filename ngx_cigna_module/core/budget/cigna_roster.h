
#ifndef _CIGNA_ROSTER_H_INCLUDED_
#define _CIGNA_ROSTER_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Which name has which row of a table that outlives configurations.  A name
 * that a configuration no longer has keeps its row, and what is counted there,
 * as long as no other name needs one.
 *
 * The entries are pointer-free and all zero at first.  One process writes them,
 * and nobody else reads them.
 */

#define CIGNA_ROSTER_NAME_MAX  64


typedef struct {
    uint64_t        generation;            /* of the last configuration that has
                                              had the name; 0: it is free */
    uint64_t        len;
    uint8_t         name[CIGNA_ROSTER_NAME_MAX];
} cigna_roster_entry_t;


typedef struct {
    cigna_slice_t   name;                  /* not empty, not too long */
    unsigned        row;                   /* result: below n */
    unsigned        taken:1;               /* result: another name has had it,
                                              whose bytes are still there */
} cigna_roster_claim_t;


/*
 * Gives each claim its row of the n there are: its own, or a free one, or that
 * of a name that has been gone for the longest time.  No two claims have the
 * same name.
 *
 * generation: of the configuration that claims; grows, from 1 on.  oldest: that
 * of the oldest configuration whose processes may live, or greater where there
 * is none; the rows of names that it or a later one has had are not taken.
 *
 * CIGNA_NONE: there are not enough rows.  CIGNA_ERROR: no memory.  In both
 * cases nothing has changed.
 */
int cigna_roster_claim(cigna_roster_entry_t *entries, unsigned n,
    cigna_roster_claim_t *claims, unsigned nclaims, uint64_t generation,
    uint64_t oldest);


#endif /* _CIGNA_ROSTER_H_INCLUDED_ */

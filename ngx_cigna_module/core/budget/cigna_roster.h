
#ifndef _CIGNA_ROSTER_H_INCLUDED_
#define _CIGNA_ROSTER_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Assigns the rows of a table to names.  The names are those of tenants, and a
 * row has a tenant's counters.  The table outlives configurations.  If a new
 * configuration lacks a name, the name keeps its row until another name needs
 * the row.
 *
 * The entries have no pointers and are all zero at first.  Only one process,
 * nginx's master, reads and writes them.
 */

#define CIGNA_ROSTER_NAME_MAX  64


typedef struct {
    uint64_t        generation;            /* number of the last
                                              configuration with this name;
                                              0: the row is free */
    uint64_t        len;
    uint8_t         name[CIGNA_ROSTER_NAME_MAX];
} cigna_roster_entry_t;


typedef struct {
    cigna_slice_t   name;                  /* not empty, not too long */
    unsigned        row;                   /* result: below n */
    unsigned        taken:1;               /* result: another name had the row,
                                              so the caller must empty the
                                              counters in it */
} cigna_roster_claim_t;


/*
 * Gives each claim one of n rows: the name's own row, or a free one, or the row
 * of the name that has been gone for the longest time.  Two claims must not
 * have the same name.
 *
 * generation is the number of the claiming configuration: 1 or more, and
 * greater for each new one.  oldest is the number of the oldest configuration
 * whose processes may still run, or a greater number if there are none.  The
 * row of a name that this oldest configuration or a later one has is not given
 * to another name.
 *
 * CIGNA_NONE: there are too few rows.  CIGNA_ERROR: no memory.  In both cases
 * the entries do not change.
 */
int cigna_roster_claim(cigna_roster_entry_t *entries, unsigned n,
    cigna_roster_claim_t *claims, unsigned nclaims, uint64_t generation,
    uint64_t oldest);


#endif /* _CIGNA_ROSTER_H_INCLUDED_ */

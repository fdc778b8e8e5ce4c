
#ifndef _CIGNA_ACCEPT_H_INCLUDED_
#define _CIGNA_ACCEPT_H_INCLUDED_


#include "base/cigna_slice.h"


/*
 * Which of the two names of FHIR's JSON a client wants to read: RFC 9110,
 * section 12.5.1, for "application/fhir+json" and "application/json".
 */

typedef struct {
    unsigned   exact;                      /* 0: no range names it, 1: all
                                              types, 2: all applications', 3:
                                              it by itself */
    unsigned   quality;                    /* in thousandths */
} cigna_accept_rank_t;


typedef struct {
    cigna_accept_rank_t   fhir;
    cigna_accept_rank_t   json;
} cigna_accept_t;


void cigna_accept_init(cigna_accept_t *a);

/* one line of the header; elements that make no sense are passed over */
void cigna_accept_add(cigna_accept_t *a, cigna_slice_t line);

/*
 * 1 if it is to be "application/json": where that has the higher quality, or
 * the same and is named more exactly.  0 for "application/fhir+json", in doubt
 * and if neither is accepted, too.
 */
int cigna_accept_json(const cigna_accept_t *a);


#endif /* _CIGNA_ACCEPT_H_INCLUDED_ */


#ifndef _CIGNA_RESEAL_H_INCLUDED_
#define _CIGNA_RESEAL_H_INCLUDED_


#include "cigna_scripts.h"


/*
 * Puts a grant that is sealed under an older key of the ring under the first
 * one; see cigna_reseal.c.
 */

typedef enum {
    cigna_reseal_ok = 0,
    cigna_reseal_pending,
    cigna_reseal_current,                  /* it is under the first key */
    cigna_reseal_changed,                  /* somebody else has written it */
    cigna_reseal_gone,                     /* there is no grant */
    cigna_reseal_unknown_key,              /* the ring lacks its key */
    cigna_reseal_damaged,
    cigna_reseal_unavailable               /* Redis, or no room */
} cigna_reseal_e;


typedef struct {
    /* set by the caller */
    const cigna_subject_t      *subject;

    /* result */
    cigna_reseal_e              rc;

    /* private */
    unsigned                    state;
} cigna_reseal_t;


/* call after the caller's fields are set */
void cigna_reseal_init(cigna_reseal_t *f);
void cigna_reseal_next(cigna_reseal_t *f, const cigna_event_t *ev,
    cigna_op_t *op);

const char *cigna_reseal_name(cigna_reseal_e rc);


#endif /* _CIGNA_RESEAL_H_INCLUDED_ */

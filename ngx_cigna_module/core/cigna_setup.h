
#ifndef _CIGNA_SETUP_H_INCLUDED_
#define _CIGNA_SETUP_H_INCLUDED_


#include "cigna_flow.h"


/*
 * What happens on a fresh Redis connection before it carries commands: AUTH,
 * SELECT, CLIENT SETNAME, and the check that this Redis never evicts
 * ("INFO memory", maxmemory_policy).  Only cigna_op_redis and cigna_op_done.
 */

typedef enum {
    cigna_setup_ok = 0,
    cigna_setup_pending,
    cigna_setup_refused,                   /* wrong password, no such db */
    cigna_setup_busy,                      /* LOADING, MASTERDOWN, ... */
    cigna_setup_evicts,                    /* maxmemory-policy */
    cigna_setup_broken                     /* nonsense, or the connection */
} cigna_setup_e;


typedef struct {
    /* set by the caller */
    cigna_slice_t     username;            /* empty: none */
    cigna_slice_t     password;            /* empty: no AUTH */
    unsigned          db;

    /* result */
    cigna_setup_e     rc;
    char              error[128];          /* for the log, never a secret */

    /* private */
    unsigned          state;
    char              number[12];
} cigna_setup_t;


/* call after the caller's fields are set */
void cigna_setup_init(cigna_setup_t *f);
void cigna_setup_next(cigna_setup_t *f, const cigna_event_t *ev,
    cigna_op_t *op);


#endif /* _CIGNA_SETUP_H_INCLUDED_ */


#ifndef _CIGNA_REFRESH_H_INCLUDED_
#define _CIGNA_REFRESH_H_INCLUDED_


#include "cigna_flow.h"
#include "cigna_vault.h"


/*
 * Makes the access token of a grant fresh, once in the fleet.  See
 * cigna_refresh.c for states and invariants.
 */

typedef enum {
    cigna_refresh_pending = 0,
    cigna_refresh_ok,                      /* grant below may be used */
    cigna_refresh_no_grant,                /* there is none, for certain */
    cigna_refresh_spent,                   /* refused for good, or no refresh
                                              token: the member reconnects */
    cigna_refresh_moved,                   /* made for another registration */
    cigna_refresh_unavailable,             /* provider or its answer */
    cigna_refresh_vault,                   /* Redis, unknown key, damaged */
    cigna_refresh_damaged,
    cigna_refresh_unknown_key
} cigna_refresh_e;


typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_vault_t     *vault;
    const cigna_provider_t  *provider;
    const cigna_identity_t  *identity;
    cigna_arena_t           *arena;
    unsigned                 lease_ms;     /* over the exchange's deadlines */
    unsigned                 wait_ms;      /* for somebody else's refresh */

    /* results, complete when the flow reports (or is done) */
    cigna_refresh_e          rc;
    cigna_grant_t            grant;
    int64_t                  retry_after_s;
    char                     detail[192];  /* for the log, never a secret */
    unsigned                 exchanged:1;  /* this run spent a token */

    /* private */
    unsigned                 state;
    unsigned                 tries;
    unsigned                 locked:1;
    unsigned                 reported:1;
    unsigned                 attempts;
    int64_t                  deadline_ms;
    cigna_slice_t            owner;
    cigna_slice_t            blob;
    cigna_grant_t            fresh;
    cigna_slice_t            reserved[4];
} cigna_refresh_t;


void cigna_refresh_init(cigna_refresh_t *f);
void cigna_refresh_next(cigna_refresh_t *f, const cigna_event_t *ev,
    cigna_op_t *op);

const char *cigna_refresh_name(cigna_refresh_e rc);


#endif /* _CIGNA_REFRESH_H_INCLUDED_ */

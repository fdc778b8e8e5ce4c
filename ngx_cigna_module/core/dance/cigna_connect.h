
#ifndef _CIGNA_CONNECT_H_INCLUDED_
#define _CIGNA_CONNECT_H_INCLUDED_


#include "flow/cigna_flow.h"
#include "cigna_dance_outcome.h"
#include "vault/cigna_vault.h"


/*
 * Starts a dance: the browser goes to the authorization server, so that the
 * member can grant access.  The state parameter has 32 characters: first the
 * cookie's tag, which is also the first 8 characters of the dance id, and then
 * 24 characters (144 bits) that only the browser and the authorization server
 * see.
 */

#define CIGNA_STATE_LEN   32
#define CIGNA_SECRET_LEN  22               /* the browser's secret, 128 bits */

#define CIGNA_EVICTED_MAX  16              /* dances in a reply of dance_list */

#define CIGNA_RETURN_TO_LEN_MAX  2048      /* of the request's return_to */


/* the maker of the run zeroes the struct */

typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_subject_t      *subject;
    cigna_slice_t               return_to;  /* of the request; empty: the
                                               default */

    /* results; outcome "none": the dance has started */
    cigna_dance_outcome_e       outcome;
    cigna_slice_t               location;  /* the authorize URL */
    cigna_slice_t               dance_id;
    cigna_slice_t               tag;
    cigna_slice_t               secret;    /* of the browser, for the cookie */
    int64_t                     started_ms;

    /* private */
    unsigned                    state;
    cigna_slice_t               dance_key;
    unsigned                    evicted;   /* keys still to be deleted */
    cigna_slice_t               evict[CIGNA_EVICTED_MAX];
} cigna_connect_t;


/* flow: a cigna_connect_t */
void cigna_connect_next(void *flow, const cigna_event_t *ev, cigna_op_t *op);


/*
 * Makes the URL to which the browser goes after the dance, in its normal form
 * in the arena: "asked", or the first configured one if "asked" is empty.
 * CIGNA_NONE if both are missing; CIGNA_ERROR if "asked" is not allowed.
 */
int cigna_connect_return_to(const cigna_provider_t *p, cigna_slice_t asked,
    cigna_arena_t *arena, cigna_slice_t *return_to);

/*
 * Hashes a browser's secret in the form that Redis keeps: SHA-256 in base64url,
 * in the arena.  An empty secret gives an empty hash, which matches no dance.
 * CIGNA_ERROR if there is no room.
 */
int cigna_connect_secret_hash(cigna_slice_t secret, cigna_arena_t *arena,
    cigna_slice_t *hash);


#endif /* _CIGNA_CONNECT_H_INCLUDED_ */

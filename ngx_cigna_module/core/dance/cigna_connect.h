
#ifndef _CIGNA_CONNECT_H_INCLUDED_
#define _CIGNA_CONNECT_H_INCLUDED_


#include "cigna_dance_close.h"
#include "cigna_dance_id.h"
#include "cigna_dance_outcome.h"


/*
 * Starts a dance: the browser goes to the authorization server, so that the
 * member can grant access.  cigna_dance_id.h describes the state parameter,
 * which only the browser and the authorization server see.
 */

#define CIGNA_SECRET_LEN  22               /* the browser's secret, 128 bits */

#define CIGNA_RETURN_TO_LEN_MAX  2048      /* bytes of a request's return_to */


/* at first the struct is zeroed */

typedef struct {
    /* set by the caller, borrowed until the flow is over */
    const cigna_subject_t      *subject;
    cigna_slice_t               return_to;  /* of the request; empty: the
                                               default */
    cigna_slice_t               dance_id;  /* a new one, see cigna_dance_id.h */
    cigna_slice_t               request;   /* id of the HTTP request, for the
                                              story */

    /*
     * closes displaced dances; the caller may set "closed" and "data", and sets
     * nothing else in it
     */
    cigna_dance_closer_t        closer;

    /*
     * Results, complete when the flow reports.  Outcome "none": the dance has
     * started.
     */
    cigna_dance_outcome_e       outcome;
    unsigned                    dropped:1;  /* the dance has no story: Redis is
                                               short of memory, or too many open
                                               dances have one */
    cigna_slice_t               location;  /* the authorize URL */
    cigna_slice_t               tag;       /* in the cookie's name, see
                                              cigna_dance_id.h */
    cigna_slice_t               secret;    /* the value that ties the dance to
                                              the browser, for the cookie */
    int64_t                     started_ms;

    /* private */
    unsigned                    state;
    cigna_slice_t               dance_key;
    cigna_dance_entry_t         entry;     /* in the lists of open dances */
    cigna_op_t                  open;      /* calls dance_open */
    unsigned                    room:1;    /* 1: the script dance_list allows
                                              the dance a story */
    unsigned                    unlist:1;  /* 1: Redis has certainly not stored
                                              the dance, but may list it */
    cigna_dance_forget_t        forget;
} cigna_connect_t;


/* flow: a cigna_connect_t */
void cigna_connect_next(void *flow, const cigna_event_t *ev, cigna_op_t *op);


/*
 * Makes the URL to which the browser goes after the dance, in its normal form
 * in the arena: "asked", or the first configured one if "asked" is empty.
 * CIGNA_NONE if both are missing; CIGNA_ERROR if "asked" is not allowed, or if
 * there is no room.
 */
int cigna_connect_return_to(const cigna_provider_t *p, cigna_slice_t asked,
    cigna_arena_t *arena, cigna_slice_t *return_to);

/*
 * Hashes a browser's secret in the form that Redis keeps: SHA-256 in base64url,
 * in the arena.  An empty secret gives an empty hash, which matches no dance.
 * CIGNA_ERROR if there is no room, or if OpenSSL fails.
 */
int cigna_connect_secret_hash(cigna_slice_t secret, cigna_arena_t *arena,
    cigna_slice_t *hash);


#endif /* _CIGNA_CONNECT_H_INCLUDED_ */


#ifndef _CIGNA_REVOCATION_H_INCLUDED_
#define _CIGNA_REVOCATION_H_INCLUDED_


#include "oauth/cigna_client_secret.h"
#include "flow/cigna_flow.h"


/*
 * Revokes one token (RFC 7009).  The first request is sent at once.  After a
 * temporary failure the flow repeats the request, for ten minutes at most.  See
 * cigna_revocation.c.
 */

#define CIGNA_REVOCATION_MS  (10 * 60 * 1000)


typedef enum {
    cigna_revocation_none = 0,             /* not done yet */
    cigna_revocation_ok,
    cigna_revocation_unsupported,          /* there is no endpoint */
    cigna_revocation_refused,              /* the server refused the
                                              revocation */
    cigna_revocation_unreachable,          /* no success in ten minutes */
    cigna_revocation_no_room
} cigna_revocation_e;


typedef struct {
    /* set by the caller, borrowed until the flow is over */
    cigna_provider_t        *provider;     /* the flow may note which of its
                                              secrets works */
    cigna_arena_t           *arena;        /* size: cigna_revocation_room() */
    cigna_slice_t            token;
    unsigned                 refresh_token:1;

    /* set by the caller before each call */
    unsigned                 known:1;      /* discovery is complete, so an
                                              endpoint that is not known does
                                              not exist */

    /* results */
    cigna_revocation_e       rc;
    unsigned                 tries;        /* number of revocation requests */
    char                     detail[96];   /* about the last request, for the
                                              log; never a secret */
    cigna_client_secret_t    secret;       /* its results are results of the
                                              flow, too */

    /* private */
    unsigned                 state;
    unsigned                 pauses;
    unsigned                 slept_ms;
    cigna_http_request_t     req;
} cigna_revocation_t;


/* the size of the arena for this token; the caller puts the token there, too */
size_t cigna_revocation_room(const cigna_provider_t *p, cigna_slice_t token);

void cigna_revocation_init(cigna_revocation_t *f);
void cigna_revocation_next(cigna_revocation_t *f, const cigna_event_t *ev,
    cigna_op_t *op);

const char *cigna_revocation_name(cigna_revocation_e rc);


#endif /* _CIGNA_REVOCATION_H_INCLUDED_ */

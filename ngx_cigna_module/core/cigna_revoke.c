
/*
 * Revocation, within another flow.
 *
 *   start --> send --> over
 *              ^ |
 *              | v
 *             sleep
 *
 * Invariants:
 *
 *   (1) at most CIGNA_REVOKE_TRIES requests are sent, then it is over;
 *   (2) "revoked" is set by a reply with status 200 and by nothing else.
 *
 * Revoking twice is the same as once, so that a lost request is repeated as
 * an unsent one is.
 */


#include "cigna_revoke.h"


#define CIGNA_REVOKE_TRIES     4
#define CIGNA_REVOKE_SLEEP_MS  500
#define CIGNA_REVOKE_MAX_MS    4000


typedef enum {
    cigna_revoke_st_start = 0,
    cigna_revoke_st_send,
    cigna_revoke_st_sleep,
    cigna_revoke_st_over
} cigna_revoke_state_e;


void
cigna_revoke_init(cigna_revoke_t *r)
{
    *r = (cigna_revoke_t) { .state = cigna_revoke_st_start };
}


void
cigna_revoke_prepare(cigna_revoke_t *r, const cigna_provider_t *p,
    cigna_slice_t refresh_token, cigna_slice_t access_token, cigna_arena_t *a)
{
    const char     *hint;
    cigna_slice_t   token;

    token = refresh_token.len ? refresh_token : access_token;
    hint = refresh_token.len ? "refresh_token" : "access_token";

    if (p->revocation_endpoint.len == 0 || token.len == 0) {
        return;
    }

    if (cigna_oauth_revoke_request(p, token, hint, a, &r->req) != CIGNA_OK) {
        r->req.url = cigna_slice_null;
    }
}


int
cigna_revoke_next(cigna_revoke_t *r, const cigna_event_t *ev, cigna_op_t *op)
{
    switch ((cigna_revoke_state_e) r->state) {

    case cigna_revoke_st_start:

        if (r->req.url.len == 0) {
            break;
        }

        cigna_flow_http(op, &r->req);
        cigna_retry_init(&r->retry, op, cigna_revoke_st_send);
        r->state = cigna_revoke_st_send;
        return CIGNA_AGAIN;

    case cigna_revoke_st_send:

        r->revoked = ev->type == cigna_ev_ok && ev->status == 200;

        /* a refusal is an answer, and the same next time */

        if (cigna_flow_passing(ev)
            && cigna_retry_sleep(&r->retry, op, CIGNA_REVOKE_TRIES,
                                 CIGNA_REVOKE_SLEEP_MS, CIGNA_REVOKE_MAX_MS)
               == CIGNA_OK)
        {
            r->state = cigna_revoke_st_sleep;
            return CIGNA_AGAIN;
        }

        break;

    case cigna_revoke_st_sleep:

        r->state = cigna_retry_again(&r->retry, op);
        return CIGNA_AGAIN;

    case cigna_revoke_st_over:
        break;
    }

    r->state = cigna_revoke_st_over;

    return CIGNA_OK;
}


/*
 * The exchange of a refresh token, within the refresh.
 *
 *   begin --> send --> over           ok, secret, failed
 *              |
 *              v  (invalid_grant)
 *             check --> over          overtaken, gone, failed
 *              |
 *              v  (final)
 *             spend --> over          spent, stale, failed
 *
 * "check" and "spend" are repeated after a sleep while Redis fails.
 *
 * Invariants:
 *
 *   (1) a request is sent only while the run's lock and mark cannot have ended,
 *       and only if the node's journal has no newer generation of the grant;
 *   (2) rc is "ok" only if the tokens are the member's;
 *   (3) a grant is marked spent only after the reply invalid_grant, if the
 *       vault still has the generation whose token was sent, and if the refusal
 *       is final.
 */


#include "cigna_exchange.h"
#include "vault/cigna_grant_write.h"


/* how long Redis keeps a grant that is marked spent */

#define CIGNA_EXCHANGE_SPENT_MS  (30 * 24 * 3600 * (uint64_t) 1000)

/*
 * The space that an exchange takes in the arena, from the request to the sealed
 * new grant.  It is checked before the request is sent, because after that
 * there must be room for the new tokens.
 */

#define CIGNA_EXCHANGE_ROOM      (160 * 1024)


typedef enum {
    cigna_exchange_st_over = 0,
    cigna_exchange_st_send,
    cigna_exchange_st_check,
    cigna_exchange_st_spend,
    cigna_exchange_st_sleep
} cigna_exchange_state_e;


static int cigna_exchange_request(cigna_exchange_t *x,
    cigna_http_request_t *req);
static int cigna_exchange_answered(cigna_exchange_t *x,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_exchange_tokens(cigna_exchange_t *x, const cigna_event_t *ev);
static int cigna_exchange_refused(cigna_exchange_t *x, cigna_op_t *op);
static int cigna_exchange_checked(cigna_exchange_t *x,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_exchange_spend(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op);
static int cigna_exchange_again(cigna_exchange_t *x, cigna_op_t *op,
    const char *why);
static int cigna_exchange_fail(cigna_exchange_t *x, cigna_refresh_e failure,
    const char *why);
static int cigna_exchange_over(cigna_exchange_t *x, cigna_exchange_e rc);


int
cigna_exchange_begin(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const char            *why;
    cigna_http_request_t   req;

    x->retry_after_s = -1;

    if (cigna_verdict_behind(x->verdict)) {
        why = "the vault is behind this node's journal";

    } else if (cigna_lease_late(x->lease, ev->now_ms)) {
        why = "delayed for too long";

    } else if (cigna_exchange_request(x, &req) != CIGNA_OK) {
        why = "the request cannot be made";

    } else {
        x->sent_ms = ev->now_ms;
        x->state = cigna_exchange_st_send;
        cigna_flow_http(op, &req);
        op->http.exchange = 1;
        cigna_lease_renew(x->lease, op);

        return CIGNA_OK;
    }

    (void) cigna_exchange_fail(x, cigna_refresh_unavailable, why);

    return CIGNA_ERROR;
}


static int
cigna_exchange_request(cigna_exchange_t *x, cigna_http_request_t *req)
{
    const cigna_subject_t  *s = x->subject;

    if (s->provider->token_endpoint.len == 0
        || s->arena->end - s->arena->pos < CIGNA_EXCHANGE_ROOM)
    {
        return CIGNA_ERROR;
    }

    return cigna_oauth_refresh_request(s->provider,
                                       cigna_client_secret(&x->secret,
                                                           s->provider),
                                       x->verdict->grant->refresh_token,
                                       s->arena, req);
}


int
cigna_exchange_next(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op)
{
    switch ((cigna_exchange_state_e) x->state) {

    case cigna_exchange_st_send:
        return cigna_exchange_answered(x, ev, op);

    case cigna_exchange_st_check:
        if (cigna_flow_answered(ev)) {
            return cigna_exchange_checked(x, ev, op);
        }

        return cigna_exchange_again(x, op,
                                    "refused, but Redis cannot be asked");

    case cigna_exchange_st_spend:
        if (cigna_script_said(ev, "ok")) {
            return cigna_exchange_over(x, cigna_exchange_spent);
        }

        if (cigna_script_said(ev, "stale")) {
            return cigna_exchange_over(x, cigna_exchange_stale);
        }

        /* if the grant stays unmarked, the next refresh is refused again */

        return cigna_exchange_again(x, op,
                                    "refused, but Redis cannot be told");

    case cigna_exchange_st_sleep:
        x->state = cigna_retry_again(&x->retry, op);
        return CIGNA_AGAIN;

    case cigna_exchange_st_over:
        break;
    }

    return CIGNA_OK;
}


static int
cigna_exchange_answered(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_token_e           e;
    const cigna_subject_t  *s = x->subject;

    if (ev->type == cigna_ev_lost) {
        x->answer = cigna_answer_lost;
        x->mark = cigna_lease_keep;
        return cigna_exchange_fail(x, cigna_refresh_unavailable,
                                   "the token endpoint took the refresh token "
                                   "and did not answer");
    }

    if (ev->type == cigna_ev_unsent) {
        return cigna_exchange_fail(x, cigna_refresh_unavailable,
                                   "the token endpoint cannot be reached");
    }

    e = cigna_oauth_token_reply(ev->status, ev->body, s->arena, &x->tokens);

    if (e == cigna_token_ok) {
        cigna_client_secret_works(&x->secret, s->provider);
        return cigna_exchange_tokens(x, ev);
    }

    if (cigna_client_secret_again(&x->secret, s->provider, ev->status, e,
                                  &x->tokens))
    {
        return cigna_exchange_over(x, cigna_exchange_secret);
    }

    if (e == cigna_token_invalid_grant) {
        return cigna_exchange_refused(x, op);
    }

    /* no other error says that the grant has ended */

    x->answer = cigna_answer_failed;
    x->mark = ev->status / 100 == 2 ? cigna_lease_keep : cigna_lease_clear;
    x->retry_after_s = ev->retry_after_s;
    x->quoted = x->tokens.error.len ? x->tokens.error
                                    : cigna_slice_str(x->tokens.shape);

    return cigna_exchange_fail(x, cigna_refresh_unavailable,
                               cigna_token_name(e));
}


/* the old refresh token may be spent, and only this run has the new tokens */

static int
cigna_exchange_tokens(cigna_exchange_t *x, const cigna_event_t *ev)
{
    const char             *why;
    cigna_grant_t          *g;
    const cigna_verdict_t  *v = x->verdict;

    g = &x->fresh;

    x->answer = cigna_answer_tokens;
    x->mark = cigna_lease_keep;

    *g = *v->grant;
    g->state = cigna_grant_live;

    /*
     * Another member's tokens are dropped and not revoked, see
     * cigna_grant_write.h.  It is not known whether the refresh token that was
     * sent is spent, so the mark stays.
     */

    if (cigna_grant_write_same(x->subject, &x->tokens, ev->now_ms, g, &why)
        != CIGNA_OK)
    {
        x->answer = cigna_answer_failed;
        x->foreign = 1;
        return cigna_exchange_fail(x, cigna_refresh_unavailable, why);
    }

    cigna_grant_write_tokens(x->subject->provider, &x->tokens, x->sent_ms, g);

    g->generation++;
    g->forced = v->refused_id.len
                && cigna_slice_eq(v->refused_id, v->grant->id)
                && v->refused_generation == v->grant->generation;

    return cigna_exchange_over(x, cigna_exchange_ok);
}


/*
 * after invalid_grant, asks whether the vault still has the token that was sent
 */

static int
cigna_exchange_refused(cigna_exchange_t *x, cigna_op_t *op)
{
    x->answer = cigna_verdict_explains(x->verdict) ? cigna_answer_explained
                                                   : cigna_answer_refused;

    cigna_script_read(op, x->subject->identity);
    x->state = cigna_retry_init(&x->retry, op, cigna_exchange_st_check);

    return CIGNA_AGAIN;
}


static int
cigna_exchange_checked(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op)
{
    const cigna_grant_t  *g = x->verdict->grant;

    x->failure = cigna_verdict_read(x->subject, ev->reply, &x->there, NULL,
                                    &x->why);

    if (x->failure != cigna_refresh_ok) {
        return cigna_exchange_over(x, cigna_exchange_gone);
    }

    if (x->there.generation != g->generation
        || !cigna_slice_eq(x->there.id, g->id))
    {
        return cigna_exchange_over(x, cigna_exchange_overtaken);
    }

    if (cigna_verdict_final(x->verdict)) {
        return cigna_exchange_spend(x, ev, op);
    }

    x->provisional = 1;
    x->mark = cigna_lease_refuse;

    return cigna_exchange_fail(x, cigna_refresh_paused,
                               "refused, as too many are");
}


/* marks the grant spent, as a new generation with the same tokens */

static int
cigna_exchange_spend(cigna_exchange_t *x, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_grant_t  *g;

    g = &x->fresh;

    *g = *x->verdict->grant;
    g->state = cigna_grant_spent;
    g->obtained_ms = ev->now_ms;
    g->generation++;

    if (cigna_grant_write_swap(x->subject, g, x->lease->owner,
                               CIGNA_EXCHANGE_SPENT_MS, ev->random, op)
        != CIGNA_OK)
    {
        return cigna_exchange_fail(x, cigna_refresh_vault,
                                   "the grant cannot be sealed");
    }

    x->state = cigna_retry_init(&x->retry, op, cigna_exchange_st_spend);

    return CIGNA_AGAIN;
}


static int
cigna_exchange_again(cigna_exchange_t *x, cigna_op_t *op, const char *why)
{
    if (cigna_retry_redis(&x->retry, op, &x->state, cigna_exchange_st_sleep)
        == CIGNA_AGAIN)
    {
        return CIGNA_AGAIN;
    }

    return cigna_exchange_fail(x, cigna_refresh_vault, why);
}


static int
cigna_exchange_fail(cigna_exchange_t *x, cigna_refresh_e failure,
    const char *why)
{
    x->failure = failure;
    x->why = why;

    return cigna_exchange_over(x, cigna_exchange_failed);
}


static int
cigna_exchange_over(cigna_exchange_t *x, cigna_exchange_e rc)
{
    x->rc = rc;
    x->state = cigna_exchange_st_over;

    return CIGNA_OK;
}

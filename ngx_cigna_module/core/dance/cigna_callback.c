
/*
 * Callback: ends a dance.
 *
 *   start --> claim --> look ---------> exchange ---------> install
 *                         |              ^    |              ^   |
 *                         +---> keys ----+    +--> keys_again    v
 *                                                               end
 *                                                                |
 *   done <-- revoke <-- forget <-- report <-- userinfo <---------+
 *
 * A run that does not get the dance goes from "claim" to "report".  Any other
 * refusal or failure leads to "end".  "userinfo" and "forget" are left out if
 * they have nothing to do.
 *
 * After a failure the flow sleeps and repeats the operation, if a repetition is
 * harmless.  If the server refuses a client that has two secrets
 * (cigna_client_secret.c), the flow sends the code again with the other secret.
 *
 * If the dance has ended with a stored grant, the flow asks $userinfo before
 * the browser returns to the app.  So the app finds the member's identifier.
 * The outcome of the dance does not depend on $userinfo.
 *
 * Invariants, checked by t/fuzz/dance/fuzz_callback.c:
 *
 *   (1) a code is sent only for a dance that Redis gave to this run; it is sent
 *       again only if no byte of the request was sent, or if the reply was
 *       invalid_client: then once, with the other secret;
 *   (2) a run reports "connected" only if it has stored the grant, or if it
 *       repeats the outcome of the run that has;
 *   (3) a run that took a dance ends it before the flow reports, unless Redis
 *       fails: then the dance later ends as "interrupted".  Of all runs on all
 *       nodes exactly one has ended the dance;
 *   (4) tokens that do not become a stored grant are revoked; tokens of the
 *       replaced grant are revoked if the stored grant has none of them; tokens
 *       of the stored grant never are;
 *   (5) the flow reports exactly once, and revokes tokens only after that;
 *   (6) a request from another browser changes nothing but the story; a request
 *       of another member in the right browser ends the dance, unless a run has
 *       taken or ended it, and changes nothing else but the story.
 */


#include <string.h>

#include "cigna_callback.h"
#include "cigna_connect.h"
#include "provider/cigna_jwks_fetch.h"
#include "vault/cigna_grant_write.h"


#define CIGNA_CALLBACK_CODE_TRIES    3     /* as long as no byte was sent */
#define CIGNA_CALLBACK_KEYS_TRIES    2
#define CIGNA_CALLBACK_HTTP_MS       200
#define CIGNA_CALLBACK_HTTP_MAX_MS   400


typedef enum {
    cigna_callback_st_start = 0,
    cigna_callback_st_claim,
    cigna_callback_st_look,
    cigna_callback_st_keys,
    cigna_callback_st_exchange,
    cigna_callback_st_keys_again,
    cigna_callback_st_install,
    cigna_callback_st_end,
    cigna_callback_st_userinfo,
    cigna_callback_st_report,
    cigna_callback_st_forget,
    cigna_callback_st_revoke,
    cigna_callback_st_sleep
} cigna_callback_state_e;


static void cigna_callback_start(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_callback_taken(cigna_callback_t *f, cigna_op_t *op);
static void cigna_callback_looked(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static cigna_dance_outcome_e cigna_callback_judge(cigna_callback_t *f);
static cigna_slice_t cigna_callback_issuer(const cigna_callback_t *f);
static void cigna_callback_keys(cigna_callback_t *f, cigna_op_t *op,
    cigna_callback_state_e state);
static void cigna_callback_fetched(cigna_callback_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_callback_exchange(cigna_callback_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static int cigna_callback_late(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_callback_exchanged(cigna_callback_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_callback_answered(cigna_callback_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_callback_refused(cigna_callback_t *f, cigna_op_t *op,
    cigna_token_e e);
static cigna_jwt_e cigna_callback_check(cigna_callback_t *f, int64_t now_ms);
static void cigna_callback_verify(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_callback_put(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op);
static void cigna_callback_stored(cigna_callback_t *f, cigna_op_t *op);
static void cigna_callback_discard(cigna_callback_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome);
static void cigna_callback_end(cigna_callback_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome);
static void cigna_callback_userinfo(cigna_callback_t *f,
    const cigna_event_t *ev, cigna_op_t *op);
static void cigna_callback_report(cigna_callback_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome);
static void cigna_callback_revoke(cigna_callback_t *f, cigna_op_t *op);
static int cigna_callback_again(cigna_callback_t *f, cigna_op_t *op,
    unsigned tries);


void
cigna_callback_next(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    char  why[CIGNA_JWKS_FETCH_WHY_MAX];

    switch ((cigna_callback_state_e) f->state) {

    case cigna_callback_st_start:

        cigna_callback_start(f, ev, op);
        return;

    case cigna_callback_st_claim:

        if (cigna_dance_claim_next(&f->claim, ev, op) != CIGNA_AGAIN) {
            cigna_callback_taken(f, op);
        }

        return;

    case cigna_callback_st_look:

        cigna_callback_looked(f, ev, op);
        return;

    case cigna_callback_st_keys:

        cigna_callback_fetched(f, ev, op);
        return;

    case cigna_callback_st_exchange:

        cigna_callback_exchanged(f, ev, op);
        return;

    case cigna_callback_st_keys_again:

        cigna_jwks_fetch_done(f->subject->provider, ev, why);
        cigna_callback_verify(f, ev, op);
        return;

    case cigna_callback_st_install:

        if (cigna_grant_install_next(&f->install, ev, op) != CIGNA_AGAIN) {
            cigna_callback_stored(f, op);
        }

        return;

    case cigna_callback_st_end:

        if (cigna_dance_claim_next(&f->claim, ev, op) != CIGNA_AGAIN) {
            f->outcome = f->claim.outcome;
            f->repeated = f->claim.repeated;
            cigna_callback_userinfo(f, ev, op);
        }

        return;

    case cigna_callback_st_userinfo:

        if (cigna_userinfo_next(&f->userinfo, ev, op) != CIGNA_AGAIN) {
            f->grant.userinfo = f->userinfo.value;
            cigna_callback_report(f, op, f->outcome);
        }

        return;

    case cigna_callback_st_report:

        if (!f->claim.ended) {
            cigna_callback_revoke(f, op);
            return;
        }

        f->state = cigna_callback_st_forget;

        /* fall through */

    case cigna_callback_st_forget:

        if (cigna_dance_claim_forget(&f->claim, ev, op) != CIGNA_AGAIN) {
            cigna_callback_revoke(f, op);
        }

        return;

    case cigna_callback_st_revoke:

        cigna_callback_revoke(f, op);
        return;

    case cigna_callback_st_sleep:

        f->state = cigna_retry_again(&f->retry, op);

        if (f->state == cigna_callback_st_exchange) {
            (void) cigna_callback_late(f, ev, op);
        }

        return;
    }
}


/*
 * starts to claim the dance; refuses the request at once if it has no usable
 * state, or if the token endpoint is not known
 */

static void
cigna_callback_start(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (f->state_param.len == 0) {
        cigna_flow_detail(f, "no state", cigna_slice_null);
        cigna_callback_report(f, op, cigna_dance_outcome_invalid_request);
        return;
    }

    if (f->state_param.len != CIGNA_STATE_LEN) {
        cigna_callback_report(f, op, cigna_dance_outcome_state_unknown);
        return;
    }

    if (f->subject->provider->token_endpoint.len == 0) {
        cigna_flow_detail(f, "the token endpoint is not known",
                          cigna_slice_null);
        cigna_callback_report(f, op, cigna_dance_outcome_discovery_failed);
        return;
    }

    f->claim.subject = f->subject;
    f->claim.state_param = f->state_param;
    f->claim.secret = f->secret;
    f->claim.request = f->request;
    f->claim.exchange_ms = f->exchange_ms;

    f->state = cigna_callback_st_claim;

    if (cigna_dance_claim_next(&f->claim, ev, op) != CIGNA_AGAIN) {
        cigna_callback_taken(f, op);
    }
}


/* goes on if Redis gave the dance to this run */

static void
cigna_callback_taken(cigna_callback_t *f, cigna_op_t *op)
{
    cigna_dance_outcome_e  outcome;

    f->dance_id = f->claim.dance_id;
    f->return_to = f->claim.return_to;
    f->repeated = f->claim.repeated;

    cigna_flow_detail(f, f->claim.why, cigna_slice_null);

    outcome = f->claim.outcome;

    if (outcome == cigna_dance_outcome_none) {
        outcome = cigna_callback_judge(f);
    }

    if (outcome != cigna_dance_outcome_none) {
        cigna_callback_end(f, op, outcome);
        return;
    }

    f->install.subject = f->subject;

    f->state = cigna_callback_st_look;
    cigna_script_read(op, f->subject->identity);
}


/*
 * fetches the key set if it is missing or old, before the code is sent: the
 * code works only once
 */

static void
cigna_callback_looked(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_grant_install_looked(&f->install, ev);

    if (cigna_jwks_fetch_due(f->subject->provider, ev->now_ms)) {
        cigna_callback_keys(f, op, cigna_callback_st_keys);
        return;
    }

    cigna_callback_exchange(f, ev, op);
}


/* checks the authorization response (RFC 6749, section 4.1.2; RFC 9207) */

static cigna_dance_outcome_e
cigna_callback_judge(cigna_callback_t *f)
{
    cigna_slice_t  issuer;

    if (!cigna_slice_eq(f->claim.dance.redirect_uri,
                        f->subject->provider->redirect_uri))
    {
        cigna_flow_detail(f, "the dance was started for",
                          f->claim.dance.redirect_uri);
        return cigna_dance_outcome_tenant_mismatch;
    }

    issuer = cigna_callback_issuer(f);

    if (f->iss.len == 0 && f->subject->provider->iss_supported) {
        cigna_flow_detail(f, "no iss, which the issuer has announced",
                          cigna_slice_null);
        return cigna_dance_outcome_issuer_mismatch;
    }

    if (f->iss.len && issuer.len && !cigna_slice_eq(f->iss, issuer)) {
        cigna_flow_detail(f, "iss is", f->iss);
        return cigna_dance_outcome_issuer_mismatch;
    }

    if (f->error.len) {
        f->story.error = f->error;
        cigna_flow_detail(f, "the authorization server says", f->error);

        return cigna_slice_eq(f->error, cigna_slice("access_denied"))
               ? cigna_dance_outcome_denied
               : cigna_dance_outcome_provider_error;
    }

    if (f->code.len == 0) {
        cigna_flow_detail(f, "no code", cigna_slice_null);
        return cigna_dance_outcome_invalid_request;
    }

    return cigna_dance_outcome_none;
}


/*
 * the issuer at the dance's start, if it was known then; the configuration may
 * have changed since
 */

static cigna_slice_t
cigna_callback_issuer(const cigna_callback_t *f)
{
    return f->claim.dance.issuer.len ? f->claim.dance.issuer
                                     : f->subject->provider->issuer;
}


static void
cigna_callback_keys(cigna_callback_t *f, cigna_op_t *op,
    cigna_callback_state_e state)
{
    cigna_jwks_fetch_start(f->subject->provider, op);
    f->state = cigna_retry_init(&f->retry, op, state);
}


static void
cigna_callback_fetched(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    char               why[CIGNA_JWKS_FETCH_WHY_MAX];
    cigna_provider_t  *p;

    if (cigna_flow_passing(ev)
        && cigna_callback_again(f, op, CIGNA_CALLBACK_KEYS_TRIES))
    {
        return;
    }

    p = f->subject->provider;

    cigna_jwks_fetch_done(p, ev, why);

    if (p->keys->set) {
        cigna_callback_exchange(f, ev, op);
        return;
    }

    cigna_flow_detail(f, why, p->jwks_uri);
    cigna_callback_end(f, op, cigna_dance_outcome_keys_unreachable);
}


static void
cigna_callback_exchange(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_http_request_t    req;
    const cigna_subject_t  *s = f->subject;

    if (cigna_callback_late(f, ev, op)) {
        return;
    }

    if (cigna_oauth_code_request(s->provider,
                                 cigna_client_secret(&f->client_secret,
                                                     s->provider),
                                 f->code, f->claim.dance.verifier, s->arena,
                                 &req)
        != CIGNA_OK)
    {
        cigna_flow_detail(f, "no room for the request", cigna_slice_null);
        cigna_callback_end(f, op, cigna_dance_outcome_invalid_request);
        return;
    }

    f->sent_ms = ev->now_ms;

    cigna_flow_http(op, &req);
    op->http.exchange = 1;
    f->state = cigna_retry_init(&f->retry, op, cigna_callback_st_exchange);
}


/*
 * Ends the dance as "interrupted" and returns 1 if too little time is left to
 * exchange the code and store the grant.  Then the member has to start again.
 */

static int
cigna_callback_late(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->now_ms - f->claim.taken_ms <= CIGNA_DANCE_CLAIM_MS / 2) {
        return 0;
    }

    cigna_flow_detail(f, "delayed for too long", cigna_slice_null);
    cigna_callback_end(f, op, cigna_dance_outcome_interrupted);

    return 1;
}


static void
cigna_callback_exchanged(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (ev->type == cigna_ev_unsent
        && cigna_callback_again(f, op, CIGNA_CALLBACK_CODE_TRIES))
    {
        return;
    }

    f->story.exchange_ms = ev->now_ms - f->sent_ms;

    if (ev->type != cigna_ev_ok) {
        cigna_flow_detail(f, ev->type == cigna_ev_lost
                             ? "the token endpoint took the code and did "
                               "not answer"
                             : "the token endpoint cannot be reached",
                          cigna_slice_null);
        cigna_callback_end(f, op, cigna_dance_outcome_exchange_unreachable);
        return;
    }

    cigna_callback_answered(f, ev, op);
}


static void
cigna_callback_answered(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_token_e           e;
    const cigna_subject_t  *s = f->subject;

    e = cigna_oauth_token_reply(ev->status, ev->body, s->arena, &f->tokens);

    f->story.status = ev->status;
    f->story.error = f->tokens.error;

    if (e == cigna_token_ok) {
        cigna_client_secret_works(&f->client_secret, s->provider);
        cigna_callback_verify(f, ev, op);
        return;
    }

    if (cigna_client_secret_again(&f->client_secret, s->provider, ev->status, e,
                                  &f->tokens))
    {
        cigna_callback_exchange(f, ev, op);
        return;
    }

    cigna_callback_refused(f, op, e);
}


static void
cigna_callback_refused(cigna_callback_t *f, cigna_op_t *op, cigna_token_e e)
{
    switch (e) {

    case cigna_token_invalid_grant:
    case cigna_token_refused:
        cigna_flow_detail(f, "the token endpoint says", f->tokens.error);
        cigna_callback_end(f, op, cigna_dance_outcome_exchange_refused);
        return;

    case cigna_token_invalid:
        cigna_flow_detail(f, "not a token reply",
                          cigna_slice_str(f->tokens.shape));
        cigna_callback_end(f, op, cigna_dance_outcome_exchange_invalid);
        return;

    default:
        cigna_flow_detail(f, "the token endpoint failed",
                          cigna_slice_str(cigna_token_name(e)));
        cigna_callback_end(f, op, cigna_dance_outcome_exchange_unreachable);
        return;
    }
}


static void
cigna_callback_verify(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_jwt_e  e;

    e = cigna_callback_check(f, ev->now_ms);

    if (e == cigna_jwt_ok) {
        cigna_callback_put(f, ev, op);
        return;
    }

    /* the issuer may have new keys, perhaps one with the id of an old key */

    if ((e == cigna_jwt_unknown_kid || e == cigna_jwt_signature
         || e == cigna_jwt_alg)
        && !f->fetched_keys
        && cigna_jwks_fetch_again(f->subject->provider, ev->now_ms))
    {
        f->fetched_keys = 1;
        cigna_callback_keys(f, op, cigna_callback_st_keys_again);
        return;
    }

    cigna_flow_detail(f, "the id_token is refused",
                      cigna_slice_str(cigna_jwt_name(e)));
    cigna_callback_discard(f, op, cigna_dance_outcome_id_token_invalid);
}


/*
 * checks the id_token; returns cigna_jwt_ok also if the server has sent none
 */

static cigna_jwt_e
cigna_callback_check(cigna_callback_t *f, int64_t now_ms)
{
    cigna_jwt_expect_t       expect;
    const cigna_provider_t  *p = f->subject->provider;

    if (f->tokens.id_token.len == 0) {
        return cigna_jwt_ok;
    }

    /* if the issuer publishes keys, no id_token passes without them */

    if (p->keys->set == NULL && p->jwks_uri.len) {
        return cigna_jwt_unknown_kid;
    }

    expect.iss = cigna_callback_issuer(f);
    expect.aud = p->client_id;
    expect.nonce = f->claim.dance.nonce;
    expect.now_s = now_ms / 1000;
    expect.leeway_s = p->clock_leeway_s;

    return cigna_jwt_verify(f->tokens.id_token, p->keys->set, &expect,
                            f->subject->arena, &f->claims);
}


static void
cigna_callback_put(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    cigna_grant_t  *g;

    g = &f->grant;

    g->scope = f->subject->provider->scope;
    g->sub = f->claims.sub;
    g->fhir_user = f->claims.fhir_user;

    cigna_grant_write_tokens(f->subject->provider, &f->tokens, f->sent_ms, g);

    if (cigna_grant_install_begin(&f->install, g, ev, op) != CIGNA_OK) {
        cigna_flow_detail(f, "the grant cannot be sealed", cigna_slice_null);
        cigna_callback_discard(f, op, cigna_dance_outcome_store_failed);
        return;
    }

    f->state = cigna_callback_st_install;
}


static void
cigna_callback_stored(cigna_callback_t *f, cigna_op_t *op)
{
    switch (f->install.rc) {

    case cigna_grant_install_ok:
        f->stored = 1;
        f->changed = cigna_grant_install_changed(&f->install, &f->grant);

        if (cigna_grant_install_outdated(&f->install, &f->grant)) {
            cigna_revoke_handoff_prepare(&f->revoke,
                                         f->install.old.refresh_token,
                                         f->install.old.access_token);
        }

        cigna_callback_end(f, op, cigna_dance_outcome_connected);
        return;

    case cigna_grant_install_retired:
        cigna_flow_detail(f, "the grant was replaced or deleted at once",
                          cigna_slice_null);
        break;

    case cigna_grant_install_failed:
        cigna_flow_detail(f, "the grant cannot be stored", cigna_slice_null);
        break;
    }

    cigna_callback_discard(f, op, cigna_dance_outcome_store_failed);
}


/* ends the dance with a failure; the tokens, which no grant has, are revoked */

static void
cigna_callback_discard(cigna_callback_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome)
{
    cigna_revoke_handoff_prepare(&f->revoke, f->tokens.refresh_token,
                                 f->tokens.access_token);

    memset(&f->grant, 0, sizeof(cigna_grant_t));

    cigna_callback_end(f, op, outcome);
}


static void
cigna_callback_end(cigna_callback_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome)
{
    if (!f->claim.taken) {
        cigna_callback_report(f, op, outcome);
        return;
    }

    f->outcome = outcome;
    f->state = cigna_callback_st_end;
    cigna_dance_claim_end(&f->claim, outcome, &f->story, op);
}


/*
 * Asks $userinfo, if a grant was stored and the tenant wants the identifier;
 * otherwise reports.  Other runs do not wait, because the dance has ended.
 */

static void
cigna_callback_userinfo(cigna_callback_t *f, const cigna_event_t *ev,
    cigna_op_t *op)
{
    if (!f->stored || !f->subject->provider->userinfo) {
        cigna_callback_report(f, op, f->outcome);
        return;
    }

    f->userinfo.subject = f->subject;
    f->userinfo.id = f->grant.id;

    f->state = cigna_callback_st_userinfo;
    (void) cigna_userinfo_next(&f->userinfo, ev, op);
}


static void
cigna_callback_report(cigna_callback_t *f, cigna_op_t *op,
    cigna_dance_outcome_e outcome)
{
    f->outcome = outcome;

    if (f->dance_id.len == 0) {
        f->dance_id = f->reference;
    }

    f->state = cigna_callback_st_report;
    cigna_flow_report(op);
}


static void
cigna_callback_revoke(cigna_callback_t *f, cigna_op_t *op)
{
    f->state = cigna_callback_st_revoke;

    if (cigna_revoke_handoff_next(&f->revoke, op) != CIGNA_AGAIN) {
        cigna_flow_done(op);
    }
}


static int
cigna_callback_again(cigna_callback_t *f, cigna_op_t *op, unsigned tries)
{
    if (cigna_retry_sleep(&f->retry, op, tries, CIGNA_CALLBACK_HTTP_MS,
                          CIGNA_CALLBACK_HTTP_MAX_MS)
        != CIGNA_OK)
    {
        return 0;
    }

    f->state = cigna_callback_st_sleep;

    return 1;
}

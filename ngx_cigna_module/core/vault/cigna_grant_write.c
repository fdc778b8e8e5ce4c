
/*
 * The reply to a refresh may have the tokens of another member.  id_token and
 * patient decide:
 *
 *   id_token                                    tokens are
 *   --------                                    ----------
 *   absent, not readable, or without "sub"      the member's
 *   the grant's "sub"                           the member's
 *   another "sub", signature valid              another member's
 *   another "sub", signature not valid:
 *     the tenant's issuer, or it is not known   another member's
 *     another issuer, or none                   the member's
 *   any, and the grant has no "sub"             the member's; the grant gets
 *                                               the "sub" if the other claims
 *                                               are valid (the signature is not
 *                                               checked)
 *
 *   patient                                     tokens are
 *   -------                                     ----------
 *   absent, or malformed                        the member's
 *   the grant's, as an id, Patient/id or URL    the member's; the grant's
 *                                               notation stays
 *   another one                                 another member's
 *   any, and the grant has none                 the member's; the grant gets it
 */


#include <string.h>

#include "cigna_grant_write.h"


/*
 * how long Redis keeps a grant without a refresh token after the access token
 * has expired
 */

#define CIGNA_GRANT_WRITE_TAIL_MS  (7 * 24 * 3600 * (int64_t) 1000)


static cigna_slice_t cigna_grant_write_either(cigna_slice_t a, cigna_slice_t b);
static cigna_slice_t cigna_grant_write_patient(const cigna_provider_t *p,
    cigna_slice_t s);
static int cigna_grant_write_stranger(const cigna_subject_t *s,
    cigna_slice_t id_token, const cigna_grant_t *g);
static void cigna_grant_write_learn(const cigna_subject_t *s,
    cigna_slice_t id_token, int64_t now_ms, cigna_grant_t *g);


void
cigna_grant_write_tokens(const cigna_provider_t *p,
    const cigna_token_reply_t *tokens, int64_t sent_ms, cigna_grant_t *g)
{
    int64_t  life_s;

    life_s = tokens->expires_in_s > 0 ? tokens->expires_in_s
                                      : p->token_lifetime_s;

    g->access_token = tokens->access_token;
    g->refresh_token = cigna_grant_write_either(tokens->refresh_token,
                                                g->refresh_token);
    g->scope = cigna_grant_write_either(tokens->scope, g->scope);

    if (g->patient.len == 0
        || cigna_grant_write_other_patient(p, g->patient, tokens->patient))
    {
        g->patient = tokens->patient;
    }

    g->obtained_ms = sent_ms;
    g->expires_ms = sent_ms + life_s * 1000;
}


/* a, or b if a is empty */

static cigna_slice_t
cigna_grant_write_either(cigna_slice_t a, cigna_slice_t b)
{
    return a.len ? a : b;
}


int
cigna_grant_write_same(const cigna_subject_t *s,
    const cigna_token_reply_t *tokens, int64_t now_ms, cigna_grant_t *g,
    const char **why)
{
    *why = "tokens for another patient came";

    if (cigna_grant_write_other_patient(s->provider, g->patient,
                                        tokens->patient))
    {
        return CIGNA_ERROR;
    }

    if (tokens->id_token.len == 0) {
        return CIGNA_OK;
    }

    if (cigna_grant_write_stranger(s, tokens->id_token, g)) {
        *why = "tokens of another subject came";
        return CIGNA_ERROR;
    }

    cigna_grant_write_learn(s, tokens->id_token, now_ms, g);

    return CIGNA_OK;
}


/*
 * An id_token is optional in the reply to a refresh (OpenID Connect Core,
 * 12.2).  An invalid "aud" or "exp" is not a reason to drop the only refresh
 * token that works: the id_token came over TLS from the token endpoint,
 * together with the tokens.
 *
 * The tokens are another member's only if the id_token names another subject.
 * In addition, the tenant's issuer must have signed the id_token, or be its
 * "iss", or the gateway must not know the issuer.
 */

static int
cigna_grant_write_stranger(const cigna_subject_t *s, cigna_slice_t id_token,
    const cigna_grant_t *g)
{
    int                      good;
    cigna_id_token_t         claims;
    const cigna_provider_t  *p = s->provider;

    if (g->sub.len == 0
        || cigna_jwt_read(id_token, p->keys->set, s->arena, &claims, &good)
           != cigna_jwt_ok
        || cigna_slice_eq(g->sub, claims.sub))
    {
        return 0;
    }

    return good || p->issuer.len == 0 || cigna_slice_eq(claims.iss, p->issuer);
}


/*
 * Puts the id_token's subject into a grant that has none, if issuer, audience
 * and times of the token are right.  The signature is not checked, because the
 * issuer may have signed with a key that is not known yet.
 */

static void
cigna_grant_write_learn(const cigna_subject_t *s, cigna_slice_t id_token,
    int64_t now_ms, cigna_grant_t *g)
{
    cigna_id_token_t    claims;
    cigna_jwt_expect_t  expect;

    if (g->sub.len) {
        return;
    }

    memset(&expect, 0, sizeof(cigna_jwt_expect_t));
    expect.iss = s->provider->issuer;
    expect.aud = s->provider->client_id;
    expect.now_s = now_ms / 1000;
    expect.leeway_s = s->provider->clock_leeway_s;

    if (cigna_jwt_verify(id_token, NULL, &expect, s->arena, &claims)
        == cigna_jwt_ok)
    {
        g->sub = claims.sub;
    }
}


int
cigna_grant_write_other_patient(const cigna_provider_t *p, cigna_slice_t a,
    cigna_slice_t b)
{
    a = cigna_grant_write_patient(p, a);
    b = cigna_grant_write_patient(p, b);

    return a.len && b.len && !cigna_slice_eq(a, b);
}


/*
 * the logical id in a reference to a Patient; any other text stays, but may
 * lose white space at its ends
 */

static cigna_slice_t
cigna_grant_write_patient(const cigna_provider_t *p, cigna_slice_t s)
{
    cigna_slice_t  rest;

    rest = cigna_slice_trim(s);

    if (p->fhir_base.len && cigna_slice_starts(rest, p->fhir_base)) {
        rest = cigna_slice_skip(rest, p->fhir_base.len);

        if (rest.len == 0 || rest.data[0] != '/') {
            return s;
        }
    }

    if (rest.len && rest.data[0] == '/') {
        rest = cigna_slice_skip(rest, 1);
    }

    if (!cigna_slice_starts(rest, cigna_slice("Patient/"))) {
        return cigna_slice_trim(s);
    }

    rest = cigna_slice_skip(rest, sizeof("Patient/") - 1);

    return cigna_slice_cut(&rest, '/');
}


uint64_t
cigna_grant_write_kept_ms(const cigna_provider_t *p, const cigna_grant_t *g,
    int64_t now_ms)
{
    int64_t  left, ttl;

    left = g->expires_ms > now_ms ? g->expires_ms - now_ms : 0;

    if (g->refresh_token.len) {
        ttl = p->grant_ttl_s * 1000;

        /* Redis keeps a record at least until its access token expires */

        return (uint64_t) (ttl > left ? ttl : left);
    }

    return (uint64_t) (left + CIGNA_GRANT_WRITE_TAIL_MS);
}


int
cigna_grant_write_args(const cigna_subject_t *s, const cigna_grant_t *g,
    uint64_t kept_ms, const uint8_t *nonce,
    cigna_slice_t argv[CIGNA_GRANT_WRITE_ARGC])
{
    argv[0] = g->id;
    argv[1] = cigna_flow_uint(s->arena, g->generation);

    if (cigna_vault_seal_grant(s, g, nonce, &argv[2]) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    argv[3] = cigna_flow_uint(s->arena, kept_ms);
    argv[4] = cigna_script_channel(s);
    argv[5] = cigna_script_identity(s->identity);

    return s->arena->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_grant_write_swap(const cigna_subject_t *s, const cigna_grant_t *g,
    cigna_slice_t owner, uint64_t kept_ms, const uint8_t *nonce,
    cigna_op_t *op)
{
    int            spent;
    cigna_slice_t  argv[4 + CIGNA_GRANT_WRITE_ARGC];

    spent = g->state == cigna_grant_spent;

    argv[0] = s->identity->grant_key;
    argv[1] = s->identity->lock_key;
    argv[2] = owner;
    argv[3 + CIGNA_GRANT_WRITE_ARGC] = cigna_slice_str(spent ? "1" : "");

    if (cigna_grant_write_args(s, g, kept_ms, nonce, &argv[3]) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_script_run(op, cigna_script_grant_swap, argv,
                     4 + CIGNA_GRANT_WRITE_ARGC);

    /*
     * replicas need not confirm that a grant is spent: if Redis loses that, the
     * next refusal marks the grant again
     */

    op->redis.durable = !spent;

    return CIGNA_OK;
}


cigna_journal_t
cigna_grant_write_entry(const cigna_subject_t *s, const cigna_grant_t *g,
    cigna_slice_t blob, int64_t now_ms, uint64_t kept_ms)
{
    return (cigna_journal_t) {
        .tenant = s->provider->tenant,
        .identity = cigna_script_identity(s->identity),
        .id = g->id,
        .generation = blob.len ? g->generation : 0,
        .made_ms = now_ms,
        .until_ms = now_ms + (int64_t) kept_ms,
        .blob = blob
    };
}


cigna_slice_t
cigna_grant_write_swap_blob(const cigna_op_t *op)
{
    return op->redis.argv[5];
}

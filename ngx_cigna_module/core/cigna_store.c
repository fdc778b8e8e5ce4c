
#include "cigna_store.h"


/* a grant without refresh token ends with its access token, about */

#define CIGNA_STORE_TAIL_MS  (7 * 24 * 3600 * (int64_t) 1000)


static cigna_slice_t cigna_store_newer(cigna_slice_t fresh, cigna_slice_t old);


void
cigna_store_tokens(const cigna_provider_t *p,
    const cigna_token_reply_t *tokens, int64_t sent_ms, cigna_grant_t *g)
{
    int64_t  life_s;

    life_s = tokens->expires_in_s > 0 ? tokens->expires_in_s
                                      : p->token_lifetime_s;

    g->access_token = tokens->access_token;
    g->refresh_token = cigna_store_newer(tokens->refresh_token,
                                         g->refresh_token);
    g->scope = cigna_store_newer(tokens->scope, g->scope);
    g->patient = cigna_store_newer(tokens->patient, g->patient);
    g->obtained_ms = sent_ms;
    g->expires_ms = sent_ms + life_s * 1000;
}


static cigna_slice_t
cigna_store_newer(cigna_slice_t fresh, cigna_slice_t old)
{
    return fresh.len ? fresh : old;
}


uint64_t
cigna_store_kept_ms(const cigna_provider_t *p, const cigna_grant_t *g,
    int64_t now_ms)
{
    int64_t  left;

    if (g->refresh_token.len) {
        return (uint64_t) p->grant_ttl_s * 1000;
    }

    left = g->expires_ms > now_ms ? g->expires_ms - now_ms : 0;

    return (uint64_t) (left + CIGNA_STORE_TAIL_MS);
}


int
cigna_store_args(const cigna_vault_t *vault, const cigna_provider_t *p,
    const cigna_identity_t *id, const cigna_grant_t *g, uint64_t kept_ms,
    const uint8_t *nonce, cigna_arena_t *a,
    cigna_slice_t argv[CIGNA_STORE_ARGC])
{
    argv[0] = g->id;
    argv[5] = cigna_script_who(id);

    if (cigna_flow_uint(a, g->generation, &argv[1]) != CIGNA_OK
        || cigna_vault_seal_grant(vault, p, id, g, nonce, a, &argv[2])
           != CIGNA_OK
        || cigna_flow_uint(a, kept_ms, &argv[3]) != CIGNA_OK
        || cigna_script_channel(vault, a, &argv[4]) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}

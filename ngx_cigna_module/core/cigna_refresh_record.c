
/*
 * What a refresh makes of a record, without doing anything about it.
 */


#include <string.h>

#include "cigna_refresh.h"


/* clocks may differ by two minutes; by more than this, one was set back */

#define CIGNA_REFRESH_STEP_MS    (5 * 60 * 1000)

/*
 * A token that was refused right after it was made because the one before was
 * refused is not refreshed for so long: it is not the token that is wrong.
 */

#define CIGNA_REFRESH_FORCED_MS  (5 * 60 * 1000)


static int cigna_refresh_is_refused(const cigna_refresh_t *f);

cigna_refresh_e
cigna_refresh_record(const cigna_refresh_t *f, const cigna_reply_t *record,
    cigna_grant_t *g, const char **why)
{
    memset(g, 0, sizeof(cigna_grant_t));

    switch (cigna_vault_read_grant(f->vault, f->provider, f->identity, record,
                                   f->arena, g, NULL, NULL))
    {
    case CIGNA_OK:
        *why = "refused before";
        return g->state == cigna_grant_spent ? cigna_refresh_spent
                                             : cigna_refresh_ok;

    case CIGNA_NONE:
        *why = "there is no grant";
        return cigna_refresh_no_grant;

    case CIGNA_VAULT_MOVED:
        *why = "made for another registration";
        return cigna_refresh_moved;

    case CIGNA_SEAL_UNKNOWN_KEY:
        *why = "the key ring lacks the record's key";
        return cigna_refresh_unknown_key;

    case CIGNA_SEAL_DAMAGED:
        *why = "the record is damaged";
        return cigna_refresh_damaged;

    case CIGNA_AGAIN:
        *why = "Redis cannot be asked";
        return cigna_refresh_vault;

    default:
        *why = "the record cannot be opened";
        return cigna_refresh_vault;
    }
}


cigna_refresh_e
cigna_refresh_verdict(const cigna_refresh_t *f, int64_t now_ms,
    const char **why)
{
    int                   usable;
    int64_t               age_ms;
    const cigna_grant_t  *g;

    g = &f->grant;
    usable = cigna_refresh_usable(f, now_ms);

    *why = NULL;

    if (cigna_refresh_behind(f)) {
        *why = "the vault is behind this node's journal";
        return cigna_refresh_unavailable;
    }

    if (g->refresh_token.len == 0) {

        if (usable) {
            return cigna_refresh_ok;
        }

        *why = "there is no refresh token";
        return cigna_refresh_spent;
    }

    if (usable && now_ms < cigna_refresh_due_ms(f->provider, g)
        && !cigna_refresh_set_back(g, now_ms))
    {
        return cigna_refresh_ok;
    }

    if (!cigna_refresh_is_refused(f)) {
        return cigna_refresh_pending;
    }

    /* its refresh token was spent on what the FHIR server has refused */

    if (g->generation < f->refused_generation) {
        *why = "the vault is behind what this node has used";
        return cigna_refresh_unavailable;
    }

    age_ms = now_ms - g->obtained_ms;

    if (g->forced && age_ms < CIGNA_REFRESH_FORCED_MS
        && age_ms > -CIGNA_REFRESH_STEP_MS)
    {
        *why = "the FHIR server refuses fresh tokens";
        return cigna_refresh_refused;
    }

    return cigna_refresh_pending;
}


int
cigna_refresh_usable(const cigna_refresh_t *f, int64_t now_ms)
{
    const cigna_grant_t  *g;

    g = &f->grant;

    return !cigna_refresh_is_refused(f) && g->access_token.len
           && now_ms < g->expires_ms;
}


int
cigna_refresh_behind(const cigna_refresh_t *f)
{
    return f->ahead_id.len && cigna_slice_eq(f->grant.id, f->ahead_id)
           && f->grant.generation < f->ahead_generation;
}


static int
cigna_refresh_is_refused(const cigna_refresh_t *f)
{
    return f->refused_id.len && cigna_slice_eq(f->grant.id, f->refused_id)
           && f->grant.generation <= f->refused_generation;
}


int
cigna_refresh_set_back(const cigna_grant_t *g, int64_t now_ms)
{
    return now_ms < g->obtained_ms - CIGNA_REFRESH_STEP_MS;
}


int64_t
cigna_refresh_due_ms(const cigna_provider_t *p, const cigna_grant_t *g)
{
    int64_t  life_ms, ahead_ms;

    /* no earlier than half way, however short the life is */

    life_ms = g->expires_ms - g->obtained_ms;
    ahead_ms = p->refresh_ahead_s * 1000;

    return g->expires_ms - (ahead_ms < life_ms / 2 ? ahead_ms : life_ms / 2);
}


const char *
cigna_refresh_name(cigna_refresh_e rc)
{
    static const char *const  names[] = {
        [cigna_refresh_pending] = "pending",
        [cigna_refresh_ok] = "ok",
        [cigna_refresh_no_grant] = "no_grant",
        [cigna_refresh_spent] = "spent",
        [cigna_refresh_moved] = "moved",
        [cigna_refresh_refused] = "refused",
        [cigna_refresh_unavailable] = "unavailable",
        [cigna_refresh_paused] = "paused",
        [cigna_refresh_vault] = "vault",
        [cigna_refresh_damaged] = "damaged",
        [cigna_refresh_unknown_key] = "unknown_key"
    };

    return rc <= cigna_refresh_unknown_key ? names[rc] : "unknown";
}


/*
 * How a refresh reads a record.
 */


#include <string.h>

#include "cigna_refresh_flow.h"


cigna_refresh_e
cigna_refresh_record(const cigna_refresh_t *f, const cigna_reply_t *record,
    cigna_grant_t *g, cigna_vault_mark_t *mark, const char **why)
{
    memset(g, 0, sizeof(cigna_grant_t));

    switch (cigna_vault_read_grant(f->vault, f->provider, f->identity, record,
                                   f->arena, g, mark))
    {
    case CIGNA_OK:
        return cigna_refresh_ok;

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

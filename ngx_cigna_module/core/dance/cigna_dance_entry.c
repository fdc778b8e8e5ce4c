
#include "cigna_dance_entry.h"
#include "vault/cigna_grant.h"


cigna_slice_t
cigna_dance_entry_text(cigna_arena_t *a, const cigna_dance_entry_t *e)
{
    return cigna_flow_words(a, e->name, e->id, e->tenant, e->identity);
}


int
cigna_dance_entry_parse(cigna_slice_t text, cigna_dance_entry_t *e)
{
    e->name = cigna_slice_cut(&text, ' ');
    e->id = cigna_slice_cut(&text, ' ');
    e->tenant = cigna_slice_cut(&text, ' ');
    e->identity = text;

    return e->name.len == CIGNA_NAME_LEN
           && e->id.len == CIGNA_DANCE_ID_LEN
           && e->tenant.len == CIGNA_TENANT_LEN
           && e->identity.len == CIGNA_NAME_LEN
           && cigna_slice_only(e->name, "-_")
           && cigna_slice_only(e->id, "-_")
           && cigna_slice_only(e->tenant, "-_")
           && cigna_slice_only(e->identity, "-_")
           ? CIGNA_OK : CIGNA_ERROR;
}

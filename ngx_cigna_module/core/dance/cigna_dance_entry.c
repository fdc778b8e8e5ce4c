
#include "cigna_dance_entry.h"
#include "vault/cigna_grant.h"


void
cigna_dance_entry_append(cigna_buf_t *b, const cigna_dance_entry_t *e)
{
    cigna_buf_append(b, e->name);
    cigna_buf_append_char(b, ' ');
    cigna_buf_append(b, e->id);
    cigna_buf_append_char(b, ' ');
    cigna_buf_append(b, e->tenant);
    cigna_buf_append_char(b, ' ');
    cigna_buf_append(b, e->identity);
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

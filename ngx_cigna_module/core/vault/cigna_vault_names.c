
#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_vault_names.h"


#define CIGNA_NAME_BYTES  20               /* give CIGNA_NAME_LEN characters */


static int cigna_vault_names_keys(cigna_vault_names_t *id,
    const cigna_vault_t *vault);
static int cigna_vault_names_append_name(cigna_buf_t *b,
    const cigna_vault_t *vault, const cigna_slice_t *parts, size_t count);
static cigna_slice_t cigna_vault_names_append_key(cigna_buf_t *b,
    const cigna_vault_t *vault, const char *kind, cigna_slice_t name);


int
cigna_vault_names_valid(cigna_slice_t member)
{
    size_t  i;

    if (member.len == 0 || member.len > CIGNA_MEMBER_MAX) {
        return 0;
    }

    for (i = 0; i < member.len; i++) {
        if (member.data[i] < 0x20 || member.data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


int
cigna_vault_names_init(cigna_vault_names_t *id, const cigna_vault_t *vault,
    cigna_slice_t tenant, cigna_slice_t member)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, id->hash, sizeof(id->hash));

    if (!cigna_vault_names_valid(member)
        || cigna_vault_names_append_print(&b, vault, "member", tenant, member)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_vault_names_keys(id, vault);
}


int
cigna_vault_names_known(cigna_vault_names_t *id, const cigna_vault_t *vault,
    cigna_slice_t hash)
{
    if (hash.len != CIGNA_NAME_LEN) {
        return CIGNA_ERROR;
    }

    memcpy(id->hash, hash.data, CIGNA_NAME_LEN);

    return cigna_vault_names_keys(id, vault);
}


static int
cigna_vault_names_keys(cigna_vault_names_t *id, const cigna_vault_t *vault)
{
    cigna_buf_t    b;
    cigna_slice_t  name;

    name = cigna_slice_make(id->hash, id->hash + CIGNA_NAME_LEN);

    cigna_buf_init(&b, id->mem, sizeof(id->mem));

    id->grant_key = cigna_vault_names_append_key(&b, vault, ":g:{", name);
    id->lock_key = cigna_vault_names_append_key(&b, vault, ":l:{", name);
    id->dances_key = cigna_vault_names_append_key(&b, vault, ":o:{", name);

    return b.overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_vault_names_append_print(cigna_buf_t *b, const cigna_vault_t *vault,
    const char *kind, cigna_slice_t tenant, cigna_slice_t name)
{
    cigna_slice_t  parts[] = { cigna_slice_str(kind), tenant, name };

    return cigna_vault_names_append_name(b, vault, parts, 3);
}


int
cigna_vault_append_dance_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t state)
{
    uint8_t        mem[CIGNA_NAME_LEN];
    cigna_buf_t    name;
    cigna_slice_t  parts[] = { cigna_slice("state"), state };

    cigna_buf_init(&name, mem, sizeof(mem));

    if (cigna_vault_names_append_name(&name, vault, parts, 2) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    (void) cigna_vault_names_append_key(b, vault, ":d:{",
                                        cigna_buf_slice(&name));

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


static int
cigna_vault_names_append_name(cigna_buf_t *b, const cigna_vault_t *vault,
    const cigna_slice_t *parts, size_t count)
{
    uint8_t  hash[CIGNA_SHA256_LEN];

    if (cigna_keyring_name(vault->ring, parts, count, hash) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_base64url_append(b, cigna_slice_make(hash, hash + CIGNA_NAME_BYTES));

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


/*
 * The name is the hash tag, in braces.  So a cluster keeps all Redis keys of a
 * name in one slot.
 */

static cigna_slice_t
cigna_vault_names_append_key(cigna_buf_t *b, const cigna_vault_t *vault,
    const char *kind, cigna_slice_t name)
{
    uint8_t  *start;

    start = b->pos;

    cigna_buf_append(b, vault->prefix);
    cigna_buf_append_str(b, kind);
    cigna_buf_append(b, name);
    cigna_buf_append_char(b, '}');

    return cigna_slice_make(start, b->pos);
}

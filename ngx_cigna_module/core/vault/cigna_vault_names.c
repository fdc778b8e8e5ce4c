
#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_vault_names.h"


#define CIGNA_NAME_BYTES    20             /* for CIGNA_NAME_LEN characters */
#define CIGNA_TENANT_BYTES  9              /* for CIGNA_TENANT_LEN characters */


static int cigna_vault_names_keys(cigna_vault_names_t *id,
    const cigna_vault_t *vault);
static int cigna_vault_names_append_name(cigna_buf_t *b,
    const cigna_vault_t *vault, const cigna_slice_t *parts, size_t count,
    size_t bytes);
static void cigna_vault_names_shard(uint8_t digits[2], unsigned shard);
static cigna_slice_t cigna_vault_names_append_key(cigna_buf_t *b,
    const cigna_vault_t *vault, const char *kind, cigna_slice_t tag,
    const char *sign, cigna_slice_t rest);


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
    cigna_buf_t  b, t;

    cigna_buf_init(&b, id->hash, sizeof(id->hash));
    cigna_buf_init(&t, id->tenant, sizeof(id->tenant));

    if (!cigna_vault_names_valid(member)
        || cigna_vault_names_append_print(&b, vault, "member", tenant, member)
           != CIGNA_OK
        || cigna_vault_append_tenant(&t, vault, tenant) != CIGNA_OK)
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
    memset(id->tenant, '-', CIGNA_TENANT_LEN);

    return cigna_vault_names_keys(id, vault);
}


static int
cigna_vault_names_keys(cigna_vault_names_t *id, const cigna_vault_t *vault)
{
    uint8_t        digits[2];
    unsigned       shard;
    cigna_buf_t    b;
    cigna_slice_t  name, tag;

    name = cigna_slice_make(id->hash, id->hash + CIGNA_NAME_LEN);
    tag = cigna_slice_make(digits, digits + 2);

    /* the first character of the name tells the shard */

    shard = cigna_base64url_value(id->hash[0]) % CIGNA_SHARDS;
    cigna_vault_names_shard(digits, shard);

    cigna_buf_init(&b, id->mem, sizeof(id->mem));

    id->grant_key = cigna_vault_names_append_key(&b, vault, ":g:{", name, "",
                                                 cigna_slice_null);
    id->lock_key = cigna_vault_names_append_key(&b, vault, ":l:{", name, "",
                                                cigna_slice_null);
    id->dances_key = cigna_vault_names_append_key(&b, vault, ":o:{", tag, ":",
                                                  name);
    id->open_key = cigna_vault_names_append_key(&b, vault, ":i:{", tag, "",
                                                cigna_slice_null);
    id->ended_key = cigna_vault_names_append_key(&b, vault, ":e:{", tag, "",
                                                 cigna_slice_null);
    id->counts_key = cigna_vault_names_append_key(&b, vault, ":c:{", tag, ":",
                                                  cigna_slice_null);

    /* no other key is longer than dances_key */

    return b.overflow || id->dances_key.len > CIGNA_KEY_MAX ? CIGNA_ERROR
                                                            : CIGNA_OK;
}


/* the number of the shard in two decimal digits, as it stands in keys */

static void
cigna_vault_names_shard(uint8_t digits[2], unsigned shard)
{
    digits[0] = (uint8_t) ('0' + shard / 10);
    digits[1] = (uint8_t) ('0' + shard % 10);
}


int
cigna_vault_names_append_print(cigna_buf_t *b, const cigna_vault_t *vault,
    const char *kind, cigna_slice_t tenant, cigna_slice_t name)
{
    cigna_slice_t  parts[] = { cigna_slice_str(kind), tenant, name };

    return cigna_vault_names_append_name(b, vault, parts, 3, CIGNA_NAME_BYTES);
}


int
cigna_vault_append_tenant(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t tenant)
{
    cigna_slice_t  parts[] = { cigna_slice("tenant"), tenant };

    return cigna_vault_names_append_name(b, vault, parts, 2,
                                         CIGNA_TENANT_BYTES);
}


void
cigna_vault_append_open_key(cigna_buf_t *b, const cigna_vault_t *vault,
    unsigned shard)
{
    uint8_t  digits[2];

    cigna_vault_names_shard(digits, shard);

    (void) cigna_vault_names_append_key(b, vault, ":i:{",
                                        cigna_slice_make(digits, digits + 2),
                                        "", cigna_slice_null);
}


void
cigna_vault_append_named_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t name)
{
    (void) cigna_vault_names_append_key(b, vault, ":d:{", name, "",
                                        cigna_slice_null);
}


int
cigna_vault_append_dance_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t state)
{
    uint8_t        mem[CIGNA_NAME_LEN];
    cigna_buf_t    name;
    cigna_slice_t  parts[] = { cigna_slice("state"), state };

    cigna_buf_init(&name, mem, sizeof(mem));

    if (cigna_vault_names_append_name(&name, vault, parts, 2, CIGNA_NAME_BYTES)
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    cigna_vault_append_named_key(b, vault, cigna_buf_slice(&name));

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


static int
cigna_vault_names_append_name(cigna_buf_t *b, const cigna_vault_t *vault,
    const cigna_slice_t *parts, size_t count, size_t bytes)
{
    uint8_t  hash[CIGNA_SHA256_LEN];

    if (cigna_keyring_name(vault->ring, parts, count, hash) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_base64url_append(b, cigna_slice_make(hash, hash + bytes));

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


/*
 * The name or the shard's number is the hash tag, in braces.  So a cluster
 * keeps all Redis keys of a name, or of a shard, in one slot.
 */

static cigna_slice_t
cigna_vault_names_append_key(cigna_buf_t *b, const cigna_vault_t *vault,
    const char *kind, cigna_slice_t tag, const char *sign, cigna_slice_t rest)
{
    uint8_t  *start = b->pos;

    cigna_buf_append(b, vault->prefix);
    cigna_buf_append_str(b, kind);
    cigna_buf_append(b, tag);
    cigna_buf_append_char(b, '}');
    cigna_buf_append_str(b, sign);
    cigna_buf_append(b, rest);

    return cigna_slice_make(start, b->pos);
}


#include <string.h>

#include "http/cigna_base64url.h"
#include "cigna_vault_names.h"


#define CIGNA_NAME_BYTES    20             /* for CIGNA_NAME_LEN characters */
#define CIGNA_TENANT_BYTES  9              /* for CIGNA_TENANT_LEN characters */


static int cigna_vault_names_keys(cigna_vault_names_t *id,
    const cigna_vault_t *vault);
static unsigned cigna_vault_names_shard(const cigna_vault_names_t *id);
static int cigna_vault_names_append_name(cigna_buf_t *b,
    const cigna_vault_t *vault, const cigna_slice_t *parts, size_t count,
    size_t bytes);
static cigna_slice_t cigna_vault_names_append_key(cigna_buf_t *b,
    const cigna_vault_t *vault, const char *kind, cigna_slice_t name);
static cigna_slice_t cigna_vault_names_append_shard(cigna_buf_t *b,
    const cigna_vault_t *vault, const char *kind, unsigned shard,
    const char *sign, cigna_slice_t name);


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
    unsigned       shard;
    cigna_buf_t    b;
    cigna_slice_t  name;

    name = cigna_slice_make(id->hash, id->hash + CIGNA_NAME_LEN);

    cigna_buf_init(&b, id->mem, sizeof(id->mem));

    id->grant_key = cigna_vault_names_append_key(&b, vault, ":g:{", name);
    id->lock_key = cigna_vault_names_append_key(&b, vault, ":l:{", name);

    shard = cigna_vault_names_shard(id);

    id->dances_key = cigna_vault_names_append_shard(&b, vault, ":o:{", shard,
                                                    ":", name);
    id->open_key = cigna_vault_names_append_shard(&b, vault, ":i:{", shard,
                                                  "", cigna_slice_null);
    id->ended_key = cigna_vault_names_append_shard(&b, vault, ":e:{", shard,
                                                   "", cigna_slice_null);
    id->counts_key = cigna_vault_names_append_shard(&b, vault, ":c:{", shard,
                                                    ":", cigna_slice_null);

    /* dances_key is the longest one */

    return b.overflow || id->dances_key.len > CIGNA_KEY_MAX ? CIGNA_ERROR
                                                            : CIGNA_OK;
}


/* the value of the first character as a digit in base64url */

static unsigned
cigna_vault_names_shard(const cigna_vault_names_t *id)
{
    uint8_t  c;

    c = id->hash[0];

    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return 26 + c - 'a';
    }

    if (c >= '0' && c <= '9') {
        return 52 + c - '0';
    }

    return c == '-' ? 62 : 63;
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
    (void) cigna_vault_names_append_shard(b, vault, ":i:{", shard, "",
                                          cigna_slice_null);
}


void
cigna_vault_append_named_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t name)
{
    (void) cigna_vault_names_append_key(b, vault, ":d:{", name);
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


/*
 * appends the key of a shard; the {hash tag} is the shard's number, in two
 * digits
 */

static cigna_slice_t
cigna_vault_names_append_shard(cigna_buf_t *b, const cigna_vault_t *vault,
    const char *kind, unsigned shard, const char *sign, cigna_slice_t name)
{
    uint8_t  *start;

    start = b->pos;

    cigna_buf_append(b, vault->prefix);
    cigna_buf_append_str(b, kind);
    cigna_buf_append_char(b, (uint8_t) ('0' + shard / 10));
    cigna_buf_append_char(b, (uint8_t) ('0' + shard % 10));
    cigna_buf_append_char(b, '}');
    cigna_buf_append_str(b, sign);
    cigna_buf_append(b, name);

    return cigna_slice_make(start, b->pos);
}

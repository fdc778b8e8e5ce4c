
#ifndef _CIGNA_VAULT_NAMES_H_INCLUDED_
#define _CIGNA_VAULT_NAMES_H_INCLUDED_


#include "cigna_keyring.h"


/*
 * The vault's keys in Redis, and the names in them.
 *
 *     <prefix>:g:{<identity>}   grant    hash: i id, g generation, b blob,
 *                                        c connected, s spent at, m mark
 *                                        (write-ahead), n attempts, o owner of
 *                                        the mark, r last refusal, x ids of
 *                                        replaced and deleted grants
 *     <prefix>:l:{<identity>}   lock     string: owner
 *     <prefix>:d:{<state>}      dance    hash: b blob, s secret hash,
 *                                        w identity, n tenant, d dance id,
 *                                        a start, e expiry, t taken until,
 *                                        k taker, o outcome, z run that ended
 *                                        it, r return_to, y story
 *
 * Dances are counted in 64 shards.  The keys of a shard are in one hash slot:
 *
 *     <prefix>:o:{<shard>}:<identity>   open dances of a member, by start
 *     <prefix>:i:{<shard>}              all open dances, by deadline
 *     <prefix>:e:{<shard>}              ended dances, by end
 *     <prefix>:c:{<shard>}:<hour>       hash: ends by tenant and outcome
 *
 * <identity> is a keyed hash of tenant and member, and <state> is a keyed hash
 * of the state parameter.  A tenant is a keyed hash of its name.  The first
 * character of <identity> tells the shard.  So Redis has no member's name, and
 * nothing with which a reader of Redis could complete a dance.
 */

typedef struct {
    cigna_keyring_t  *ring;
    cigna_slice_t     prefix;
    cigna_slice_t     node;                /* name of this node, for stories */
    unsigned          stories;             /* the most ended dances that Redis
                                              keeps with their stories; 0:
                                              none */
} cigna_vault_t;


#define CIGNA_NAME_LEN     27              /* 20 bytes in base64url */
#define CIGNA_TENANT_LEN   12              /* 9 bytes in base64url */
#define CIGNA_SHARDS       64

/* the share of a shard in vault->stories, rounded up */

#define cigna_vault_shard_stories(vault)                                      \
    (((vault)->stories + CIGNA_SHARDS - 1) / CIGNA_SHARDS)

#define CIGNA_KEY_MAX      128
#define CIGNA_MEMBER_MAX   256


/*
 * The vault's names for an identity, filled by cigna_vault_names_init().  The
 * Redis keys point into "mem", so the struct must not be copied by assignment.
 */

typedef struct {
    uint8_t          hash[CIGNA_NAME_LEN];  /* value of $cigna_member */
    uint8_t          tenant[CIGNA_TENANT_LEN];
    uint8_t          mem[6 * CIGNA_KEY_MAX];
    cigna_slice_t    grant_key;
    cigna_slice_t    lock_key;
    cigna_slice_t    dances_key;           /* open dances of the member */
    cigna_slice_t    open_key;             /* of the shard, as are the others */
    cigna_slice_t    ended_key;
    cigna_slice_t    counts_key;           /* without the hour */
} cigna_vault_names_t;


/*
 * CIGNA_ERROR if the member is empty, longer than CIGNA_MEMBER_MAX bytes or has
 * control bytes, or if the library fails.
 */
int cigna_vault_names_init(cigna_vault_names_t *id, const cigna_vault_t *vault,
    cigna_slice_t tenant, cigna_slice_t member);

/*
 * The same from a member's keyed hash, which does not tell the tenant.
 * CIGNA_ERROR if the hash is malformed.
 */
int cigna_vault_names_known(cigna_vault_names_t *id, const cigna_vault_t *vault,
    cigna_slice_t hash);

/* 1 if the bytes may name a member */
int cigna_vault_names_valid(cigna_slice_t member);

/*
 * Appends CIGNA_NAME_LEN characters by which logs tell people apart without
 * their names: a keyed hash of kind ("member", "subject" or "patient"), tenant
 * and name.  CIGNA_ERROR if the name is too long.
 */
int cigna_vault_names_append_print(cigna_buf_t *b, const cigna_vault_t *vault,
    const char *kind, cigna_slice_t tenant, cigna_slice_t name);

/* appends CIGNA_TENANT_LEN characters, a keyed hash of a tenant's name */
int cigna_vault_append_tenant(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t tenant);

/* appends the key of a shard's open dances */
void cigna_vault_append_open_key(cigna_buf_t *b, const cigna_vault_t *vault,
    unsigned shard);

/* appends <state>, which is CIGNA_NAME_LEN characters */
int cigna_vault_append_dance_name(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t state);

/* appends the Redis key of the dance with this <state> */
void cigna_vault_append_named_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t name);

/* appends the Redis key of the dance with this state */
int cigna_vault_append_dance_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t state);


#endif /* _CIGNA_VAULT_NAMES_H_INCLUDED_ */

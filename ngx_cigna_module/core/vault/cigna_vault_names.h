
#ifndef _CIGNA_VAULT_NAMES_H_INCLUDED_
#define _CIGNA_VAULT_NAMES_H_INCLUDED_


#include "cigna_keyring.h"


/*
 * The vault's keys in Redis, and the names in them.
 *
 *     <prefix>:g:{<identity>}   the member's grant, a hash:
 *         i   id of the grant
 *         g   generation
 *         b   sealed grant
 *         c   when the member connected, see grant_install in cigna_scripts.c
 *         s   when the grant was marked spent, or "1" (version 0.4.0)
 *         m   mark: the last attempt to refresh the grant ends before this time
 *         n   number of attempts that may have had an effect
 *         o   owner of the mark: random text that names a run, or "rename"
 *         r   generation and time of the last refusal that was not final
 *         x   ids of the last eight grants that were replaced or deleted
 *         v   identity under the tenant's other name (scripts/vault rename)
 *         w   the mark before "scripts/vault rename" replaced it
 *
 *     <prefix>:l:{<identity>}   lock, a string: random text that names a run
 *
 *     <prefix>:d:{<state>}      dance, a hash:
 *         d   dance id
 *         n   tenant
 *         w   identity
 *         s   hash of the browser's secret
 *         b   sealed dance; removed when the dance ends
 *         r   the dance without its secrets, sealed
 *         a   start
 *         e   deadline
 *         k   taker: random text that names the run that took the dance
 *         t   when the taker's time is over
 *         o   outcome
 *         z   random text that names the run that ended the dance
 *         y   story, see cigna_dance_story.h
 *
 * Times are ms since the epoch.
 *
 * Dances are listed and counted in 64 shards.  The keys of a shard are in one
 * hash slot:
 *
 *     <prefix>:o:{<shard>}:<identity>   open dances of a member, by start
 *     <prefix>:i:{<shard>}              all open dances, by deadline
 *     <prefix>:e:{<shard>}              ended dances, by end
 *     <prefix>:c:{<shard>}:<hour>       hash: number of dances that ended, by
 *                                       tenant and outcome
 *
 * <identity> is a keyed hash of tenant and member, and <state> is a keyed hash
 * of the state parameter.  A tenant appears as a keyed hash of its name.  The
 * first character of <identity> tells the shard.  So Redis has no member's
 * name, and nothing with which a reader of Redis could complete a dance.
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
    cigna_slice_t    open_key;             /* all open dances of the shard */
    cigna_slice_t    ended_key;            /* ended dances of the shard */
    cigna_slice_t    counts_key;           /* start of the keys of the shard's
                                              counts; the hour follows */
} cigna_vault_names_t;


/*
 * CIGNA_ERROR if the member is empty, longer than CIGNA_MEMBER_MAX bytes or has
 * control bytes, or if libcrypto fails.
 */
int cigna_vault_names_init(cigna_vault_names_t *id, const cigna_vault_t *vault,
    cigna_slice_t tenant, cigna_slice_t member);

/*
 * Like cigna_vault_names_init(), but takes a member's keyed hash.  The hash
 * does not tell the tenant, so each byte of id->tenant becomes "-".
 * CIGNA_ERROR if the hash is malformed.
 */
int cigna_vault_names_known(cigna_vault_names_t *id, const cigna_vault_t *vault,
    cigna_slice_t hash);

/* 1 if the bytes may name a member */
int cigna_vault_names_valid(cigna_slice_t member);

/*
 * Appends CIGNA_NAME_LEN characters by which logs tell people apart without
 * their names: a keyed hash of kind ("member", "subject" or "patient"), tenant
 * and name.  CIGNA_ERROR if the name is too long, there is no room, or
 * libcrypto fails.
 */
int cigna_vault_names_append_print(cigna_buf_t *b, const cigna_vault_t *vault,
    const char *kind, cigna_slice_t tenant, cigna_slice_t name);

/* appends CIGNA_TENANT_LEN characters, a keyed hash of a tenant's name */
int cigna_vault_append_tenant(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t tenant);

/* appends the key of a shard's open dances */
void cigna_vault_append_open_key(cigna_buf_t *b, const cigna_vault_t *vault,
    unsigned shard);

/* appends the Redis key of a dance; name: the keyed hash of its state */
void cigna_vault_append_named_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t name);

/* appends the Redis key of the dance with this state */
int cigna_vault_append_dance_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t state);


#endif /* _CIGNA_VAULT_NAMES_H_INCLUDED_ */

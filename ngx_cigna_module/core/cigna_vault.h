
#ifndef _CIGNA_VAULT_H_INCLUDED_
#define _CIGNA_VAULT_H_INCLUDED_


#include "cigna_grant.h"
#include "cigna_provider.h"
#include "cigna_redis.h"
#include "cigna_seal.h"


/*
 * What the vault looks like in Redis: names, scripts, sealed records.
 *
 *     <prefix>:g:{<identity>}   grant    hash: i id, g generation, b blob,
 *                                        m mark (write-ahead), n attempts
 *     <prefix>:l:{<identity>}   lock     string: owner
 *     <prefix>:o:{<identity>}   open dances of a member, sorted set
 *     <prefix>:d:{<state>}      dance    hash: b blob, s secret hash,
 *                                        w identity, e expiry, t taken until,
 *                                        k taker, o outcome, r return_to
 *
 * <identity> is a keyed hash of tenant and member, <state> a keyed hash of
 * the state parameter: Redis sees no name, and what a reader of Redis finds
 * completes no dance.
 */

typedef struct {
    cigna_keyring_t  *ring;
    cigna_slice_t     prefix;
} cigna_vault_t;


#define CIGNA_NAME_LEN     27              /* 20 bytes in base64url */
#define CIGNA_KEY_MAX      128
#define CIGNA_MEMBER_MAX   256


/* an identity as the vault names it; keys are filled by identity_init() */

typedef struct {
    uint8_t          hash[CIGNA_NAME_LEN]; /* also $cigna_member */
    uint8_t          mem[3 * CIGNA_KEY_MAX];
    cigna_slice_t    grant_key;
    cigna_slice_t    lock_key;
    cigna_slice_t    dances_key;
} cigna_identity_t;


/*
 * CIGNA_ERROR on an empty member, one over CIGNA_MEMBER_MAX bytes or with
 * control bytes, and when the library fails.
 */
int cigna_identity_init(cigna_identity_t *id, const cigna_vault_t *vault,
    cigna_slice_t tenant, cigna_slice_t member);

/* 1 if the bytes may name a member */
int cigna_identity_valid(cigna_slice_t member);

/* appends the Redis key of the dance with this state */
int cigna_vault_append_dance_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t state);


/* of open(): the record is fine, but was made for another registration */
#define CIGNA_VAULT_MOVED  -12

/*
 * Seals a grant for an identity into a blob in the arena.  Associated data:
 * type, Redis key, grant id, generation, configured issuer, client id,
 * fhir_base.  A fingerprint of the last three is in front of the blob in
 * clear, so that a changed registration is told from a damaged record.
 */
int cigna_vault_seal_grant(const cigna_vault_t *vault,
    const cigna_provider_t *p, const cigna_identity_t *id,
    const cigna_grant_t *g, const uint8_t nonce[CIGNA_SEAL_NONCE_LEN],
    cigna_arena_t *arena, cigna_slice_t *blob);

/*
 * Opens one: g->id and g->generation are given, the rest is filled with
 * slices into the arena.  CIGNA_VAULT_MOVED, CIGNA_SEAL_UNKNOWN_KEY,
 * CIGNA_SEAL_DAMAGED, CIGNA_ERROR (no room).
 */
int cigna_vault_open_grant(const cigna_vault_t *vault,
    const cigna_provider_t *p, const cigna_identity_t *id,
    cigna_slice_t blob, cigna_arena_t *arena, cigna_grant_t *g);

/* the same for a dance; name: its Redis key */
int cigna_vault_seal_dance(const cigna_vault_t *vault, cigna_slice_t tenant,
    cigna_slice_t name, const cigna_dance_t *d,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_arena_t *arena,
    cigna_slice_t *blob);
int cigna_vault_open_dance(const cigna_vault_t *vault, cigna_slice_t tenant,
    cigna_slice_t name, cigna_slice_t blob, cigna_arena_t *arena,
    cigna_dance_t *d);


/*
 * The read of a grant, for flows and for the request path alike:
 * "HMGET key i g b m n".
 */
#define CIGNA_GRANT_READ_ARGC  7

size_t cigna_vault_read_args(const cigna_identity_t *id,
    cigna_slice_t argv[CIGNA_GRANT_READ_ARGC]);

/*
 * Reads the reply and opens the grant.  CIGNA_NONE: Redis says for certain
 * that there is none.  CIGNA_AGAIN: Redis answered with an error (LOADING,
 * ...) or nonsense, which is an outage and never "none".  *marked_until_ms
 * (may be NULL): the write-ahead mark's deadline, 0 without one.
 */
int cigna_vault_read_grant(const cigna_vault_t *vault,
    const cigna_provider_t *p, const cigna_identity_t *id,
    const cigna_reply_t *reply, cigna_arena_t *arena, cigna_grant_t *g,
    int64_t *marked_until_ms, unsigned *attempts);


#endif /* _CIGNA_VAULT_H_INCLUDED_ */

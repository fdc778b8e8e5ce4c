
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
 *     <prefix>:o:{<identity>}   open dances of a member, sorted set
 *     <prefix>:d:{<state>}      dance    hash: b blob, s secret hash,
 *                                        w identity, e expiry, t taken until,
 *                                        k taker, o outcome, r return_to
 *
 * <identity> is a keyed hash of tenant and member, and <state> is a keyed hash
 * of the state parameter.  So Redis has no member's name, and nothing with
 * which a reader of Redis could complete a dance.
 */

typedef struct {
    cigna_keyring_t  *ring;
    cigna_slice_t     prefix;
} cigna_vault_t;


#define CIGNA_NAME_LEN     27              /* 20 bytes in base64url */
#define CIGNA_KEY_MAX      128
#define CIGNA_MEMBER_MAX   256


/*
 * The vault's names for an identity, filled by cigna_vault_names_init().  The
 * Redis keys point into "mem", so the struct must not be copied by assignment.
 */

typedef struct {
    uint8_t          hash[CIGNA_NAME_LEN];  /* value of $cigna_member */
    uint8_t          mem[3 * CIGNA_KEY_MAX];
    cigna_slice_t    grant_key;
    cigna_slice_t    lock_key;
    cigna_slice_t    dances_key;
} cigna_vault_names_t;


/*
 * CIGNA_ERROR if the member is empty, longer than CIGNA_MEMBER_MAX bytes or has
 * control bytes, or if the library fails.
 */
int cigna_vault_names_init(cigna_vault_names_t *id, const cigna_vault_t *vault,
    cigna_slice_t tenant, cigna_slice_t member);

/* the same from a member's keyed hash; CIGNA_ERROR if it is malformed */
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

/* appends the Redis key of the dance with this state */
int cigna_vault_append_dance_key(cigna_buf_t *b, const cigna_vault_t *vault,
    cigna_slice_t state);


#endif /* _CIGNA_VAULT_NAMES_H_INCLUDED_ */

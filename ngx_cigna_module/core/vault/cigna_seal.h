
#ifndef _CIGNA_SEAL_H_INCLUDED_
#define _CIGNA_SEAL_H_INCLUDED_


#include "cigna_keyring.h"


/*
 * Sealing of records: AES-256-GCM under a key of each record's own.  A sealed
 * record:
 *
 *     version (1) | key id (8) | nonce (12) | ciphertext | tag (16)
 *
 * Its key: HKDF with "info" being the list of "record", key id, version, type,
 * tenant, name.
 */

#define CIGNA_SEAL_NONCE_LEN   12
#define CIGNA_SEAL_TAG_LEN     16
#define CIGNA_SEAL_OVERHEAD    (1 + 8 + 12 + 16)

/* of check() and open() */
#define CIGNA_SEAL_UNKNOWN_KEY  -10        /* the ring lacks the key: outage */
#define CIGNA_SEAL_DAMAGED      -11        /* does not authenticate */


/* what a record is; all parts are bound into its key */

typedef struct {
    cigna_slice_t   type;                  /* "grant", "dance", ... */
    cigna_slice_t   tenant;
    cigna_slice_t   name;                  /* the Redis key */
} cigna_record_t;


/*
 * Appends the sealed record to out.  aad: associated data, not stored.  nonce:
 * fresh random bytes for each call.  CIGNA_ERROR leaves nothing in out.
 */
int cigna_seal(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t plain,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_buf_t *out);

/*
 * The same under the name key, which is never rotated; and the way back, which
 * knows no other key.
 */
int cigna_seal_named(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t plain,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_buf_t *out);
int cigna_seal_open_named(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t sealed, cigna_buf_t *out);

/*
 * Could this ring open the record, as far as its first bytes tell?
 * CIGNA_SEAL_UNKNOWN_KEY, or CIGNA_SEAL_DAMAGED if it is no sealed record.
 */
int cigna_seal_check(const cigna_keyring_t *ring, cigna_slice_t sealed);

/*
 * Appends the plain text to out.  CIGNA_SEAL_UNKNOWN_KEY, CIGNA_SEAL_DAMAGED,
 * or CIGNA_ERROR if out is too small or the library fails; nothing of an
 * unauthenticated text is left in out.
 */
int cigna_seal_open(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t sealed, cigna_buf_t *out);


#endif /* _CIGNA_SEAL_H_INCLUDED_ */


#ifndef _CIGNA_SEAL_H_INCLUDED_
#define _CIGNA_SEAL_H_INCLUDED_


#include "cigna_buf.h"
#include "cigna_secret.h"


/*
 * Sealing of records: AES-256-GCM under a key of each record's own,
 *
 *     HKDF-SHA256(ring key; key id, version, type, tenant, record name)
 *
 * with every input length-prefixed (RFC 5869; the tenant's and the record's
 * part go into "info").  Ring file, one key a line:
 *
 *     name <32 bytes in base64url>          exactly one, never rotated
 *     seal <32 bytes in base64url>          first seals, all open
 *
 * A sealed record:
 *
 *     version (1) | key id (8) | nonce (12) | ciphertext | tag (16)
 *
 * Key ids derive from the keys, so that no ring can give two keys one id.
 */

#define CIGNA_SEAL_KEY_LEN     32
#define CIGNA_SEAL_KEY_ID_LEN  8
#define CIGNA_SEAL_NONCE_LEN   12
#define CIGNA_SEAL_KEYS_MAX    16
#define CIGNA_SEAL_OVERHEAD    (1 + 8 + 12 + 16)

/* of open() */
#define CIGNA_SEAL_UNKNOWN_KEY  -10        /* the ring lacks the key: outage */
#define CIGNA_SEAL_DAMAGED      -11        /* does not authenticate */


typedef struct cigna_keyring_s  cigna_keyring_t;


/* what a record is; all parts are bound into its key */

typedef struct {
    cigna_slice_t   type;                  /* "grant", "dance", ... */
    cigna_slice_t   tenant;
    cigna_slice_t   name;                  /* the Redis key */
} cigna_record_t;


/*
 * Reads the text of a key ring.  NULL on errors, *error then says what is
 * wrong (never with key material) and *line where (from 1).  The ring is
 * allocated and belongs to the caller, who may wipe the text afterwards.
 */
cigna_keyring_t *cigna_keyring_create(cigna_slice_t text, const char **error,
    unsigned *line);

/* wipes and frees; NULL is allowed */
void cigna_keyring_destroy(cigna_keyring_t *ring);

/* id of the key that seals, 16 hex digits; a public fingerprint */
void cigna_keyring_sealing_id(const cigna_keyring_t *ring, char hex[17]);

/*
 * HMAC-SHA256 under the name key over the length-prefixed parts: names of
 * members and of records in Redis and in logs.
 */
int cigna_keyring_name(const cigna_keyring_t *ring, const cigna_slice_t *parts,
    size_t count, uint8_t out[CIGNA_SHA256_LEN]);

/* 16 secret bytes for the SipHash of shared-memory keys */
void cigna_keyring_siphash_key(const cigna_keyring_t *ring, uint8_t out[16]);

/*
 * Appends the sealed record to out.  aad: associated data, not stored.  nonce:
 * fresh random bytes for each call.
 */
int cigna_seal(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t plain,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_buf_t *out);

/*
 * Appends the plain text to out.  CIGNA_SEAL_UNKNOWN_KEY, CIGNA_SEAL_DAMAGED,
 * or CIGNA_ERROR if out is too small or the library fails; nothing of an
 * unauthenticated text is left in out.
 */
int cigna_seal_open(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t sealed, cigna_buf_t *out);


#endif /* _CIGNA_SEAL_H_INCLUDED_ */

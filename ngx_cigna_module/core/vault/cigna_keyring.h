
#ifndef _CIGNA_KEYRING_H_INCLUDED_
#define _CIGNA_KEYRING_H_INCLUDED_


#include <openssl/types.h>

#include "base/cigna_buf.h"
#include "base/cigna_secret.h"


/*
 * The keys of a gateway.  A ring file has one key on each line, and "#" begins
 * a comment:
 *
 *     name <32 bytes in base64url>          exactly one, never rotated
 *     seal <32 bytes in base64url>          the first one seals new records;
 *                                           all of them open records
 *
 * All other keys derive from these by HKDF-SHA256 (RFC 5869) with the salt
 * "ngx_cigna_module".  "info" is a list of parts, each after its length (4
 * bytes, big endian):
 *
 *     key id         of each key        "key id"    (first 8 bytes)
 *     record's key   of each key        "record", ..., see cigna_seal.h
 *     names          of the name key    "names"     (for cigna_keyring_name())
 *     SipHash key    of the name key    "siphash"   (first 16 bytes)
 *
 * An operator cannot choose a key id, so an id never names two different keys.
 */

#define CIGNA_SEAL_KEY_LEN     32
#define CIGNA_SEAL_KEY_ID_LEN  8
#define CIGNA_SEAL_KEYS_MAX    16
#define CIGNA_SEAL_PARTS_MAX   896         /* most bytes of a list's parts */


/*
 * A key of the ring, or one derived from it: hmac is an HMAC context with the
 * key for HKDF-Expand.
 */

typedef struct {
    uint8_t       id[CIGNA_SEAL_KEY_ID_LEN];
    EVP_MAC_CTX  *hmac;
} cigna_ring_key_t;


/*
 * The contexts are made once and serve all operations.  Fetching an algorithm
 * costs far more than using it, and keying an HMAC costs as much as the HMAC of
 * a few names.
 */

typedef struct {
    EVP_MAC_CTX       *hmac;
    EVP_CIPHER_CTX    *gcm;                /* for AES-256-GCM */
    cigna_ring_key_t   keys[CIGNA_SEAL_KEYS_MAX];   /* the first one seals */
    unsigned           nkeys;
    unsigned           has_name;
    cigna_ring_key_t   name;
    cigna_ring_key_t   names;              /* derived from "name"; has no id */
    uint8_t            siphash[CIGNA_SHA256_LEN];
} cigna_keyring_t;


/*
 * Reads the text of a key ring.  NULL on errors: then *error says the cause,
 * without key material, and *line is the line with the error (from 1; 0: the
 * whole file).  The caller owns the ring, and may wipe the text afterwards.  A
 * ring may be used after fork().
 */
cigna_keyring_t *cigna_keyring_create(cigna_slice_t text, const char **error,
    unsigned *line);

/* wipes and frees; NULL is allowed */
void cigna_keyring_destroy(cigna_keyring_t *ring);

/*
 * A keyed hash of a list of parts: HKDF-Expand under the key "names".  It names
 * members and records in Redis and in logs.  Different lists are different
 * inputs.  CIGNA_ERROR if the parts are longer than
 * CIGNA_SEAL_PARTS_MAX, or if libcrypto fails.
 */
int cigna_keyring_name(const cigna_keyring_t *ring, const cigna_slice_t *parts,
    size_t count, uint8_t out[CIGNA_SHA256_LEN]);

/* 16 secret bytes for the SipHash of names in shared memory */
void cigna_keyring_siphash_key(const cigna_keyring_t *ring, uint8_t out[16]);


/*
 * Finds the sealing key with this id or, if "named" is 1, the name key, which
 * must have this id.  NULL: there is none.
 */
const cigna_ring_key_t *cigna_keyring_find(const cigna_keyring_t *ring,
    const uint8_t id[CIGNA_SEAL_KEY_ID_LEN], int named);

/*
 * HKDF-Expand under the key; the parts are its "info".  The parts may have
 * CIGNA_SEAL_PARTS_MAX bytes.  CIGNA_ERROR: the parts are too long, or
 * libcrypto fails.
 */
int cigna_keyring_expand(const cigna_ring_key_t *key,
    const cigna_slice_t *parts, size_t count, uint8_t out[CIGNA_SHA256_LEN]);


#endif /* _CIGNA_KEYRING_H_INCLUDED_ */

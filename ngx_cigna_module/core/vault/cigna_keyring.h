
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
 *     seal <32 bytes in base64url>          the first one seals, all open
 *
 * All other keys derive from these by HKDF-SHA256 (RFC 5869) with the salt
 * "ngx_cigna_module".  "info" is a list of parts, each after its length (4
 * bytes, big endian):
 *
 *     key id         of each key        "key id"    (first 8 bytes)
 *     record's key   of each key        "record", ..., see cigna_seal.h
 *     names          of the name key    "names"     (keys cigna_keyring_name())
 *     SipHash key    of the name key    "siphash"   (first 16 bytes)
 *
 * Key ids derive from the keys, so that no ring can give two keys one id.
 */

#define CIGNA_SEAL_KEY_LEN     32
#define CIGNA_SEAL_KEY_ID_LEN  8
#define CIGNA_SEAL_KEYS_MAX    16
#define CIGNA_SEAL_PARTS_MAX   896         /* bytes of all parts of a list */


typedef struct cigna_keyring_s  cigna_keyring_t;


/* a key after HKDF-Extract, as the key of an HMAC context */

typedef struct {
    uint8_t       id[CIGNA_SEAL_KEY_ID_LEN];
    EVP_MAC_CTX  *hmac;
} cigna_ring_key_t;


/*
 * Reads the text of a key ring.  NULL on errors: then *error says the cause,
 * without key material, and *line is its line (from 1; 0: the whole file).  The
 * caller owns the ring, and may wipe the text afterwards.  A ring may be used
 * after fork().
 */
cigna_keyring_t *cigna_keyring_create(cigna_slice_t text, const char **error,
    unsigned *line);

/* wipes and frees; NULL is allowed */
void cigna_keyring_destroy(cigna_keyring_t *ring);

/*
 * A keyed hash of a list of parts, for names of members and of records in Redis
 * and in logs: HKDF-Expand under the key "names".  Different lists are
 * different inputs.  CIGNA_ERROR if the parts are longer than
 * CIGNA_SEAL_PARTS_MAX.
 */
int cigna_keyring_name(const cigna_keyring_t *ring, const cigna_slice_t *parts,
    size_t count, uint8_t out[CIGNA_SHA256_LEN]);

/* 16 secret bytes for the SipHash of shared-memory keys */
void cigna_keyring_siphash_key(const cigna_keyring_t *ring, uint8_t out[16]);


/* for sealing */

/* the key that seals */
const cigna_ring_key_t *cigna_keyring_first(const cigna_keyring_t *ring);

/* the name key, for records that outlast each rotation */
const cigna_ring_key_t *cigna_keyring_namer(const cigna_keyring_t *ring);

/* the key with this id, NULL if there is none */
const cigna_ring_key_t *cigna_keyring_find(const cigna_keyring_t *ring,
    const uint8_t id[CIGNA_SEAL_KEY_ID_LEN]);

/* HKDF-Expand; CIGNA_ERROR if the parts exceed CIGNA_SEAL_PARTS_MAX */
int cigna_keyring_expand(const cigna_ring_key_t *key,
    const cigna_slice_t *parts, size_t count, uint8_t out[CIGNA_SHA256_LEN]);

/* AES-256-GCM in a context that is made once, as fetching a cipher is slow */
EVP_CIPHER_CTX *cigna_keyring_gcm(cigna_keyring_t *ring);


#endif /* _CIGNA_KEYRING_H_INCLUDED_ */

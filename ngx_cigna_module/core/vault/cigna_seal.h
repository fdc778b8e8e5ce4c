
#ifndef _CIGNA_SEAL_H_INCLUDED_
#define _CIGNA_SEAL_H_INCLUDED_


#include "cigna_keyring.h"


/*
 * Seals records with AES-256-GCM, each under an encryption key of its own.  A
 * sealed record:
 *
 *     version (1) | key id (8) | nonce (12) | ciphertext | tag (16)
 *
 * The record's encryption key is HKDF-Expand of a ring key (cigna_keyring.h)
 * with the list "record", key id of the ring key, version, type, tenant, name
 * as "info".
 */

#define CIGNA_SEAL_NONCE_LEN   12
#define CIGNA_SEAL_TAG_LEN     16
#define CIGNA_SEAL_OVERHEAD    (1 + 8 + 12 + 16)

/* results of cigna_seal_open() */
#define CIGNA_SEAL_UNKNOWN_KEY  -10        /* the ring lacks the key with this
                                              id */
#define CIGNA_SEAL_DAMAGED      -11        /* malformed, or the tag is wrong */


/* identifies a record; its encryption key depends on all parts */

typedef struct {
    cigna_slice_t   type;                  /* "grant", "dance", ... */
    cigna_slice_t   tenant;
    cigna_slice_t   name;                  /* the key in Redis under which the
                                              record is stored */
    unsigned        named:1;               /* sealed with the ring's name key,
                                              which is never rotated */
} cigna_record_t;


/*
 * Appends the sealed record to out.  aad: associated data, which is not stored.
 * nonce: new random bytes for each call.  CIGNA_ERROR: out stays as it was.
 */
int cigna_seal(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t plain,
    const uint8_t nonce[CIGNA_SEAL_NONCE_LEN], cigna_buf_t *out);

/*
 * Appends the plain text to out.  CIGNA_SEAL_UNKNOWN_KEY, CIGNA_SEAL_DAMAGED,
 * or CIGNA_ERROR if out is too small or OpenSSL has failed.  On errors "out"
 * stays as it was, so it never has text that is not authentic.
 */
int cigna_seal_open(cigna_keyring_t *ring, const cigna_record_t *record,
    cigna_slice_t aad, cigna_slice_t sealed, cigna_buf_t *out);


#endif /* _CIGNA_SEAL_H_INCLUDED_ */

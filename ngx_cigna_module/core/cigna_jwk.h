
#ifndef _CIGNA_JWK_H_INCLUDED_
#define _CIGNA_JWK_H_INCLUDED_


#include <openssl/types.h>

#include "cigna_json.h"


/*
 * Public keys of an issuer as JSON (RFC 7517), and signatures under them:
 * RS256 and ES256 only (RFC 7518, sections 3.3 and 3.4).
 */

#define CIGNA_KID_MAX  256


typedef enum {
    cigna_alg_none = 0,                    /* whatever is not below */
    cigna_alg_rs256,
    cigna_alg_es256
} cigna_alg_e;


typedef struct {
    EVP_PKEY       *pkey;
    cigna_alg_e     alg;                   /* the only one it is used for */
    size_t          kid_len;               /* 0: it has none */
    uint8_t         kid[CIGNA_KID_MAX];
} cigna_jwk_t;


cigna_alg_e cigna_alg_find(cigna_slice_t name);

/*
 * Fills the key from a JWK: RSA of 2048 bits or more, or P-256, meant for
 * signatures.  CIGNA_NONE if it is another kind of key, or malformed, or has
 * secret parts in it; there is nothing to be released then.
 */
int cigna_jwk_init(cigna_jwk_t *key, const cigna_json_t *object);
void cigna_jwk_done(cigna_jwk_t *key);

/*
 * Verifies a JWS signature of the text.  CIGNA_NONE if it is not good,
 * CIGNA_ERROR if there is no memory.
 */
int cigna_jwk_verify(const cigna_jwk_t *key, cigna_slice_t text,
    cigna_slice_t signature);


#endif /* _CIGNA_JWK_H_INCLUDED_ */

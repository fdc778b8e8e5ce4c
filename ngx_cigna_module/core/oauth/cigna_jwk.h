
#ifndef _CIGNA_JWK_H_INCLUDED_
#define _CIGNA_JWK_H_INCLUDED_


#include <openssl/types.h>

#include "json/cigna_json.h"


/*
 * Reads an issuer's public keys from JSON (RFC 7517), and verifies signatures
 * with them (RFC 7518, sections 3.3 to 3.5, and RFC 8037).
 */

#define CIGNA_KID_MAX  256


typedef enum {
    cigna_alg_none = 0,                    /* any other algorithm */
    cigna_alg_rs256,
    cigna_alg_rs384,
    cigna_alg_rs512,
    cigna_alg_ps256,
    cigna_alg_ps384,
    cigna_alg_ps512,
    cigna_alg_es256,
    cigna_alg_es384,
    cigna_alg_eddsa,                       /* Ed25519 */
    cigna_alg_max
} cigna_alg_e;


typedef enum {
    cigna_kind_none = 0,
    cigna_kind_rsa,
    cigna_kind_p256,
    cigna_kind_p384,
    cigna_kind_ed25519
} cigna_kind_e;


/* why a key is not usable */

typedef enum {
    cigna_jwk_ok = 0,
    cigna_jwk_object,                      /* not a JSON object */
    cigna_jwk_secret,                      /* has secret parts */
    cigna_jwk_use,                         /* not for verifying */
    cigna_jwk_kind,                        /* unknown kty or crv */
    cigna_jwk_alg,                         /* alg does not fit the kind */
    cigna_jwk_weak,                        /* an RSA key with too few bits, an
                                              even number or the exponent 1; or
                                              an Ed25519 key of small order */
    cigna_jwk_broken,                      /* members absent or malformed */
    cigna_jwk_max
} cigna_jwk_e;


typedef struct {
    EVP_PKEY       *pkey;
    cigna_kind_e    kind;
    cigna_alg_e     alg;                   /* cigna_alg_none: any algorithm of
                                              this kind */
    size_t          kid_len;               /* 0: the key has no kid */
    uint8_t         kid[CIGNA_KID_MAX];
} cigna_jwk_t;


/* the algorithm of this JOSE name; cigna_alg_none if it is not supported */
cigna_alg_e cigna_alg_find(cigna_slice_t name);

/*
 * Reads a JWK (NULL: the element is not an object) and copies what it needs.
 * The caller calls cigna_jwk_done() if the result is cigna_jwk_ok; otherwise
 * nothing is allocated.
 */
cigna_jwk_e cigna_jwk_init(cigna_jwk_t *key, const cigna_json_t *object);

/* frees the key; may be called twice */
void cigna_jwk_done(cigna_jwk_t *key);

/* a few words for logs, such as "not for verifying" */
const char *cigna_jwk_name(cigna_jwk_e e);

/* 1 if the key may verify signatures of this algorithm */
int cigna_jwk_fits(const cigna_jwk_t *key, cigna_alg_e alg);

/* 1 if both have the same public key, kid and algorithm */
int cigna_jwk_same(const cigna_jwk_t *a, const cigna_jwk_t *b);

/*
 * Verifies a JWS signature of the text.  CIGNA_OK: the signature is good.
 * CIGNA_NONE: the signature is bad, or the key is not for the algorithm.
 * CIGNA_ERROR: no memory.
 */
int cigna_jwk_verify(const cigna_jwk_t *key, cigna_alg_e alg,
    cigna_slice_t text, cigna_slice_t signature);


#endif /* _CIGNA_JWK_H_INCLUDED_ */

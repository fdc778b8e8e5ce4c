
#ifndef _CIGNA_JWK_H_INCLUDED_
#define _CIGNA_JWK_H_INCLUDED_


#include <openssl/types.h>

#include "json/cigna_json.h"


/*
 * Public keys of an issuer as JSON (RFC 7517), and signatures under them (RFC
 * 7518, sections 3.3 to 3.5, and RFC 8037).
 */

#define CIGNA_KID_MAX  256


typedef enum {
    cigna_alg_none = 0,                    /* whatever is not below */
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
    cigna_jwk_object,                      /* no object */
    cigna_jwk_secret,                      /* secret parts in it */
    cigna_jwk_use,                         /* not for verifying */
    cigna_jwk_kind,                        /* kty or crv that is not known */
    cigna_jwk_alg,                         /* none of its kind */
    cigna_jwk_weak,                        /* RSA of too few bits, and such */
    cigna_jwk_broken,                      /* members missing or malformed */
    cigna_jwk_max
} cigna_jwk_e;


typedef struct {
    EVP_PKEY       *pkey;
    cigna_kind_e    kind;
    cigna_alg_e     alg;                   /* none: any of its kind */
    size_t          kid_len;               /* 0: it has none */
    uint8_t         kid[CIGNA_KID_MAX];
} cigna_jwk_t;


cigna_alg_e cigna_alg_find(cigna_slice_t name);

/*
 * Fills the key from a JWK (NULL: no object).  If it is not usable, there is
 * nothing to be released.
 */
cigna_jwk_e cigna_jwk_init(cigna_jwk_t *key, const cigna_json_t *object);
void cigna_jwk_done(cigna_jwk_t *key);

/* a word for logs, e.g. "use" */
const char *cigna_jwk_name(cigna_jwk_e e);

/* 1 if the algorithm is one that the key is for */
int cigna_jwk_fits(const cigna_jwk_t *key, cigna_alg_e alg);

/* 1 if it is the same key under the same name, for the same */
int cigna_jwk_same(const cigna_jwk_t *a, const cigna_jwk_t *b);

/*
 * Verifies a JWS signature of the text.  CIGNA_NONE if it is not good, or if
 * the algorithm does not fit; CIGNA_ERROR if there is no memory.
 */
int cigna_jwk_verify(const cigna_jwk_t *key, cigna_alg_e alg,
    cigna_slice_t text, cigna_slice_t signature);


#endif /* _CIGNA_JWK_H_INCLUDED_ */


#ifndef _JOSE_H_INCLUDED_
#define _JOSE_H_INCLUDED_


#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "support.h"

#include "http/cigna_base64url.h"


/*
 * Keys and tokens as an issuer makes them, for the tests of JWKs and JWTs.
 * Texts are zero-terminated and lie in one buffer, which jose_reset() empties.
 */

void jose_reset(void);

/* a copy in the buffer, with a zero after it */
char *jose_keep(const char *text, size_t len);

char *jose_base64url(const void *bytes, size_t len);

/* a number of a key in base64url, padded to len bytes */
char *jose_number(EVP_PKEY *pkey, const char *name, int len);

/* the public bytes of an Ed25519 key in base64url */
char *jose_raw_key(EVP_PKEY *pkey);

/* a JWK; "more": further members, each with a comma in front */
char *jose_jwk(EVP_PKEY *pkey, const char *more);

/*
 * Signs a text; returns the length of the signature.  digest: NULL for Ed25519;
 * pss: RSA-PSS.  jose_sign() takes SHA-256 and no PSS.
 */
size_t jose_sign_as(EVP_PKEY *pkey, const char *digest, int pss,
    const char *text, uint8_t sig[1024]);
size_t jose_sign(EVP_PKEY *pkey, const char *text, uint8_t sig[1024]);

/* header and payload of a token: all that is before the second dot */
char *jose_text(const char *header, const char *payload);

/* that text and its signature: a token */
char *jose_join(const char *text, const void *sig, size_t len);

/* all of that, signed by jose_sign() */
char *jose_token(EVP_PKEY *pkey, const char *header, const char *payload);


#endif /* _JOSE_H_INCLUDED_ */


#ifndef _JOSE_H_INCLUDED_
#define _JOSE_H_INCLUDED_


#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "support.h"

#include "http/cigna_base64url.h"


/*
 * Makes keys and tokens as an issuer does, for the tests of JWKs and JWTs.  The
 * returned texts are zero-terminated.  They lie in one buffer, which
 * jose_reset() empties.
 */

void jose_reset(void);

/* copies a text to the buffer, with a zero after it */
char *jose_keep(const char *text, size_t len);

char *jose_base64url(const void *bytes, size_t len);

/* a number of a key in base64url, with leading zeros up to len bytes */
char *jose_number(EVP_PKEY *pkey, const char *name, int len);

/* the public bytes of an Ed25519 key in base64url */
char *jose_raw_key(EVP_PKEY *pkey);

/* the public JWK of a key; more: further members, each with a comma in front */
char *jose_jwk(EVP_PKEY *pkey, const char *more);

/*
 * Signs a text, and returns the length of the signature.  digest: its name, or
 * NULL for Ed25519; pss: 1 for RSA-PSS.  jose_sign() uses SHA-256 without PSS.
 */
size_t jose_sign_as(EVP_PKEY *pkey, const char *digest, int pss,
    const char *text, uint8_t sig[1024]);
size_t jose_sign(EVP_PKEY *pkey, const char *text, uint8_t sig[1024]);

/* header and payload of a token in base64url: the text that is signed */
char *jose_text(const char *header, const char *payload);

/* a token of that text and a signature */
char *jose_join(const char *text, const void *sig, size_t len);

/* a token of a header and a payload, signed by jose_sign() */
char *jose_token(EVP_PKEY *pkey, const char *header, const char *payload);


#endif /* _JOSE_H_INCLUDED_ */

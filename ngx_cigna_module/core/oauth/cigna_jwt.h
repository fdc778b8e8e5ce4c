
#ifndef _CIGNA_JWT_H_INCLUDED_
#define _CIGNA_JWT_H_INCLUDED_


#include "base/cigna_arena.h"
#include "cigna_jwks.h"


/*
 * Verifies id_tokens: the JWS compact serialization (RFC 7515), and the claims
 * of OpenID Connect Core 1.0, section 3.1.3.7.
 */

#define CIGNA_ID_TOKEN_MAX      (16 * 1024)


typedef enum {
    cigna_jwt_ok = 0,
    cigna_jwt_malformed,
    cigna_jwt_alg,                         /* algorithm not supported, or the
                                              keys with the token's kid are for
                                              other algorithms */
    cigna_jwt_unknown_kid,
    cigna_jwt_signature,
    cigna_jwt_iss,
    cigna_jwt_aud,
    cigna_jwt_expired,
    cigna_jwt_future,                      /* iat or nbf is in the future */
    cigna_jwt_nonce,
    cigna_jwt_failed                       /* no memory */
} cigna_jwt_e;


typedef struct {
    cigna_slice_t   iss;                   /* empty: not checked */
    cigna_slice_t   aud;                   /* the client id */
    cigna_slice_t   nonce;                 /* empty: not checked */
    int64_t         now_s;                 /* since the epoch */
    int64_t         leeway_s;              /* allowed between the clocks of the
                                              gateway and the issuer */
} cigna_jwt_expect_t;


typedef struct {
    cigna_slice_t   iss;
    cigna_slice_t   sub;
    cigna_slice_t   fhir_user;             /* claim fhirUser; may be empty */
} cigna_id_token_t;


/*
 * Verifies a token, and copies its claims into the arena.
 *
 * If jwks is NULL, the function checks all claims, but not the signature: the
 * issuer publishes no keys, or perhaps used one that is not known yet.  OpenID
 * Connect Core 1.0, section 3.1.3.7, point 6, allows this for a token that came
 * from the token endpoint over TLS.
 */
cigna_jwt_e cigna_jwt_verify(cigna_slice_t token, const cigna_jwks_t *jwks,
    const cigna_jwt_expect_t *expect, cigna_arena_t *arena,
    cigna_id_token_t *claims);

/*
 * Copies a token's claims into the arena without checking them: a caller must
 * not trust the claims.  *good is 1 if one of the keys made the signature.
 */
cigna_jwt_e cigna_jwt_read(cigna_slice_t token, const cigna_jwks_t *jwks,
    cigna_arena_t *arena, cigna_id_token_t *claims, int *good);

/* a word for logs, such as "signature" */
const char *cigna_jwt_name(cigna_jwt_e e);


#endif /* _CIGNA_JWT_H_INCLUDED_ */

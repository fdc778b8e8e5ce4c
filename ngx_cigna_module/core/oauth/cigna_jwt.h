
#ifndef _CIGNA_JWT_H_INCLUDED_
#define _CIGNA_JWT_H_INCLUDED_


#include "base/cigna_arena.h"
#include "cigna_jwks.h"


/*
 * id_tokens: JWS compact serialization (RFC 7515), and the claims that OpenID
 * Connect Core 1.0, section 3.1.3.7 wants checked.
 */

#define CIGNA_ID_TOKEN_MAX      (16 * 1024)


typedef enum {
    cigna_jwt_ok = 0,
    cigna_jwt_malformed,
    cigna_jwt_alg,                         /* none, HS256, or not the key's */
    cigna_jwt_unknown_kid,
    cigna_jwt_signature,
    cigna_jwt_iss,
    cigna_jwt_aud,
    cigna_jwt_expired,
    cigna_jwt_future,                      /* iat or nbf ahead of the clock */
    cigna_jwt_nonce,
    cigna_jwt_failed                       /* no memory */
} cigna_jwt_e;


typedef struct {
    cigna_slice_t   iss;                   /* empty: not known, not checked */
    cigna_slice_t   aud;                   /* our client id */
    cigna_slice_t   nonce;                 /* empty: not checked (refresh) */
    int64_t         now_s;
    int64_t         leeway_s;
} cigna_jwt_expect_t;


typedef struct {
    cigna_slice_t   iss;
    cigna_slice_t   sub;
    cigna_slice_t   fhir_user;             /* claim fhirUser, may be empty */
} cigna_id_token_t;


/*
 * Verifies a token: see cigna_jwks_verify() for the keys.  jwks NULL: the
 * issuer publishes no keys, the signature is not checked, which OpenID Connect
 * Core 3.1.3.7 (6) allows for tokens that come straight from the token
 * endpoint over TLS; all claims are checked all the same.  Claims are copied
 * into the arena.
 */
cigna_jwt_e cigna_jwt_verify(cigna_slice_t token, const cigna_jwks_t *jwks,
    const cigna_jwt_expect_t *expect, cigna_arena_t *arena,
    cigna_id_token_t *claims);

/*
 * Reads who a token is about, and checks nothing: whatever it says is not to
 * be relied on.  *good: the signature is that of one of these keys.
 */
cigna_jwt_e cigna_jwt_read(cigna_slice_t token, const cigna_jwks_t *jwks,
    cigna_arena_t *arena, cigna_id_token_t *claims, int *good);

/* a word for logs, e.g. "signature" */
const char *cigna_jwt_name(cigna_jwt_e e);


#endif /* _CIGNA_JWT_H_INCLUDED_ */

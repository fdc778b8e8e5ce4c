
#ifndef _CIGNA_JWKS_H_INCLUDED_
#define _CIGNA_JWKS_H_INCLUDED_


#include "cigna_jwk.h"


/* JWK sets, RFC 7517, section 5 */

#define CIGNA_JWKS_KEYS_MAX  32            /* usable ones; the first count */


typedef struct cigna_jwks_s  cigna_jwks_t;


/*
 * Reads a JWK set.  Keys that are not usable are passed over.  NULL if the
 * document is no JWK set or has no usable key.  The caller owns the set.
 */
cigna_jwks_t *cigna_jwks_create(cigna_slice_t text);
void cigna_jwks_destroy(cigna_jwks_t *jwks);
size_t cigna_jwks_count(const cigna_jwks_t *jwks);

/*
 * The key for a token: the one with this kid, or without kid the only one, of
 * those that fit the algorithm.  NULL if there is none, or more than one.
 */
const cigna_jwk_t *cigna_jwks_find(const cigna_jwks_t *jwks,
    cigna_slice_t kid, cigna_alg_e alg);

/* 1 if a key with this kid is there, but for another algorithm */
int cigna_jwks_has_other(const cigna_jwks_t *jwks, cigna_slice_t kid,
    cigna_alg_e alg);


#endif /* _CIGNA_JWKS_H_INCLUDED_ */


#ifndef _CIGNA_JWKS_H_INCLUDED_
#define _CIGNA_JWKS_H_INCLUDED_


#include "cigna_jwk.h"


/* JWK sets, RFC 7517, section 5 */

#define CIGNA_JWKS_KEYS_MAX    256         /* usable ones; the first count */
#define CIGNA_JWKS_CHECKS_MAX  16          /* of one signature */


typedef struct cigna_jwks_s  cigna_jwks_t;


typedef enum {
    cigna_jwks_good = 0,
    cigna_jwks_unknown,                    /* no key of this name and kind */
    cigna_jwks_other,                      /* this name has another kind */
    cigna_jwks_bad,                        /* by none of the keys that fit */
    cigna_jwks_failed                      /* no memory */
} cigna_jwks_e;


/*
 * Reads a JWK set.  Keys that are not usable are passed over, and so is a key
 * that was there already.  NULL if the document is no JWK set.  The caller
 * owns the set.
 */
cigna_jwks_t *cigna_jwks_create(cigna_slice_t text);
void cigna_jwks_destroy(cigna_jwks_t *jwks);

/* usable ones, may be 0 */
size_t cigna_jwks_count(const cigna_jwks_t *jwks);

/* appends what the set is like: "3 keys, 1 usable, 2 unknown kind" */
void cigna_jwks_append_shape(const cigna_jwks_t *jwks, cigna_buf_t *b);

/*
 * Verifies a signature.  Of the keys that fit the algorithm those are tried
 * that have this kid, and after them those that have none; without kid all of
 * them.  After CIGNA_JWKS_CHECKS_MAX of them it is given up.
 */
cigna_jwks_e cigna_jwks_verify(const cigna_jwks_t *jwks, cigna_slice_t kid,
    cigna_alg_e alg, cigna_slice_t text, cigna_slice_t signature);


#endif /* _CIGNA_JWKS_H_INCLUDED_ */

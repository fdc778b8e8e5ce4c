
#ifndef _CIGNA_JWKS_H_INCLUDED_
#define _CIGNA_JWKS_H_INCLUDED_


#include "cigna_jwk.h"


/* JWK sets (RFC 7517, section 5). */

#define CIGNA_JWKS_KEYS_MAX    256         /* most usable keys of a set */
#define CIGNA_JWKS_CHECKS_MAX  16          /* most keys tried for a signature */


typedef struct cigna_jwks_s  cigna_jwks_t;


typedef enum {
    cigna_jwks_good = 0,
    cigna_jwks_unknown,                    /* there is no key to try */
    cigna_jwks_other,                      /* keys have this kid, but none fits
                                              the algorithm */
    cigna_jwks_bad,                        /* no key that was tried made the
                                              signature */
    cigna_jwks_failed                      /* no memory */
} cigna_jwks_e;


/*
 * Reads a JWK set.  The caller owns it.  Keys that are not usable and duplicate
 * keys are skipped.  NULL: the document is not a JWK set, or no memory.
 */
cigna_jwks_t *cigna_jwks_create(cigna_slice_t text);

/* frees the set; NULL is allowed */
void cigna_jwks_destroy(cigna_jwks_t *jwks);

/* the number of usable keys; it may be 0 */
size_t cigna_jwks_count(const cigna_jwks_t *jwks);

/* appends a summary for logs: "3 keys, 1 usable, 2 unknown kind" */
void cigna_jwks_append_shape(const cigna_jwks_t *jwks, cigna_buf_t *b);

/*
 * Verifies a signature of the text.  If the token has a kid, the keys with this
 * kid that fit the algorithm are tried first, and then those without a kid.  If
 * there are keys with this kid, but none of them fits, no key is tried.  If kid
 * is empty, all keys that fit are tried.  At most CIGNA_JWKS_CHECKS_MAX keys
 * are tried.
 */
cigna_jwks_e cigna_jwks_verify(const cigna_jwks_t *jwks, cigna_slice_t kid,
    cigna_alg_e alg, cigna_slice_t text, cigna_slice_t signature);


#endif /* _CIGNA_JWKS_H_INCLUDED_ */

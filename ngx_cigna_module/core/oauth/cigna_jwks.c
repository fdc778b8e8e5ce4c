
/*
 * How a key set is read, and which of its keys are tried.
 *
 *   document       must be one object with an array "keys"; a byte order mark,
 *                  bytes that are not UTF-8 and duplicate members (the last one
 *                  counts) are accepted
 *   keys           keys that are not usable are skipped, see cigna_jwk.c; the
 *                  first 256 usable ones count
 *   a key twice    counts once
 *   a kid twice    both keys are tried
 *   no kid in key  tried after the keys that have the token's kid
 *   no kid in      every key that fits the algorithm is tried
 *   the token
 *
 * A key with another kid than the token's is never tried.  If the token's kid
 * names only keys that do not fit the algorithm, no key is tried.
 */


#include <stdlib.h>

#include "cigna_jwks.h"


struct cigna_jwks_s {
    cigna_jwk_t   keys[CIGNA_JWKS_KEYS_MAX];
    size_t        nkeys;
    size_t        total;                   /* keys in the document */
    unsigned      count[cigna_jwk_max];    /* number of keys for each result of
                                              cigna_jwk_init() */
};


static void cigna_jwks_add(cigna_jwks_t *jwks, const cigna_json_t *object);
static int cigna_jwks_try(const cigna_jwks_t *jwks, const cigna_slice_t *kid,
    cigna_alg_e alg, cigna_slice_t text, cigna_slice_t signature,
    unsigned *checks);
static int cigna_jwks_has(const cigna_jwks_t *jwks, cigna_slice_t kid);
static int cigna_jwks_named(const cigna_jwk_t *key, cigna_slice_t kid);


cigna_jwks_t *
cigna_jwks_create(cigna_slice_t text)
{
    size_t               i;
    cigna_json_t        *doc;
    cigna_jwks_t        *jwks;
    const cigna_json_t  *keys;

    doc = cigna_json_read(text);
    jwks = NULL;

    if (cigna_json_array(doc, "keys", &keys) == CIGNA_OK) {
        jwks = calloc(1, sizeof(cigna_jwks_t));
    }

    if (jwks) {
        jwks->total = cigna_json_count(keys);

        for (i = 0; i < jwks->total && jwks->nkeys < CIGNA_JWKS_KEYS_MAX; i++)
        {
            cigna_jwks_add(jwks, cigna_json_item(keys, i));
        }
    }

    cigna_json_destroy(doc);

    return jwks;
}


void
cigna_jwks_destroy(cigna_jwks_t *jwks)
{
    size_t  i;

    for (i = 0; jwks && i < jwks->nkeys; i++) {
        cigna_jwk_done(&jwks->keys[i]);
    }

    free(jwks);
}


size_t
cigna_jwks_count(const cigna_jwks_t *jwks)
{
    return jwks->nkeys;
}


void
cigna_jwks_append_shape(const cigna_jwks_t *jwks, cigna_buf_t *b)
{
    unsigned  e;

    cigna_buf_append_uint(b, jwks->total);
    cigna_buf_append_str(b, jwks->total == 1 ? " key" : " keys");

    for (e = 0; e < cigna_jwk_max; e++) {

        if (jwks->count[e] == 0) {
            continue;
        }

        cigna_buf_append_str(b, ", ");
        cigna_buf_append_uint(b, jwks->count[e]);
        cigna_buf_append_char(b, ' ');
        cigna_buf_append_str(b, cigna_jwk_name((cigna_jwk_e) e));
    }
}


static void
cigna_jwks_add(cigna_jwks_t *jwks, const cigna_json_t *object)
{
    size_t        i;
    cigna_jwk_e   e;
    cigna_jwk_t  *key;

    key = &jwks->keys[jwks->nkeys];

    e = cigna_jwk_init(key, object);
    jwks->count[e]++;

    if (e != cigna_jwk_ok) {
        return;
    }

    for (i = 0; i < jwks->nkeys; i++) {
        if (cigna_jwk_same(&jwks->keys[i], key)) {
            cigna_jwk_done(key);
            return;
        }
    }

    jwks->nkeys++;
}


cigna_jwks_e
cigna_jwks_verify(const cigna_jwks_t *jwks, cigna_slice_t kid,
    cigna_alg_e alg, cigna_slice_t text, cigna_slice_t signature)
{
    int       rc;
    unsigned  checks;

    checks = 0;
    rc = cigna_jwks_try(jwks, kid.len ? &kid : NULL, alg, text, signature,
                        &checks);

    if (kid.len && checks == 0 && cigna_jwks_has(jwks, kid)) {
        return cigna_jwks_other;
    }

    if (kid.len && rc == CIGNA_NONE) {
        kid = cigna_slice_null;
        rc = cigna_jwks_try(jwks, &kid, alg, text, signature, &checks);
    }

    if (rc == CIGNA_NONE) {
        return checks ? cigna_jwks_bad : cigna_jwks_unknown;
    }

    return rc == CIGNA_OK ? cigna_jwks_good : cigna_jwks_failed;
}


/*
 * Tries the keys that fit alg and have this kid.  An empty kid means the keys
 * without one; NULL means all keys.  Adds the number of tried keys to *checks,
 * up to CIGNA_JWKS_CHECKS_MAX.  CIGNA_OK: the last one of them has made the
 * signature.  CIGNA_NONE: none of them has.  CIGNA_ERROR: no memory.
 */

static int
cigna_jwks_try(const cigna_jwks_t *jwks, const cigna_slice_t *kid,
    cigna_alg_e alg, cigna_slice_t text, cigna_slice_t signature,
    unsigned *checks)
{
    int                 rc;
    size_t              i;
    const cigna_jwk_t  *key;

    for (i = 0; i < jwks->nkeys; i++) {
        key = &jwks->keys[i];

        if (!cigna_jwk_fits(key, alg)
            || (kid && !cigna_jwks_named(key, *kid)))
        {
            continue;
        }

        if (*checks == CIGNA_JWKS_CHECKS_MAX) {
            break;
        }

        (*checks)++;

        rc = cigna_jwk_verify(key, alg, text, signature);

        if (rc != CIGNA_NONE) {
            return rc;
        }
    }

    return CIGNA_NONE;
}


static int
cigna_jwks_has(const cigna_jwks_t *jwks, cigna_slice_t kid)
{
    size_t  i;

    for (i = 0; i < jwks->nkeys; i++) {
        if (cigna_jwks_named(&jwks->keys[i], kid)) {
            return 1;
        }
    }

    return 0;
}


static int
cigna_jwks_named(const cigna_jwk_t *key, cigna_slice_t kid)
{
    return cigna_slice_eq(kid, cigna_slice_make(key->kid,
                                                key->kid + key->kid_len));
}


#include <stdlib.h>

#include "cigna_jwks.h"


struct cigna_jwks_s {
    cigna_jwk_t   keys[CIGNA_JWKS_KEYS_MAX];
    size_t        nkeys;
};


static cigna_jwks_t *cigna_jwks_read(const cigna_json_t *doc);
static int cigna_jwks_named(const cigna_jwk_t *key, cigna_slice_t kid);


cigna_jwks_t *
cigna_jwks_create(cigna_slice_t text)
{
    cigna_json_t  *doc;
    cigna_jwks_t  *jwks;

    doc = cigna_json_parse(text);
    if (doc == NULL) {
        return NULL;
    }

    jwks = cigna_jwks_read(doc);

    cigna_json_destroy(doc);

    return jwks;
}


void
cigna_jwks_destroy(cigna_jwks_t *jwks)
{
    size_t  i;

    if (jwks == NULL) {
        return;
    }

    for (i = 0; i < jwks->nkeys; i++) {
        cigna_jwk_done(&jwks->keys[i]);
    }

    free(jwks);
}


size_t
cigna_jwks_count(const cigna_jwks_t *jwks)
{
    return jwks->nkeys;
}


static cigna_jwks_t *
cigna_jwks_read(const cigna_json_t *doc)
{
    size_t               i;
    cigna_jwks_t        *jwks;
    const cigna_json_t  *keys, *object;

    if (cigna_json_array(doc, "keys", &keys) != CIGNA_OK) {
        return NULL;
    }

    jwks = calloc(1, sizeof(cigna_jwks_t));
    if (jwks == NULL) {
        return NULL;
    }

    for (i = 0; i < cigna_json_count(keys); i++) {

        if (jwks->nkeys == CIGNA_JWKS_KEYS_MAX) {
            break;
        }

        object = cigna_json_item(keys, i);

        if (object
            && cigna_jwk_init(&jwks->keys[jwks->nkeys], object) == CIGNA_OK)
        {
            jwks->nkeys++;
        }
    }

    if (jwks->nkeys == 0) {
        cigna_jwks_destroy(jwks);
        return NULL;
    }

    return jwks;
}


const cigna_jwk_t *
cigna_jwks_find(const cigna_jwks_t *jwks, cigna_slice_t kid, cigna_alg_e alg)
{
    size_t              i;
    const cigna_jwk_t  *key, *found;

    found = NULL;

    for (i = 0; i < jwks->nkeys; i++) {
        key = &jwks->keys[i];

        if (key->alg != alg || (kid.len && !cigna_jwks_named(key, kid))) {
            continue;
        }

        if (found) {
            return NULL;
        }

        found = key;
    }

    return found;
}


int
cigna_jwks_has_other(const cigna_jwks_t *jwks, cigna_slice_t kid,
    cigna_alg_e alg)
{
    size_t              i;
    const cigna_jwk_t  *key;

    for (i = 0; i < jwks->nkeys; i++) {
        key = &jwks->keys[i];

        if (key->alg != alg && kid.len && cigna_jwks_named(key, kid)) {
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

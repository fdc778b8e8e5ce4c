
#include "fuzz.h"

#include "cigna_jwks.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cigna_alg_e         alg;
    cigna_jwks_t       *jwks;
    const cigna_jwk_t  *key;

    jwks = cigna_jwks_create(fuzz_input(data, size));

    if (jwks == NULL) {
        return 0;
    }

    fuzz_assert(cigna_jwks_count(jwks) > 0);
    fuzz_assert(cigna_jwks_count(jwks) <= CIGNA_JWKS_KEYS_MAX);

    for (alg = cigna_alg_none; alg <= cigna_alg_es256; alg++) {

        key = cigna_jwks_find(jwks, cigna_slice("e"), alg);

        fuzz_assert(key == NULL || (key->alg == alg && key->pkey));
        fuzz_assert(key == NULL || alg != cigna_alg_none);

        (void) cigna_jwks_find(jwks, cigna_slice_null, alg);
        (void) cigna_jwks_has_other(jwks, cigna_slice("e"), alg);
    }

    cigna_jwks_destroy(jwks);

    return 0;
}

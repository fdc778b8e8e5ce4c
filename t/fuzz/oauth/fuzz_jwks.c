
#include "fuzz.h"

#include "oauth/cigna_jwks.h"


/* a text as long as a signature of ES256 or EdDSA */

#define SIGNATURE                                                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           text[256];
    unsigned       alg;
    cigna_buf_t    b;
    cigna_jwks_e   e;
    cigna_jwks_t  *jwks;

    jwks = cigna_jwks_create(fuzz_input(data, size));

    if (jwks == NULL) {
        return 0;
    }

    fuzz_assert(cigna_jwks_count(jwks) <= CIGNA_JWKS_KEYS_MAX);

    cigna_buf_init(&b, text, sizeof(text));
    cigna_jwks_append_shape(jwks, &b);
    fuzz_assert(!b.overflow && b.pos > b.start);

    /* no key of the input has signed this text, so no verification succeeds */

    for (alg = cigna_alg_none; alg <= cigna_alg_max; alg++) {

        e = cigna_jwks_verify(jwks, cigna_slice("e"), alg, cigna_slice("t"),
                              cigna_slice(SIGNATURE));
        fuzz_assert(e != cigna_jwks_good);

        e = cigna_jwks_verify(jwks, cigna_slice_null, alg, cigna_slice("t"),
                              cigna_slice(SIGNATURE));
        fuzz_assert(e == cigna_jwks_bad || e == cigna_jwks_unknown);
        fuzz_assert(e == cigna_jwks_unknown || cigna_jwks_count(jwks) > 0);
    }

    cigna_jwks_destroy(jwks);

    return 0;
}


#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "cigna_secret.h"


void
cigna_secret_wipe(void *mem, size_t len)
{
    if (len) {
        OPENSSL_cleanse(mem, len);
    }
}


int
cigna_secret_eq(cigna_slice_t a, cigna_slice_t b)
{
    if (a.len != b.len) {
        return 0;
    }

    return a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}


int
cigna_secret_sha256(cigna_slice_t s, uint8_t out[CIGNA_SHA256_LEN])
{
    if (EVP_Digest(s.data, s.len, out, NULL, EVP_sha256(), NULL) != 1) {
        return CIGNA_ERROR;
    }

    return CIGNA_OK;
}


#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/cigna_siphash.h"
#include "support.h"


static const uint8_t  key[CIGNA_SIPHASH_KEY_LEN] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
};


/* vectors of the reference implementation, for texts of bytes 0, 1, 2, ... */

static void
the_reference_vectors_match(void **state)
{
    size_t         i;
    uint8_t        out[CIGNA_SIPHASH_LEN], text[16];

    static const struct {
        size_t   len;
        uint8_t  hash[CIGNA_SIPHASH_LEN];
    } vectors[] = {
        {  0, { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
                0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 } },
        {  1, { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44,
                0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45 } },
    };

    (void) state;

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t) i;
    }

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        cigna_siphash(key, (cigna_slice_t) { text, vectors[i].len }, out);
        assert_memory_equal(out, vectors[i].hash, CIGNA_SIPHASH_LEN);
    }
}


static void
library_siphash(EVP_MAC *mac, const uint8_t *text, size_t len, uint8_t *out)
{
    size_t        n;
    unsigned      size;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *ctx;

    size = CIGNA_SIPHASH_LEN;
    params[0] = OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size);
    params[1] = OSSL_PARAM_construct_end();

    ctx = EVP_MAC_CTX_new(mac);
    assert_non_null(ctx);

    assert_int_equal(EVP_MAC_init(ctx, key, sizeof(key), params), 1);
    assert_int_equal(EVP_MAC_update(ctx, text, len), 1);
    assert_int_equal(EVP_MAC_final(ctx, out, &n, CIGNA_SIPHASH_LEN), 1);

    EVP_MAC_CTX_free(ctx);
}


/* each text borders on an unreadable page, so no byte after it is read */

static void
every_length_gives_the_hash_of_libcrypto(void **state)
{
    size_t    len;
    EVP_MAC  *mac;
    uint8_t   text[300], expected[CIGNA_SIPHASH_LEN], out[CIGNA_SIPHASH_LEN];

    (void) state;

    mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    assert_non_null(mac);

    for (len = 0; len < sizeof(text); len++) {
        text[len] = (uint8_t) (len * 7 + 3);
    }

    for (len = 0; len <= sizeof(text); len++) {
        library_siphash(mac, text, len, expected);

        cigna_siphash(key, (cigna_slice_t) { place_at_page_end(text, len),
                                             len },
                      out);
        assert_memory_equal(out, expected, CIGNA_SIPHASH_LEN);

        support_release();
    }

    EVP_MAC_free(mac);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_reference_vectors_match),
        cmocka_unit_test(every_length_gives_the_hash_of_libcrypto),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

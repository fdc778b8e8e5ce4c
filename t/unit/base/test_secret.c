
#include "support.h"

#include "base/cigna_secret.h"


/* SHA-256 of "abc" (FIPS 180-2, appendix B.1) */

static const uint8_t  hash_of_abc[CIGNA_SHA256_LEN] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde,
    0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
    0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad
};


static void
a_wipe_leaves_zeros(void **state)
{
    uint8_t  mem[] = "secret";

    (void) state;

    cigna_secret_wipe(mem + 1, 4);
    assert_memory_equal(mem, "s\0\0\0\0t", 6);

    cigna_secret_wipe(NULL, 0);
}


static void
secrets_are_compared_to_the_last_byte(void **state)
{
    (void) state;

    assert_int_equal(cigna_secret_eq(guarded("abc"), guarded("abc")), 1);
    assert_int_equal(cigna_secret_eq(guarded("abc"), guarded("abd")), 0);
    assert_int_equal(cigna_secret_eq(guarded("abc"), guarded("xbc")), 0);
    assert_int_equal(cigna_secret_eq(guarded("abc"), guarded("abcd")), 0);
    assert_int_equal(cigna_secret_eq(guarded("abc"), cigna_slice_null), 0);
    assert_int_equal(cigna_secret_eq(cigna_slice_null, guarded("")), 1);
}


static void
sha256_gives_the_standard_values(void **state)
{
    uint8_t               out[CIGNA_SHA256_LEN];
    static const uint8_t  empty[] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8,
        0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
        0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55
    };

    (void) state;

    assert_int_equal(cigna_secret_sha256(guarded("abc"), out), CIGNA_OK);
    assert_memory_equal(out, hash_of_abc, sizeof(hash_of_abc));

    assert_int_equal(cigna_secret_sha256(cigna_slice_null, out), CIGNA_OK);
    assert_memory_equal(out, empty, sizeof(empty));
}


static void
sha256_without_memory_fails_or_is_right(void **state)
{
    int       rc;
    uint8_t   out[CIGNA_SHA256_LEN];
    unsigned  n;

    (void) state;

    for (n = 1; ; n++) {

        support_alloc_fail(n);
        rc = cigna_secret_sha256(cigna_slice("abc"), out);

        if (!support_alloc_failed()) {
            break;
        }

        if (rc == CIGNA_OK) {
            assert_memory_equal(out, hash_of_abc, sizeof(hash_of_abc));
        }
    }

    assert_true(n > 1);
    assert_int_equal(rc, CIGNA_OK);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_wipe_leaves_zeros),
        cmocka_unit_test(secrets_are_compared_to_the_last_byte),
        cmocka_unit_test(sha256_gives_the_standard_values),
        cmocka_unit_test(sha256_without_memory_fails_or_is_right)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, NULL, NULL);
}

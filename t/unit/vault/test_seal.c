
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "rings.h"
#include "support.h"

#include "vault/cigna_seal.h"


#define PLAIN  "MARKER-plain text"


/*
 * PLAIN, sealed by the key SEAL with the record, nonce and associated data of
 * sealed() below.  Python's hmac and its package "cryptography" computed these
 * bytes.  The module must always open them, because Redis holds such records
 * after an upgrade.
 */

static const uint8_t  known[] = {
    0x01, 0x59, 0x5a, 0x5b, 0x64, 0xc0, 0xc5, 0x8b, 0x19, 0x00, 0x01, 0x02,
    0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0xd1, 0x8c, 0x29,
    0x44, 0xc6, 0xa6, 0xc9, 0x8e, 0x9f, 0xe2, 0xf3, 0x4d, 0x68, 0x0b, 0x95,
    0xd8, 0xbf, 0x07, 0x36, 0xb4, 0xc3, 0xd7, 0xa8, 0x59, 0xbd, 0xc3, 0x11,
    0xcb, 0x14, 0xc0, 0x55, 0xf8, 0x84
};

static const uint8_t  nonce[CIGNA_SEAL_NONCE_LEN] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
};

static uint8_t  mem[4096];


static cigna_record_t
record(void)
{
    return (cigna_record_t) { cigna_slice("grant"), cigna_slice("acme"),
                              .name = cigna_slice("cigna:g:{x}") };
}


static cigna_slice_t
sealed(cigna_keyring_t *ring, cigna_slice_t plain)
{
    cigna_buf_t     out;
    cigna_record_t  r = record();

    cigna_buf_init(&out, mem, sizeof(mem));

    assert_int_equal(cigna_seal(ring, &r, cigna_slice("associated"), plain,
                                nonce, &out),
                     CIGNA_OK);
    assert_int_equal(out.pos - out.start, plain.len + CIGNA_SEAL_OVERHEAD);

    return cigna_buf_slice(&out);
}


/* opens a sealed text; a failure must leave no byte of it in the output */

static int
opened(cigna_keyring_t *ring, cigna_record_t r, cigna_slice_t aad,
    cigna_slice_t box, const char *plain)
{
    int          rc;
    uint8_t      text[256];
    size_t       i;
    cigna_buf_t  out;

    memset(text, 0, sizeof(text));
    cigna_buf_init(&out, text, sizeof(text));
    cigna_buf_append_char(&out, '>');

    rc = cigna_seal_open(ring, &r, aad, box, &out);

    if (rc == CIGNA_OK) {
        assert_slice(cigna_slice_make(text + 1, out.pos), plain);
        return rc;
    }

    assert_ptr_equal(out.pos, text + 1);

    for (i = 1; i < sizeof(text); i++) {
        assert_int_equal(text[i], 0);
    }

    return rc;
}


static void
a_record_opens_again(void **state)
{
    cigna_keyring_t  *ring = *state;

    assert_int_equal(opened(ring, record(), cigna_slice("associated"),
                            sealed(ring, cigna_slice(PLAIN)), PLAIN),
                     CIGNA_OK);
    assert_int_equal(opened(ring, record(), cigna_slice("associated"),
                            sealed(ring, cigna_slice_null), ""),
                     CIGNA_OK);
}


static void
a_record_has_the_bytes_of_another_implementation(void **state)
{
    cigna_slice_t     box;
    cigna_keyring_t  *ring = *state;

    box = sealed(ring, cigna_slice(PLAIN));

    assert_int_equal(box.len, sizeof(known));
    assert_memory_equal(box.data, known, sizeof(known));

    assert_int_equal(opened(ring, record(), cigna_slice("associated"),
                            cigna_slice_make(known, known + sizeof(known)),
                            PLAIN),
                     CIGNA_OK);
}


/* computes the key of a record as cigna_seal.h says, by OpenSSL's HKDF */

static void
record_key(const uint8_t *id, uint8_t key[32])
{
    uint8_t       ikm[32], info[256], version;
    unsigned      i;
    EVP_KDF      *kdf;
    OSSL_PARAM    params[5];
    cigna_buf_t   b;
    EVP_KDF_CTX  *ctx;

    for (i = 0; i < 32; i++) {
        ikm[i] = (uint8_t) (32 + i);
    }

    version = 1;

    cigna_buf_init(&b, info, sizeof(info));
    cigna_buf_append_lp(&b, cigna_slice("record"));
    cigna_buf_append_lp(&b, cigna_slice_make(id, id + CIGNA_SEAL_KEY_ID_LEN));
    cigna_buf_append_lp(&b, cigna_slice_make(&version, &version + 1));
    cigna_buf_append_lp(&b, cigna_slice("grant"));
    cigna_buf_append_lp(&b, cigna_slice("acme"));
    cigna_buf_append_lp(&b, cigna_slice("cigna:g:{x}"));

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 (char *) "SHA256", 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm, 32);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                          (char *) "ngx_cigna_module", 16);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
                                                  (size_t) (b.pos - info));
    params[4] = OSSL_PARAM_construct_end();

    kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    ctx = EVP_KDF_CTX_new(kdf);
    assert_int_equal(EVP_KDF_derive(ctx, key, 32, params), 1);

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}


static void
a_key_is_what_rfc_5869_makes_of_the_parts(void **state)
{
    int               n;
    uint8_t           key[32], plain[64];
    cigna_slice_t     box;
    const uint8_t    *text, *tag;
    EVP_CIPHER_CTX   *ctx;
    cigna_keyring_t  *ring = *state;

    box = sealed(ring, cigna_slice(PLAIN));
    text = box.data + 1 + CIGNA_SEAL_KEY_ID_LEN + CIGNA_SEAL_NONCE_LEN;
    tag = box.data + box.len - CIGNA_SEAL_TAG_LEN;

    record_key(box.data + 1, key);

    ctx = EVP_CIPHER_CTX_new();
    EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce);
    EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *) "associated", 10);
    EVP_DecryptUpdate(ctx, plain, &n, text, (int) (tag - text));
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CIGNA_SEAL_TAG_LEN,
                        (void *) tag);

    assert_slice(cigna_slice_make(plain, plain + n), PLAIN);
    assert_int_equal(EVP_DecryptFinal_ex(ctx, plain, &n), 1);

    EVP_CIPHER_CTX_free(ctx);
}


static void
a_record_opens_after_the_sealing_key_was_rotated(void **state)
{
    cigna_slice_t     box;
    cigna_keyring_t  *ring = *state, *rotated, *bare;

    box = sealed(ring, cigna_slice(PLAIN));

    rotated = ring_of(NAME OTHER SEAL);
    bare = ring_of(NAME OTHER);

    assert_int_equal(opened(rotated, record(), cigna_slice("associated"), box,
                            PLAIN),
                     CIGNA_OK);
    assert_int_equal(opened(bare, record(), cigna_slice("associated"), box,
                            PLAIN),
                     CIGNA_SEAL_UNKNOWN_KEY);

    cigna_keyring_destroy(rotated);
    cigna_keyring_destroy(bare);
}


static void
a_record_opens_for_no_other_type_tenant_name_or_data(void **state)
{
    cigna_slice_t     box, aad = cigna_slice("associated");
    cigna_record_t    r;
    cigna_keyring_t  *ring = *state;

    box = sealed(ring, cigna_slice(PLAIN));

    r = record();
    r.type = cigna_slice("dance");
    assert_int_equal(opened(ring, r, aad, box, ""), CIGNA_SEAL_DAMAGED);

    r = record();
    r.tenant = cigna_slice("acm");
    assert_int_equal(opened(ring, r, aad, box, ""), CIGNA_SEAL_DAMAGED);

    /* other parts, which have the same bytes when they are joined */

    r.name = cigna_slice("ecigna:g:{x}");
    assert_int_equal(opened(ring, r, aad, box, ""), CIGNA_SEAL_DAMAGED);

    r = record();
    r.name = cigna_slice("cigna:g:{y}");
    assert_int_equal(opened(ring, r, aad, box, ""), CIGNA_SEAL_DAMAGED);

    assert_int_equal(opened(ring, record(), cigna_slice("associates"), box,
                            ""),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(opened(ring, record(), cigna_slice_null, box, ""),
                     CIGNA_SEAL_DAMAGED);
}


static void
a_record_with_a_bit_turned_does_not_open(void **state)
{
    int               rc;
    size_t            i;
    uint8_t          *box;
    cigna_slice_t     good;
    cigna_keyring_t  *ring = *state;

    good = sealed(ring, cigna_slice(PLAIN));
    box = place_at_page_end(good.data, good.len);

    for (i = 0; i < good.len; i++) {

        box[i] ^= (uint8_t) (1 << i % 8);

        rc = opened(ring, record(), cigna_slice("associated"),
                    cigna_slice_make(box, box + good.len), "");

        assert_int_equal(rc, (i >= 1 && i <= 8) ? CIGNA_SEAL_UNKNOWN_KEY
                                                : CIGNA_SEAL_DAMAGED);

        box[i] ^= (uint8_t) (1 << i % 8);
    }

    assert_int_equal(opened(ring, record(), cigna_slice("associated"),
                            cigna_slice_make(box, box + good.len), PLAIN),
                     CIGNA_OK);
}


static void
a_record_cut_short_does_not_open(void **state)
{
    size_t            len;
    uint8_t          *box;
    cigna_slice_t     good;
    cigna_keyring_t  *ring = *state;

    good = sealed(ring, cigna_slice(PLAIN));

    for (len = 0; len < good.len; len++) {
        box = place_at_page_end(good.data, len);

        assert_int_equal(opened(ring, record(), cigna_slice("associated"),
                                cigna_slice_make(box, box + len), ""),
                         CIGNA_SEAL_DAMAGED);
        support_release();
    }
}


static void
too_little_room_is_an_error_that_leaves_nothing(void **state)
{
    size_t            size;
    uint8_t           room[sizeof(known)];
    cigna_buf_t       out;
    cigna_record_t    r = record();
    cigna_keyring_t  *ring = *state;

    for (size = 0; size < sizeof(known); size++) {
        cigna_buf_init(&out, room, size);
        assert_int_equal(cigna_seal(ring, &r, cigna_slice_null,
                                    cigna_slice(PLAIN), nonce, &out),
                         CIGNA_ERROR);
        assert_ptr_equal(out.pos, room);
    }

    cigna_buf_init(&out, room, sizeof(PLAIN) - 2);
    assert_int_equal(cigna_seal_open(ring, &r, cigna_slice("associated"),
                                     (cigna_slice_t) { known, sizeof(known) },
                                     &out),
                     CIGNA_ERROR);
    assert_ptr_equal(out.pos, room);
}


static void
failed_allocations_neither_seal_nor_open(void **state)
{
    int               rc;
    unsigned          n;
    uint8_t           room[128];
    cigna_buf_t       out;
    cigna_record_t    r = record();
    cigna_keyring_t  *ring = *state;

    for (n = 1; ; n++) {
        cigna_buf_init(&out, room, sizeof(room));

        support_alloc_fail(n);
        rc = cigna_seal_open(ring, &r, cigna_slice("associated"),
                             (cigna_slice_t) { known, sizeof(known) }, &out);

        if (!support_alloc_failed()) {
            break;
        }

        if (rc != CIGNA_OK) {
            assert_int_equal(rc, CIGNA_ERROR);
            assert_ptr_equal(out.pos, room);
        }
    }

    assert_int_equal(rc, CIGNA_OK);
}


static int
setup(void **state)
{
    *state = ring_of(NAME SEAL);
    return 0;
}


static int
teardown(void **state)
{
    cigna_keyring_destroy(*state);
    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_record_opens_again),
        cmocka_unit_test(a_record_has_the_bytes_of_another_implementation),
        cmocka_unit_test(a_key_is_what_rfc_5869_makes_of_the_parts),
        cmocka_unit_test(a_record_opens_after_the_sealing_key_was_rotated),
        cmocka_unit_test(a_record_opens_for_no_other_type_tenant_name_or_data),
        cmocka_unit_test(a_record_with_a_bit_turned_does_not_open),
        cmocka_unit_test(a_record_cut_short_does_not_open),
        cmocka_unit_test(too_little_room_is_an_error_that_leaves_nothing),
        cmocka_unit_test(failed_allocations_neither_seal_nor_open)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, setup, teardown);
}


#include <stdio.h>

#include "rings.h"
#include "support.h"

#include "vault/cigna_marker.h"


#define MADE_MS  1750000000123


static const uint8_t  nonce[CIGNA_SEAL_NONCE_LEN] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
};

/*
 * The marker for the Redis key "cigna:v:{vault}" with the key ring NAME SEAL,
 * made at MADE_MS, as scripts/vault computes it.  scripts/vault shares no code
 * with the module, so a test must show that the module accepts its markers.
 */

static const uint8_t  known[] = {
    0x01, 0x11, 0x71, 0xf1, 0xf1, 0xc4, 0x9d, 0x66, 0xb5, 0x00, 0x01, 0x02,
    0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x27, 0xcf, 0x2e,
    0x1e, 0x12, 0xcb, 0x24, 0x31, 0xa2, 0x1f, 0x25, 0xb8, 0x98, 0x38, 0xf5,
    0xd6, 0xc0, 0x25, 0xa3, 0x83, 0xb5, 0x4c, 0xe4, 0x22, 0x39
};


static uint8_t  mem[1024], key_mem[128];


static cigna_vault_t
vault_of(const char *text, const char *prefix)
{
    cigna_vault_t  vault;

    vault.ring = ring_of(text);
    vault.prefix = cigna_slice_str(prefix);

    return vault;
}


static cigna_slice_t
key_of(const cigna_vault_t *vault, unsigned slot)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, key_mem, sizeof(key_mem));
    assert_int_equal(cigna_marker_append_key(&b, vault, slot), CIGNA_OK);

    return cigna_buf_slice(&b);
}


static cigna_slice_t
marker_of(const cigna_vault_t *vault, cigna_slice_t key)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(ring_marker(vault, key, MADE_MS, nonce, &b), CIGNA_OK);

    return cigna_buf_slice(&b);
}


/* makes a marker with one key ring, and opens it with another */

static int
opened_by(const char *maker, const char *reader)
{
    int            rc;
    cigna_slice_t  key, blob;
    cigna_vault_t  made, read;

    made = vault_of(maker, "cigna");
    read = vault_of(reader, "cigna");

    key = key_of(&made, CIGNA_MARKER_NO_SLOT);
    blob = marker_of(&made, key);

    rc = cigna_marker_open(&read, key, blob);

    cigna_keyring_destroy(made.ring);
    cigna_keyring_destroy(read.ring);

    return rc;
}


static void
a_marker_is_bound_to_its_vault(void **state)
{
    (void) state;

    assert_int_equal(opened_by(NAME SEAL, NAME SEAL), CIGNA_OK);
    assert_int_equal(opened_by(OTHER_NAME OTHER, NAME SEAL),
                     CIGNA_MARKER_OTHER_NAMES);
}


static void
a_marker_opens_after_a_rotation_of_the_seal_keys(void **state)
{
    (void) state;

    assert_int_equal(opened_by(NAME SEAL, NAME SEAL OTHER), CIGNA_OK);
    assert_int_equal(opened_by(NAME SEAL, NAME OTHER SEAL), CIGNA_OK);
    assert_int_equal(opened_by(NAME OTHER SEAL, NAME SEAL OTHER), CIGNA_OK);
    assert_int_equal(opened_by(NAME SEAL, NAME OTHER), CIGNA_OK);
}


static void
another_name_key_is_told_apart(void **state)
{
    (void) state;

    assert_int_equal(opened_by(NAME SEAL, OTHER_NAME SEAL),
                     CIGNA_MARKER_OTHER_NAMES);
    assert_int_equal(opened_by(NAME SEAL, OTHER_NAME OTHER SEAL),
                     CIGNA_MARKER_OTHER_NAMES);
}


static void
a_marker_is_not_valid_under_another_key(void **state)
{
    char           other_mem[64];
    cigna_slice_t  key, blob, other;
    cigna_vault_t  vault, elsewhere;

    (void) state;

    vault = vault_of(NAME SEAL, "cigna");
    elsewhere = vault;
    elsewhere.prefix = cigna_slice("cigna2");

    key = key_of(&vault, 7);
    (void) memcpy(other_mem, key.data, key.len);
    other = cigna_slice_make(other_mem, other_mem + key.len);

    blob = marker_of(&vault, other);
    assert_int_equal(cigna_marker_open(&vault, other, blob), CIGNA_OK);

    key = key_of(&vault, 8);
    assert_int_equal(cigna_marker_open(&vault, key, blob),
                     CIGNA_SEAL_DAMAGED);

    key = key_of(&vault, CIGNA_MARKER_NO_SLOT);
    assert_int_equal(cigna_marker_open(&vault, key, blob),
                     CIGNA_SEAL_DAMAGED);

    key = key_of(&elsewhere, 7);
    assert_int_equal(cigna_marker_open(&elsewhere, key, blob),
                     CIGNA_SEAL_DAMAGED);

    cigna_keyring_destroy(vault.ring);
}


static void
a_marker_with_a_changed_byte_does_not_open(void **state)
{
    int             rc;
    size_t          i;
    uint8_t        *copy;
    cigna_slice_t   key, blob;
    cigna_vault_t   vault;

    (void) state;

    vault = vault_of(NAME SEAL, "cigna");
    key = key_of(&vault, CIGNA_MARKER_NO_SLOT);
    blob = marker_of(&vault, key);

    assert_int_equal(blob.len, CIGNA_MARKER_LEN);

    for (i = 0; i < blob.len; i++) {
        mem[i] ^= 0x10;
        rc = cigna_marker_open(&vault, key, blob);
        assert_int_equal(rc, (i == 0 || i > 8) ? CIGNA_SEAL_DAMAGED
                                               : CIGNA_MARKER_OTHER_NAMES);
        mem[i] ^= 0x10;
    }

    for (i = 0; i < blob.len; i++) {
        copy = place_at_page_end(blob.data, i);
        assert_int_equal(cigna_marker_open(&vault, key,
                                           (cigna_slice_t) { copy, i }),
                         CIGNA_SEAL_DAMAGED);
    }

    assert_int_equal(cigna_marker_open(&vault, key, blob), CIGNA_OK);

    cigna_keyring_destroy(vault.ring);
}


/* seals a text as a marker, and opens it */

static int
opened_as(cigna_slice_t plain)
{
    int             rc;
    cigna_buf_t     b;
    cigna_slice_t   key;
    cigna_vault_t   vault;
    cigna_record_t  record;

    vault = vault_of(NAME SEAL, "cigna");
    key = key_of(&vault, CIGNA_MARKER_NO_SLOT);

    record = (cigna_record_t) { cigna_slice("marker"), .name = key,
                                .named = 1 };
    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_seal(vault.ring, &record, cigna_slice_null, plain,
                                nonce, &b),
                     CIGNA_OK);

    rc = cigna_marker_open(&vault, key, cigna_buf_slice(&b));

    cigna_keyring_destroy(vault.ring);

    return rc;
}


static void
a_marker_of_a_newer_gateway_has_its_own_result(void **state)
{
    uint8_t  plain[300];

    (void) state;

    memset(plain, 0, sizeof(plain));
    plain[0] = 2;

    assert_int_equal(opened_as(cigna_slice_make(plain, plain + 1)),
                     CIGNA_MARKER_OTHER_VERSION);
    assert_int_equal(opened_as(cigna_slice_make(plain,
                                           plain + CIGNA_MARKER_PLAIN_LEN)),
                     CIGNA_MARKER_OTHER_VERSION);
    assert_int_equal(opened_as(cigna_slice_make(plain, plain + 256)),
                     CIGNA_MARKER_OTHER_VERSION);
    assert_int_equal(opened_as(cigna_slice_make(plain, plain + 257)),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(opened_as(cigna_slice_null), CIGNA_MARKER_OTHER_VERSION);

    plain[0] = 1;
    assert_int_equal(opened_as(cigna_slice_make(plain,
                                           plain + CIGNA_MARKER_PLAIN_LEN)),
                     CIGNA_OK);
    assert_int_equal(opened_as(cigna_slice_make(plain,
                                       plain + CIGNA_MARKER_PLAIN_LEN + 1)),
                     CIGNA_MARKER_OTHER_VERSION);
}


static void
a_marker_that_scripts_vault_made_opens(void **state)
{
    cigna_slice_t  key, blob;
    cigna_vault_t  vault;

    (void) state;

    vault = vault_of(NAME SEAL, "cigna");
    key = key_of(&vault, CIGNA_MARKER_NO_SLOT);
    assert_slice(key, "cigna:v:{vault}");

    blob = cigna_slice_make(known, known + sizeof(known));
    assert_int_equal(cigna_marker_open(&vault, key, blob), CIGNA_OK);

    blob = marker_of(&vault, key);
    assert_int_equal(blob.len, sizeof(known));
    assert_memory_equal(blob.data, known, sizeof(known));

    cigna_keyring_destroy(vault.ring);
}


static void
the_marker_of_a_slot_lies_in_it(void **state)
{
    unsigned       slot;
    cigna_slice_t  key;
    cigna_vault_t  vault;

    (void) state;

    vault = vault_of(NAME SEAL, "c");

    for (slot = 0; slot < CIGNA_SLOTS; slot += 1021) {
        key = key_of(&vault, slot);
        assert_int_equal(cigna_slot(key), slot);
    }

    key = key_of(&vault, 0);
    assert_slice(key, "c:v:{3560}");

    cigna_keyring_destroy(vault.ring);
}


static void
room_that_is_too_small_is_an_error(void **state)
{
    cigna_buf_t    b;
    cigna_slice_t  key;
    cigna_vault_t  vault;

    (void) state;

    vault = vault_of(NAME SEAL, "cigna");

    cigna_buf_init(&b, key_mem, 14);
    assert_int_equal(cigna_marker_append_key(&b, &vault,
                                             CIGNA_MARKER_NO_SLOT),
                     CIGNA_ERROR);

    cigna_buf_init(&b, key_mem, sizeof(key_mem));
    assert_int_equal(cigna_marker_append_key(&b, &vault, CIGNA_SLOTS + 1),
                     CIGNA_ERROR);

    key = cigna_slice("key");
    cigna_buf_init(&b, mem, CIGNA_MARKER_LEN - 1);
    assert_int_equal(ring_marker(&vault, key, MADE_MS, nonce, &b), CIGNA_ERROR);
    assert_ptr_equal(b.pos, mem);

    cigna_keyring_destroy(vault.ring);
}


static void
every_result_has_words_of_its_own(void **state)
{
    size_t  i, k;

    static const int  results[] = {
        CIGNA_OK, CIGNA_NONE, CIGNA_ERROR, CIGNA_SEAL_DAMAGED,
        CIGNA_MARKER_OTHER_NAMES, CIGNA_MARKER_OTHER_VERSION
    };

    (void) state;

    for (i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        for (k = 0; k < i; k++) {
            assert_string_not_equal(cigna_marker_error(results[i]),
                                    cigna_marker_error(results[k]));
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_marker_is_bound_to_its_vault),
        cmocka_unit_test(a_marker_opens_after_a_rotation_of_the_seal_keys),
        cmocka_unit_test(another_name_key_is_told_apart),
        cmocka_unit_test(a_marker_is_not_valid_under_another_key),
        cmocka_unit_test(a_marker_with_a_changed_byte_does_not_open),
        cmocka_unit_test(a_marker_of_a_newer_gateway_has_its_own_result),
        cmocka_unit_test(a_marker_that_scripts_vault_made_opens),
        cmocka_unit_test(the_marker_of_a_slot_lies_in_it),
        cmocka_unit_test(room_that_is_too_small_is_an_error),
        cmocka_unit_test(every_result_has_words_of_its_own)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

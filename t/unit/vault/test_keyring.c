
#include <stdio.h>

#include "rings.h"
#include "support.h"

#include "vault/cigna_keyring.h"


/* the key id of SEAL, as Python's hmac computes it */

#define SEAL_ID  "595a5b64c0c58b19"


static cigna_keyring_t *
parsed(const char *text)
{
    unsigned          line;
    const char       *error;
    cigna_keyring_t  *ring;

    ring = cigna_keyring_create(guarded(text), &error, &line);

    if (ring == NULL) {
        fail_msg("%s in line %u", error, line);
    }

    assert_null(error);

    return ring;
}


static void
assert_refused(const char *text, const char *words, unsigned at)
{
    unsigned          line;
    const char       *error;
    cigna_keyring_t  *ring;

    ring = cigna_keyring_create(guarded(text), &error, &line);

    assert_null(ring);
    assert_non_null(error);

    if (strstr(error, words) == NULL) {
        fail_msg("\"%s\" for \"%s\"", error, text);
    }

    assert_int_equal(line, at);
}


static void
assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    size_t  i;
    char    digits[3];

    assert_int_equal(strlen(hex), 2 * len);

    for (i = 0; i < len; i++) {
        snprintf(digits, sizeof(digits), "%02x", bytes[i]);
        assert_memory_equal(digits, hex + 2 * i, 2);
    }
}


/* writes the id of the key that seals, in hex */

static void
sealing_id(const cigna_keyring_t *ring, char hex[17])
{
    unsigned  i;

    for (i = 0; i < CIGNA_SEAL_KEY_ID_LEN; i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", ring->keys[0].id[i]);
    }
}


static void
assert_sealing_id(const char *text, const char *id)
{
    char              hex[17];
    cigna_keyring_t  *ring;

    ring = parsed(text);
    sealing_id(ring, hex);

    assert_string_equal(hex, id);
    assert_memory_equal(&ring->keys[0],
                        cigna_keyring_find(ring, ring->keys[0].id, 0),
                        sizeof(cigna_ring_key_t));

    cigna_keyring_destroy(ring);
}


static void
a_ring_is_read(void **state)
{
    (void) state;

    assert_sealing_id(NAME SEAL, SEAL_ID);
    assert_sealing_id(SEAL NAME, SEAL_ID);
    assert_sealing_id("# ours\r\n\n \t\n" NAME "# seal x\n" SEAL OTHER,
                      SEAL_ID);
    assert_sealing_id(NAME "\tseal \t ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9"
                      "Pj8 \r\n", SEAL_ID);
    assert_sealing_id(NAME "seal ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
                      SEAL_ID);
}


static void
the_first_key_seals_and_all_are_found(void **state)
{
    char              hex[17];
    uint8_t           id[CIGNA_SEAL_KEY_ID_LEN];
    cigna_keyring_t  *a, *b;

    (void) state;

    a = parsed(NAME SEAL OTHER);
    b = parsed(NAME OTHER SEAL);

    sealing_id(b, hex);
    assert_string_not_equal(hex, SEAL_ID);

    memcpy(id, b->keys[0].id, sizeof(id));
    assert_ptr_not_equal(cigna_keyring_find(a, id, 0), &a->keys[0]);
    assert_non_null(cigna_keyring_find(a, id, 0));

    id[7] ^= 1;
    assert_null(cigna_keyring_find(a, id, 0));

    cigna_keyring_destroy(a);
    cigna_keyring_destroy(b);
}


static void
names_depend_only_on_the_name_key(void **state)
{
    unsigned          i;
    uint8_t           out[CIGNA_SHA256_LEN], key[16];
    cigna_slice_t     parts[2];
    cigna_keyring_t  *ring;

    /* the expected name was computed by another implementation */

    static const char *rings[] = { NAME SEAL, NAME OTHER SEAL };

    (void) state;

    parts[0] = cigna_slice("acme");
    parts[1] = cigna_slice("member-1");

    for (i = 0; i < 2; i++) {
        ring = parsed(rings[i]);

        assert_int_equal(cigna_keyring_name(ring, parts, 2, out), CIGNA_OK);
        assert_hex(out, sizeof(out), "6f31d0263bc0390749799ba17b31affe"
                                     "1650a61c44f739c18d5ca0933afafa81");

        cigna_keyring_siphash_key(ring, key);
        assert_hex(key, sizeof(key), "100599c22986d2dd664e97684841fff5");

        cigna_keyring_destroy(ring);
    }
}


static void
different_lists_of_parts_have_different_names(void **state)
{
    unsigned          i, k;
    uint8_t           out[5][CIGNA_SHA256_LEN];
    cigna_keyring_t  *ring;

    cigna_slice_t  lists[5][2] = {
        { cigna_slice("ab"), cigna_slice("c") },
        { cigna_slice("a"), cigna_slice("bc") },
        { cigna_slice("abc"), cigna_slice_null },
        { cigna_slice_null, cigna_slice("abc") },
        { cigna_slice("c"), cigna_slice("ab") }
    };

    (void) state;

    ring = parsed(NAME SEAL);

    for (i = 0; i < 5; i++) {
        assert_int_equal(cigna_keyring_name(ring, lists[i], 2, out[i]),
                         CIGNA_OK);

        for (k = 0; k < i; k++) {
            assert_memory_not_equal(out[i], out[k], CIGNA_SHA256_LEN);
        }
    }

    assert_int_equal(cigna_keyring_name(ring, lists[2], 1, out[0]), CIGNA_OK);
    assert_memory_not_equal(out[0], out[2], CIGNA_SHA256_LEN);

    cigna_keyring_destroy(ring);
}


static void
parts_that_are_too_long_are_refused(void **state)
{
    uint8_t           text[2 * CIGNA_SEAL_PARTS_MAX] = { 0 };
    uint8_t           out[CIGNA_SHA256_LEN];
    cigna_slice_t     part;
    cigna_keyring_t  *ring;

    (void) state;

    ring = parsed(NAME SEAL);

    part = (cigna_slice_t) { text, CIGNA_SEAL_PARTS_MAX };
    assert_int_equal(cigna_keyring_name(ring, &part, 1, out), CIGNA_OK);

    part.len = sizeof(text);
    assert_int_equal(cigna_keyring_name(ring, &part, 1, out), CIGNA_ERROR);

    cigna_keyring_destroy(ring);
}


static void
each_error_of_a_ring_has_a_text(void **state)
{
    (void) state;

    assert_refused("", "no \"name\"", 0);
    assert_refused(SEAL, "no \"name\"", 0);
    assert_refused(NAME, "no \"seal\"", 0);
    assert_refused(NAME SEAL NAME, "second \"name\"", 3);
    assert_refused("\n" NAME SEAL "sale x\n", "must begin with", 4);
    assert_refused(NAME "seal\n", "43 characters", 2);
    assert_refused(NAME "seal AAAA\n", "43 characters", 2);
    assert_refused(NAME SEAL "seal " "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFla"
                   "W1xdXl9g\n", "43 characters", 3);
    assert_refused(NAME "seal ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n",
                   "43 characters", 2);
    assert_refused(NAME "seal +CEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8\n",
                   "43 characters", 2);
    assert_refused(NAME "seal ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8 x\n",
                   "behind the key", 2);
}


static void
weak_and_repeated_keys_are_refused(void **state)
{
    (void) state;

    assert_refused("name AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" SEAL,
                   "random", 1);
    assert_refused(NAME "seal __________________________________________8\n",
                   "random", 2);
    assert_refused(NAME SEAL OTHER SEAL, "twice", 4);
    assert_refused(NAME "seal AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
                   "twice", 2);
    assert_refused("seal AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n" NAME,
                   "twice", 2);
}


static void
a_ring_holds_sixteen_seal_keys(void **state)
{
    char              text[4096];
    size_t            len;
    unsigned          i;
    cigna_keyring_t  *ring;

    (void) state;

    len = (size_t) snprintf(text, sizeof(text), "%s", NAME);

    for (i = 0; i < CIGNA_SEAL_KEYS_MAX; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len,
                     "seal %c" "CEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8\n",
                     'a' + i);
    }

    ring = parsed(text);
    cigna_keyring_destroy(ring);

    snprintf(text + len, sizeof(text) - len, "%s", OTHER);
    assert_refused(text, "more than 16", 18);
}


static void
a_failed_allocation_makes_no_ring(void **state)
{
    unsigned          n, line;
    const char       *error;
    cigna_keyring_t  *ring;

    (void) state;

    for (n = 1; ; n++) {
        support_alloc_fail(n);
        ring = cigna_keyring_create(cigna_slice(NAME SEAL), &error, &line);

        if (!support_alloc_failed()) {
            break;
        }

        if (ring == NULL) {
            assert_non_null(error);
        }

        cigna_keyring_destroy(ring);
    }

    assert_non_null(ring);
    cigna_keyring_destroy(ring);
    cigna_keyring_destroy(NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_ring_is_read),
        cmocka_unit_test(the_first_key_seals_and_all_are_found),
        cmocka_unit_test(names_depend_only_on_the_name_key),
        cmocka_unit_test(different_lists_of_parts_have_different_names),
        cmocka_unit_test(parts_that_are_too_long_are_refused),
        cmocka_unit_test(each_error_of_a_ring_has_a_text),
        cmocka_unit_test(weak_and_repeated_keys_are_refused),
        cmocka_unit_test(a_ring_holds_sixteen_seal_keys),
        cmocka_unit_test(a_failed_allocation_makes_no_ring)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, NULL, NULL);
}

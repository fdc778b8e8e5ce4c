
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>

#include "rings.h"
#include "support.h"

#include "vault/cigna_vault_names.h"


static cigna_vault_t  vault;


static cigna_vault_names_t
identity(const char *tenant, const char *member)
{
    cigna_vault_names_t  id;

    memset(&id, 0xff, sizeof(id));
    assert_int_equal(cigna_vault_names_init(&id, &vault, guarded(tenant),
                                            guarded(member)),
                     CIGNA_OK);
    return id;
}


/* the value of the first character of the hash, in two digits */

static const char *
shard_of(const cigna_vault_names_t *id)
{
    static char        text[8];
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_";

    (void) snprintf(text, sizeof(text), "%02d",
                    (int) (strchr(digits, id->hash[0]) - digits));

    return text;
}


static void
keys_of_an_identity_share_their_hash_tag(void **state)
{
    char                 text[CIGNA_KEY_MAX];
    cigna_vault_names_t  id;

    (void) state;

    memset(&id, 0xff, sizeof(id));
    assert_int_equal(cigna_vault_names_init(&id, &vault, cigna_slice("acme"),
                                            cigna_slice("member-1")),
                     CIGNA_OK);

    snprintf(text, sizeof(text), "cigna:g:{%.27s}", (char *) id.hash);
    assert_slice(id.grant_key, text);

    snprintf(text, sizeof(text), "cigna:l:{%.27s}", (char *) id.hash);
    assert_slice(id.lock_key, text);

    assert_int_equal(strlen(shard_of(&id)), 2);

    snprintf(text, sizeof(text), "cigna:o:{%s}:%.27s", shard_of(&id),
             (char *) id.hash);
    assert_slice(id.dances_key, text);

    snprintf(text, sizeof(text), "cigna:i:{%s}", shard_of(&id));
    assert_slice(id.open_key, text);

    snprintf(text, sizeof(text), "cigna:e:{%s}", shard_of(&id));
    assert_slice(id.ended_key, text);

    snprintf(text, sizeof(text), "cigna:c:{%s}:", shard_of(&id));
    assert_slice(id.counts_key, text);
}


static void
a_member_belongs_to_one_of_64_shards(void **state)
{
    char                 member[32], key[CIGNA_KEY_MAX];
    unsigned             i, n, shards;
    uint8_t              seen[100];
    cigna_buf_t          b;
    cigna_vault_names_t  id;

    (void) state;

    memset(seen, 0, sizeof(seen));
    shards = 0;

    for (i = 0; i < 2000; i++) {
        snprintf(member, sizeof(member), "member-%u", i);
        id = identity("acme", member);
        n = (unsigned) atoi(shard_of(&id));
        assert_true(n < CIGNA_SHARDS);
        shards += !seen[n]++;

        cigna_buf_init(&b, key, sizeof(key));
        cigna_vault_append_open_key(&b, &vault, n);
        assert_int_equal(cigna_buf_slice(&b).len, strlen("cigna:i:{00}"));
        assert_memory_equal(strchr(key, '{') + 1, shard_of(&id), 2);
    }

    assert_int_equal(shards, CIGNA_SHARDS);
}


static void
the_keys_of_an_identity_are_known_from_its_hash(void **state)
{
    cigna_vault_names_t  id, known;

    (void) state;

    id = identity("acme", "member-1");
    memset(&known, 0xff, sizeof(known));

    assert_int_equal(cigna_vault_names_known(&known, &vault,
                                  cigna_slice_make(id.hash, id.hash
                                                            + CIGNA_NAME_LEN)),
                     CIGNA_OK);
    assert_memory_equal(known.hash, id.hash, CIGNA_NAME_LEN);
    assert_memory_equal(known.mem, id.mem, 3 * (sizeof("cigna:g:{}") - 1
                                                + CIGNA_NAME_LEN));
    assert_int_equal(known.grant_key.len, sizeof("cigna:g:{}") - 1
                                          + CIGNA_NAME_LEN);

    assert_int_equal(cigna_vault_names_known(&known, &vault, guarded("short")),
                     CIGNA_ERROR);
}


static void
an_identity_has_the_same_name_for_ever(void **state)
{
    cigna_vault_names_t  id;

    (void) state;

    /*
     * Another implementation computed this name.  It must never change, because
     * grants must be found after an upgrade.
     */

    id = identity("acme", "member-1");
    assert_memory_equal(id.hash, "eGlrnPKuVXWywkMJwgxsdtcFtIw", CIGNA_NAME_LEN);
}


static void
no_two_identities_share_a_name(void **state)
{
    unsigned             i, k;
    cigna_vault_names_t  id[5];

    (void) state;

    id[0] = identity("acme", "1member");
    id[1] = identity("acme1", "member");
    id[2] = identity("acme", "1membe");
    id[3] = identity("Acme", "1member");
    id[4] = identity("1member", "acme");

    for (i = 0; i < 5; i++) {
        for (k = 0; k < i; k++) {
            assert_memory_not_equal(id[i].hash, id[k].hash, CIGNA_NAME_LEN);
        }
    }
}


static void
a_name_shows_nothing_of_the_member(void **state)
{
    cigna_vault_names_t  id;

    (void) state;

    assert_int_equal(cigna_vault_names_init(&id, &vault, cigna_slice("acme"),
                                            cigna_slice("jane")),
                     CIGNA_OK);
    assert_null(memmem(id.grant_key.data, id.grant_key.len, "jane", 4));
    assert_null(memmem(id.grant_key.data, id.grant_key.len, "acme", 4));
}


static void
a_member_is_text_of_bounded_length(void **state)
{
    char  name[CIGNA_MEMBER_MAX + 2];

    (void) state;

    memset(name, 'm', sizeof(name));
    name[CIGNA_MEMBER_MAX + 1] = '\0';

    assert_false(cigna_vault_names_valid(guarded(name)));
    assert_true(cigna_vault_names_valid(guarded(name + 1)));
    assert_true(cigna_vault_names_valid(guarded("a b")));
    assert_true(cigna_vault_names_valid(guarded("Zo\xc3\xab")));

    assert_false(cigna_vault_names_valid(cigna_slice_null));
    assert_false(cigna_vault_names_valid(cigna_slice("a\0b")));
    assert_false(cigna_vault_names_valid(guarded("a\r\nb")));
    assert_false(cigna_vault_names_valid(guarded("\x1f")));
    assert_false(cigna_vault_names_valid(guarded("a\x7f")));
}


static void
a_name_that_no_member_can_have_is_refused(void **state)
{
    cigna_vault_names_t  id;

    (void) state;

    assert_int_equal(cigna_vault_names_init(&id, &vault, cigna_slice("acme"),
                                            cigna_slice_null),
                     CIGNA_ERROR);
    assert_int_equal(cigna_vault_names_init(&id, &vault, cigna_slice("acme"),
                                            cigna_slice("a\nb")),
                     CIGNA_ERROR);
}


static void
a_prefix_that_leaves_no_room_is_refused(void **state)
{
    uint8_t              prefix[CIGNA_KEY_MAX];
    cigna_vault_t        long_vault;
    cigna_vault_names_t  id;

    (void) state;

    memset(prefix, 'p', sizeof(prefix));

    long_vault = vault;
    long_vault.prefix = cigna_slice_make(prefix, prefix + 93);

    assert_int_equal(cigna_vault_names_init(&id, &long_vault,
                                            cigna_slice("acme"),
                                            cigna_slice("m")),
                     CIGNA_OK);
    assert_int_equal(id.dances_key.len, CIGNA_KEY_MAX);

    long_vault.prefix.len++;
    assert_int_equal(cigna_vault_names_init(&id, &long_vault,
                                            cigna_slice("acme"),
                                            cigna_slice("m")),
                     CIGNA_ERROR);
}


static void
the_key_of_a_dance_does_not_show_the_state(void **state)
{
    uint8_t      a[CIGNA_KEY_MAX], b[CIGNA_KEY_MAX];
    cigna_buf_t  x, y;

    (void) state;

    cigna_buf_init(&x, a, sizeof(a));
    cigna_buf_init(&y, b, sizeof(b));

    assert_int_equal(cigna_vault_append_dance_key(&x, &vault,
                                                  guarded("MARKER-state")),
                     CIGNA_OK);
    assert_int_equal(cigna_vault_append_dance_key(&y, &vault,
                                                  guarded("MARKER-statf")),
                     CIGNA_OK);

    assert_int_equal(x.pos - a, sizeof("cigna:d:{}") - 1 + CIGNA_NAME_LEN);
    assert_memory_equal(a, "cigna:d:{", 9);
    assert_int_equal(x.pos[-1], '}');
    assert_memory_not_equal(a, b, (size_t) (x.pos - a));
    assert_null(memmem(a, (size_t) (x.pos - a), "MARKER", 6));

    cigna_buf_init(&x, a, 36);
    assert_int_equal(cigna_vault_append_dance_key(&x, &vault,
                                                  guarded("MARKER-state")),
                     CIGNA_ERROR);
}


static void
a_print_differs_for_each_person_and_names_nobody(void **state)
{
    int      rc;
    size_t   i, k;
    char     print[5][CIGNA_NAME_LEN + 1];
    uint8_t  long_name[2 * CIGNA_SEAL_PARTS_MAX];

    static const char  *people[][3] = {
        { "subject", "acme", "A1" },
        { "subject", "acme", "A2" },
        { "patient", "acme", "A1" },
        { "subject", "globex", "A1" },
        { "subject", "acm", "eA1" }
    };

    cigna_buf_t  b;

    (void) state;

    memset(print, 0, sizeof(print));

    for (i = 0; i < 5; i++) {
        cigna_buf_init(&b, print[i], CIGNA_NAME_LEN);
        rc = cigna_vault_names_append_print(&b, &vault, people[i][0],
                                            guarded(people[i][1]),
                                            guarded(people[i][2]));
        assert_int_equal(rc, CIGNA_OK);
        assert_int_equal(strlen(print[i]), CIGNA_NAME_LEN);

        for (k = 0; k < i; k++) {
            assert_string_not_equal(print[i], print[k]);
        }
    }

    memset(long_name, 'a', sizeof(long_name));
    cigna_buf_init(&b, print[0], CIGNA_NAME_LEN);
    assert_int_equal(cigna_vault_names_append_print(&b, &vault, "subject",
                         cigna_slice("acme"),
                         cigna_slice_make(long_name,
                                          long_name + sizeof(long_name))),
                     CIGNA_ERROR);
}


int
main(void)
{
    int  rc;

    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(keys_of_an_identity_share_their_hash_tag),
        cmocka_unit_test(a_member_belongs_to_one_of_64_shards),
        cmocka_unit_test(the_keys_of_an_identity_are_known_from_its_hash),
        cmocka_unit_test(an_identity_has_the_same_name_for_ever),
        cmocka_unit_test(no_two_identities_share_a_name),
        cmocka_unit_test(a_name_shows_nothing_of_the_member),
        cmocka_unit_test(a_member_is_text_of_bounded_length),
        cmocka_unit_test(a_name_that_no_member_can_have_is_refused),
        cmocka_unit_test(a_prefix_that_leaves_no_room_is_refused),
        cmocka_unit_test(the_key_of_a_dance_does_not_show_the_state),
        cmocka_unit_test(a_print_differs_for_each_person_and_names_nobody)
    };

    vault.ring = ring_of(NAME SEAL);
    vault.prefix = cigna_slice("cigna");

    rc = cmocka_run_group_tests(tests, NULL, NULL);

    cigna_keyring_destroy(vault.ring);

    return rc;
}

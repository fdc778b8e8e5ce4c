
#define _GNU_SOURCE

#include <stdio.h>

#include "rings.h"
#include "support.h"

#include "vault/cigna_vault.h"


#define ID  "AAAAAAAAAAAAAAAAAAAAAA"


static const uint8_t  nonce[CIGNA_SEAL_NONCE_LEN] = { 1, 2, 3 };

static uint8_t              mem[64 * 1024];
static cigna_arena_t        arena;
static cigna_vault_t        vault;
static cigna_provider_t     provider;
static cigna_vault_names_t  member;

static const cigna_subject_t  subject = {
    &vault, &provider, &member, &arena
};


static cigna_grant_t
grant(void)
{
    return (cigna_grant_t) {
        .id = cigna_slice(ID),
        .generation = 7,
        .access_token = cigna_slice("MARKER-access"),
        .refresh_token = cigna_slice("MARKER-refresh"),
        .expires_ms = 1700003599000
    };
}


static cigna_slice_t
sealed(void)
{
    cigna_grant_t  g;
    cigna_slice_t  blob;

    g = grant();

    assert_int_equal(cigna_vault_seal_grant(&subject, &g, nonce, &blob),
                     CIGNA_OK);
    assert_true(blob.len > 0);

    return blob;
}


/* opens a copy of the blob that borders on an unreadable page */

static int
opened(cigna_slice_t blob, const char *id, uint64_t generation)
{
    int            rc;
    cigna_grant_t  g;

    memset(&g, 0, sizeof(g));
    g.id = cigna_slice_str(id);
    g.generation = generation;

    blob.data = place_at_page_end(blob.data, blob.len);

    rc = cigna_vault_open_grant(&subject, blob, &g);

    if (rc == CIGNA_OK) {
        assert_slice(g.id, id);
        assert_slice(g.access_token, "MARKER-access");
        assert_slice(g.refresh_token, "MARKER-refresh");
        assert_int_equal(g.expires_ms, 1700003599000);

    } else {
        assert_slice(g.access_token, "");
        assert_slice(g.refresh_token, "");
    }

    return rc;
}


/* parses a reply in Redis' protocol, which the caller frees */

static cigna_reply_t *
reply_of(cigna_slice_t wire)
{
    cigna_reply_t   *reply;
    cigna_reader_t  *reader;

    reader = cigna_reader_create();
    assert_int_equal(cigna_reader_feed(reader, wire), CIGNA_OK);
    assert_int_equal(cigna_reader_next(reader, &reply), CIGNA_OK);
    cigna_reader_destroy(reader);

    return reply;
}


static int
read_reply(cigna_slice_t wire, cigna_vault_mark_t *mark)
{
    int             rc;
    cigna_grant_t   g;
    cigna_reply_t  *reply;

    memset(&g, 0, sizeof(g));

    reply = reply_of(wire);
    rc = cigna_vault_read_grant(&subject, reply, &g, mark);
    cigna_reply_destroy(reply);

    if (rc == CIGNA_OK) {

        /* the reply was freed, so no slice may point into it */

        assert_slice(g.id, ID);
        assert_int_equal(g.generation, 7);
        assert_slice(g.access_token, "MARKER-access");
    }

    return rc;
}


/*
 * a reply to HMGET with six elements, in Redis' protocol; NULL: an absent field
 */

static cigna_slice_t
wire_of(const char *id, const char *generation, const cigna_slice_t *blob,
    const char *mark, const char *attempts, const char *refused)
{
    unsigned       i;
    cigna_slice_t  field[6], *given[6];

    static uint8_t      text[4096];
    static cigna_buf_t  b;

    field[0] = cigna_slice_str(id);
    field[1] = cigna_slice_str(generation);
    field[2] = blob ? *blob : cigna_slice_null;
    field[3] = cigna_slice_str(mark);
    field[4] = cigna_slice_str(attempts);
    field[5] = cigna_slice_str(refused);

    given[0] = id ? &field[0] : NULL;
    given[1] = generation ? &field[1] : NULL;
    given[2] = blob ? &field[2] : NULL;
    given[3] = mark ? &field[3] : NULL;
    given[4] = attempts ? &field[4] : NULL;
    given[5] = refused ? &field[5] : NULL;

    cigna_buf_init(&b, text, sizeof(text));
    cigna_buf_append_str(&b, "*6\r\n");

    for (i = 0; i < 6; i++) {

        if (given[i] == NULL) {
            cigna_buf_append_str(&b, "$-1\r\n");
            continue;
        }

        cigna_buf_append_char(&b, '$');
        cigna_buf_append_uint(&b, given[i]->len);
        cigna_buf_append_str(&b, "\r\n");
        cigna_buf_append(&b, *given[i]);
        cigna_buf_append_str(&b, "\r\n");
    }

    return cigna_buf_slice(&b);
}


static void
a_grant_opens_for_its_member(void **state)
{
    (void) state;

    assert_int_equal(opened(sealed(), ID, 7), CIGNA_OK);
}


static void
a_sealed_grant_shows_no_token(void **state)
{
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();
    assert_null(memmem(blob.data, blob.len, "MARKER", 6));

    /* the arena has no copy of the text that was sealed */

    assert_null(memmem(mem, sizeof(mem), "MARKER", 6));
}


static void
a_grant_does_not_open_for_another_member(void **state)
{
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();

    assert_int_equal(cigna_vault_names_init(&member, &vault, provider.tenant,
                                            cigna_slice("member-2")),
                     CIGNA_OK);
    assert_int_equal(opened(blob, ID, 7), CIGNA_SEAL_DAMAGED);
}


static void
a_grant_does_not_open_for_another_tenant(void **state)
{
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();

    /* the other tenant has the same Redis key and the same registration */

    provider.tenant = cigna_slice("umbrella");
    assert_int_equal(opened(blob, ID, 7), CIGNA_SEAL_DAMAGED);
}


static void
a_grant_does_not_open_under_another_key_name(void **state)
{
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();

    member.grant_key = member.lock_key;
    assert_int_equal(opened(blob, ID, 7), CIGNA_SEAL_DAMAGED);
}


static void
a_grant_does_not_open_as_another_id_or_generation(void **state)
{
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();

    assert_int_equal(opened(blob, "AAAAAAAAAAAAAAAAAAAAAB", 7),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(opened(blob, ID, 6), CIGNA_SEAL_DAMAGED);
    assert_int_equal(opened(blob, ID, 8), CIGNA_SEAL_DAMAGED);
    assert_int_equal(opened(blob, "", 7), CIGNA_SEAL_DAMAGED);
}


static void
a_dance_does_not_open_as_a_grant(void **state)
{
    uint8_t        box[1024];
    cigna_buf_t    b;
    cigna_dance_t  d;
    cigna_slice_t  blob;

    (void) state;

    memset(&d, 0, sizeof(d));
    d.verifier = cigna_slice("MARKER-verifier");

    assert_int_equal(cigna_vault_seal_dance(&subject, member.grant_key, &d,
                                            nonce, &blob),
                     CIGNA_OK);
    assert_int_equal(opened(blob, ID, 7), CIGNA_SEAL_DAMAGED);

    /* a dance with a registration in front of its sealed bytes does not open */

    cigna_buf_init(&b, box, sizeof(box));
    cigna_buf_append(&b, cigna_slice_make(provider.registration,
                             provider.registration + CIGNA_REGISTRATION_LEN));
    cigna_buf_append(&b, blob);

    assert_int_equal(opened(cigna_buf_slice(&b), ID, 7), CIGNA_SEAL_DAMAGED);
}


static void
a_changed_registration_is_not_reported_as_damage(void **state)
{
    unsigned          i;
    cigna_slice_t     blob;
    cigna_provider_t  good;

    cigna_slice_t    *settings[] = {
        &provider.configured_issuer, &provider.client_id, &provider.fhir_base
    };

    (void) state;

    blob = sealed();
    good = provider;

    for (i = 0; i < 3; i++) {
        *settings[i] = cigna_slice("https://other.example");
        assert_int_equal(cigna_vault_register(&provider), CIGNA_OK);
        assert_int_equal(opened(blob, ID, 7), CIGNA_VAULT_MOVED);
        provider = good;
    }

    /* other settings, which have the same bytes when they are joined */

    provider.client_id = cigna_slice("acme-clienthttps:");
    provider.fhir_base = cigna_slice("//fhir.example/v1");
    assert_int_equal(cigna_vault_register(&provider), CIGNA_OK);
    assert_int_equal(opened(blob, ID, 7), CIGNA_VAULT_MOVED);

    provider = good;
    assert_int_equal(opened(blob, ID, 7), CIGNA_OK);
}


static void
a_forged_registration_opens_nothing(void **state)
{
    uint8_t        copy[1024];
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();
    memcpy(copy, blob.data, blob.len);

    provider.client_id = cigna_slice("other");
    assert_int_equal(cigna_vault_register(&provider), CIGNA_OK);
    memcpy(copy, provider.registration, CIGNA_REGISTRATION_LEN);

    assert_int_equal(opened((cigna_slice_t) { copy, blob.len }, ID, 7),
                     CIGNA_SEAL_DAMAGED);
}


static void
a_grant_with_a_bit_turned_does_not_open(void **state)
{
    int            rc;
    size_t         i;
    uint8_t        copy[1024];
    cigna_slice_t  blob;

    static const size_t  key_id = CIGNA_REGISTRATION_LEN;

    (void) state;

    blob = sealed();
    memcpy(copy, blob.data, blob.len);

    for (i = 0; i < blob.len; i++) {
        copy[i] ^= 0x10;

        rc = opened((cigna_slice_t) { copy, blob.len }, ID, 7);

        assert_int_equal(rc, i > key_id && i <= key_id + 8
                                 ? CIGNA_SEAL_UNKNOWN_KEY
                                 : CIGNA_SEAL_DAMAGED);
        copy[i] ^= 0x10;
        support_release();
    }
}


static void
a_grant_cut_short_does_not_open(void **state)
{
    size_t         len;
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();

    for (len = 0; len < blob.len; len++) {
        assert_int_equal(opened((cigna_slice_t) { blob.data, len }, ID, 7),
                         CIGNA_SEAL_DAMAGED);
        support_release();
    }
}


static void
a_rotated_key_ring_still_opens_and_a_foreign_one_is_an_outage(void **state)
{
    cigna_slice_t     blob;
    cigna_keyring_t  *ring;

    (void) state;

    blob = sealed();
    ring = vault.ring;

    vault.ring = ring_of(NAME OTHER SEAL);
    assert_int_equal(opened(blob, ID, 7), CIGNA_OK);
    cigna_keyring_destroy(vault.ring);

    vault.ring = ring_of(NAME OTHER);
    assert_int_equal(opened(blob, ID, 7), CIGNA_SEAL_UNKNOWN_KEY);

    provider.client_id = cigna_slice("other");
    assert_int_equal(cigna_vault_register(&provider), CIGNA_OK);
    assert_int_equal(opened(blob, ID, 7), CIGNA_SEAL_UNKNOWN_KEY);
    cigna_keyring_destroy(vault.ring);

    vault.ring = ring;
}


static void
too_little_room_is_not_damage(void **state)
{
    int              rc;
    size_t           size;
    uint8_t          room[512];
    cigna_grant_t    g;
    cigna_slice_t    blob, out;
    cigna_arena_t    tight;
    cigna_subject_t  s;

    (void) state;

    s = subject;
    s.arena = &tight;

    blob = sealed();
    g = grant();

    for (size = 0; size < sizeof(room); size++) {
        cigna_arena_init(&tight, room, size);

        rc = cigna_vault_open_grant(&s, blob, &g);
        if (rc == CIGNA_OK) {
            break;
        }

        assert_int_equal(rc, CIGNA_ERROR);
    }

    assert_in_range(size, 1, blob.len - 8 - CIGNA_SEAL_OVERHEAD);

    for (size = 0; size < sizeof(room); size++) {
        g = grant();
        cigna_arena_init(&tight, room, size);

        rc = cigna_vault_seal_grant(&s, &g, nonce, &out);
        if (rc == CIGNA_OK) {
            break;
        }

        assert_int_equal(rc, CIGNA_ERROR);
        assert_int_equal(out.len, 0);
        assert_null(memmem(room, size, "MARKER-access", 13));
    }

    assert_in_range(size, blob.len, sizeof(room) - 1);
}


static void
a_grant_that_is_too_large_is_not_sealed(void **state)
{
    cigna_grant_t  g;
    cigna_slice_t  blob;

    static uint8_t  token[CIGNA_GRANT_PLAIN_MAX];

    (void) state;

    g = grant();
    g.access_token = (cigna_slice_t) { token, sizeof(token) };

    assert_int_equal(cigna_vault_seal_grant(&subject, &g, nonce, &blob),
                     CIGNA_ERROR);
    assert_int_equal(blob.len, 0);
}


static void
a_dance_opens_under_its_tenant_and_name_only(void **state)
{
    cigna_dance_t  d, out;
    cigna_slice_t  blob;

    (void) state;

    provider.tenant = cigna_slice("acme");
    memset(&d, 0, sizeof(d));
    d.verifier = cigna_slice("MARKER-verifier");
    d.started_ms = 5;

    assert_int_equal(cigna_vault_seal_dance(&subject,
                                            cigna_slice("cigna:d:{x}"), &d,
                                            nonce, &blob),
                     CIGNA_OK);
    assert_null(memmem(blob.data, blob.len, "MARKER", 6));

    assert_int_equal(cigna_vault_open_dance(&subject,
                                            cigna_slice("cigna:d:{x}"), blob,
                                            &out),
                     CIGNA_OK);
    assert_slice(out.verifier, "MARKER-verifier");
    assert_int_equal(out.started_ms, 5);

    assert_int_equal(cigna_vault_open_dance(&subject,
                                            cigna_slice("cigna:d:{y}"), blob,
                                            &out),
                     CIGNA_SEAL_DAMAGED);

    provider.tenant = cigna_slice("acm");
    assert_int_equal(cigna_vault_open_dance(&subject,
                                            cigna_slice("cigna:d:{x}"), blob,
                                            &out),
                     CIGNA_SEAL_DAMAGED);
}


static void
a_read_asks_for_the_six_fields(void **state)
{
    unsigned       i;
    cigna_slice_t  argv[CIGNA_GRANT_READ_ARGC];

    static const char *names[] = { "i", "g", "b", "m", "n", "r" };

    (void) state;

    assert_int_equal(cigna_vault_read_args(&member, argv),
                     CIGNA_GRANT_READ_ARGC);
    assert_slice(argv[0], "HMGET");
    assert_true(cigna_slice_eq(argv[1], member.grant_key));

    for (i = 0; i < 6; i++) {
        assert_slice(argv[2 + i], names[i]);
    }
}


static void
a_reply_gives_the_grant_and_its_mark(void **state)
{
    cigna_slice_t       blob;
    cigna_vault_mark_t  mark;

    (void) state;

    blob = sealed();

    memset(&mark, 1, sizeof(mark));
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, NULL, NULL, NULL),
                                &mark),
                     CIGNA_OK);
    assert_int_equal(mark.until_ms, 0);
    assert_int_equal(mark.attempts, 0);
    assert_int_equal(mark.refused_ms, 0);

    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "1700000000000", "2",
                                        "7 1699999999999"), &mark),
                     CIGNA_OK);
    assert_int_equal(mark.until_ms, 1700000000000);
    assert_int_equal(mark.attempts, 2);
    assert_int_equal(mark.refused_ms, 1699999999999);

    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "5", "1", NULL), NULL),
                     CIGNA_OK);
}


static void
a_refusal_of_an_older_generation_does_not_count(void **state)
{
    cigna_slice_t       blob;
    cigna_vault_mark_t  mark;

    (void) state;

    /* version 0.4.0 leaves the field "r" when it writes a newer generation */

    blob = sealed();

    assert_int_equal(read_reply(wire_of(ID, "7", &blob, NULL, NULL, "7 5"),
                                &mark),
                     CIGNA_OK);
    assert_int_equal(mark.refused_ms, 0);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "9", "1", "6 5"),
                                &mark),
                     CIGNA_OK);
    assert_int_equal(mark.refused_ms, 0);
}


static void
a_record_without_fields_is_no_grant(void **state)
{
    (void) state;

    assert_int_equal(read_reply(wire_of(NULL, NULL, NULL, NULL, NULL, NULL),
                                NULL),
                     CIGNA_NONE);
}


static void
a_record_without_all_fields_is_damaged(void **state)
{
    cigna_slice_t  blob, empty = cigna_slice("");

    (void) state;

    blob = sealed();

    assert_int_equal(read_reply(wire_of(NULL, "7", &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, NULL, &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7", NULL, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7", &empty, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of("", "7", &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(NULL, NULL, NULL, "5", "1", NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
}


static void
fields_of_a_wrong_form_are_damage(void **state)
{
    cigna_slice_t  blob;

    (void) state;

    blob = sealed();

    assert_int_equal(read_reply(wire_of("short", "7", &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7x", &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "-7", &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "soon", NULL, NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "5", "-1", NULL),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "5", "1", "5"),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "5", "1", "7 x"),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, "5", "1", "7 "),
                                NULL),
                     CIGNA_SEAL_DAMAGED);
}


static void
an_error_of_redis_is_an_outage_and_not_no_grant(void **state)
{
    unsigned  i;

    static const char *replies[] = {
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-WRONGTYPE Operation against a key\r\n",
        "-MOVED 3999 127.0.0.1:6381\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "*0\r\n",
        ":0\r\n",
        "+OK\r\n",
        "$3\r\nabc\r\n",
        "*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*7\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*5\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*6\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n:1\r\n$-1\r\n",
        "*6\r\n-ERR no\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*6\r\n+OK\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*6\r\n*0\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n"
    };

    (void) state;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        assert_int_equal(read_reply(cigna_slice_str(replies[i]), NULL),
                         CIGNA_AGAIN);
    }
}


static void
a_record_tells_whether_it_is_marked(void **state)
{
    size_t          i;
    cigna_reply_t  *reply;

    static const struct {
        const char  *wire;
        int          marked;
    } replies[] = {
        { "*6\r\n$1\r\ni\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n7\r\n"
          "$1\r\n1\r\n$-1\r\n", 1 },
        { "*6\r\n$1\r\ni\r\n$1\r\n1\r\n$1\r\nb\r\n$-1\r\n$-1\r\n$-1\r\n", 0 },
        { "*6\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n", 0 },
        { "-LOADING\r\n", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        reply = reply_of(cigna_slice_str(replies[i].wire));
        assert_int_equal(cigna_vault_read_marked(reply), replies[i].marked);
        cigna_reply_destroy(reply);
    }

    assert_false(cigna_vault_read_marked(NULL));
}


static void
a_missing_reply_is_an_outage(void **state)
{
    cigna_grant_t  g;

    (void) state;

    assert_int_equal(cigna_vault_read_grant(&subject, NULL, &g, NULL),
                     CIGNA_AGAIN);
}


static void
moved_records_and_unknown_keys_have_results_of_their_own(void **state)
{
    cigna_slice_t     blob;
    cigna_keyring_t  *ring;

    (void) state;

    blob = sealed();
    ring = vault.ring;

    vault.ring = ring_of(NAME OTHER);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_SEAL_UNKNOWN_KEY);
    cigna_keyring_destroy(vault.ring);
    vault.ring = ring;

    provider.fhir_base = cigna_slice("https://other.example");
    assert_int_equal(cigna_vault_register(&provider), CIGNA_OK);
    assert_int_equal(read_reply(wire_of(ID, "7", &blob, NULL, NULL, NULL),
                                NULL),
                     CIGNA_VAULT_MOVED);
}


static int
setup(void **state)
{
    (void) state;

    vault.ring = ring_of(NAME SEAL);
    vault.prefix = cigna_slice("cigna");

    memset(&provider, 0, sizeof(provider));
    provider.tenant = cigna_slice("acme");
    provider.client_id = cigna_slice("acme-client");
    provider.fhir_base = cigna_slice("https://fhir.example/v1");

    memset(mem, 0, sizeof(mem));
    cigna_arena_init(&arena, mem, sizeof(mem));

    return cigna_vault_register(&provider)
           || cigna_vault_names_init(&member, &vault, provider.tenant,
                                     cigna_slice("member-1"));
}


static int
teardown(void **state)
{
    (void) state;

    cigna_keyring_destroy(vault.ring);
    support_release();

    return 0;
}


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_grant_opens_for_its_member),
        test(a_sealed_grant_shows_no_token),
        test(a_grant_does_not_open_for_another_member),
        test(a_grant_does_not_open_for_another_tenant),
        test(a_grant_does_not_open_under_another_key_name),
        test(a_grant_does_not_open_as_another_id_or_generation),
        test(a_dance_does_not_open_as_a_grant),
        test(a_changed_registration_is_not_reported_as_damage),
        test(a_forged_registration_opens_nothing),
        test(a_grant_with_a_bit_turned_does_not_open),
        test(a_grant_cut_short_does_not_open),
        test(a_rotated_key_ring_still_opens_and_a_foreign_one_is_an_outage),
        test(too_little_room_is_not_damage),
        test(a_grant_that_is_too_large_is_not_sealed),
        test(a_dance_opens_under_its_tenant_and_name_only),
        test(a_read_asks_for_the_six_fields),
        test(a_reply_gives_the_grant_and_its_mark),
        test(a_refusal_of_an_older_generation_does_not_count),
        test(a_record_without_fields_is_no_grant),
        test(a_record_without_all_fields_is_damaged),
        test(fields_of_a_wrong_form_are_damage),
        test(an_error_of_redis_is_an_outage_and_not_no_grant),
        test(a_record_tells_whether_it_is_marked),
        test(a_missing_reply_is_an_outage),
        test(moved_records_and_unknown_keys_have_results_of_their_own)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

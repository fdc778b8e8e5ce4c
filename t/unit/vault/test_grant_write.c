
#define _GNU_SOURCE

#include "acting.h"
#include "jose.h"

#include "vault/cigna_grant_write.h"


#define NOW  WORLD_START_MS


static uint8_t          mem[64 * 1024], nonce[CIGNA_SEAL_NONCE_LEN];
static cigna_arena_t    arena;
static cigna_subject_t  subject;


static cigna_grant_t
old_grant(void)
{
    return (cigna_grant_t) {
        .id = cigna_slice("AAAAAAAAAAAAAAAAAAAAAA"),
        .generation = 7,
        .access_token = cigna_slice("old-at"),
        .refresh_token = cigna_slice("old-rt"),
        .scope = cigna_slice("old"),
        .patient = cigna_slice("A1"),
        .sub = cigna_slice("member-1"),
        .expires_ms = NOW + 1000
    };
}


static cigna_token_reply_t
reply(void)
{
    return (cigna_token_reply_t) {
        .access_token = cigna_slice("new-at"),
        .expires_in_s = -1
    };
}


static void
values_that_the_reply_lacks_stay_as_they_are(void **state)
{
    cigna_grant_t        g;
    cigna_token_reply_t  t;

    (void) state;

    g = old_grant();
    t = reply();
    cigna_grant_write_tokens(&w.provider, &t, NOW, &g);

    assert_slice(g.access_token, "new-at");
    assert_slice(g.refresh_token, "old-rt");
    assert_slice(g.scope, "old");
    assert_slice(g.patient, "A1");
    assert_int_equal(g.generation, 7);
}


static void
values_of_the_reply_replace_those_of_the_grant(void **state)
{
    cigna_grant_t        g;
    cigna_token_reply_t  t;

    (void) state;

    g = old_grant();
    t = reply();
    t.refresh_token = cigna_slice("new-rt");
    t.scope = cigna_slice("new");
    t.patient = cigna_slice("A2");
    cigna_grant_write_tokens(&w.provider, &t, NOW, &g);

    assert_slice(g.refresh_token, "new-rt");
    assert_slice(g.scope, "new");
    assert_slice(g.patient, "A2");
}


static void
a_reply_without_expires_in_gets_the_configured_lifetime(void **state)
{
    cigna_grant_t        g;
    cigna_token_reply_t  t;

    (void) state;

    g = old_grant();
    t = reply();
    cigna_grant_write_tokens(&w.provider, &t, NOW, &g);
    assert_int_equal(g.expires_ms, NOW + 300 * 1000);
    assert_int_equal(g.obtained_ms, NOW);

    t.expires_in_s = 0;
    cigna_grant_write_tokens(&w.provider, &t, NOW, &g);
    assert_int_equal(g.expires_ms, NOW + 300 * 1000);

    t.expires_in_s = 599;
    cigna_grant_write_tokens(&w.provider, &t, NOW, &g);
    assert_int_equal(g.expires_ms, NOW + 599 * 1000);
}


static void
a_grant_is_kept_for_as_long_as_it_is_of_use(void **state)
{
    cigna_grant_t  g;

    (void) state;

    g = old_grant();
    assert_int_equal(cigna_grant_write_kept_ms(&w.provider, &g, NOW),
                     INT64_C(400) * 24 * 3600 * 1000);

    /* a grant_ttl that is shorter, then longer, than the access token's life */

    w.provider.grant_ttl_s = 60;
    g.expires_ms = NOW + 100 * 1000;
    assert_int_equal(cigna_grant_write_kept_ms(&w.provider, &g, NOW),
                     100 * 1000);
    g.expires_ms = NOW + 1000;
    assert_int_equal(cigna_grant_write_kept_ms(&w.provider, &g, NOW),
                     60 * 1000);

    g.refresh_token = cigna_slice_null;
    assert_int_equal(cigna_grant_write_kept_ms(&w.provider, &g, NOW),
                     1000 + 7 * 24 * 3600 * 1000);
    assert_int_equal(cigna_grant_write_kept_ms(&w.provider, &g, NOW + 5000),
                     7 * 24 * 3600 * 1000);
}


static int
same(const char *patient, const char *id_token, cigna_grant_t *g)
{
    const char           *why;
    cigna_token_reply_t   t;

    t = reply();
    t.patient = cigna_slice_str(patient);
    t.id_token = cigna_slice_str(id_token);

    return cigna_grant_write_same(&subject, &t, NOW, g, &why) == CIGNA_OK;
}


static void
tokens_for_another_patient_are_another_members(void **state)
{
    cigna_grant_t  g;

    (void) state;

    g = old_grant();

    assert_true(same("", "", &g));
    assert_true(same("A1", "", &g));
    assert_false(same("B1", "", &g));

    g.patient = cigna_slice_null;
    assert_true(same("B1", "", &g));
}


static void
a_patient_may_be_written_in_several_ways(void **state)
{
    unsigned       i;
    cigna_grant_t  g;

    static const char *const  names[] = {
        "A1", " A1", "Patient/A1", "/Patient/A1", "Patient/A1/_history/2",
        "https://fhir.example/v1/Patient/A1"
    };
    static const char *const  others[] = {
        "a1", "Patient/A2", "patient/A1", "Person/A1", "A1/Patient",
        "https://fhir.example/v1x/Patient/A1", "//Patient/A1",
        "https://fhir.example/Patient/A1", "https://evil.example/Patient/A1"
    };

    (void) state;

    w.provider.fhir_base = cigna_slice("https://fhir.example/v1");

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        g = old_grant();
        assert_true(same(names[i], "", &g));

        g.patient = cigna_slice_str(names[i]);
        assert_true(same("A1", "", &g));
        assert_true(same("Patient/A1", "", &g));
        assert_false(same("Patient/A2", "", &g));
    }

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        g = old_grant();
        assert_false(same(others[i], "", &g));
    }

    /* "Patient/" without an id names no patient */

    g = old_grant();
    assert_true(same("Patient/", "", &g));
}


static void
a_patient_keeps_its_first_notation(void **state)
{
    cigna_grant_t        g;
    cigna_token_reply_t  t;

    (void) state;

    g = old_grant();
    t = reply();
    t.patient = cigna_slice("Patient/A1");
    cigna_grant_write_tokens(&w.provider, &t, NOW, &g);
    assert_slice(g.patient, "A1");

    g.patient = cigna_slice_null;
    cigna_grant_write_tokens(&w.provider, &t, NOW, &g);
    assert_slice(g.patient, "Patient/A1");
}


static void
an_odd_id_token_is_no_reason_to_lose_the_tokens(void **state)
{
    cigna_grant_t  g;

    (void) state;

    g = old_grant();

    assert_true(same("A1", "nonsense", &g));
    assert_true(same("A1", "e30.e30.e30", &g));
    assert_slice(g.sub, "member-1");
}


static const char *
signed_by(EVP_PKEY *pkey, const char *payload)
{
    return jose_token(pkey, "{\"alg\":\"ES256\"}", payload);
}


/* the subject of the grant is "member-1"; "member-2" is another one */

static void
only_the_issuers_id_token_makes_tokens_another_members(void **state)
{
    size_t          i;
    char            text[4096];
    EVP_PKEY       *key, *other;
    cigna_grant_t   g;

#define ISS  "\"iss\":\"https://as.example\""
#define ME   "\"sub\":\"member-1\""
#define YOU  "\"sub\":\"member-2\""

    static const struct {
        const char  *payload;
        /*
         * 1 if the tokens are accepted when the signature of the id_token is
         * good, bad, or by an unknown key
         */
        int          good, bad, unknown;
    } cases[] = {
        { "{" ISS "," ME ",\"aud\":\"client\"}", 1, 1, 1 },
        { "{" ISS "," ME "}", 1, 1, 1 },
        { "{" ME ",\"aud\":\"client\",\"exp\":1}", 1, 1, 1 },
        { "{" ME ",\"aud\":\"another\"}", 1, 1, 1 },
        { "{\"iss\":\"https://evil.example\"," ME "}", 1, 1, 1 },
        { "{" ISS "}", 1, 1, 1 },
        { "{" ISS ",\"sub\":5}", 1, 1, 1 },
        { "{" ISS "," YOU "," ME "}", 1, 1, 1 },
        { "{" ISS "," YOU ",\"exp\":1}", 0, 0, 0 },
        { "{" ISS "," YOU "," YOU "}", 0, 0, 0 },
        { "{" YOU "}", 0, 1, 1 },
        { "{\"iss\":\"https://evil.example\"," YOU "}", 0, 1, 1 }
    };

    (void) state;

    key = EVP_EC_gen("P-256");
    other = EVP_EC_gen("P-256");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jose_reset();
        g = old_grant();

        snprintf(text, sizeof(text), "{\"keys\":[%s]}", jose_jwk(key, ""));
        cigna_jwks_destroy(w.provider.keys->set);
        w.provider.keys->set = cigna_jwks_create(cigna_slice_str(text));
        assert_non_null(w.provider.keys->set);

        assert_int_equal(same("", signed_by(key, cases[i].payload), &g),
                         cases[i].good);
        assert_int_equal(same("", signed_by(other, cases[i].payload), &g),
                         cases[i].bad);

        cigna_jwks_destroy(w.provider.keys->set);
        w.provider.keys->set = NULL;

        assert_int_equal(same("", signed_by(key, cases[i].payload), &g),
                         cases[i].unknown);
        assert_slice(g.sub, "member-1");
    }

    /* if no issuer is known, another subject is enough for a refusal */

    w.provider.issuer = cigna_slice_null;
    assert_false(same("", signed_by(other, "{" YOU "}"), &g));

    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}


static void
a_subject_is_learned_only_from_a_valid_id_token(void **state)
{
    EVP_PKEY       *key;
    cigna_grant_t   g;

#define SOUND  "\"aud\":\"client\",\"exp\":99999999999"

    (void) state;

    jose_reset();
    key = EVP_EC_gen("P-256");
    g = old_grant();
    g.sub = cigna_slice_null;

    assert_true(same("", signed_by(key, "{" ISS "," YOU "}"), &g));
    assert_true(same("", signed_by(key, "{" YOU "," SOUND "}"), &g));
    assert_slice(g.sub, "");
    assert_true(same("", signed_by(key, "{" ISS "," YOU "," SOUND "}"), &g));
    assert_slice(g.sub, "member-2");

    EVP_PKEY_free(key);
}


static void
a_grant_is_written_sealed_with_all_that_redis_needs(void **state)
{
    cigna_grant_t  g;
    cigna_slice_t  argv[CIGNA_GRANT_WRITE_ARGC];

    (void) state;

    g = old_grant();

    assert_int_equal(cigna_grant_write_args(&subject, &g, 5000, nonce, argv),
                     CIGNA_OK);

    assert_slice(argv[0], "AAAAAAAAAAAAAAAAAAAAAA");
    assert_slice(argv[1], "7");
    assert_null(memmem(argv[2].data, argv[2].len, "old", 3));
    assert_slice(argv[3], "5000");
    assert_slice(argv[4], "cigna:invalidate");
    assert_memory_equal(argv[5].data, w.identity.hash, CIGNA_NAME_LEN);
}


static void
too_little_room_writes_nothing(void **state)
{
    size_t         size;
    cigna_grant_t  g;
    cigna_slice_t  argv[CIGNA_GRANT_WRITE_ARGC];

    (void) state;

    g = old_grant();

    for (size = 0; size < sizeof(mem); size++) {
        cigna_arena_init(&arena, mem, size);

        if (cigna_grant_write_args(&subject, &g, 5000, nonce, argv)
            == CIGNA_OK)
        {
            break;
        }
    }

    assert_true(size > 100 && size < 1000);
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    cigna_arena_init(&arena, mem, sizeof(mem));
    subject = world_subject(&w, &arena);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(values_that_the_reply_lacks_stay_as_they_are),
        test(values_of_the_reply_replace_those_of_the_grant),
        test(a_reply_without_expires_in_gets_the_configured_lifetime),
        test(a_grant_is_kept_for_as_long_as_it_is_of_use),
        test(tokens_for_another_patient_are_another_members),
        test(a_patient_may_be_written_in_several_ways),
        test(a_patient_keeps_its_first_notation),
        test(an_odd_id_token_is_no_reason_to_lose_the_tokens),
        test(only_the_issuers_id_token_makes_tokens_another_members),
        test(a_subject_is_learned_only_from_a_valid_id_token),
        test(a_grant_is_written_sealed_with_all_that_redis_needs),
        test(too_little_room_writes_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

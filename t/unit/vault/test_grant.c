
#include "support.h"

#include "vault/cigna_grant.h"


static uint8_t  mem[4096];


static cigna_grant_t
grant(void)
{
    return (cigna_grant_t) {
        .id = cigna_slice("AAAAAAAAAAAAAAAAAAAAAA"),
        .generation = 7,
        .state = cigna_grant_spent,
        .access_token = cigna_slice("MARKER-access"),
        .refresh_token = cigna_slice("MARKER-refresh"),
        .scope = cigna_slice("search read openid"),
        .patient = cigna_slice("A00000000000005"),
        .sub = cigna_slice("syntheticuser05"),
        .fhir_user = cigna_slice("Patient/A00000000000005"),
        .obtained_ms = 1700000000000,
        .expires_ms = 1700003599000,
        .connected_ms = 1690000000000
    };
}


static cigna_slice_t
written(const cigna_grant_t *g)
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_grant_append(&b, g);
    assert_false(b.overflow);

    return cigna_buf_slice(&b);
}


static void
assert_same(const cigna_grant_t *a, const cigna_grant_t *b)
{
    assert_int_equal(a->state, b->state);
    assert_true(cigna_slice_eq(a->access_token, b->access_token));
    assert_true(cigna_slice_eq(a->refresh_token, b->refresh_token));
    assert_true(cigna_slice_eq(a->scope, b->scope));
    assert_true(cigna_slice_eq(a->patient, b->patient));
    assert_true(cigna_slice_eq(a->sub, b->sub));
    assert_true(cigna_slice_eq(a->fhir_user, b->fhir_user));
    assert_int_equal(a->obtained_ms, b->obtained_ms);
    assert_int_equal(a->expires_ms, b->expires_ms);
    assert_int_equal(a->connected_ms, b->connected_ms);
    assert_int_equal(a->forced, b->forced);
}


/* parses a record of version 1 with these bytes as its fields */

static int
parsed(cigna_slice_t fields, cigna_grant_t *g)
{
    uint8_t  text[512];

    text[0] = 1;
    memcpy(text + 1, fields.data, fields.len);

    return cigna_grant_parse((cigna_slice_t)
                                 { place_at_page_end(text, fields.len + 1),
                                   fields.len + 1 },
                             g);
}


#define STATE  "\1\0\0\0\1\0"
#define TIME   "\0\0\0\10\0\0\0\0\0\0\0\5"
#define TIMES  "\10" TIME "\11" TIME "\12" TIME


static void
a_grant_is_read_as_it_was_written(void **state)
{
    cigna_grant_t  a, b;
    cigna_slice_t  text;

    (void) state;

    a = grant();
    text = written(&a);
    text.data = place_at_page_end(text.data, text.len);

    memset(&b, 0xff, sizeof(b));
    assert_int_equal(cigna_grant_parse(text, &b), CIGNA_OK);
    assert_same(&a, &b);
}


static void
an_empty_grant_keeps_its_times(void **state)
{
    cigna_grant_t  a, b;

    (void) state;

    memset(&a, 0, sizeof(a));
    a.obtained_ms = -1;
    a.expires_ms = INT64_MAX;
    a.connected_ms = INT64_MIN;

    assert_int_equal(cigna_grant_parse(written(&a), &b), CIGNA_OK);
    assert_same(&a, &b);
}


static void
id_and_generation_are_left_alone(void **state)
{
    cigna_grant_t  a, b;

    (void) state;

    a = grant();

    b.id = cigna_slice("mine");
    b.generation = 3;

    assert_int_equal(cigna_grant_parse(written(&a), &b), CIGNA_OK);
    assert_slice(b.id, "mine");
    assert_int_equal(b.generation, 3);
}


static void
a_grant_cut_short_is_refused(void **state)
{
    size_t         len;
    cigna_grant_t  a, b;
    cigna_slice_t  text;

    (void) state;

    a = grant();
    text = written(&a);

    for (len = 0; len < text.len; len++) {
        b = a;
        assert_int_equal(cigna_grant_parse((cigna_slice_t)
                                     { place_at_page_end(text.data, len), len },
                                     &b),
                         CIGNA_ERROR);
        assert_slice(b.access_token, "");
        assert_slice(b.refresh_token, "");
        support_release();
    }
}


static void
another_version_is_refused(void **state)
{
    cigna_grant_t  a;
    cigna_slice_t  text;

    (void) state;

    a = grant();
    text = written(&a);

    mem[0] = 0;
    assert_int_equal(cigna_grant_parse(text, &a), CIGNA_ERROR);

    mem[0] = 2;
    assert_int_equal(cigna_grant_parse(text, &a), CIGNA_ERROR);
}


static void
unknown_fields_are_skipped(void **state)
{
    cigna_grant_t  g;

    (void) state;

    assert_int_equal(parsed(cigna_slice("\37\0\0\0\3abc" STATE TIMES
                                        "\377\0\0\0\0" "\37\0\0\0\0"
                                        "\2\0\0\0\1t"), &g),
                     CIGNA_OK);
    assert_slice(g.access_token, "t");
    assert_int_equal(g.connected_ms, 5);
}


static void
a_field_that_occurs_twice_is_refused(void **state)
{
    cigna_grant_t  g;

    (void) state;

    assert_int_equal(parsed(cigna_slice(STATE TIMES "\2\0\0\0\1a"
                                        "\2\0\0\0\1a"), &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE STATE TIMES), &g), CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE TIMES "\10" TIME), &g),
                     CIGNA_ERROR);
}


static void
numbers_of_a_wrong_length_or_value_are_refused(void **state)
{
    cigna_grant_t  g;

    (void) state;

    assert_int_equal(parsed(cigna_slice(STATE TIMES), &g), CIGNA_OK);
    assert_int_equal(parsed(cigna_slice("\1\0\0\0\0" TIMES), &g), CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice("\1\0\0\0\1\2" TIMES), &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice("\1\0\0\0\2\0\0" TIMES), &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE "\10\0\0\0\7\0\0\0\0\0\0\0"
                                        "\11" TIME "\12" TIME), &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE "\10\0\0\0\11\0\0\0\0\0\0\0\0\0"
                                        "\11" TIME "\12" TIME), &g),
                     CIGNA_ERROR);
}


static void
a_record_without_its_numbers_is_refused(void **state)
{
    cigna_grant_t  g;

    (void) state;

    assert_int_equal(parsed(cigna_slice(TIMES), &g), CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE "\10" TIME "\12" TIME), &g),
                     CIGNA_ERROR);
}


static void
a_flag_is_absent_or_one(void **state)
{
    cigna_grant_t  g, again;

    (void) state;

    /* older gateways do not write the field "forced" */

    g.forced = 7;
    assert_int_equal(parsed(cigna_slice(STATE TIMES), &g), CIGNA_OK);
    assert_int_equal(g.forced, 0);

    assert_int_equal(parsed(cigna_slice(STATE TIMES "\13\0\0\0\1\1"), &g),
                     CIGNA_OK);
    assert_int_equal(g.forced, 1);

    assert_int_equal(parsed(cigna_slice(STATE TIMES "\13\0\0\0\1\0"), &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE TIMES "\13\0\0\0\1\2"), &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE TIMES "\13\0\0\0\0"), &g),
                     CIGNA_ERROR);

    g = grant();
    g.forced = 1;
    assert_int_equal(cigna_grant_parse(written(&g), &again), CIGNA_OK);
    assert_same(&g, &again);
}


static void
a_length_that_runs_over_the_end_is_refused(void **state)
{
    cigna_grant_t  g;

    (void) state;

    assert_int_equal(parsed(cigna_slice(STATE TIMES "\2\0\0\0\2a"), &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE TIMES "\2\377\377\377\377a"),
                            &g),
                     CIGNA_ERROR);
    assert_int_equal(parsed(cigna_slice(STATE TIMES "\37\0\0\0\2a"), &g),
                     CIGNA_ERROR);
}


static void
too_little_room_overflows(void **state)
{
    uint8_t        room[64];
    cigna_buf_t    b;
    cigna_grant_t  g;

    (void) state;

    g = grant();

    cigna_buf_init(&b, room, sizeof(room));
    cigna_grant_append(&b, &g);
    assert_true(b.overflow);
}


static void
a_dance_is_read_as_it_was_written(void **state)
{
    size_t         len;
    cigna_buf_t    b;
    cigna_dance_t  in, out;
    cigna_slice_t  text;

    (void) state;

    in = (cigna_dance_t) {
        .id = cigna_slice("dance-id-012"),
        .verifier = cigna_slice("MARKER-verifier"),
        .nonce = cigna_slice("nonce"),
        .return_to = cigna_slice("https://health.acme.example/"),
        .redirect_uri = cigna_slice("https://health.acme.example/cb"),
        .started_ms = 1700000000000
    };

    cigna_buf_init(&b, mem, sizeof(mem));
    cigna_dance_append(&b, &in);
    text = cigna_buf_slice(&b);

    memset(&out, 0xff, sizeof(out));
    assert_int_equal(cigna_dance_parse(text, &out), CIGNA_OK);
    assert_slice(out.id, "dance-id-012");
    assert_slice(out.verifier, "MARKER-verifier");
    assert_slice(out.nonce, "nonce");
    assert_slice(out.return_to, "https://health.acme.example/");
    assert_slice(out.redirect_uri, "https://health.acme.example/cb");
    assert_slice(out.issuer, "");
    assert_int_equal(out.started_ms, 1700000000000);

    for (len = 0; len < text.len; len++) {
        assert_int_equal(cigna_dance_parse((cigna_slice_t)
                                     { place_at_page_end(text.data, len), len },
                                     &out),
                         CIGNA_ERROR);
        support_release();
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_grant_is_read_as_it_was_written),
        cmocka_unit_test(an_empty_grant_keeps_its_times),
        cmocka_unit_test(id_and_generation_are_left_alone),
        cmocka_unit_test(a_grant_cut_short_is_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(a_field_that_occurs_twice_is_refused),
        cmocka_unit_test(numbers_of_a_wrong_length_or_value_are_refused),
        cmocka_unit_test(a_record_without_its_numbers_is_refused),
        cmocka_unit_test(a_flag_is_absent_or_one),
        cmocka_unit_test(a_length_that_runs_over_the_end_is_refused),
        cmocka_unit_test(too_little_room_overflows),
        cmocka_unit_test(a_dance_is_read_as_it_was_written)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#include "rings.h"
#include "support.h"

#include "dance/cigna_dance_id.h"


static cigna_vault_t  vault;


static void
assert_id(const char *text, const char *id)
{
    uint8_t  parsed[CIGNA_DANCE_ID_LEN];

    assert_int_equal(cigna_dance_id_parse(guarded(text), parsed), CIGNA_OK);
    assert_memory_equal(parsed, id, CIGNA_DANCE_ID_LEN);
}


static cigna_slice_t
state_of(const char *id, uint8_t mem[CIGNA_STATE_LEN])
{
    cigna_buf_t  b;

    cigna_buf_init(&b, mem, CIGNA_STATE_LEN);
    assert_int_equal(cigna_dance_id_append_state(&b, &vault, guarded(id)),
                     CIGNA_OK);

    return cigna_buf_slice(&b);
}


static void
an_id_has_sixty_random_bits(void **state)
{
    size_t       i;
    uint8_t      id[CIGNA_DANCE_ID_LEN];
    cigna_buf_t  b;

    static const struct {
        uint8_t      random[CIGNA_DANCE_ID_BYTES];
        const char  *id;
    } cases[] = {
        { { 0 }, "000000000000" },
        { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
          "ZZZZZZZZZZZZ" },
        { { 0, 0, 0, 0, 0, 0, 0, 1 }, "000000000001" },
        { { 0x0f, 0, 0, 0, 0, 0, 0, 0 }, "Y00000000000" },
        { { 0xf0, 0, 0, 0, 0, 0, 0, 0 }, "000000000000" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cigna_buf_init(&b, id, sizeof(id));
        cigna_dance_id_append(&b, cases[i].random);
        assert_slice(cigna_buf_slice(&b), cases[i].id);
    }
}


static void
a_reference_is_read_as_a_person_writes_it(void **state)
{
    (void) state;

    assert_id("0123456789AB", "0123456789AB");
    assert_id("0123-4567-89ab", "0123456789AB");
    assert_id(" oil2 3456 7899 ", "011234567899");
    assert_id("OOOOIIIILLLL", "000011111111");
    assert_id("zzzzzzzzzzzz", "ZZZZZZZZZZZZ");
}


static void
anything_else_is_not_a_reference(void **state)
{
    size_t              i;
    uint8_t             id[CIGNA_DANCE_ID_LEN];
    static const char  *refused[] = {
        "", "0123456789A", "0123456789ABC", "0123456789AU", "0123456789A_",
        "0123456789A\n", "------------", "0123456789\xc3\xa9"
    };

    (void) state;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(cigna_dance_id_parse(guarded(refused[i]), id),
                         CIGNA_ERROR);
    }

    assert_int_equal(cigna_dance_id_parse((cigna_slice_t) {
                         (const uint8_t *) "0123456789A\0", 12 }, id),
                     CIGNA_ERROR);
}


static void
the_state_begins_with_the_tag_and_hides_the_rest(void **state)
{
    uint8_t        a[CIGNA_STATE_LEN], b[CIGNA_STATE_LEN];
    cigna_slice_t  one, other;

    (void) state;

    one = state_of("0123456789AB", a);
    assert_int_equal(one.len, CIGNA_STATE_LEN);
    assert_memory_equal(one.data, "01234567", CIGNA_DANCE_TAG_LEN);

    /* the same id always gives the same state, and another id another state */

    other = state_of("0123456789AB", b);
    assert_true(cigna_slice_eq(one, other));

    other = state_of("0123456789AC", b);
    assert_false(cigna_slice_eq(one, other));
}


static void
another_ring_gives_other_states(void **state)
{
    uint8_t        a[CIGNA_STATE_LEN], b[CIGNA_STATE_LEN];
    cigna_vault_t  here;

    (void) state;

    here = vault;
    (void) state_of("0123456789AB", a);

    vault.ring = ring_of("name BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBE\n"
                         SEAL);
    assert_non_null(vault.ring);
    (void) state_of("0123456789AB", b);
    assert_memory_not_equal(a, b, CIGNA_STATE_LEN);

    cigna_keyring_destroy(vault.ring);
    vault = here;
}


static void
an_id_of_another_length_has_no_state(void **state)
{
    uint8_t      mem[64];
    cigna_buf_t  b;

    (void) state;

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_dance_id_append_state(&b, &vault,
                                                 guarded("0123456789A")),
                     CIGNA_ERROR);
    assert_int_equal(cigna_dance_id_append_key(&b, &vault, guarded("")),
                     CIGNA_ERROR);
}


int
main(void)
{
    int  rc;

    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_id_has_sixty_random_bits),
        cmocka_unit_test(a_reference_is_read_as_a_person_writes_it),
        cmocka_unit_test(anything_else_is_not_a_reference),
        cmocka_unit_test(the_state_begins_with_the_tag_and_hides_the_rest),
        cmocka_unit_test(another_ring_gives_other_states),
        cmocka_unit_test(an_id_of_another_length_has_no_state)
    };

    vault.ring = ring_of(NAME SEAL);
    vault.prefix = cigna_slice("cigna");

    rc = cmocka_run_group_tests(tests, NULL, NULL);

    cigna_keyring_destroy(vault.ring);

    return rc;
}

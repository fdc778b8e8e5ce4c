
#include "support.h"

#include "redis/cigna_slot.h"


static unsigned
slot(const char *key)
{
    return cigna_slot(guarded(key));
}


/* the expected slots are those of Redis' command CLUSTER KEYSLOT */

static void
slots_are_those_of_redis(void **state)
{
    (void) state;

    assert_int_equal(slot(""), 0);
    assert_int_equal(slot("123456789"), 12739);
    assert_int_equal(slot("foo"), 12182);
    assert_int_equal(slot("cigna:g:{foo}"), 12182);
    assert_int_equal(slot("\xff\x80"), 4727);
}


static void
only_the_tag_of_a_key_counts(void **state)
{
    (void) state;

    assert_int_equal(slot("{foo}"), 12182);
    assert_int_equal(slot("a{foo}b{bar}"), 12182);
    assert_int_equal(slot("a}{foo}"), 12182);
    assert_int_equal(slot("{foo{bar}}"), slot("{foo{bar}"));

    /* the slot of a key without a tag depends on the whole key */

    assert_int_not_equal(slot("foo{}"), 12182);
    assert_int_equal(slot("foo{}{bar}"), 8363);
    assert_int_not_equal(slot("{foo"), 12182);
    assert_int_not_equal(slot("foo}"), 12182);
}


static void
every_slot_has_a_tag(void **state)
{
    uint8_t      mem[CIGNA_SLOT_TAG_MAX];
    unsigned     i;
    cigna_buf_t  b;

    (void) state;

    for (i = 0; i < CIGNA_SLOTS; i += 61) {
        cigna_buf_init(&b, mem, sizeof(mem));

        assert_int_equal(cigna_slot_append_tag(&b, i), CIGNA_OK);
        assert_int_equal(cigna_slot(cigna_buf_slice(&b)), i);
    }
}


static void
the_smallest_number_is_the_tag(void **state)
{
    uint8_t      mem[CIGNA_SLOT_TAG_MAX];
    cigna_buf_t  b;

    (void) state;

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_slot_append_tag(&b, 0), CIGNA_OK);
    assert_slice(cigna_buf_slice(&b), "3560");

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_slot_append_tag(&b, 16383), CIGNA_OK);
    assert_slice(cigna_buf_slice(&b), "39296");

    /* the greatest tag that the function appends */

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_slot_append_tag(&b, slot("109757")), CIGNA_OK);
    assert_slice(cigna_buf_slice(&b), "109757");
}


static void
a_number_beyond_the_slots_has_no_tag(void **state)
{
    uint8_t      mem[CIGNA_SLOT_TAG_MAX];
    cigna_buf_t  b;

    (void) state;

    cigna_buf_init(&b, mem, sizeof(mem));
    assert_int_equal(cigna_slot_append_tag(&b, CIGNA_SLOTS), CIGNA_ERROR);
    assert_ptr_equal(b.pos, mem);

    cigna_buf_init(&b, mem, 3);
    assert_int_equal(cigna_slot_append_tag(&b, 0), CIGNA_ERROR);
    assert_ptr_equal(b.pos, mem);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(slots_are_those_of_redis),
        cmocka_unit_test(only_the_tag_of_a_key_counts),
        cmocka_unit_test(every_slot_has_a_tag),
        cmocka_unit_test(the_smallest_number_is_the_tag),
        cmocka_unit_test(a_number_beyond_the_slots_has_no_tag)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

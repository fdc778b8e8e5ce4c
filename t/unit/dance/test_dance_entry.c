
#include "support.h"

#include "dance/cigna_dance_entry.h"


#define NAME      "nnnnnnnnnnnnnnnnnnnnnnnnnn-"
#define IDENTITY  "iiiiiiiiiiiiiiiiiiiiiiiiii_"
#define ENTRY     NAME " 0123456789AB tttttttttttt " IDENTITY


static void
an_entry_is_read_as_it_was_written(void **state)
{
    uint8_t              mem[CIGNA_DANCE_ENTRY_MAX];
    cigna_arena_t        arena;
    cigna_dance_entry_t  e;

    (void) state;

    assert_int_equal(cigna_dance_entry_parse(guarded(ENTRY), &e), CIGNA_OK);
    assert_slice(e.name, NAME);
    assert_slice(e.id, "0123456789AB");
    assert_slice(e.tenant, "tttttttttttt");
    assert_slice(e.identity, IDENTITY);

    cigna_arena_init(&arena, mem, sizeof(mem));
    assert_slice(cigna_dance_entry_text(&arena, &e), ENTRY);
}


static void
anything_else_is_not_an_entry(void **state)
{
    size_t               i;
    cigna_dance_entry_t  e;
    static const char   *refused[] = {
        "", NAME, ENTRY " ", ENTRY "x", " " ENTRY,
        NAME " 0123456789A tttttttttttt " IDENTITY,
        NAME " 0123456789AB ttttttttttt " IDENTITY,
        NAME " 0123456789A} tttttttttttt " IDENTITY
    };

    (void) state;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(cigna_dance_entry_parse(guarded(refused[i]), &e),
                         CIGNA_ERROR);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_entry_is_read_as_it_was_written),
        cmocka_unit_test(anything_else_is_not_an_entry)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

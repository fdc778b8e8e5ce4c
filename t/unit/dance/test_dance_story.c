
#include "support.h"

#include "dance/cigna_dance_story.h"


static uint8_t        mem[1024];
static cigna_arena_t  arena;
static cigna_vault_t  vault;


static cigna_slice_t
line(const char *what, const cigna_dance_story_t *story)
{
    cigna_arena_init(&arena, mem, sizeof(mem));

    return cigna_dance_story_line(&vault, &arena, what, story);
}


static void
a_line_has_all_known_values(void **state)
{
    cigna_dance_story_t  story = { 0 };

    (void) state;

    vault.node = cigna_slice("host-1");
    assert_slice(line("started", &story), "started node=host-1");

    story.request = cigna_slice("8c2f");
    story.outcome = cigna_slice("exchange_refused");
    story.status = 400;
    story.error = cigna_slice("invalid_client");
    story.exchange_ms = 210;

    assert_slice(line("ended", &story),
                 "ended node=host-1 request=8c2f outcome=exchange_refused "
                 "status=400 error=invalid_client exchange_ms=210");
}


static void
a_value_that_would_break_the_line_is_left_out(void **state)
{
    char                 text[66];
    cigna_dance_story_t  story = { 0 };

    (void) state;

    vault.node = cigna_slice("a b");
    story.request = cigna_slice("x\ny");
    assert_slice(line("started", &story), "started");

    memset(text, 'x', sizeof(text));
    text[65] = '\0';
    vault.node = cigna_slice_str(text);
    assert_slice(line("started", &story), "started");
}


static void
an_error_code_that_no_standard_defines_is_not_copied(void **state)
{
    (void) state;

    assert_slice(cigna_dance_story_error(cigna_slice("access_denied")),
                 "access_denied");
    assert_slice(cigna_dance_story_error(cigna_slice("jane@example.org")),
                 "other");
    assert_slice(cigna_dance_story_error(cigna_slice("")), "");
}


static void
too_little_room_is_an_overflow(void **state)
{
    cigna_dance_story_t  story = { 0 };

    (void) state;

    cigna_arena_init(&arena, mem, 4);
    assert_slice(cigna_dance_story_line(&vault, &arena, "started", &story), "");
    assert_true(arena.overflow);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_line_has_all_known_values),
        cmocka_unit_test(a_value_that_would_break_the_line_is_left_out),
        cmocka_unit_test(an_error_code_that_no_standard_defines_is_not_copied),
        cmocka_unit_test(too_little_room_is_an_overflow)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#define _GNU_SOURCE

#include "acting.h"

#include "cigna_refresh.h"


#define NOW  WORLD_START_MS


static cigna_refresh_t  f;
static uint8_t          mem[64 * 1024];
static cigna_arena_t    arena;


static cigna_refresh_e
verdict(int64_t now_ms)
{
    const char  *why;

    return cigna_refresh_verdict(&f, now_ms, &why);
}


static cigna_refresh_e
record(const char *resp, const char **why)
{
    cigna_reply_t    *reply;
    cigna_refresh_e   rc;

    reply = world_reply(resp, strlen(resp));
    rc = cigna_refresh_record(&f, reply, &f.grant, why);
    cigna_reply_destroy(reply);

    return rc;
}


static void
a_token_serves_until_it_expires(void **state)
{
    (void) state;

    assert_true(cigna_refresh_usable(&f, NOW + 3599 * 1000 - 1));
    assert_false(cigna_refresh_usable(&f, NOW + 3599 * 1000));
}


static void
a_token_that_was_refused_does_not_serve(void **state)
{
    (void) state;

    f.refused_id = f.grant.id;
    f.refused_generation = 0;
    assert_true(cigna_refresh_usable(&f, NOW));

    f.refused_generation = 1;
    assert_false(cigna_refresh_usable(&f, NOW));
    assert_int_equal(verdict(NOW), cigna_refresh_pending);

    f.refused_id = cigna_slice("CCCCCCCCCCCCCCCCCCCCCC");
    assert_true(cigna_refresh_usable(&f, NOW));

    f.refused_id = cigna_slice_null;
    assert_true(cigna_refresh_usable(&f, NOW));
}


static void
what_the_vault_lost_after_this_node_used_it_is_not_refreshed(void **state)
{
    (void) state;

    f.refused_id = f.grant.id;
    f.refused_generation = 2;

    assert_false(cigna_refresh_usable(&f, NOW));
    assert_int_equal(verdict(NOW), cigna_refresh_unavailable);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_unavailable);
}


static void
what_the_journal_has_a_later_generation_of_is_not_used(void **state)
{
    const char  *why;

    (void) state;

    f.ahead_id = f.grant.id;
    f.ahead_generation = 2;

    assert_true(cigna_refresh_behind(&f));
    assert_int_equal(verdict(NOW), cigna_refresh_unavailable);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_unavailable);
    assert_int_equal(cigna_refresh_verdict(&f, NOW, &why),
                     cigna_refresh_unavailable);
    assert_non_null(strstr(why, "journal"));

    f.grant.refresh_token = cigna_slice_null;
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_unavailable);
}


static void
what_the_journal_has_no_later_generation_of_is_used(void **state)
{
    (void) state;

    f.ahead_id = f.grant.id;
    f.ahead_generation = 1;

    assert_false(cigna_refresh_behind(&f));
    assert_int_equal(verdict(NOW), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_pending);

    f.ahead_id = cigna_slice("CCCCCCCCCCCCCCCCCCCCCC");
    f.ahead_generation = 9;
    assert_false(cigna_refresh_behind(&f));
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_pending);
}


static void
a_token_refused_like_the_one_before_is_refreshed_in_five_minutes(void **state)
{
    (void) state;

    f.refused_id = f.grant.id;
    f.refused_generation = 1;
    f.grant.forced = 1;

    assert_int_equal(verdict(NOW), cigna_refresh_refused);
    assert_int_equal(verdict(NOW + 299 * 1000), cigna_refresh_refused);
    assert_int_equal(verdict(NOW + 300 * 1000), cigna_refresh_pending);

    /* clocks that differ, and one that was set back */

    assert_int_equal(verdict(NOW - 120 * 1000), cigna_refresh_refused);
    assert_int_equal(verdict(NOW - 3600 * 1000), cigna_refresh_pending);

    /* one that nobody has refused is as good as any */

    f.refused_id = cigna_slice_null;
    assert_int_equal(verdict(NOW), cigna_refresh_ok);
}


static void
a_clock_that_was_set_back_makes_a_token_due(void **state)
{
    (void) state;

    assert_int_equal(verdict(NOW - 300 * 1000), cigna_refresh_ok);
    assert_int_equal(verdict(NOW - 300 * 1000 - 1), cigna_refresh_pending);
    assert_true(cigna_refresh_usable(&f, NOW - 3600 * 1000));

    f.grant.refresh_token = cigna_slice_null;
    assert_int_equal(verdict(NOW - 3600 * 1000), cigna_refresh_ok);
}


static void
a_grant_is_due_ahead_of_its_end(void **state)
{
    (void) state;

    assert_int_equal(verdict(NOW), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 3539 * 1000 - 1), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 3539 * 1000), cigna_refresh_pending);
    assert_int_equal(verdict(NOW + 9999 * 1000), cigna_refresh_pending);
}


static void
a_grant_without_refresh_token_is_never_due(void **state)
{
    (void) state;

    f.grant.refresh_token = cigna_slice_null;

    assert_int_equal(verdict(NOW + 3599 * 1000 - 1), cigna_refresh_ok);
    assert_int_equal(verdict(NOW + 3599 * 1000), cigna_refresh_spent);
}


static void
a_life_of_no_length_makes_no_odd_due_time(void **state)
{
    (void) state;

    f.grant.expires_ms = f.grant.obtained_ms;
    assert_int_equal(cigna_refresh_due_ms(&w.provider, &f.grant),
                     f.grant.expires_ms);
    assert_int_equal(verdict(NOW), cigna_refresh_pending);
}


static void
what_redis_says_is_told_from_what_it_does_not_say(void **state)
{
    const char  *why;

    (void) state;

    assert_int_equal(record("*5\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n", &why),
                     cigna_refresh_no_grant);
    assert_int_equal(record("$-1\r\n", &why), cigna_refresh_vault);
    assert_int_equal(record("-LOADING\r\n", &why), cigna_refresh_vault);
    assert_int_equal(record("*0\r\n", &why), cigna_refresh_vault);
    assert_int_equal(record("*5\r\n$-1\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$-1\r\n",
                            &why),
                     cigna_refresh_damaged);
    assert_true(strlen(why));
}


static void
every_result_has_a_name_of_its_own(void **state)
{
    unsigned  i, n;

    (void) state;

    for (i = 0; i <= cigna_refresh_unknown_key; i++) {
        for (n = 0; n < i; n++) {
            assert_string_not_equal(cigna_refresh_name(i),
                                    cigna_refresh_name(n));
        }
    }

    assert_string_equal(cigna_refresh_name(99), "unknown");
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    world_connected(&w);
    cigna_arena_init(&arena, mem, sizeof(mem));

    memset(&f, 0, sizeof(f));
    f.vault = &w.vault;
    f.provider = &w.provider;
    f.identity = &w.identity;
    f.arena = &arena;

    return world_grant(&w, &arena, &f.grant) == CIGNA_OK ? 0 : -1;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_token_serves_until_it_expires),
        test(a_token_that_was_refused_does_not_serve),
        test(what_the_vault_lost_after_this_node_used_it_is_not_refreshed),
        test(what_the_journal_has_a_later_generation_of_is_not_used),
        test(what_the_journal_has_no_later_generation_of_is_used),
        test(a_token_refused_like_the_one_before_is_refreshed_in_five_minutes),
        test(a_clock_that_was_set_back_makes_a_token_due),
        test(a_grant_is_due_ahead_of_its_end),
        test(a_grant_without_refresh_token_is_never_due),
        test(a_life_of_no_length_makes_no_odd_due_time),
        test(what_redis_says_is_told_from_what_it_does_not_say),
        test(every_result_has_a_name_of_its_own)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

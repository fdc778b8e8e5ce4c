
#define _GNU_SOURCE

#include <stdio.h>

#include "acting.h"


static cigna_connect_t *
connect_to(world_actor_t *actor, const char *return_to)
{
    world_connect(&w, actor, return_to);
    world_run(&w, actor);

    return &actor->flow.connect;
}


static unsigned
dances(void)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < WORLD_KEYS; i++) {
        n += w.redis.keys[i].name && strncmp(w.redis.keys[i].name, "cigna:d:",
                                             8) == 0;
    }

    return n;
}


static int
has(cigna_slice_t s)
{
    char  text[256];

    (void) snprintf(text, sizeof(text), "%.*s", (int) s.len, s.data);

    return world_redis_has(&w.redis, text);
}


static void
the_browser_is_sent_to_authorize_with_state_pkce_and_nonce(void **state)
{
    char              code[64], param[64];
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");

    assert_int_equal(f->outcome, cigna_dance_outcome_none);
    assert_int_equal(world_login(&w.auth, f->location, code, param), CIGNA_OK);
    assert_int_equal(f->started_ms, w.now_ms);
}


static void
state_begins_with_the_tag_of_cookie_and_dance(void **state)
{
    char              code[64], param[64];
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");
    (void) world_login(&w.auth, f->location, code, param);

    assert_int_equal(f->tag.len, 8);
    assert_int_equal(f->dance_id.len, CIGNA_DANCE_ID_LEN);
    assert_int_equal(f->secret.len, CIGNA_SECRET_LEN);
    assert_memory_equal(param, f->tag.data, 8);
    assert_memory_equal(f->dance_id.data, f->tag.data, 8);
}


static void
state_is_short_and_safe_in_a_url(void **state)
{
    char              code[64], param[64];
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");
    (void) world_login(&w.auth, f->location, code, param);

    assert_true(strlen(param) <= 64);
    assert_int_equal(strspn(param, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
                            "abcdefghijklmnopqrstuvwxyz0123456789"),
                     CIGNA_STATE_LEN);
}


static void
redis_knows_no_state_verifier_nonce_or_browser_secret(void **state)
{
    char              code[64], param[64];
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");
    (void) world_login(&w.auth, f->location, code, param);

    assert_false(world_redis_has(&w.redis, param));
    assert_false(world_redis_has(&w.redis, w.auth.families[0].nonce));
    assert_false(world_redis_has(&w.redis, w.auth.families[0].challenge));
    assert_false(has(f->secret));
    assert_true(has(f->dance_id));
}


static void
each_dance_has_secrets_of_its_own(void **state)
{
    (void) state;

    (void) connect_to(&a, "");
    (void) connect_to(&b, "");

    assert_false(cigna_slice_eq(a.flow.connect.tag, b.flow.connect.tag));
    assert_false(cigna_slice_eq(a.flow.connect.secret, b.flow.connect.secret));
    assert_false(cigna_slice_eq(a.flow.connect.location,
                                b.flow.connect.location));
    assert_int_equal(dances(), 2);
}


static void
a_dance_is_open_for_ten_minutes_and_remembered_for_thirty(void **state)
{
    char              text[32];
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");

    (void) snprintf(text, sizeof(text), "%lld",
                    (long long) w.now_ms + 10 * 60 * 1000);
    assert_memory_equal(world_get(&w.redis, f->dance_key, "e")->data, text,
                        strlen(text));

    w.now_ms += 30 * 60 * 1000 - 1;
    assert_non_null(world_get(&w.redis, f->dance_key, "b"));

    w.now_ms++;
    assert_null(world_get(&w.redis, f->dance_key, "b"));
}


static void
open_dances_are_bounded_and_the_oldest_goes(void **state)
{
    unsigned       i;
    cigna_slice_t  first;
    char           key[CIGNA_KEY_MAX];

    (void) state;

    (void) connect_to(&b, "");
    first = b.flow.connect.dance_key;
    (void) snprintf(key, sizeof(key), "%.*s", (int) first.len, first.data);

    for (i = 0; i < 7; i++) {
        w.now_ms++;
        (void) connect_to(&a, "");
        world_end(&a);
    }

    assert_int_equal(dances(), 8);
    assert_non_null(world_get(&w.redis, cigna_slice_str(key), "b"));

    w.now_ms++;
    (void) connect_to(&a, "");

    assert_int_equal(a.flow.connect.outcome, cigna_dance_outcome_none);
    assert_int_equal(dances(), 8);
    assert_null(world_get(&w.redis, cigna_slice_str(key), "b"));
    assert_non_null(world_get(&w.redis, a.flow.connect.dance_key, "b"));
}


static void
a_clock_of_redis_that_was_set_back_evicts_no_dance_just_begun(void **state)
{
    unsigned  i;

    (void) state;

    w.provider.dances_per_member = 2;

    for (i = 0; i < 5; i++) {
        (void) connect_to(&a, "");
        assert_int_equal(a.flow.connect.outcome, cigna_dance_outcome_none);
        assert_non_null(world_get(&w.redis, a.flow.connect.dance_key, "b"));
        world_end(&a);

        w.now_ms -= 1000;
    }

    assert_int_equal(dances(), 2);
    (void) connect_to(&a, "");
}


static void
dances_past_their_time_are_not_counted_as_open(void **state)
{
    (void) state;

    w.provider.dances_per_member = 2;

    (void) connect_to(&a, "");
    w.now_ms += CIGNA_DANCE_LIFE_MS;
    (void) connect_to(&b, "");
    world_end(&b);
    w.now_ms++;
    (void) connect_to(&b, "");

    /* its outcome is still remembered */

    assert_int_equal(dances(), 3);
    assert_non_null(world_get(&w.redis, a.flow.connect.dance_key, "s"));
}


static void
a_lowered_bound_is_reached_little_by_little(void **state)
{
    unsigned  i;

    (void) state;

    w.provider.dances_per_member = 30;

    for (i = 0; i < 30; i++) {
        (void) connect_to(&a, "");
        world_end(&a);
        w.now_ms++;
    }

    w.provider.dances_per_member = 0;

    (void) connect_to(&a, "");
    assert_int_equal(dances(), 30 + 1 - CIGNA_EVICTED_MAX);
    world_end(&a);

    w.now_ms++;
    (void) connect_to(&a, "");
    assert_int_equal(dances(), 1);
}


static void
a_return_to_that_is_not_allowed_starts_nothing(void **state)
{
    size_t              i;
    cigna_connect_t    *f;
    static const char  *refused[] = {
        "https://evil.example/", "http://app.example/", "//app.example/",
        "https://app.example@evil.example/", "https://app.example:444/",
        "https://other.example/", "https://other.example/in/../out",
        "https://app.example/\\evil.example", "javascript:alert(1)", "/in/"
    };

    (void) state;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        f = connect_to(&a, refused[i]);

        assert_int_equal(f->outcome, cigna_dance_outcome_return_to_refused);
        assert_int_equal(f->location.len, 0);
        assert_int_equal(a.steps, 1);
        assert_int_equal(dances(), 0);
        world_end(&a);
    }

    (void) connect_to(&a, "");
}


static void
a_return_to_is_written_out_anew(void **state)
{
    cigna_slice_t  url;

    (void) state;

    (void) connect_to(&a, "");

    assert_int_equal(cigna_connect_return_to(&w.provider,
                         cigna_slice("HTTPS://Other.Example:443/in/a?b=c"),
                         &a.arena, &url),
                     CIGNA_OK);
    assert_slice(url, "https://other.example/in/a?b=c");
}


static void
without_a_return_to_the_first_one_is_taken(void **state)
{
    cigna_slice_t  url;

    (void) state;

    (void) connect_to(&a, "");

    assert_int_equal(cigna_connect_return_to(&w.provider, cigna_slice_null,
                                             &a.arena, &url),
                     CIGNA_OK);
    assert_slice(url, "https://app.example/");

    w.provider.nreturn_to = 0;
    assert_int_equal(cigna_connect_return_to(&w.provider, cigna_slice_null,
                                             &a.arena, &url),
                     CIGNA_NONE);
}


static void
without_an_authorization_endpoint_discovery_has_failed(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    w.provider.authorization_endpoint = cigna_slice_null;

    f = connect_to(&a, "");

    assert_int_equal(f->outcome, cigna_dance_outcome_discovery_failed);
    assert_int_equal(a.steps, 1);
}


static void
a_return_to_is_refused_even_if_discovery_has_failed(void **state)
{
    (void) state;

    w.provider.authorization_endpoint = cigna_slice_null;

    assert_int_equal(connect_to(&a, "https://evil.example/")->outcome,
                     cigna_dance_outcome_return_to_refused);
}


static void
nobody_is_sent_away_before_the_dance_is_stored(void **state)
{
    unsigned          nth, kind;
    cigna_connect_t  *f;

    (void) state;

    w.provider.dances_per_member = 1;
    (void) connect_to(&b, "");

    for (kind = world_unsent; kind < world_faults; kind++) {
        for (nth = 1; ; nth++) {
            world_connect(&w, &a, "");

            if (!world_run_fault(&w, &a, nth, kind)) {
                break;
            }

            f = &a.flow.connect;

            /* the third operation deletes an older dance */

            assert_int_equal(f->outcome,
                             nth < 3 ? cigna_dance_outcome_store_failed
                                     : cigna_dance_outcome_none);
            assert_int_equal(f->location.len != 0, nth >= 3);
            assert_int_equal(f->secret.len != 0, nth >= 3);
            world_end(&a);
            w.now_ms++;
        }

        assert_int_equal(nth, 4);
        world_end(&a);
    }

    (void) connect_to(&a, "");
}


static void
too_little_room_starts_nothing(void **state)
{
    size_t    size;
    uint8_t  *mem;

    (void) state;

    for (size = 0; ; size += 16) {
        world_connect(&w, &a, "");
        mem = a.arena.start;
        cigna_arena_init(&a.arena, mem, size);
        world_run(&w, &a);

        if (a.flow.connect.outcome == cigna_dance_outcome_none) {
            break;
        }

        assert_int_equal(a.flow.connect.location.len, 0);
        world_end(&a);
    }

    assert_true(size > 256 && size < 16 * 1024);
}


static int
setup(void **state)
{
    (void) state;

    new_world();

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_browser_is_sent_to_authorize_with_state_pkce_and_nonce),
        test(state_begins_with_the_tag_of_cookie_and_dance),
        test(state_is_short_and_safe_in_a_url),
        test(redis_knows_no_state_verifier_nonce_or_browser_secret),
        test(each_dance_has_secrets_of_its_own),
        test(a_dance_is_open_for_ten_minutes_and_remembered_for_thirty),
        test(open_dances_are_bounded_and_the_oldest_goes),
        test(a_clock_of_redis_that_was_set_back_evicts_no_dance_just_begun),
        test(dances_past_their_time_are_not_counted_as_open),
        test(a_lowered_bound_is_reached_little_by_little),
        test(a_return_to_that_is_not_allowed_starts_nothing),
        test(a_return_to_is_written_out_anew),
        test(without_a_return_to_the_first_one_is_taken),
        test(without_an_authorization_endpoint_discovery_has_failed),
        test(a_return_to_is_refused_even_if_discovery_has_failed),
        test(nobody_is_sent_away_before_the_dance_is_stored),
        test(too_little_room_starts_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

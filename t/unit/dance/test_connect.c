
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>

#include "acting.h"


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


/* a field of a dance's record */

static const world_field_t *
of_dance(const cigna_connect_t *f, const char *name)
{
    return world_get(&w.redis, f->dance_key, name);
}


/* the number of entries of the list under this Redis key */

static unsigned
entries(cigna_slice_t key)
{
    unsigned  i;

    for (i = 0; i < WORLD_KEYS; i++) {
        if (w.redis.keys[i].name
            && cigna_slice_eq(cigna_slice_str(w.redis.keys[i].name), key))
        {
            return w.redis.keys[i].nfields;
        }
    }

    return 0;
}


/*
 * the number of ended dances with this outcome, as the shard counts them in
 * this hour
 */

static int
counted(const char *outcome)
{
    char                  key[CIGNA_KEY_MAX], name[64];
    const world_field_t  *f;

    (void) snprintf(key, sizeof(key), "%.*s%lld",
                    (int) w.identity.counts_key.len,
                    w.identity.counts_key.data,
                    (long long) w.now_ms / 3600000);
    (void) snprintf(name, sizeof(name), "%.12s %s",
                    (const char *) w.identity.tenant, outcome);

    f = world_get(&w.redis, cigna_slice_str(key), name);

    return f ? atoi((const char *) f->data) : 0;
}


/* how many dances runs have ended, and the id and outcome of the last one */

static unsigned  closed;
static char      closed_id[CIGNA_DANCE_ID_LEN + 1];
static char      closed_outcome[32];


static void
on_closed(void *data, const cigna_dance_close_t *c)
{
    (void) data;

    closed++;
    (void) snprintf(closed_id, sizeof(closed_id), "%.*s",
                    (int) c->forget.entry.id.len, c->forget.entry.id.data);
    (void) snprintf(closed_outcome, sizeof(closed_outcome), "%.*s",
                    (int) c->outcome.len, c->outcome.data);
}


static cigna_connect_t *
connect_to(world_actor_t *actor, const char *return_to)
{
    world_connect(&w, actor, return_to);
    actor->flow.connect.closer.closed = on_closed;
    world_run(&w, actor);

    return &actor->flow.connect;
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
the_id_is_twelve_characters_that_can_be_read_out(void **state)
{
    uint8_t           id[CIGNA_DANCE_ID_LEN], key[CIGNA_KEY_MAX];
    cigna_buf_t       b;
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");

    assert_int_equal(cigna_dance_id_parse(f->dance_id, id), CIGNA_OK);
    assert_memory_equal(id, f->dance_id.data, CIGNA_DANCE_ID_LEN);

    /* the record is found from the id alone */

    cigna_buf_init(&b, key, sizeof(key));
    assert_int_equal(cigna_dance_id_append_key(&b, &w.vault, f->dance_id),
                     CIGNA_OK);
    assert_true(cigna_slice_eq(cigna_buf_slice(&b), f->dance_key));
}


static void
a_dance_is_open_for_ten_minutes_and_kept_for_eight_days(void **state)
{
    char              text[32];
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");

    (void) snprintf(text, sizeof(text), "%lld",
                    (long long) w.now_ms + 10 * 60 * 1000);
    assert_memory_equal(of_dance(f, "e")->data, text, strlen(text));
    assert_false(f->dropped);

    w.now_ms += CIGNA_DANCE_STORY_MS - 1;
    assert_non_null(of_dance(f, "b"));

    w.now_ms++;
    assert_null(of_dance(f, "b"));
}


static void
without_stories_a_dance_is_remembered_for_thirty_minutes(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    w.vault.stories = 0;
    f = connect_to(&a, "");

    assert_null(of_dance(f, "y"));
    assert_false(f->dropped);

    w.now_ms += 30 * 60 * 1000 - 1;
    assert_non_null(of_dance(f, "b"));

    w.now_ms++;
    assert_null(of_dance(f, "b"));
}


static void
a_redis_that_is_nearly_full_keeps_no_story(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    w.redis.full = 1;
    f = connect_to(&a, "");

    assert_int_equal(f->outcome, cigna_dance_outcome_none);
    assert_null(of_dance(f, "y"));
    assert_true(f->dropped);

    w.now_ms += 30 * 60 * 1000;
    assert_null(of_dance(f, "b"));
}


static void
open_dances_beyond_the_bound_have_no_story(void **state)
{
    unsigned  i;

    (void) state;

    w.vault.stories = 2 * CIGNA_SHARDS;

    for (i = 0; i < 3; i++) {
        (void) connect_to(&a, "");
        assert_int_equal(a.flow.connect.dropped, i == 2);
        world_end(&a);
    }

    (void) connect_to(&a, "");
}


static void
a_story_begins_with_the_start(void **state)
{
    char                  text[128];
    const world_field_t  *story;

    (void) state;

    (void) snprintf(text, sizeof(text),
                    "%lld started node=node-1 request=request-1\n",
                    (long long) w.now_ms);

    story = of_dance(connect_to(&a, ""), "y");
    assert_int_equal(story->len, strlen(text));
    assert_memory_equal(story->data, text, story->len);
}


static void
a_dance_is_in_the_index_until_it_is_overdue(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    f = connect_to(&a, "");

    assert_int_equal(f->outcome, cigna_dance_outcome_none);
    assert_int_equal(entries(w.identity.open_key), 1);
    assert_int_equal(entries(w.identity.dances_key), 1);

    /* the flow used Redis twice: dance_list and dance_open */

    assert_int_equal(a.steps, 4);
}


static void
open_dances_are_bounded_and_the_oldest_is_displaced(void **state)
{
    unsigned          i;
    cigna_connect_t  *first;

    (void) state;

    first = connect_to(&b, "");
    closed = 0;

    for (i = 0; i < 7; i++) {
        w.now_ms++;
        (void) connect_to(&a, "");
        world_end(&a);
    }

    assert_int_equal(closed, 0);
    assert_non_null(of_dance(first, "b"));

    w.now_ms++;
    (void) connect_to(&a, "");

    assert_int_equal(a.flow.connect.outcome, cigna_dance_outcome_none);
    assert_int_equal(closed, 1);
    assert_slice(first->dance_id, closed_id);
    assert_string_equal(closed_outcome, "displaced");
    assert_memory_equal(of_dance(first, "o")->data, "displaced", 9);
    assert_null(of_dance(first, "b"));
    assert_int_equal(counted("displaced"), 1);
    assert_int_equal(entries(w.identity.open_key), 8);
    assert_int_equal(entries(w.identity.ended_key), 1);
    assert_non_null(of_dance(&a.flow.connect, "b"));
}


static void
a_dance_that_is_taken_is_not_displaced(void **state)
{
    cigna_connect_t  *first;

    (void) state;

    w.provider.dances_per_member = 1;
    closed = 0;

    first = connect_to(&b, "");
    world_set(&w.redis, first->dance_key, "t", "1700000500000");
    world_set(&w.redis, first->dance_key, "k", "taker");

    (void) connect_to(&a, "");

    assert_int_equal(closed, 0);
    assert_null(of_dance(first, "o"));
    assert_int_equal(entries(w.identity.open_key), 2);
    assert_int_equal(entries(w.identity.dances_key), 1);
}


static void
a_displaced_dance_that_has_ended_is_counted_with_its_outcome(void **state)
{
    cigna_connect_t  *first;

    (void) state;

    w.provider.dances_per_member = 1;
    closed = 0;

    first = connect_to(&b, "");
    world_set(&w.redis, first->dance_key, "o", "denied");

    (void) connect_to(&a, "");

    /* the callback that ended the dance counts its end */

    assert_int_equal(closed, 0);
    assert_int_equal(counted("denied"), 1);
    assert_int_equal(entries(w.identity.open_key), 1);
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

    assert_int_equal(entries(w.identity.dances_key), 2);
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

    /* the record of the ended dance is still there */

    assert_int_equal(dances(), 3);
    assert_non_null(world_get(&w.redis, a.flow.connect.dance_key, "s"));
}


static void
a_lowered_bound_displaces_sixteen_dances_at_a_time(void **state)
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

    closed = 0;

    (void) connect_to(&a, "");
    assert_int_equal(closed, CIGNA_EVICTED_MAX);
    assert_int_equal(entries(w.identity.dances_key),
                     30 + 1 - CIGNA_EVICTED_MAX);
    world_end(&a);

    w.now_ms++;
    (void) connect_to(&a, "");
    assert_int_equal(closed, 30 + 1);
    assert_int_equal(entries(w.identity.dances_key), 1);
    assert_int_equal(entries(w.identity.open_key), 1);
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
        assert_int_equal(a.steps, 2);
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
without_a_return_to_the_first_configured_one_is_used(void **state)
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
    assert_int_equal(a.steps, 2);
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
no_browser_is_redirected_before_the_dance_is_stored(void **state)
{
    unsigned          nth, kind;
    cigna_connect_t  *f;

    (void) state;

    w.provider.dances_per_member = 1;

    for (kind = world_unsent; kind < world_faults; kind++) {
        for (nth = 1; ; nth++) {
            (void) connect_to(&b, "");
            world_end(&b);
            w.now_ms++;

            world_connect(&w, &a, "");

            if (!world_run_fault(&w, &a, nth, kind)) {
                break;
            }

            f = &a.flow.connect;

            /* the third and the fourth operation close an older dance */

            assert_int_equal(f->outcome,
                             nth < 3 ? cigna_dance_outcome_store_failed
                                     : cigna_dance_outcome_none);
            assert_int_equal(f->location.len != 0, nth >= 3);
            assert_int_equal(f->secret.len != 0, nth >= 3);
            world_end(&a);
            w.now_ms++;
        }

        assert_int_equal(nth, 5);
        world_end(&a);
    }

    (void) connect_to(&a, "");
}


static void
a_dance_that_is_displaced_before_it_is_stored_stays_in_the_index(void **state)
{
    (void) state;

    w.provider.dances_per_member = 1;
    closed = 0;

    world_connect(&w, &b, "");
    world_step(&w, &b, world_fine);
    world_step(&w, &b, world_fine);

    w.now_ms++;
    (void) connect_to(&a, "");
    assert_int_equal(entries(w.identity.open_key), 2);

    world_run(&w, &b);
    assert_int_equal(b.flow.connect.outcome, cigna_dance_outcome_none);
    assert_non_null(of_dance(&b.flow.connect, "b"));
    assert_int_equal(entries(w.identity.open_key), 2);
    assert_int_equal(closed, 0);
}


static void
a_dance_that_did_not_start_displaces_none(void **state)
{
    cigna_connect_t  *first;

    (void) state;

    w.provider.dances_per_member = 1;
    first = connect_to(&b, "");
    closed = 0;

    world_connect(&w, &a, "");
    a.flow.connect.closer.closed = on_closed;
    assert_true(world_run_fault(&w, &a, 2, world_error));

    assert_int_equal(closed, 0);
    assert_non_null(of_dance(first, "b"));
    assert_int_equal(entries(w.identity.open_key), 1);
}


static void
a_dance_that_redis_did_not_store_leaves_the_index(void **state)
{
    unsigned  kind;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        world_connect(&w, &a, "");
        (void) world_run_fault(&w, &a, 2, kind);

        assert_int_equal(a.flow.connect.outcome,
                         cigna_dance_outcome_store_failed);
        assert_int_equal(entries(w.identity.open_key),
                         kind == world_lost_before
                         || kind == world_lost_after);
        assert_int_equal(entries(w.identity.dances_key),
                         entries(w.identity.open_key));

        world_end(&a);
        world_delete(&w.redis, w.identity.open_key);
        world_delete(&w.redis, w.identity.dances_key);
    }

    (void) connect_to(&a, "");
}


static void
the_oldest_ended_dances_leave_with_their_records(void **state)
{
    unsigned          i;
    cigna_connect_t  *first;

    (void) state;

    w.vault.stories = 2 * CIGNA_SHARDS;
    w.provider.dances_per_member = 1;

    first = connect_to(&b, "");

    for (i = 0; i < 3; i++) {
        w.now_ms++;
        (void) connect_to(&a, "");
        world_end(&a);
        assert_int_equal(of_dance(first, "s") == NULL, i == 2);
    }

    w.now_ms++;
    (void) connect_to(&a, "");

    assert_int_equal(entries(w.identity.ended_key), 2);
    assert_int_equal(counted("displaced"), 4);
    assert_int_equal(dances(), 3);
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
        test(the_id_is_twelve_characters_that_can_be_read_out),
        test(a_dance_is_open_for_ten_minutes_and_kept_for_eight_days),
        test(without_stories_a_dance_is_remembered_for_thirty_minutes),
        test(a_redis_that_is_nearly_full_keeps_no_story),
        test(open_dances_beyond_the_bound_have_no_story),
        test(a_story_begins_with_the_start),
        test(a_dance_is_in_the_index_until_it_is_overdue),
        test(open_dances_are_bounded_and_the_oldest_is_displaced),
        test(a_dance_that_is_taken_is_not_displaced),
        test(a_displaced_dance_that_has_ended_is_counted_with_its_outcome),
        test(a_clock_of_redis_that_was_set_back_evicts_no_dance_just_begun),
        test(dances_past_their_time_are_not_counted_as_open),
        test(a_lowered_bound_displaces_sixteen_dances_at_a_time),
        test(a_return_to_that_is_not_allowed_starts_nothing),
        test(a_return_to_is_written_out_anew),
        test(without_a_return_to_the_first_configured_one_is_used),
        test(without_an_authorization_endpoint_discovery_has_failed),
        test(a_return_to_is_refused_even_if_discovery_has_failed),
        test(no_browser_is_redirected_before_the_dance_is_stored),
        test(a_dance_that_is_displaced_before_it_is_stored_stays_in_the_index),
        test(a_dance_that_did_not_start_displaces_none),
        test(a_dance_that_redis_did_not_store_leaves_the_index),
        test(the_oldest_ended_dances_leave_with_their_records),
        test(too_little_room_starts_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

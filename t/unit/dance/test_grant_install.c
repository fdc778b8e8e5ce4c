
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>

#include "acting.h"


/* the callback of another dance of a connected member */

static char  code[64], st[64], secret[64];


static cigna_callback_t *
begin(void)
{
    cigna_connect_t  *f;

    world_end(&a);
    world_connect(&w, &a, "");
    world_run(&w, &a);

    f = &a.flow.connect;
    assert_int_equal(world_login(&w.auth, f->location, code, st), CIGNA_OK);
    (void) snprintf(secret, sizeof(secret), "%.*s", (int) f->secret.len,
                    f->secret.data);
    world_end(&a);

    world_callback(&w, &a, code, st, secret);

    return &a.flow.callback;
}


static cigna_callback_t *
finish(void)
{
    world_run(&w, &a);

    assert_int_equal(a.reports, 1);
    assert_null(strstr(a.flow.callback.detail, WORLD_MARKER));

    return &a.flow.callback;
}


static void
stop_at_put(void)
{
    while (a.op.type != cigna_op_script
           || a.op.redis.script != cigna_script(cigna_script_grant_install))
    {
        world_step(&w, &a, world_fine);
    }
}


static int
alive(const char *token)
{
    return world_alive(&w.auth, cigna_slice_str(token));
}


static void
the_replaced_grant_is_revoked_after_the_report(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    f = begin();

    while (a.reports == 0) {
        world_step(&w, &a, world_fine);
    }

    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_int_equal(w.auth.revoked, 0);

    f = finish();
    assert_true(f->install.replaced);
    assert_false(f->changed);
    assert_string_equal(f->detail, "");
    assert_int_equal(w.auth.revoked, 1);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-1");
    assert_true(alive(WORLD_MARKER "-at-1-1"));
    assert_false(alive(WORLD_MARKER "-at-0-1"));
}


static void
a_valid_grant(world_t *world, world_actor_t *actor)
{
    int             rc;
    cigna_arena_t   arena;
    cigna_grant_t   g;
    static uint8_t  mem[64 * 1024];

    (void) actor;

    cigna_arena_init(&arena, mem, sizeof(mem));

    rc = world_grant(world, &arena, &g);
    assert_int_equal(rc, CIGNA_OK);
    assert_true(world_alive(&world->auth, g.access_token));
    assert_true(world_alive(&world->auth, g.refresh_token));
}


static void
at_each_moment_a_grant_is_valid(void **state)
{
    (void) state;

    a.watch = a_valid_grant;
    (void) begin();
    (void) finish();
    assert_int_equal(w.auth.revoked, 1);
}


static void
a_first_grant_replaces_nothing(void **state)
{
    (void) state;

    world_delete(&w.redis, w.identity.grant_key);

    (void) begin();
    assert_false(finish()->install.replaced);
    assert_int_equal(w.auth.revoked, 0);
}


static void
the_newest_tokens_of_the_replaced_grant_are_revoked(void **state)
{
    (void) state;

    w.now_ms += 3600 * 1000;
    (void) begin();
    stop_at_put();

    world_refresh(&w, &b);
    world_run(&w, &b);
    assert_int_equal(b.flow.refresh.rc, cigna_refresh_ok);

    (void) finish();
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
}


static void
the_replaced_grant_is_known_even_if_the_reply_was_lost(void **state)
{
    (void) state;

    (void) begin();
    stop_at_put();
    world_step(&w, &a, world_lost_after);

    assert_int_equal(finish()->outcome, cigna_dance_outcome_connected);
    assert_true(a.flow.callback.install.replaced);
    assert_int_equal(w.auth.revoked, 1);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-1");
}


static void
the_replaced_grant_is_known_from_the_second_try(void **state)
{
    (void) state;

    (void) begin();
    stop_at_put();
    world_step(&w, &a, world_lost_before);

    assert_int_equal(finish()->outcome, cigna_dance_outcome_connected);
    assert_int_equal(w.auth.revoked, 1);
}


static void
a_grant_is_stored_without_the_read_before_it(void **state)
{
    unsigned  kind;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        (void) begin();

        while (a.op.type != cigna_op_redis) {
            world_step(&w, &a, world_fine);
        }

        world_step(&w, &a, kind);
        assert_int_equal(finish()->outcome, cigna_dance_outcome_connected);
        assert_int_equal(w.auth.revoked, kind);
    }
}


static void
tokens_that_the_new_grant_still_has_are_not_revoked(void **state)
{
    cigna_grant_install_t  p;
    cigna_grant_t          g;

    (void) state;

    memset(&g, 0, sizeof(g));
    g.refresh_token = cigna_slice("rt2");
    g.access_token = cigna_slice("at2");

    memset(&p, 0, sizeof(p));
    p.replaced = 1;
    p.old.refresh_token = cigna_slice("rt1");
    p.old.access_token = cigna_slice("at1");
    assert_true(cigna_grant_install_outdated(&p, &g));

    p.old.refresh_token = cigna_slice("rt2");
    assert_false(cigna_grant_install_outdated(&p, &g));

    p.old.refresh_token = cigna_slice("rt1");
    p.old.access_token = cigna_slice("at2");
    assert_false(cigna_grant_install_outdated(&p, &g));

    /* two grants without a refresh token have no refresh token in common */

    p.old.refresh_token = cigna_slice_null;
    g.refresh_token = cigna_slice_null;
    p.old.access_token = cigna_slice("at1");
    assert_true(cigna_grant_install_outdated(&p, &g));

    p.unread = 1;
    assert_false(cigna_grant_install_outdated(&p, &g));

    p.unread = 0;
    p.replaced = 0;
    assert_false(cigna_grant_install_outdated(&p, &g));
}


static void
a_refresh_token_that_the_server_returns_again_is_kept(void **state)
{
    (void) state;

    (void) begin();
    w.auth.answer_status = 200;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
                    "{\"access_token\":\"" WORLD_MARKER "-at-0-1\","
                    "\"refresh_token\":\"" WORLD_MARKER "-rt-0-1\","
                    "\"token_type\":\"bearer\",\"expires_in\":3599}");

    assert_int_equal(finish()->outcome, cigna_dance_outcome_connected);
    assert_true(a.flow.callback.install.replaced);
    assert_int_equal(w.auth.revoked, 0);
}


static void
a_record_that_cannot_be_opened_is_replaced_and_reported(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    world_set(&w.redis, w.identity.grant_key, "b", "nonsense");

    (void) begin();
    f = finish();

    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_true(f->install.replaced);
    assert_true(f->install.unread);
    assert_false(f->changed);
    assert_int_equal(w.auth.revoked, 0);
}


static void
another_person_than_before_is_noticed(void **state)
{
    (void) state;

    (void) snprintf(w.auth.patient, sizeof(w.auth.patient), "A2");
    (void) begin();
    assert_true(finish()->changed);
    assert_slice(a.flow.callback.install.old.patient, "A1");

    w.auth.id_token = 1;
    (void) begin();
    assert_false(finish()->changed);

    (void) snprintf(w.auth.sub, sizeof(w.auth.sub), "somebody else");
    (void) begin();
    assert_true(finish()->changed);
    assert_slice(a.flow.callback.install.old.sub, "member-1");
    assert_slice(a.flow.callback.grant.sub, "somebody else");

    /* without an id_token the gateway cannot know that the subject changed */

    w.auth.id_token = 0;
    (void) begin();
    assert_false(finish()->changed);
}


static void
the_journal_has_the_grant_as_redis_has_it(void **state)
{
    world_entry_t     *e;
    cigna_callback_t  *f;

    (void) state;

    (void) begin();
    f = finish();

    e = world_entry(&w.fleet, 0, 1);
    assert_non_null(e);
    assert_true(e->confirmed);
    assert_true(cigna_slice_eq(e->entry.id, f->grant.id));
    assert_int_equal(e->entry.generation, 1);
    assert_int_equal(e->entry.blob.len, field("b")->len);
    assert_memory_equal(e->entry.blob.data, field("b")->data,
                        e->entry.blob.len);
    assert_int_equal(e->entry.connected_ms,
                     strtoll((char *) field("c")->data, NULL, 10));
    assert_int_equal(e->entry.until_ms,
                     w.now_ms + w.provider.grant_ttl_s * 1000);
    assert_true(cigna_slice_eq(e->entry.identity,
                               cigna_script_identity(&w.identity)));
}


static void
the_member_is_connected_without_room_in_the_journal(void **state)
{
    (void) state;

    w.fleet.nodes[0].full = 1;
    (void) begin();
    assert_int_equal(finish()->outcome, cigna_dance_outcome_connected);
    assert_int_equal(w.auth.revoked, 1);
}


/* runs a callback in which each call of grant_install fails */

static void
every_put_fails(world_fault_e fault)
{
    (void) begin();

    while (!a.done) {
        world_step(&w, &a,
                   a.op.type == cigna_op_script
                   && a.op.redis.script
                      == cigna_script(cigna_script_grant_install)
                   ? fault : world_fine);
    }

    assert_int_equal(a.flow.callback.outcome, cigna_dance_outcome_store_failed);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-1-1");
}


static void
a_grant_that_redis_may_have_got_is_journalled_as_deleted(void **state)
{
    world_entry_t  *e;

    (void) state;

    every_put_fails(world_lost_after);

    e = world_entry(&w.fleet, 0, 1);
    assert_non_null(e);
    assert_false(e->confirmed);
    assert_true(cigna_slice_eq(e->entry.id,
                               (cigna_slice_t) { field("i")->data,
                                                 field("i")->len }));
    assert_int_equal(e->entry.generation, 0);
}


static void
a_grant_that_redis_refuses_leaves_the_old_one_alone(void **state)
{
    (void) state;

    every_put_fails(world_error);

    assert_null(world_entry(&w.fleet, 0, 1));
    assert_true(alive(WORLD_MARKER "-at-0-1"));
    assert_int_equal(w.auth.revoked, 1);
    a_valid_grant(&w, &a);
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    world_connected(&w);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_replaced_grant_is_revoked_after_the_report),
        test(at_each_moment_a_grant_is_valid),
        test(a_first_grant_replaces_nothing),
        test(the_newest_tokens_of_the_replaced_grant_are_revoked),
        test(the_replaced_grant_is_known_even_if_the_reply_was_lost),
        test(the_replaced_grant_is_known_from_the_second_try),
        test(a_grant_is_stored_without_the_read_before_it),
        test(tokens_that_the_new_grant_still_has_are_not_revoked),
        test(a_refresh_token_that_the_server_returns_again_is_kept),
        test(a_record_that_cannot_be_opened_is_replaced_and_reported),
        test(another_person_than_before_is_noticed),
        test(the_journal_has_the_grant_as_redis_has_it),
        test(the_member_is_connected_without_room_in_the_journal),
        test(a_grant_that_redis_may_have_got_is_journalled_as_deleted),
        test(a_grant_that_redis_refuses_leaves_the_old_one_alone)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#define _GNU_SOURCE

#include <stdio.h>

#include "acting.h"


static cigna_disconnect_t *
begin(void)
{
    world_end(&a);
    world_disconnect(&w, &a);

    return &a.flow.disconnect;
}


static cigna_disconnect_t *
finish(void)
{
    world_run(&w, &a);

    assert_int_equal(a.reports, 1);
    assert_null(strstr(a.flow.disconnect.detail, WORLD_MARKER));

    return &a.flow.disconnect;
}


static void
a_grant_is_deleted_and_its_refresh_token_revoked(void **state)
{
    cigna_disconnect_t  *f;

    (void) state;

    (void) begin();
    f = finish();

    assert_int_equal(f->outcome, cigna_dance_outcome_disconnected);
    assert_true(f->existed);
    assert_string_equal(f->detail, "");
    assert_null(field("i"));
    assert_null(field("b"));
    assert_int_equal(w.auth.revoked, 1);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-1");
}


static void
the_member_does_not_wait_for_the_revocation(void **state)
{
    (void) state;

    (void) begin();

    while (a.reports == 0) {
        world_step(&w, &a, world_fine);
    }

    assert_int_equal(a.flow.disconnect.outcome,
                     cigna_dance_outcome_disconnected);
    assert_null(field("b"));
    assert_int_equal(w.auth.revoked, 0);

    (void) finish();
    assert_int_equal(w.auth.revoked, 1);
}


static void
the_access_token_is_revoked_where_there_is_no_refresh_token(void **state)
{
    (void) state;

    w.auth.tokens = world_none;
    world_connected(&w);

    (void) begin();
    (void) finish();
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-at-1-1");
}


static void
nothing_is_revoked_without_an_endpoint(void **state)
{
    cigna_disconnect_t  *f;

    (void) state;

    w.provider.revocation_endpoint = cigna_slice_null;

    (void) begin();
    f = finish();

    assert_int_equal(f->outcome, cigna_dance_outcome_disconnected);
    assert_int_equal(w.auth.revoked, 0);
    assert_null(field("b"));
}


static void
a_member_without_grant_is_disconnected(void **state)
{
    cigna_disconnect_t  *f;

    (void) state;

    (void) begin();
    (void) finish();
    (void) begin();
    f = finish();

    assert_int_equal(f->outcome, cigna_dance_outcome_disconnected);
    assert_false(f->existed);
    assert_int_equal(w.auth.revoked, 1);
}


static void
without_redis_no_member_is_disconnected(void **state)
{
    unsigned             kind, n;
    cigna_disconnect_t  *f;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {

        if (kind == world_lost_after) {
            continue;
        }

        f = begin();

        for (n = 0; !a.done; ) {
            n += a.op.type == cigna_op_script;
            world_step(&w, &a, kind);
        }

        assert_int_equal(n, 3);
        assert_int_equal(a.reports, 1);
        assert_int_equal(f->outcome, cigna_dance_outcome_not_disconnected);
        assert_non_null(field("b"));
        assert_int_equal(w.auth.revoked, 0);
        assert_true(world_alive(&w.auth, cigna_slice(WORLD_MARKER "-at-0-1")));
    }
}


static void
stop_at_deletion(void)
{
    while (a.op.type != cigna_op_script) {
        world_step(&w, &a, world_fine);
    }
}


static void
a_grant_whose_deletion_was_not_answered_is_revoked(void **state)
{
    cigna_disconnect_t  *f;

    (void) state;

    (void) begin();
    stop_at_deletion();
    world_step(&w, &a, world_lost_after);
    f = finish();

    assert_int_equal(f->outcome, cigna_dance_outcome_disconnected);
    assert_true(f->existed);
    assert_null(field("b"));
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-1");
    assert_non_null(world_entry(&w.fleet, 0, 0));
    assert_int_equal(world_entry(&w.fleet, 0, 0)->entry.generation, 0);
}


static void
the_tokens_of_the_deleted_record_are_revoked(void **state)
{
    (void) state;

    w.now_ms += 3600 * 1000;
    (void) begin();
    stop_at_deletion();

    world_refresh(&w, &b);
    world_run(&w, &b);
    assert_int_equal(b.flow.refresh.rc, cigna_refresh_ok);

    (void) finish();
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
}


static void
a_deletion_succeeds_without_the_read_before_it(void **state)
{
    unsigned  kind;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        world_connected(&w);
        w.auth.revoked = 0;
        (void) begin();
        world_step(&w, &a, world_fine);
        world_step(&w, &a, kind);
        assert_int_equal(finish()->outcome, cigna_dance_outcome_disconnected);
        assert_true(a.flow.disconnect.existed);
        assert_null(field("b"));
        assert_int_equal(w.auth.revoked, 1);
    }
}


static void
a_deletion_is_in_the_journal_before_it_is_reported(void **state)
{
    char            id[CIGNA_GRANT_ID_LEN + 1];
    int64_t         connected_ms;
    world_entry_t  *e;

    (void) state;

    (void) snprintf(id, sizeof(id), "%.*s", CIGNA_GRANT_ID_LEN,
                    (const char *) field("i")->data);

    (void) begin();
    connected_ms = world_entry(&w.fleet, 0, 0)->entry.connected_ms;

    while (a.reports == 0) {
        world_step(&w, &a, world_fine);
    }

    e = world_entry(&w.fleet, 0, 0);
    assert_non_null(e);
    assert_true(e->confirmed);
    assert_slice(e->entry.id, id);
    assert_int_equal(e->entry.generation, 0);
    assert_int_equal(e->entry.blob.len, 0);
    assert_int_equal(e->entry.connected_ms, connected_ms);
    assert_int_equal(e->entry.until_ms, w.now_ms + CIGNA_TOMB_MS);
    assert_slice(e->entry.tenant, "acme");
    assert_true(cigna_slice_eq(e->entry.identity,
                               cigna_script_identity(&w.identity)));
}


static void
without_room_in_the_journal_a_member_is_disconnected_all_the_same(
    void **state)
{
    (void) state;

    w.fleet.nodes[0].full = 1;
    (void) begin();
    assert_int_equal(finish()->outcome, cigna_dance_outcome_disconnected);
    assert_int_equal(w.auth.revoked, 1);
}


static void
a_record_that_cannot_be_opened_is_deleted_all_the_same(void **state)
{
    cigna_disconnect_t  *f;

    (void) state;

    world_set(&w.redis, w.identity.grant_key, "b", "nonsense");

    (void) begin();
    f = finish();

    assert_int_equal(f->outcome, cigna_dance_outcome_disconnected);
    assert_true(f->unread);
    assert_null(field("b"));
    assert_int_equal(w.auth.revoked, 0);
}


static void
a_disconnect_is_published_whether_there_was_a_grant_or_not(void **state)
{
    char      message[128];
    unsigned  i;

    (void) state;

    for (i = 0; i < 2; i++) {
        (void) snprintf(message, sizeof(message), "%.*s %.*s 0",
                        CIGNA_NAME_LEN, (const char *) w.identity.hash,
                        i ? 1 : CIGNA_GRANT_ID_LEN,
                        i ? "-" : (const char *) field("i")->data);

        w.redis.message[0] = '\0';
        (void) begin();
        (void) finish();
        assert_string_equal(w.redis.message, message);
    }
}


static void
other_members_are_left_alone(void **state)
{
    cigna_vault_names_t  mine, other;

    (void) state;

    mine = w.identity;
    world_identity(&w, "acme", "somebody else", &other);

    /* an identity points into itself, so it is made in place and not copied */

    world_identity(&w, "acme", "somebody else", &w.identity);
    world_connected(&w);
    (void) begin();
    (void) finish();

    world_identity(&w, "acme", "member", &w.identity);
    assert_memory_equal(mine.hash, w.identity.hash, CIGNA_NAME_LEN);
    assert_non_null(field("b"));
    assert_null(world_get(&w.redis, other.grant_key, "b"));
}


static void
the_lock_is_deleted_with_the_grant(void **state)
{
    (void) state;

    w.now_ms += 3600 * 1000;
    world_refresh(&w, &b);

    while (b.op.type != cigna_op_http) {
        world_step(&w, &b, world_fine);
    }

    assert_non_null(world_get(&w.redis, w.identity.lock_key, ""));

    (void) begin();
    (void) finish();
    assert_null(world_get(&w.redis, w.identity.lock_key, ""));

    world_run(&w, &b);
    assert_int_equal(b.flow.refresh.rc, cigna_refresh_no_grant);
    assert_null(field("b"));
}


static void
redis_remembers_the_id_of_a_deleted_grant(void **state)
{
    (void) state;

    (void) begin();
    (void) finish();

    assert_non_null(field("x"));
    assert_int_equal(field("x")->len, CIGNA_GRANT_ID_LEN + 1);

    w.now_ms += CIGNA_TOMB_MS - 1;
    assert_non_null(field("x"));
    w.now_ms++;
    assert_null(field("x"));
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
        test(a_grant_is_deleted_and_its_refresh_token_revoked),
        test(the_member_does_not_wait_for_the_revocation),
        test(the_access_token_is_revoked_where_there_is_no_refresh_token),
        test(nothing_is_revoked_without_an_endpoint),
        test(a_member_without_grant_is_disconnected),
        test(without_redis_no_member_is_disconnected),
        test(a_grant_whose_deletion_was_not_answered_is_revoked),
        test(the_tokens_of_the_deleted_record_are_revoked),
        test(a_deletion_succeeds_without_the_read_before_it),
        test(a_deletion_is_in_the_journal_before_it_is_reported),
        test(without_room_in_the_journal_a_member_is_disconnected_all_the_same),
        test(a_record_that_cannot_be_opened_is_deleted_all_the_same),
        test(a_disconnect_is_published_whether_there_was_a_grant_or_not),
        test(other_members_are_left_alone),
        test(the_lock_is_deleted_with_the_grant),
        test(redis_remembers_the_id_of_a_deleted_grant)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

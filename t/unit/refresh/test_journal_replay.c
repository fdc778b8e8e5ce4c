
#define _GNU_SOURCE

#include "refreshing.h"


static cigna_journal_replay_t *
restore(unsigned node)
{
    world_end(&b);
    world_replay(&w, &b, node, 0);
    world_run(&w, &b);

    assert_int_equal(b.reports, 1);

    return &b.flow.replay;
}


/* the worker of an actor dies, and the node's journal stays */

static void
die(world_actor_t *actor)
{
    world_end(actor);
    memset(actor, 0, sizeof(world_actor_t));
}


/* a worker dies when the journal has a new generation and Redis does not */

static void
leave(void)
{
    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    die(&a);

    assert_int_equal(stored().generation, 1);
}


/* tests of entries of dead workers */

static void
a_dead_workers_generation_is_stored_by_another_one(void **state)
{
    (void) state;

    leave();
    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);

    assert_slice(stored().access_token, WORLD_MARKER "-at-0-2");
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-2");
    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);
    assert_null(field("m"));
    assert_null(field("n"));

    /* the grant can be refreshed again */

    w.now_ms += HOUR_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
}


static void
a_worker_that_dies_anywhere_after_the_journal_loses_nothing(void **state)
{
    unsigned  n, over;

    (void) state;

    for (n = 1, over = 0; !over; n++) {
        world_done(&w);
        world_init(&w);
        world_connected(&w);
        make_expired();

        (void) begin(&a);

        while (world_entry(&w.fleet, NODE, 0) == NULL) {
            world_step(&w, &a, world_fine);
        }

        over = a.done;

        for (unsigned i = 1; i < n && !over; i++) {
            world_step(&w, &a, world_fine);
            over = a.done;
        }

        die(&a);
        world_replay_all(&w, NODE);

        assert_true(world_alive(&w.auth, stored().refresh_token));
        assert_int_equal(stored().generation, 2);

        w.now_ms += HOUR_MS;
        assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
        assert_true(a.flow.refresh.exchanged);
    }

    /* the run had at least three operations: report, grant_swap, settle */

    assert_true(n > 3);
}


static void
a_replay_may_store_the_generation_of_a_living_run(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_false(a.flow.refresh.superseded);
    assert_int_equal(stored().generation, 2);
    assert_null(lock());
    assert_int_equal(w.auth.revoked, 0);
}


static void
two_workers_may_restore_the_same_entry(void **state)
{
    world_actor_t  other;

    (void) state;

    leave();

    other.watch = NULL;
    world_replay(&w, &other, NODE, 0);
    world_replay(&w, &b, NODE, 0);

    while (!other.done || !b.done) {
        if (!other.done) {
            world_step(&w, &other, world_fine);
        }

        if (!b.done) {
            world_step(&w, &b, world_fine);
        }
    }

    assert_int_equal(other.flow.replay.rc, cigna_journal_replay_ok);
    assert_int_equal(b.flow.replay.rc, cigna_journal_replay_ok);
    assert_int_equal(stored().generation, 2);
    world_end(&other);
}


/* tests of changes of primary */

static void
a_new_primary_is_given_the_generations_it_has_lost(void **state)
{
    (void) state;

    world_replicate(&w.redis);
    make_expired();
    (void) refresh(&a);
    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);

    world_failover(&w);
    assert_int_equal(stored().generation, 1);

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-2");
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
no_refresh_starts_until_the_nodes_had_time_to_do_so(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    world_replicate(&w.redis);
    make_due();
    (void) refresh(&a);
    world_failover(&w);

    /* the older access token serves until it expires */

    f = refresh_elsewhere(&a);
    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-1");
    assert_int_equal(f->retry_after_s, CIGNA_LEASE_QUIET_MS / 1000);
    assert_null(lock());
    assert_null(field("m"));

    w.now_ms += CIGNA_LEASE_QUIET_MS - 500;
    make_expired();
    w.fleet.quiet_until_ms = w.now_ms + 500;

    f = refresh_elsewhere(&a);
    assert_int_equal(f->rc, cigna_refresh_paused);
    assert_int_equal(f->retry_after_s, 1);
    assert_int_equal(w.auth.refreshes_posted, 1);

    world_replay_all(&w, NODE);
    w.now_ms += 500;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
a_lease_of_the_old_primary_is_not_used_after_the_change(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_begin);
    w.fleet.quiet_until_ms = w.now_ms + 1000;

    assert_int_equal(finish(&a)->rc, cigna_refresh_paused);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_unlocked();
}


static void
a_run_that_waits_for_a_lease_takes_none_in_the_quiet_time(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    (void) begin(&b);

    while (b.op.type != cigna_op_sleep || b.steps < 4) {
        world_step(&w, &b, world_fine);
    }

    world_failover(&w);
    world_connected(&w);
    w.now_ms += CIGNA_LEASE_MS;

    assert_int_equal(finish(&b)->rc, cigna_refresh_paused);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_null(lock());
}


static void
an_exchange_under_way_is_stored_on_the_new_primary(void **state)
{
    (void) state;

    world_replicate(&w.redis);
    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_failover(&w);

    /*
     * the new primary knows of no lease, and no run takes one in the quiet time
     */

    assert_unlocked();
    assert_int_equal(refresh(&b)->rc, cigna_refresh_paused);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-2");
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
the_new_primary_gets_lock_and_mark_of_an_open_exchange(void **state)
{
    (void) state;

    world_replicate(&w.redis);
    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_failover(&w);

    /* a's run sets lock and mark again long before the quiet time ends */

    w.now_ms += CIGNA_LEASE_MS / 3;
    world_renew(&w, &a);
    assert_non_null(lock());
    assert_true(mark_left_ms() > WORLD_HTTP_MS);

    w.now_ms = w.fleet.quiet_until_ms;
    assert_int_equal(refresh(&b)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 0);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_int_equal(refresh(&b)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_unlocked();
}


static void
a_lease_that_waited_for_replicas_outlives_its_primary(void **state)
{
    (void) state;

    w.redis.replicated = 1;
    world_replicate(&w.redis);
    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_failover(&w);

    assert_non_null(lock());
    assert_non_null(field("m"));
    (void) finish(&a);

    world_failover(&w);
    assert_int_equal(stored().generation, 2);
}


/*
 * Puts the identifier of $userinfo into the record.  The record keeps its
 * generation.  A change of primary may lose this write.
 */

static void
amend(void)
{
    world_end(&b);
    world_userinfo(&w, &b, stored().id);
    world_run(&w, &b);
    assert_int_equal(b.flow.userinfo.rc, cigna_userinfo_known);
    world_end(&b);
}


static void
a_generation_that_was_amended_since_stays_in_the_journal(void **state)
{
    (void) state;

    world_replicate(&w.redis);
    make_expired();
    (void) refresh(&a);
    amend();

    /* a replay after a new connection, then a change of primary */

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_int_not_equal(stored().userinfo.len, 0);
    assert_non_null(world_entry(&w.fleet, NODE, 0));

    world_failover(&w);
    assert_int_equal(stored().generation, 1);

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-2");
}


static void
a_store_whose_reply_was_lost_may_have_been_amended(void **state)
{
    (void) state;

    leave();
    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    world_entry(&w.fleet, NODE, 0)->confirmed = 0;
    amend();

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);
    assert_int_not_equal(stored().userinfo.len, 0);
    assert_int_equal(w.auth.revoked, 0);
}


/* tests of entries that something newer has replaced */

static void
a_deleted_grant_is_not_revived_and_its_tokens_are_revoked(void **state)
{
    cigna_journal_replay_t  *f;

    (void) state;

    leave();
    disconnect();
    w.auth.last_revoked[0] = '\0';
    f = restore(NODE);

    assert_int_equal(f->rc, cigna_journal_replay_superseded);
    assert_null(field("i"));
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
    assert_null(world_entry(&w.fleet, NODE, 0));
}


static void
a_newer_grant_stays_and_the_old_ones_tokens_are_revoked(void **state)
{
    (void) state;

    leave();
    world_connected(&w);
    w.auth.last_revoked[0] = '\0';

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_superseded);
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-1");
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
    assert_true(world_alive(&w.auth, stored().refresh_token));
    assert_null(world_entry(&w.fleet, NODE, 0));
}


static void
a_newer_generation_stays_and_is_not_revoked(void **state)
{
    (void) state;

    make_expired();
    (void) refresh(&a);
    world_entry(&w.fleet, NODE, 0)->confirmed = 0;
    w.now_ms += HOUR_MS;

    begin(&a);
    a.node = 2;
    (void) finish(&a);
    assert_int_equal(stored().generation, 3);

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_superseded);
    assert_int_equal(stored().generation, 3);
    assert_int_equal(w.auth.revoked, 0);
    assert_null(world_entry(&w.fleet, NODE, 0));
}


static void
tokens_that_redis_once_had_are_revoked_by_other_runs(void **state)
{
    (void) state;

    make_expired();
    (void) refresh(&a);
    world_connected(&w);
    w.auth.revoked = 0;

    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);
    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_superseded);
    assert_int_equal(w.auth.revoked, 0);
}


/* tests of entries that are deletions */

static void
journal_deletion(const char *id)
{
    cigna_journal_t  entry;

    memset(&entry, 0, sizeof(entry));
    entry.tenant = w.provider.tenant;
    entry.identity = cigna_script_identity(&w.identity);
    entry.id = cigna_slice_str(id);
    entry.connected_ms = WORLD_START_MS;
    entry.made_ms = w.now_ms;
    entry.until_ms = w.now_ms + CIGNA_TOMB_MS;

    assert_int_equal(world_journal(&w.fleet, NODE, &entry, 1), CIGNA_OK);
}


static void
a_deletion_that_was_lost_is_made_again(void **state)
{
    char  id[CIGNA_GRANT_ID_LEN + 1];

    (void) state;

    (void) snprintf(id, sizeof(id), "%.*s", CIGNA_GRANT_ID_LEN,
                    (const char *) field("i")->data);
    world_replicate(&w.redis);
    disconnect();
    journal_deletion(id);

    world_failover(&w);
    assert_non_null(field("i"));

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_null(field("i"));
    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);
    w.fleet.quiet_until_ms = 0;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_no_grant);
}


static void
a_deletion_ends_a_grant_that_was_connected_before(void **state)
{
    (void) state;

    /*
     * the new primary knows neither of the second dance nor of the disconnect
     */

    world_replicate(&w.redis);
    w.now_ms += 5000;
    world_connected(&w);
    disconnect();
    world_failover(&w);
    assert_slice(stored().access_token, WORLD_MARKER "-at-0-1");

    world_replay_all(&w, 0);
    assert_null(field("i"));
}


static void
a_deletion_ends_no_newer_grant(void **state)
{
    (void) state;

    world_delete(&w.redis, w.identity.grant_key);
    w.now_ms += 1000;
    world_connected(&w);
    journal_deletion("CCCCCCCCCCCCCCCCCCCCCC");

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
}


/* tests of entries that cannot be written now, or can never be written */

static void
the_entry_stays_while_redis_cannot_be_asked(void **state)
{
    unsigned  kind;

    (void) state;

    leave();

    for (kind = world_unsent; kind < world_faults; kind++) {
        world_end(&b);
        world_replay(&w, &b, NODE, 0);

        while (!b.done) {
            world_step(&w, &b, kind == world_lost_after ? world_lost_before
                                                        : kind);
        }

        assert_int_equal(b.flow.replay.rc, cigna_journal_replay_failed);
        assert_non_null(world_entry(&w.fleet, NODE, 0));
        assert_false(world_entry(&w.fleet, NODE, 0)->confirmed);
    }

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
}


static void
a_write_whose_reply_was_lost_is_repeated(void **state)
{
    (void) state;

    leave();
    world_replay(&w, &b, NODE, 0);
    (void) world_run_fault(&w, &b, 1, world_lost_after);

    assert_int_equal(b.flow.replay.rc, cigna_journal_replay_ok);
    assert_int_equal(stored().generation, 2);
}


static void
an_entry_older_than_redis_remembers_deletions_is_forgotten(void **state)
{
    (void) state;

    leave();
    w.now_ms += CIGNA_JOURNAL_REPLAY_MAX_MS;
    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    world_entry(&w.fleet, NODE, 0)->confirmed = 0;

    w.now_ms++;
    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_superseded);
    assert_null(world_entry(&w.fleet, NODE, 0));
}


static void
an_entry_that_redis_would_have_dropped_is_forgotten(void **state)
{
    (void) state;

    leave();
    world_entry(&w.fleet, NODE, 0)->entry.until_ms = w.now_ms;

    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_superseded);
    assert_int_equal(stored().generation, 1);
    assert_null(world_entry(&w.fleet, NODE, 0));
}


static void
a_restored_grant_expires_when_it_would_have(void **state)
{
    (void) state;

    leave();
    w.now_ms += 10 * DAY_MS;
    (void) restore(NODE);

    w.now_ms += INT64_C(390) * DAY_MS - 1000;
    assert_non_null(field("i"));
    w.now_ms += 1000;
    assert_null(field("i"));
}


static void
an_entry_of_a_removed_tenant_is_replayed_without_revocation(void **state)
{
    (void) state;

    leave();
    disconnect();
    w.auth.revoked = 0;

    world_end(&b);
    world_replay(&w, &b, NODE, 0);
    b.flow.replay.subject.provider = NULL;
    world_run(&w, &b);

    assert_int_equal(b.flow.replay.rc, cigna_journal_replay_superseded);
    assert_non_null(strstr(b.flow.replay.detail, "not revoked"));
    assert_int_equal(w.auth.revoked, 0);
}


static void
too_little_room_leaves_the_entry(void **state)
{
    (void) state;

    leave();
    world_replay(&w, &b, NODE, 0);
    b.arena.end = b.arena.pos;
    world_run(&w, &b);

    assert_int_equal(b.flow.replay.rc, cigna_journal_replay_failed);
    assert_non_null(world_entry(&w.fleet, NODE, 0));
}


static void
an_entry_of_another_vault_is_forgotten(void **state)
{
    (void) state;

    leave();
    world_replay(&w, &b, NODE, 0);
    b.flow.replay.entry.identity.len--;
    world_run(&w, &b);

    assert_int_equal(b.flow.replay.rc, cigna_journal_replay_superseded);
    assert_int_equal(stored().generation, 1);
}


static void
every_result_has_a_name(void **state)
{
    unsigned  rc;

    (void) state;

    for (rc = cigna_journal_replay_pending;
         rc <= cigna_journal_replay_failed;
         rc++)
    {
        assert_string_not_equal(cigna_journal_replay_name(rc), "unknown");
    }

    assert_string_equal(cigna_journal_replay_name(99), "unknown");
}


static void
an_entry_of_another_vault_is_not_written(void **state)
{
    (void) state;

    leave();

    w.vault.prefix = cigna_slice("other");
    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_failed);
    w.vault.prefix = cigna_slice("cigna");

    /* workers that use the entry's vault still find the entry */

    assert_int_equal(stored().generation, 1);
    assert_int_equal(restore(NODE)->rc, cigna_journal_replay_ok);
    assert_int_equal(stored().generation, 2);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_dead_workers_generation_is_stored_by_another_one),
        test(a_worker_that_dies_anywhere_after_the_journal_loses_nothing),
        test(a_replay_may_store_the_generation_of_a_living_run),
        test(an_entry_of_another_vault_is_not_written),
        test(two_workers_may_restore_the_same_entry),
        test(a_new_primary_is_given_the_generations_it_has_lost),
        test(no_refresh_starts_until_the_nodes_had_time_to_do_so),
        test(a_lease_of_the_old_primary_is_not_used_after_the_change),
        test(a_run_that_waits_for_a_lease_takes_none_in_the_quiet_time),
        test(an_exchange_under_way_is_stored_on_the_new_primary),
        test(the_new_primary_gets_lock_and_mark_of_an_open_exchange),
        test(a_lease_that_waited_for_replicas_outlives_its_primary),
        test(a_generation_that_was_amended_since_stays_in_the_journal),
        test(a_store_whose_reply_was_lost_may_have_been_amended),
        test(a_deleted_grant_is_not_revived_and_its_tokens_are_revoked),
        test(a_newer_grant_stays_and_the_old_ones_tokens_are_revoked),
        test(a_newer_generation_stays_and_is_not_revoked),
        test(tokens_that_redis_once_had_are_revoked_by_other_runs),
        test(a_deletion_that_was_lost_is_made_again),
        test(a_deletion_ends_a_grant_that_was_connected_before),
        test(a_deletion_ends_no_newer_grant),
        test(the_entry_stays_while_redis_cannot_be_asked),
        test(a_write_whose_reply_was_lost_is_repeated),
        test(an_entry_older_than_redis_remembers_deletions_is_forgotten),
        test(an_entry_that_redis_would_have_dropped_is_forgotten),
        test(a_restored_grant_expires_when_it_would_have),
        test(an_entry_of_a_removed_tenant_is_replayed_without_revocation),
        test(too_little_room_leaves_the_entry),
        test(an_entry_of_another_vault_is_forgotten),
        test(every_result_has_a_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#define _GNU_SOURCE

#include "refreshing.h"

#include "rings.h"


/* tests of the verdict on the record */

static void
a_fresh_grant_is_left_alone(void **state)
{
    (void) state;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-1");
    assert_int_equal(w.auth.refreshes_posted, 0);

    /* three steps (start, read, report): the flow asks for no lease */

    assert_int_equal(a.steps, 3);
}


static void
a_due_grant_is_refreshed_while_the_old_token_still_serves(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_due();
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_true(f->exchanged);
    assert_string_equal(f->detail, "");
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-2");
    assert_int_equal(f->grant.generation, 2);

    assert_slice(stored().access_token, WORLD_MARKER "-at-0-2");
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-2");
    assert_int_equal(stored().generation, 2);
    assert_int_equal(stored().expires_ms, w.now_ms + 3599 * 1000);
    assert_int_equal(stored().connected_ms, WORLD_START_MS);
    assert_unlocked();
}


static void
a_grant_is_not_due_in_the_first_half_of_its_lifetime(void **state)
{
    cigna_grant_t  g;

    (void) state;

    g = stored();
    assert_int_equal(cigna_verdict_due_ms(&w.provider, &g),
                     g.expires_ms - 60 * 1000);

    g.expires_ms = g.obtained_ms + 20 * 1000;
    assert_int_equal(cigna_verdict_due_ms(&w.provider, &g),
                     g.obtained_ms + 10 * 1000);
}


static void
a_token_that_the_fhir_server_refused_is_refreshed(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    f = begin(&a);
    f->verdict.refused_id = stored().id;
    f->verdict.refused_generation = 1;
    f = finish(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_true(f->exchanged);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-2");
}


static void
a_refused_token_that_was_replaced_since_needs_no_exchange(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_due();
    (void) refresh(&a);

    f = begin(&a);
    f->verdict.refused_id = stored().id;
    f->verdict.refused_generation = 1;
    f = finish(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
a_refused_token_is_not_served_when_the_refresh_fails(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    f = begin(&a);
    f->verdict.refused_id = stored().id;
    f->verdict.refused_generation = 1;
    w.auth.answer_status = 503;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
}


static void
many_runs_make_one_refresh_for_a_refused_generation(void **state)
{
    unsigned          i;
    cigna_slice_t     id;
    cigna_refresh_t  *f;

    (void) state;

    for (i = 0; i < 3; i++) {
        f = begin(&a);
        id = stored().id;
        f->verdict.refused_id = id;
        f->verdict.refused_generation = 1;

        assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
        assert_int_equal(a.flow.refresh.grant.generation, 2);
    }

    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_true(stored().forced);
}


static void
no_refresh_follows_at_once_if_the_new_token_is_refused_too(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    f = begin(&a);
    f->verdict.refused_id = stored().id;
    f->verdict.refused_generation = 1;
    (void) finish(&a);

    f = begin(&a);
    f->verdict.refused_id = stored().id;
    f->verdict.refused_generation = 2;

    assert_int_equal(finish(&a)->rc, cigna_refresh_refused);
    assert_int_equal(w.auth.refreshes_posted, 1);

    /* five minutes later a refused token leads to another refresh */

    w.now_ms += 5 * 60 * 1000;
    f = begin(&a);
    f->verdict.refused_id = stored().id;
    f->verdict.refused_generation = 2;

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(stored().generation, 3);
    assert_true(stored().forced);

    /* a refresh for an expired token is not marked as forced */

    w.now_ms += HOUR_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(stored().generation, 4);
    assert_false(stored().forced);
}


static void
a_refused_token_that_the_vault_has_lost_is_not_refreshed_twice(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    world_replicate(&w.redis);
    make_due();
    (void) refresh(&a);
    world_failover(&w);
    w.fleet.quiet_until_ms = 0;

    f = begin(&a);
    f->verdict.refused_id = stored().id;
    f->verdict.refused_generation = 2;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
only_redis_says_that_there_is_no_grant(void **state)
{
    (void) state;

    disconnect();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_no_grant);
}


static void
without_refresh_token_the_grant_ends_with_its_access_token(void **state)
{
    (void) state;

    w.auth.tokens = world_none;
    world_connected(&w);

    make_due();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);

    make_expired();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.auth.refreshes_posted, 0);
}


static void
a_grant_of_another_registration_is_moved_and_stays(void **state)
{
    (void) state;

    make_due();
    w.provider.client_id = cigna_slice("another");
    assert_int_equal(cigna_vault_register(&w.provider), CIGNA_OK);

    assert_int_equal(refresh(&a)->rc, cigna_refresh_moved);
    assert_non_null(field("b"));

    w.provider.client_id = cigna_slice("client");
    assert_int_equal(cigna_vault_register(&w.provider), CIGNA_OK);

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
}


static void
a_grant_under_an_unknown_key_is_an_outage_and_stays(void **state)
{
    cigna_keyring_t  *ring;

    (void) state;

    ring = w.vault.ring;
    w.vault.ring = ring_of(NAME OTHER);

    assert_int_equal(refresh(&a)->rc, cigna_refresh_unknown_key);
    assert_non_null(field("b"));

    cigna_keyring_destroy(w.vault.ring);
    w.vault.ring = ring;
}


static void
a_damaged_grant_is_not_taken_for_none(void **state)
{
    (void) state;

    world_set(&w.redis, w.identity.grant_key, "b", "nonsense");
    assert_int_equal(refresh(&a)->rc, cigna_refresh_damaged);
}


static void
a_record_of_another_member_does_not_open(void **state)
{
    unsigned              i;
    world_key_t          *key;
    cigna_vault_names_t   other;

    (void) state;

    world_identity(&w, "acme", "somebody else", &other);

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &w.redis.keys[i];

        if (key->name && cigna_slice_eq(cigna_slice_str(key->name),
                                        w.identity.grant_key))
        {
            free(key->name);
            key->name = strndup((const char *) other.grant_key.data,
                                other.grant_key.len);
        }
    }

    (void) begin(&a);
    a.subject.identity = &other;
    assert_int_equal(finish(&a)->rc, cigna_refresh_damaged);
    assert_int_equal(a.flow.refresh.grant.access_token.len, 0);
    assert_int_equal(w.auth.refreshes_posted, 0);
}


/* tests: one refresh at a time in the fleet */

static void
two_nodes_spend_a_refresh_token_once(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    (void) begin(&b);

    while (!a.done || !b.done) {
        if (!a.done) {
            world_step(&w, &a, world_fine);
        }

        if (!b.done) {
            world_step(&w, &b, world_fine);
        }
    }

    assert_int_equal(a.flow.refresh.rc, cigna_refresh_ok);
    assert_int_equal(b.flow.refresh.rc, cigna_refresh_ok);
    assert_int_equal(a.flow.refresh.exchanged + b.flow.refresh.exchanged, 1);
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-2");
    assert_slice(b.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-2");
    assert_unlocked();
}


static void
a_run_that_waits_gets_the_token_of_the_other_run(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    (void) begin(&b);

    while (b.op.type != cigna_op_sleep || b.steps < 10) {
        world_step(&w, &b, world_fine);
    }

    (void) finish(&a);
    f = finish(&b);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-2");
    assert_int_equal(w.auth.refreshes_posted, 1);
}


/*
 * Actor b waits while actor a refreshes.  Returns the ms from the moment when
 * a's generation is stored until b ends.
 */

static int64_t
wait_for_winner(void)
{
    int64_t  stored_ms;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    (void) begin(&b);

    while (b.op.type != cigna_op_sleep || b.steps < 3) {
        world_step(&w, &b, world_fine);
    }

    assert_true(b.op.sleep.watch);
    w.now_ms += 100;

    while (stored().generation == 1) {
        world_step(&w, &a, world_fine);
    }

    stored_ms = w.now_ms;
    assert_int_equal(finish(&b)->rc, cigna_refresh_ok);
    assert_slice(b.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-2");
    (void) finish(&a);

    return w.now_ms - stored_ms;
}


static void
losers_get_the_winners_result_within_50_ms_of_its_being_stored(void **state)
{
    unsigned  steps;

    (void) state;

    assert_in_range(wait_for_winner(), 0, 50);

    /* few steps: start, read, begin, wait, begin, report, done */

    steps = b.steps;
    assert_in_range(steps, 5, 7);
}


static void
losers_who_hear_nothing_ask_every_half_second(void **state)
{
    (void) state;

    w.redis.deaf = 1;
    assert_in_range(wait_for_winner(), 0, 600);
}


static void
a_message_that_came_before_the_wait_is_not_missed(void **state)
{
    int64_t  since;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    (void) begin(&b);
    stop_before(&b, cigna_script_grant_begin);
    world_step(&w, &b, world_fine);
    assert_int_equal(b.op.type, cigna_op_sleep);

    (void) finish(&a);

    since = w.now_ms;
    assert_int_equal(finish(&b)->rc, cigna_refresh_ok);
    assert_in_range(w.now_ms - since, 0, 50);
}


static void
runs_that_wake_together_do_not_refresh_again(void **state)
{
    unsigned  i, left;

    (void) state;

    /*
     * actor a fails: one of the runs that wake up tries again, and the others
     * wait
     */

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    for (i = 0; i < CROWD; i++) {
        (void) begin(&crowd[i]);

        while (crowd[i].op.type != cigna_op_sleep || crowd[i].steps < 3) {
            world_step(&w, &crowd[i], world_fine);
        }
    }

    w.auth.answer_status = 503;
    (void) finish(&a);

    for (left = 1; left; ) {
        for (i = 0, left = 0; i < CROWD; i++) {
            if (!crowd[i].done) {
                world_step(&w, &crowd[i], world_fine);
                left++;
            }
        }
    }

    for (i = 0; i < CROWD; i++) {
        assert_int_equal(crowd[i].flow.refresh.rc, cigna_refresh_ok);
        world_end(&crowd[i]);
    }

    assert_int_equal(w.auth.refreshes_posted, 2);
}


static void
a_crowd_at_expiry_makes_one_exchange(void **state)
{
    unsigned  i, left;

    (void) state;

    make_expired();

    for (i = 0; i < CROWD; i++) {
        (void) begin(&crowd[i]);
    }

    for (left = 1; left; ) {
        for (i = 0, left = 0; i < CROWD; i++) {
            if (!crowd[i].done) {
                world_step(&w, &crowd[i], world_fine);
                left++;
            }
        }
    }

    for (i = 0; i < CROWD; i++) {
        assert_int_equal(crowd[i].flow.refresh.rc, cigna_refresh_ok);
        assert_slice(crowd[i].flow.refresh.grant.access_token,
                     WORLD_MARKER "-at-0-2");
        world_end(&crowd[i]);
    }

    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
waiting_for_another_refresh_is_bounded(void **state)
{
    int64_t           start;
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    start = w.now_ms;
    (void) begin(&b);
    b.flow.refresh.wait_ms = 3000;
    f = finish(&b);

    assert_int_equal(f->rc, cigna_refresh_unavailable);
    assert_int_equal(w.now_ms - start, 3000);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
}


static void
a_run_that_waits_in_vain_keeps_the_old_token(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);

    f = refresh(&b);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-1");
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
}


static void
polls_are_spread(void **state)
{
    unsigned  i, different;
    int64_t   ms, last;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    (void) begin(&b);

    last = 0;
    different = 0;

    for (i = 0; i < 20; ) {
        b.flow.refresh.lease.waited_ms = 0;
        world_step(&w, &b, world_fine);

        if (b.op.type == cigna_op_sleep) {
            ms = b.op.sleep.ms;
            assert_in_range(ms, 400, 600);
            different += ms != last;
            last = ms;
            i++;
        }
    }

    assert_true(different > 10);
}


static void
the_record_is_looked_at_again_under_the_lock(void **state)
{
    (void) state;

    make_due();
    (void) begin(&b);
    stop_before(&b, cigna_script_grant_begin);

    (void) refresh(&a);

    assert_int_equal(finish(&b)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_false(b.flow.refresh.exchanged);
    assert_unlocked();
}


static void
a_grant_that_is_replaced_before_the_lease_is_judged_anew(void **state)
{
    (void) state;

    make_due();
    (void) begin(&b);
    stop_before(&b, cigna_script_grant_begin);

    world_connected(&w);

    assert_int_equal(finish(&b)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_slice(b.flow.refresh.grant.access_token, WORLD_MARKER "-at-1-1");
}


static void
lock_and_mark_precede_the_exchange_and_the_mark_lasts_longer(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);

    assert_non_null(lock());
    assert_true(mark_left_ms() >= CIGNA_LEASE_MS + 60 * 1000);

    w.now_ms += CIGNA_LEASE_MS;
    assert_null(lock());
    assert_non_null(field("m"));

    (void) finish(&a);
    assert_unlocked();
}


static void
the_lease_is_renewed_while_the_exchange_runs(void **state)
{
    unsigned  n;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    assert_ptr_equal(a.op.http.lease.renew,
                     cigna_script(cigna_script_grant_renew));
    assert_true(a.op.http.lease.ms <= CIGNA_LEASE_MS / 3);

    /* the server takes long to answer, and the driver renews the lease */

    for (n = 0; n < 12; n++) {
        w.now_ms += a.op.http.lease.ms;
        assert_non_null(lock());
        world_renew(&w, &a);
        assert_true(mark_left_ms() > 90 * 1000);
    }

    (void) begin(&b);
    b.flow.refresh.wait_ms = 1000;
    assert_int_equal(finish(&b)->rc, cigna_refresh_unavailable);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_unlocked();
}


static void
a_slow_exchange_keeps_its_lease_to_the_end(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    w.delay_ms = WORLD_HTTP_MS - 1;
    world_step(&w, &a, world_fine);
    w.delay_ms = 0;

    assert_int_equal(a.renewals, 55);
    assert_non_null(lock());
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_unlocked();
}


static void
a_renewal_that_comes_late_locks_nothing(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    /* a copy of the run, whose renewals arrive after the run's end */

    world_end(&b);
    b = a;
    b.arena.start = NULL;

    world_step(&w, &a, world_unsent);
    (void) world_keep(&w, &b, b.op.http.lease.renew);
    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    (void) world_keep(&w, &b, b.op.http.lease.renew);
    assert_unlocked();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    (void) world_keep(&w, &b, b.op.http.lease.renew);
    assert_unlocked();
    memset(&b, 0, sizeof(b));
}


static void
lease_and_rotation_are_written_durably(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_begin);
    assert_true(a.op.redis.durable);
    stop_before(&a, cigna_script_grant_swap);
    assert_true(a.op.redis.durable);
}


static void
a_lease_that_too_few_replicas_have_is_asked_for_again(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_begin);
    world_step(&w, &a, world_lost_after);
    stop_before(&a, cigna_script_grant_begin);
    world_step(&w, &a, world_fine);

    assert_int_equal(a.op.type, cigna_op_http);
    assert_true(field("n")->data[0] == '1');
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
}


static void
no_second_refresh_starts_when_the_lock_expires_during_the_first(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    w.now_ms += CIGNA_LEASE_MS;
    assert_null(lock());

    f = refresh(&b);
    assert_int_equal(f->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 0);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
no_run_waits_for_a_mark_while_its_token_is_valid(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);
    w.now_ms += CIGNA_LEASE_MS;

    assert_int_equal(refresh(&b)->rc, cigna_refresh_ok);
    assert_int_equal(b.steps, 3);
    (void) finish(&a);
}


static void
a_lock_is_released_by_its_owner_only(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);

    world_set(&w.redis, w.identity.lock_key, "", "somebody");
    world_step(&w, &a, world_unsent);
    (void) finish(&a);

    assert_slice(((cigna_slice_t) { lock()->data, lock()->len }), "somebody");
    assert_null(field("m"));
}


static void
a_stored_grant_does_not_release_the_lock_of_somebody_else(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);

    world_set(&w.redis, w.identity.lock_key, "", "somebody");
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);

    assert_slice(((cigna_slice_t) { lock()->data, lock()->len }), "somebody");
    assert_null(field("m"));
}


static void
a_run_that_was_held_up_does_not_trust_its_lock(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_begin);
    w.now_ms += CIGNA_LEASE_MS / 4 + 1;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_unlocked();
}


static void
nothing_is_sent_without_room_for_the_new_tokens(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    a.arena.end = a.arena.start + 100 * 1024;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_unlocked();
}


/* tests of temporary failures */

static void
passing_failures_do_not_end_a_grant(void **state)
{
    size_t            i;
    cigna_refresh_t  *f;

    static const struct {
        unsigned     status;
        const char  *body;
    } answers[] = {
        { 401, "{\"error\":\"invalid_client\"}" },
        { 400, "{\"error\":\"invalid_request\"}" },
        { 400, "{\"error\":\"invalid_scope\"}" },
        { 400, "invalid_grant" },
        { 400, "<html>invalid_grant</html>" },
        { 500, "{\"error\":\"invalid_grant\"}" },
        { 503, "{\"error\":\"invalid_grant\"}" },
        { 429, "{\"error\":\"invalid_grant\"}" },
        { 302, "" },
        { 404, "" }
    };

    (void) state;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {

        make_due();
        w.auth.answer_status = answers[i].status;
        (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body), "%s",
                        answers[i].body);
        f = refresh(&a);

        assert_int_equal(f->rc, cigna_refresh_ok);
        assert_false(f->exchanged);
        assert_string_not_equal(f->detail, "");
        assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-1");
        assert_unlocked();

        make_expired();
        w.auth.answer_status = answers[i].status;
        f = refresh(&a);

        assert_int_equal(f->rc, cigna_refresh_unavailable);
        assert_int_equal(stored().state, cigna_grant_live);
        assert_unlocked();
    }

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
}


static void
the_retry_after_of_the_endpoint_is_passed_on(void **state)
{
    (void) state;

    make_expired();
    w.auth.answer_status = 429;
    w.auth.answer_retry_after_s = 17;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(a.flow.refresh.retry_after_s, 17);
}


static void
a_redis_error_is_not_no_grant(void **state)
{
    unsigned  kind;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        (void) begin(&a);

        while (!a.done) {
            world_step(&w, &a, kind);
        }

        assert_int_equal(a.flow.refresh.rc, cigna_refresh_vault);
    }

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
}


static void
an_unsent_request_is_not_counted_as_an_attempt(void **state)
{
    unsigned  i;

    (void) state;

    make_expired();

    for (i = 0; i < 5; i++) {
        (void) begin(&a);
        stop_at_exchange(&a);
        world_step(&w, &a, world_unsent);

        assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
        assert_unlocked();
    }

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
}


/* tests of exchanges with an unknown outcome */

static void
a_lost_exchange_is_not_replayed(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_lost_after);

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 1);

    /* the run gives up the lock, and leaves the mark */

    assert_null(lock());
    assert_int_equal(mark_left_ms(), CIGNA_LEASE_MS);
}


static void
after_a_lost_exchange_the_old_token_serves_until_it_expires(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_due();
    w.auth.tokens = world_constant;
    world_connected(&w);
    w.now_ms += 3599 * 1000 - 59 * 1000;

    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_lost_after);
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);

    /* the old access token still serves after the mark has expired */

    w.now_ms += CIGNA_LEASE_MS + 1000;
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_null(lock());
    assert_non_null(field("m"));
}


static void
after_the_mark_the_same_refresh_token_is_tried_again(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += CIGNA_LEASE_MS;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(w.auth.refreshes_posted, 2);
    assert_unlocked();
}


static void
no_run_tries_before_the_deadline_of_the_mark(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += 100;

    (void) begin(&a);
    a.flow.refresh.wait_ms = 1000;
    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
pauses_between_lost_attempts_grow_and_the_fourth_is_the_last(void **state)
{
    unsigned          i;
    cigna_refresh_t  *f;

    static const unsigned  minutes[] = { 0, 2, 15 };

    (void) state;

    make_expired();
    lose_exchange(world_lost_before);

    for (i = 0; i < 3; i++) {

        /* since the last attempt the endpoint has answered another run */

        w.fleet.endpoint.heard_ms = w.now_ms + 1;

        if (minutes[i]) {
            w.now_ms += minutes[i] * 60 * 1000 - 1;
            f = refresh(&a);
            assert_int_equal(f->rc, cigna_refresh_paused);
            assert_int_equal(f->retry_after_s, 1);
            assert_int_equal(w.auth.refreshes_posted, i + 1);
            w.now_ms += 1;

        } else {
            w.now_ms += CIGNA_LEASE_MS;
        }

        lose_exchange(world_lost_before);
        assert_int_equal(w.auth.refreshes_posted, i + 2);
    }

    for (i = 0; i < 3; i++) {
        w.now_ms += HOUR_MS;
        assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
        assert_int_equal(w.auth.refreshes_posted, 4);
        assert_null(lock());
    }

    /* the server never refused the grant, so it is not marked spent */

    assert_int_equal(stored().state, cigna_grant_live);
}


static void
an_attempt_is_a_probe_until_the_endpoint_has_answered_somebody(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += CIGNA_LEASE_MS;

    (void) begin(&a);
    stop_at_turn(&a);
    assert_true(a.op.turn.probe);

    w.fleet.endpoint.heard_ms = w.now_ms - CIGNA_LEASE_MS;
    (void) begin(&a);
    stop_at_turn(&a);
    assert_true(a.op.turn.probe);

    w.fleet.endpoint.heard_ms++;
    (void) begin(&a);
    stop_at_turn(&a);
    assert_false(a.op.turn.probe);

    /* the first attempt with a refresh token is never a probe */

    world_connected(&w);
    w.now_ms += HOUR_MS;
    (void) begin(&a);
    stop_at_turn(&a);
    assert_false(a.op.turn.probe);
}


static void
a_run_without_a_turn_sends_nothing(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    w.fleet.no_turn = 1;
    make_due();
    f = refresh(&a);
    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_int_equal(f->failure, cigna_refresh_paused);

    make_expired();
    f = refresh(&a);
    assert_int_equal(f->rc, cigna_refresh_paused);
    assert_int_equal(f->retry_after_s, 7);
    assert_int_equal(f->exchange.answer, cigna_answer_none);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_unlocked();
}


static void
a_second_attempt_that_comes_late_is_not_a_third_one(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += CIGNA_LEASE_MS;

    /*
     * b has read that one attempt was made, and stands still while a makes the
     * second
     */

    (void) begin(&b);
    stop_before(&b, cigna_script_grant_begin);

    w.now_ms += CIGNA_LEASE_MS;
    lose_exchange(world_lost_before);
    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(w.auth.refreshes_posted, 2);

    assert_int_equal(finish(&b)->rc, cigna_refresh_paused);
    assert_int_equal(w.auth.refreshes_posted, 2);
}


static void
a_second_attempt_that_was_answered_is_not_counted(void **state)
{
    unsigned  i;

    (void) state;

    make_expired();
    lose_exchange(world_lost_before);

    for (i = 0; i < 3; i++) {
        w.now_ms += CIGNA_LEASE_MS;
        w.auth.answer_status = 503;
        assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
        assert_true(world_get(&w.redis, w.identity.grant_key,
                              "n")->data[0] == '1');
    }

    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_unlocked();
}


static void
a_refusal_of_the_second_attempt_marks_the_grant_spent(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_after);
    w.now_ms += CIGNA_LEASE_MS;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(stored().state, cigna_grant_spent);
    assert_unlocked();
}


static void
a_run_that_dies_leaves_its_mark(void **state)
{
    (void) state;

    /* b's node dies after the exchange, before Redis has the new generation */

    make_expired();
    w.auth.tokens = world_constant;
    world_connected(&w);
    w.now_ms += HOUR_MS;

    (void) begin(&b);
    stop_before(&b, cigna_script_grant_swap);

    w.now_ms += CIGNA_LEASE_MS;
    (void) begin_elsewhere(&a);
    a.flow.refresh.wait_ms = 1000;
    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 1);

    w.now_ms += WORLD_HTTP_MS + 90 * 1000;
    assert_int_equal(refresh_elsewhere(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(w.auth.refreshes_posted, 2);
}


static void
a_generation_that_the_journal_has_replaced_is_not_refreshed(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    /* Redis takes no writes until long after lock and mark have expired */

    make_expired();
    (void) begin(&b);
    stop_before(&b, cigna_script_grant_swap);
    w.now_ms += HOUR_MS;

    f = refresh(&a);
    assert_int_equal(f->rc, cigna_refresh_unavailable);
    assert_string_equal(f->detail, "the vault is behind this node's journal");
    assert_int_equal(w.auth.refreshes_posted, 1);

    /* three steps (start, read, report): the flow asks for no lease */

    assert_int_equal(a.steps, 3);

    world_replay_all(&w, NODE);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 2);
}


static void
a_generation_that_the_journal_replaces_later_is_not_refreshed(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&b);
    stop_before(&b, cigna_script_grant_swap);

    (void) begin_elsewhere(&a);
    w.now_ms += HOUR_MS;
    stop_before(&a, cigna_script_grant_begin);
    a.node = NODE;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


/* checks the state after a run in which one operation failed */

static void
check_after_fault(world_actor_t *actor)
{
    cigna_refresh_t  *f;

    f = &actor->flow.refresh;

    assert_int_equal(actor->reports, 1);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_true(world_alive(&w.auth, stored().access_token));
    assert_in_range(w.auth.refreshes_posted, 0, 1);

    if (f->exchanged) {
        assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-2");
        assert_slice(stored().access_token, WORLD_MARKER "-at-0-2");
    }

    /* one failure of Redis does not change the result */

    if (actor->redis_faults) {
        assert_int_equal(f->rc, cigna_refresh_ok);
        assert_true(f->exchanged);
    }

    if (actor->lost == 0) {
        assert_unlocked();

    } else {
        assert_null(lock());
        assert_non_null(field("m"));
    }
}


static void
a_failure_of_any_operation_leaves_nothing_behind(void **state)
{
    unsigned  nth, kind, last;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        for (nth = 1, last = 0; !last; nth++) {
            world_done(&w);
            world_init(&w);
            world_connected(&w);
            make_due();

            (void) begin(&a);
            last = !world_run_fault(&w, &a, nth, kind);
            check_after_fault(&a);
        }

        /* the run had at least four operations: read, begin, exchange, swap */

        assert_true(nth > 4);
    }
}


static void
a_refusal_leaves_no_lock_whichever_operation_fails(void **state)
{
    unsigned  nth, kind, last;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        for (nth = 1, last = 0; !last; nth++) {
            world_done(&w);
            world_init(&w);
            world_connected(&w);
            make_expired();
            w.auth.families[0].dead = 1;

            (void) begin(&a);
            last = !world_run_fault(&w, &a, nth, kind);

            assert_int_equal(a.reports, 1);
            assert_int_equal(a.flow.refresh.rc,
                             nth == 3 ? cigna_refresh_unavailable
                                      : cigna_refresh_spent);
            assert_null(lock());
        }

        assert_true(nth > 5);
    }
}


static void
a_missing_grant_and_an_outage_have_different_results(void **state)
{
    size_t          i;
    const char     *why;
    cigna_grant_t   g;
    cigna_reply_t  *reply;

    static const struct {
        const char       *resp;
        cigna_refresh_e   rc;
    } replies[] = {
        { "*6\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
          cigna_refresh_no_grant },
        { "$-1\r\n", cigna_refresh_vault },
        { "-LOADING\r\n", cigna_refresh_vault },
        { "*0\r\n", cigna_refresh_vault },
        { "*6\r\n$-1\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
          cigna_refresh_damaged }
    };

    (void) state;

    (void) begin(&a);

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        reply = world_reply(replies[i].resp, strlen(replies[i].resp));
        assert_int_equal(cigna_verdict_read(&a.subject, reply, &g, NULL, &why),
                         replies[i].rc);
        assert_true(strlen(why));
        cigna_reply_destroy(reply);
    }
}


static void
every_result_has_a_name(void **state)
{
    unsigned  rc;

    (void) state;

    for (rc = cigna_refresh_pending; rc <= cigna_refresh_unknown_key; rc++) {
        assert_string_not_equal(cigna_refresh_name(rc), "unknown");
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_fresh_grant_is_left_alone),
        test(a_due_grant_is_refreshed_while_the_old_token_still_serves),
        test(a_grant_is_not_due_in_the_first_half_of_its_lifetime),
        test(a_token_that_the_fhir_server_refused_is_refreshed),
        test(a_refused_token_that_was_replaced_since_needs_no_exchange),
        test(a_refused_token_is_not_served_when_the_refresh_fails),
        test(many_runs_make_one_refresh_for_a_refused_generation),
        test(no_refresh_follows_at_once_if_the_new_token_is_refused_too),
        test(a_refused_token_that_the_vault_has_lost_is_not_refreshed_twice),
        test(only_redis_says_that_there_is_no_grant),
        test(without_refresh_token_the_grant_ends_with_its_access_token),
        test(a_grant_of_another_registration_is_moved_and_stays),
        test(a_grant_under_an_unknown_key_is_an_outage_and_stays),
        test(a_damaged_grant_is_not_taken_for_none),
        test(a_record_of_another_member_does_not_open),
        test(two_nodes_spend_a_refresh_token_once),
        test(a_run_that_waits_gets_the_token_of_the_other_run),
        test(losers_get_the_winners_result_within_50_ms_of_its_being_stored),
        test(losers_who_hear_nothing_ask_every_half_second),
        test(a_message_that_came_before_the_wait_is_not_missed),
        test(runs_that_wake_together_do_not_refresh_again),
        test(a_crowd_at_expiry_makes_one_exchange),
        test(waiting_for_another_refresh_is_bounded),
        test(a_run_that_waits_in_vain_keeps_the_old_token),
        test(polls_are_spread),
        test(the_record_is_looked_at_again_under_the_lock),
        test(a_grant_that_is_replaced_before_the_lease_is_judged_anew),
        test(lock_and_mark_precede_the_exchange_and_the_mark_lasts_longer),
        test(the_lease_is_renewed_while_the_exchange_runs),
        test(a_slow_exchange_keeps_its_lease_to_the_end),
        test(a_renewal_that_comes_late_locks_nothing),
        test(lease_and_rotation_are_written_durably),
        test(a_lease_that_too_few_replicas_have_is_asked_for_again),
        test(no_second_refresh_starts_when_the_lock_expires_during_the_first),
        test(no_run_waits_for_a_mark_while_its_token_is_valid),
        test(a_lock_is_released_by_its_owner_only),
        test(a_stored_grant_does_not_release_the_lock_of_somebody_else),
        test(a_run_that_was_held_up_does_not_trust_its_lock),
        test(nothing_is_sent_without_room_for_the_new_tokens),
        test(passing_failures_do_not_end_a_grant),
        test(the_retry_after_of_the_endpoint_is_passed_on),
        test(a_redis_error_is_not_no_grant),
        test(an_unsent_request_is_not_counted_as_an_attempt),
        test(a_lost_exchange_is_not_replayed),
        test(after_a_lost_exchange_the_old_token_serves_until_it_expires),
        test(after_the_mark_the_same_refresh_token_is_tried_again),
        test(no_run_tries_before_the_deadline_of_the_mark),
        test(pauses_between_lost_attempts_grow_and_the_fourth_is_the_last),
        test(an_attempt_is_a_probe_until_the_endpoint_has_answered_somebody),
        test(a_run_without_a_turn_sends_nothing),
        test(a_second_attempt_that_comes_late_is_not_a_third_one),
        test(a_second_attempt_that_was_answered_is_not_counted),
        test(a_refusal_of_the_second_attempt_marks_the_grant_spent),
        test(a_run_that_dies_leaves_its_mark),
        test(a_generation_that_the_journal_has_replaced_is_not_refreshed),
        test(a_generation_that_the_journal_replaces_later_is_not_refreshed),
        test(a_failure_of_any_operation_leaves_nothing_behind),
        test(a_refusal_leaves_no_lock_whichever_operation_fails),
        test(a_missing_grant_and_an_outage_have_different_results),
        test(every_result_has_a_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

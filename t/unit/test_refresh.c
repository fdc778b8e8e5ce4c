
#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "cigna_store.h"
#include "world.h"


#define CROWD  60

#define HOUR_MS  (3600 * 1000)
#define DAY_MS   (24 * HOUR_MS)


static world_t        w;
static world_actor_t  a, b, crowd[CROWD];


static cigna_refresh_t *
begin(world_actor_t *actor)
{
    world_end(actor);
    world_refresh(&w, actor);

    return &actor->flow.refresh;
}


static cigna_refresh_t *
finish(world_actor_t *actor)
{
    world_run(&w, actor);

    assert_int_equal(actor->reports, 1);
    assert_null(strstr(actor->flow.refresh.detail, WORLD_MARKER));

    return &actor->flow.refresh;
}


static cigna_refresh_t *
refresh(world_actor_t *actor)
{
    (void) begin(actor);

    return finish(actor);
}


/* the access token is due but still serves; or it has expired */

static void
make_due(void)
{
    w.now_ms = WORLD_START_MS + 3599 * 1000 - 59 * 1000;
}


static void
make_expired(void)
{
    w.now_ms = WORLD_START_MS + 3599 * 1000;
}


static void
stop_before(world_actor_t *actor, cigna_script_e script)
{
    while (actor->op.type != cigna_op_script
           || actor->op.script != cigna_script(script))
    {
        world_step(&w, actor, world_fine);
    }
}


static void
stop_at_exchange(world_actor_t *actor)
{
    while (actor->op.type != cigna_op_http) {
        world_step(&w, actor, world_fine);
    }
}


static cigna_grant_t
stored(void)
{
    cigna_grant_t   g;
    cigna_arena_t   arena;
    static uint8_t  mem[64 * 1024];

    cigna_arena_init(&arena, mem, sizeof(mem));
    (void) world_grant(&w, &arena, &g);

    return g;
}


static const world_field_t *
field(const char *name)
{
    return world_get(&w, w.identity.grant_key, name);
}


static const world_field_t *
lock(void)
{
    return world_get(&w, w.identity.lock_key, "");
}


static int64_t
mark_left_ms(void)
{
    return field("m") ? strtoll((char *) field("m")->data, NULL, 10)
                        - w.now_ms : 0;
}


static void
disconnect(void)
{
    world_disconnect(&w, &b);
    world_run(&w, &b);
    world_end(&b);
}


#define assert_unlocked()                                                     \
    do {                                                                      \
        assert_null(lock());                                                  \
        assert_null(field("m"));                                              \
        assert_null(field("n"));                                              \
        assert_null(field("o"));                                              \
    } while (0)


/* what there is to do */

static void
a_fresh_grant_is_left_alone(void **state)
{
    (void) state;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-1");
    assert_int_equal(w.refreshes_posted, 0);

    /* one read, and neither lock nor mark */

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
a_grant_is_due_no_earlier_than_half_way(void **state)
{
    cigna_grant_t  g;

    (void) state;

    g = stored();
    assert_int_equal(cigna_refresh_due_ms(&w.provider, &g),
                     g.expires_ms - 60 * 1000);

    g.expires_ms = g.obtained_ms + 20 * 1000;
    assert_int_equal(cigna_refresh_due_ms(&w.provider, &g),
                     g.obtained_ms + 10 * 1000);
}


static void
a_token_that_the_fhir_server_refused_is_refreshed(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    f = begin(&a);
    f->refused_id = stored().id;
    f->refused_generation = 1;
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
    f->refused_id = stored().id;
    f->refused_generation = 1;
    f = finish(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_int_equal(w.refreshes_posted, 1);
}


static void
a_refused_token_is_not_served_when_the_refresh_fails(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    f = begin(&a);
    f->refused_id = stored().id;
    f->refused_generation = 1;
    w.answer_status = 503;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
}


static void
no_grant_is_said_only_when_redis_says_so(void **state)
{
    (void) state;

    disconnect();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_no_grant);
}


static void
without_refresh_token_the_grant_ends_with_its_access_token(void **state)
{
    (void) state;

    w.tokens = world_none;
    world_connected(&w);

    make_due();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);

    make_expired();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.refreshes_posted, 0);
}


static void
a_grant_of_another_registration_is_moved_and_stays(void **state)
{
    (void) state;

    make_due();
    w.provider.client_id = cigna_slice("another");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_moved);
    assert_non_null(field("b"));

    w.provider.client_id = cigna_slice("client");
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
}


static void
a_grant_under_an_unknown_key_is_an_outage_and_stays(void **state)
{
    unsigned          line;
    const char       *error;
    cigna_keyring_t  *ring;

    (void) state;

    ring = w.vault.ring;
    w.vault.ring = cigna_keyring_create(cigna_slice(
        "name AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
        "seal QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8\n"), &error, &line);

    assert_int_equal(refresh(&a)->rc, cigna_refresh_unknown_key);
    assert_non_null(field("b"));

    cigna_keyring_destroy(w.vault.ring);
    w.vault.ring = ring;
}


static void
a_damaged_grant_is_not_taken_for_none(void **state)
{
    (void) state;

    world_set(&w, w.identity.grant_key, "b", "nonsense");
    assert_int_equal(refresh(&a)->rc, cigna_refresh_damaged);
}


static void
a_record_of_another_member_does_not_open(void **state)
{
    unsigned          i;
    world_key_t      *key;
    cigna_identity_t  other;

    (void) state;

    world_identity(&w, "acme", "somebody else", &other);

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &w.keys[i];

        if (key->name && cigna_slice_eq(cigna_slice_str(key->name),
                                        w.identity.grant_key))
        {
            free(key->name);
            key->name = strndup((const char *) other.grant_key.data,
                                other.grant_key.len);
        }
    }

    begin(&a)->identity = &other;
    assert_int_equal(finish(&a)->rc, cigna_refresh_damaged);
    assert_int_equal(a.flow.refresh.grant.access_token.len, 0);
    assert_int_equal(w.refreshes_posted, 0);
}


/* one in the fleet */

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
    assert_int_equal(w.refreshes_posted, 1);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-2");
    assert_slice(b.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-2");
    assert_unlocked();
}


static void
who_loses_the_race_gets_the_winners_token(void **state)
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
    assert_int_equal(w.refreshes_posted, 1);
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

    assert_int_equal(w.refreshes_posted, 1);
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
    assert_in_range(w.now_ms - start, 3000, 3040);
    assert_int_equal(w.refreshes_posted, 0);
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
}


static void
waiting_in_vain_leaves_a_token_that_still_serves(void **state)
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
        world_step(&w, &b, world_fine);

        if (b.op.type == cigna_op_sleep) {
            ms = b.op.ms;
            assert_in_range(ms, 20, 40);
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
    assert_int_equal(w.refreshes_posted, 1);
    assert_false(b.flow.refresh.exchanged);
    assert_unlocked();
}


static void
a_grant_made_under_our_eyes_is_judged_anew(void **state)
{
    (void) state;

    make_due();
    (void) begin(&b);
    stop_before(&b, cigna_script_grant_begin);

    world_connected(&w);

    assert_int_equal(finish(&b)->rc, cigna_refresh_ok);
    assert_int_equal(w.refreshes_posted, 0);
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
    assert_true(mark_left_ms() >= WORLD_LEASE_MS + 60 * 1000);

    w.now_ms += WORLD_LEASE_MS;
    assert_null(lock());
    assert_non_null(field("m"));

    (void) finish(&a);
    assert_unlocked();
}


static void
no_second_refresh_starts_when_the_lock_expires_during_the_first(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);

    w.now_ms += WORLD_LEASE_MS;
    assert_null(lock());

    f = refresh(&b);
    assert_int_equal(f->rc, cigna_refresh_unavailable);
    assert_int_equal(w.refreshes_posted, 0);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.refreshes_posted, 1);
}


static void
a_mark_of_somebody_else_is_not_waited_for_while_the_token_serves(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);
    w.now_ms += WORLD_LEASE_MS;

    assert_int_equal(refresh(&b)->rc, cigna_refresh_ok);
    assert_int_equal(b.steps, 4);
    (void) finish(&a);
}


static void
a_lock_is_released_by_its_owner_only(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);

    world_set(&w, w.identity.lock_key, "", "somebody");
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

    world_set(&w, w.identity.lock_key, "", "somebody");
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
    w.now_ms += WORLD_LEASE_MS / 4 + 1;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.refreshes_posted, 0);
    assert_unlocked();
}


/* passing failures */

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
        { 200, "<html>log in</html>" },
        { 200, "{}" },
        { 302, "" },
        { 404, "" }
    };

    (void) state;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {

        make_due();
        w.answer_status = answers[i].status;
        (void) snprintf(w.answer_body, sizeof(w.answer_body), "%s",
                        answers[i].body);
        f = refresh(&a);

        assert_int_equal(f->rc, cigna_refresh_ok);
        assert_false(f->exchanged);
        assert_string_not_equal(f->detail, "");
        assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-1");
        assert_unlocked();

        make_expired();
        w.answer_status = answers[i].status;
        f = refresh(&a);

        assert_int_equal(f->rc, cigna_refresh_unavailable);
        assert_int_equal(stored().state, cigna_grant_live);
        assert_unlocked();
    }

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
}


static void
how_long_to_wait_is_passed_on(void **state)
{
    (void) state;

    make_expired();
    w.answer_status = 429;
    w.answer_retry_after_s = 17;

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
an_unsent_request_counts_for_nothing(void **state)
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


/* outcome unknown */

static void
lose_exchange(world_fault_e fault)
{
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, fault);
    (void) finish(&a);
}


static void
a_lost_exchange_is_not_replayed(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_lost_after);

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.refreshes_posted, 1);

    /* the lock is given up, the mark stays */

    assert_null(lock());
    assert_int_equal(mark_left_ms(), WORLD_LEASE_MS);
}


static void
after_a_lost_exchange_the_old_token_serves_until_it_expires(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_due();
    w.tokens = world_constant;
    world_connected(&w);
    w.now_ms += 3599 * 1000 - 59 * 1000;

    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_lost_after);
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);

    /* also after the mark's deadline */

    w.now_ms += WORLD_LEASE_MS + 1000;
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_int_equal(w.refreshes_posted, 1);
    assert_null(lock());
    assert_non_null(field("m"));
}


static void
then_the_same_refresh_token_is_tried_once_more(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += WORLD_LEASE_MS;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(w.refreshes_posted, 2);
    assert_unlocked();
}


static void
before_the_marks_deadline_nobody_tries(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += 100;

    (void) begin(&a);
    a.flow.refresh.wait_ms = 1000;
    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.refreshes_posted, 1);
}


static void
a_second_attempt_that_is_lost_was_the_last(void **state)
{
    unsigned          i;
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += WORLD_LEASE_MS;
    lose_exchange(world_lost_before);

    for (i = 0; i < 3; i++) {
        w.now_ms += WORLD_LEASE_MS;
        f = refresh(&a);

        assert_int_equal(f->rc, cigna_refresh_spent);
        assert_int_equal(w.refreshes_posted, 2);
        assert_null(lock());
    }

    /* nobody has refused it, so it is not marked spent */

    assert_int_equal(stored().state, cigna_grant_live);
}


static void
a_second_attempt_that_comes_late_is_no_third_one(void **state)
{
    unsigned  i;

    (void) state;

    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += WORLD_LEASE_MS;

    /* it knows of one attempt, and is stopped before it makes the second */

    (void) begin(&b);

    for (i = 0; i < 2; i++) {
        world_step(&w, &b, world_fine);
        stop_before(&b, cigna_script_grant_begin);
    }

    w.now_ms += WORLD_LEASE_MS;
    lose_exchange(world_lost_before);
    w.now_ms += WORLD_LEASE_MS;
    assert_int_equal(w.refreshes_posted, 2);

    assert_int_equal(finish(&b)->rc, cigna_refresh_spent);
    assert_int_equal(w.refreshes_posted, 2);
}


static void
a_second_attempt_that_was_answered_is_not_counted(void **state)
{
    unsigned  i;

    (void) state;

    make_expired();
    lose_exchange(world_lost_before);

    for (i = 0; i < 3; i++) {
        w.now_ms += WORLD_LEASE_MS;
        w.answer_status = 503;
        assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
        assert_true(world_get(&w, w.identity.grant_key, "n")->data[0] == '1');
    }

    w.now_ms += WORLD_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_unlocked();
}


static void
a_second_attempt_that_is_refused_is_spent_honestly(void **state)
{
    (void) state;

    make_expired();
    lose_exchange(world_lost_after);
    w.now_ms += WORLD_LEASE_MS;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(stored().state, cigna_grant_spent);
    assert_unlocked();
}


static void
a_run_that_dies_leaves_word_of_it(void **state)
{
    (void) state;

    /* it dies after the exchange, before it could store anything */

    make_expired();
    w.tokens = world_constant;
    world_connected(&w);
    w.now_ms += HOUR_MS;

    (void) begin(&b);
    stop_before(&b, cigna_script_grant_swap);

    w.now_ms += WORLD_LEASE_MS;
    (void) begin(&a);
    a.flow.refresh.wait_ms = 1000;
    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.refreshes_posted, 1);

    w.now_ms += 90 * 1000;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(w.refreshes_posted, 2);
}


/* refused for good */

static void
a_refused_grant_is_marked_spent_and_kept_for_thirty_days(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    w.families[0].dead = 1;
    make_due();
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_spent);
    assert_true(f->refused);
    assert_int_equal(stored().state, cigna_grant_spent);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-1");
    assert_unlocked();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.refreshes_posted, 1);

    w.now_ms += INT64_C(30) * DAY_MS - 1;
    assert_non_null(field("b"));
    w.now_ms++;
    assert_null(field("b"));
}


static void
a_refused_grant_is_read_again_before_it_is_marked(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    /* somebody else has connected anew while ours was under way */

    make_expired();
    w.families[0].dead = 1;
    (void) begin(&a);
    stop_at_exchange(&a);
    world_connected(&w);
    f = finish(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-1-1");
    assert_int_equal(stored().state, cigna_grant_live);
}


static void
a_lost_race_is_not_read_as_revoked(void **state)
{
    (void) state;

    /* the lock failed us: two exchanges with one refresh token */

    w.tokens = world_constant;
    world_connected(&w);
    w.now_ms += HOUR_MS;

    (void) begin(&a);
    stop_at_exchange(&a);
    world_delete(&w, w.identity.lock_key);
    world_set(&w, w.identity.grant_key, "m", NULL);
    world_set(&w, w.identity.grant_key, "o", NULL);
    (void) refresh(&b);

    w.answer_status = 400;
    (void) snprintf(w.answer_body, sizeof(w.answer_body),
                    "{\"error\":\"invalid_grant\"}");

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-1-2");
    assert_int_equal(stored().state, cigna_grant_live);
}


static void
a_refusal_that_cannot_be_checked_marks_nothing(void **state)
{
    (void) state;

    make_expired();
    w.families[0].dead = 1;
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_fine);

    while (!a.done) {
        world_step(&w, &a, world_error);
    }

    assert_int_equal(a.flow.refresh.rc, cigna_refresh_vault);
    assert_int_equal(stored().state, cigna_grant_live);
}


static void
while_the_alarm_is_raised_nothing_is_marked(void **state)
{
    (void) state;

    make_expired();
    w.families[0].dead = 1;
    begin(&a)->hold = 1;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_true(a.flow.refresh.refused);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_unlocked();
}


static void
a_member_who_connects_again_replaces_a_spent_grant(void **state)
{
    (void) state;

    make_expired();
    w.families[0].dead = 1;
    (void) refresh(&a);

    world_connected(&w);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-1-1");
}


/* what comes back */

static void
the_old_refresh_token_is_kept_when_none_comes(void **state)
{
    (void) state;

    w.tokens = world_constant;
    world_connected(&w);
    w.now_ms += HOUR_MS;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-1-0");

    w.now_ms += HOUR_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(stored().generation, 3);
}


static void
a_narrower_scope_is_kept_as_it_came(void **state)
{
    (void) state;

    make_due();
    (void) snprintf(w.scope, sizeof(w.scope), "openid");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().scope, "openid");

    w.scope[0] = '\0';
    w.patient[0] = '\0';
    w.now_ms += HOUR_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().scope, "openid");
    assert_slice(stored().patient, "A1");
}


static void
assert_strangers_tokens_are_refused(void)
{
    (void) begin(&a);

    while (a.reports == 0) {
        world_step(&w, &a, world_fine);
    }

    assert_int_equal(w.revoked, 0);
    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.revoked, 1);
    assert_string_equal(w.last_revoked, WORLD_MARKER "-rt-0-2");
    assert_int_equal(stored().generation, 1);
    assert_unlocked();
}


static void
tokens_for_another_patient_are_not_stored(void **state)
{
    (void) state;

    make_due();
    (void) snprintf(w.patient, sizeof(w.patient), "B2");
    assert_strangers_tokens_are_refused();
}


static void
tokens_of_another_subject_are_not_stored(void **state)
{
    (void) state;

    w.id_token = 1;
    world_done(&w);
    world_init(&w);
    w.id_token = 1;
    world_connected(&w);
    make_due();
    (void) snprintf(w.sub, sizeof(w.sub), "member-2");
    assert_strangers_tokens_are_refused();
}


static void
tokens_of_another_issuer_are_not_stored(void **state)
{
    (void) state;

    w.id_token = 1;
    make_due();
    (void) snprintf(w.iss, sizeof(w.iss), "https://evil.example");
    assert_strangers_tokens_are_refused();
}


static void
the_first_subject_to_come_is_remembered(void **state)
{
    (void) state;

    make_due();
    w.id_token = 1;

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().sub, "member-1");
}


static void
an_odd_expires_in_gives_a_sound_expiry(void **state)
{
    size_t  i;

    static const struct {
        const char  *text;
        int64_t      seconds;
    } lives[] = {
        { "", 300 }, { "0", 300 }, { "-5", 300 }, { "\"599\"", 599 },
        { "599.5", 599 }, { "1e99", 300 }, { "true", 300 }
    };

    (void) state;

    for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        w.now_ms += HOUR_MS;
        (void) snprintf(w.expires_in, sizeof(w.expires_in), "%s",
                        lives[i].text);

        assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
        assert_true(a.flow.refresh.exchanged);
        assert_int_equal(stored().expires_ms - w.now_ms,
                         lives[i].seconds * 1000);
    }
}


static void
a_life_is_counted_from_when_the_request_was_sent(void **state)
{
    int64_t  sent;

    (void) state;

    make_due();
    (void) begin(&a);
    stop_at_exchange(&a);
    sent = w.now_ms;
    w.now_ms += 4000;
    (void) finish(&a);

    assert_int_equal(stored().expires_ms, sent + 3599 * 1000);
}


static void
a_clock_that_steps_back_ends_nothing(void **state)
{
    (void) state;

    w.now_ms -= DAY_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.refreshes_posted, 0);
}


static void
clocks_that_differ_do_not_disturb_lock_and_mark(void **state)
{
    (void) state;

    w.skew_ms = 10 * HOUR_MS;
    world_connected(&w);
    w.now_ms += HOUR_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);

    w.skew_ms = 9 * HOUR_MS;
    w.now_ms += HOUR_MS;
    lose_exchange(world_lost_before);
    w.now_ms += WORLD_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
}


static void
a_lock_that_was_set_unheard_is_given_up_for_a_changed_record(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_begin);
    world_step(&w, &a, world_lost_after);
    assert_non_null(lock());

    world_connected(&w);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.refreshes_posted, 0);
    assert_unlocked();
}


/* storing it */

static void
a_token_is_used_only_after_it_is_stored(void **state)
{
    unsigned  i;

    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    for (i = 0; i < 10; i++) {
        world_step(&w, &a, i % 2 ? world_unsent : world_error);
        assert_int_equal(a.reports, 0);
        stop_before(&a, cigna_script_grant_swap);
    }

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_slice(stored().access_token, WORLD_MARKER "-at-0-2");
}


static void
a_rotated_refresh_token_survives_a_minute_without_redis(void **state)
{
    int64_t  start;

    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    start = w.now_ms;

    while (w.now_ms - start < 50 * 1000) {
        world_step(&w, &a, world_unsent);
    }

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-2");
}


static void
storing_is_given_up_after_a_while(void **state)
{
    int64_t   start;
    unsigned  n;

    (void) state;

    make_due();
    w.now_ms += 30 * 1000;
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    start = w.now_ms;

    for (n = 0; !a.done; ) {
        n += a.op.type == cigna_op_script;
        world_step(&w, &a, world_unsent);
    }

    assert_in_range(w.now_ms - start, 50 * 1000, 90 * 1000);
    assert_in_range(n, 20, 23);

    /* the old access token has expired meanwhile */

    assert_int_equal(a.flow.refresh.rc, cigna_refresh_vault);
    assert_int_equal(w.revoked, 0);
}


static void
a_store_whose_reply_was_lost_is_no_lost_race(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    world_step(&w, &a, world_lost_after);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(w.revoked, 0);
    assert_int_equal(stored().generation, 2);
}


static void
a_late_writer_puts_nothing_over_a_newer_grant(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    world_connected(&w);
    f = finish(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-1-1");
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-1");

    /* what the dance replaced is revoked, and what the refresh had fetched */

    assert_int_equal(w.revoked, 2);
    assert_string_equal(w.last_revoked, WORLD_MARKER "-rt-0-2");
    assert_true(world_alive(&w, stored().refresh_token));
}


static void
a_late_writer_revives_no_deleted_grant(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    disconnect();

    assert_int_equal(finish(&a)->rc, cigna_refresh_no_grant);
    assert_null(field("i"));
    assert_null(lock());
    assert_int_equal(w.revoked, 2);
    assert_string_equal(w.last_revoked, WORLD_MARKER "-rt-0-2");
}


static void
a_late_writer_puts_nothing_over_a_newer_generation(void **state)
{
    (void) state;

    /* a run that was stopped until after the mark's deadline */

    w.tokens = world_constant;
    world_connected(&w);
    w.revoked = 0;
    w.now_ms += HOUR_MS;

    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    w.now_ms += 300 * 1000;
    assert_int_equal(refresh(&b)->rc, cigna_refresh_ok);
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-3");

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-1-3");
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-3");

    /* revoking would end the newer generation as well */

    assert_int_equal(w.revoked, 0);
}


static void
a_primary_that_lost_its_last_writes_is_given_them_again(void **state)
{
    (void) state;

    make_due();
    (void) refresh(&a);
    w.now_ms += HOUR_MS;

    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    world_set(&w, w.identity.grant_key, "g", "1");

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(stored().generation, 3);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-3");
}


static void
each_refresh_keeps_the_grant_for_its_whole_time_again(void **state)
{
    unsigned  i;

    (void) state;

    for (i = 0; i < 20; i++) {
        w.now_ms += INT64_C(300) * DAY_MS;
        assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
        assert_true(a.flow.refresh.exchanged);
    }
}


static void
a_stored_generation_is_published(void **state)
{
    char           message[128];
    cigna_slice_t  id;

    (void) state;

    make_due();
    (void) refresh(&a);

    id = stored().id;
    (void) snprintf(message, sizeof(message), "%.*s %.*s 2", CIGNA_NAME_LEN,
                    (const char *) w.identity.hash, (int) id.len, id.data);
    assert_string_equal(w.message, message);
}


/* what holds however a run was disturbed */

static void
check_after_fault(world_actor_t *actor)
{
    cigna_refresh_t  *f;

    f = &actor->flow.refresh;

    assert_int_equal(actor->reports, 1);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_true(world_alive(&w, stored().access_token));
    assert_in_range(w.refreshes_posted, 0, 1);

    if (f->exchanged) {
        assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-2");
        assert_slice(stored().access_token, WORLD_MARKER "-at-0-2");
    }

    /* one fault of Redis does not even show */

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
every_operation_failing_in_turn_leaves_nothing_behind(void **state)
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

        /* read, begin, exchange, swap */

        assert_true(nth > 4);
    }
}


static void
every_operation_failing_in_turn_after_a_refusal(void **state)
{
    unsigned  nth, kind, last;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {
        for (nth = 1, last = 0; !last; nth++) {
            world_done(&w);
            world_init(&w);
            world_connected(&w);
            make_expired();
            w.families[0].dead = 1;

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


/* len bytes of a token, every one of which is escaped in a form */

static cigna_slice_t
long_token(size_t len)
{
    static char  text[32 * 1024];

    memset(text, '/', sizeof(text));

    return (cigna_slice_t) { (uint8_t *) text, len };
}


static void
store_long_tokens(void)
{
    cigna_op_t       op;
    cigna_grant_t    g;
    cigna_arena_t    arena;
    cigna_slice_t    argv[1 + CIGNA_STORE_ARGC];
    static uint8_t   mem[CIGNA_FLOW_ARENA], nonce[CIGNA_SEAL_NONCE_LEN];

    cigna_arena_init(&arena, mem, sizeof(mem));

    g = (cigna_grant_t) {
        .id = cigna_slice("BBBBBBBBBBBBBBBBBBBBBB"),
        .generation = 1,
        .access_token = long_token(CIGNA_ACCESS_TOKEN_MAX),
        .refresh_token = long_token(CIGNA_REFRESH_TOKEN_MAX),
        .scope = long_token(4096)
    };

    argv[0] = w.identity.grant_key;
    assert_int_equal(cigna_store_args(&w.vault, &w.provider, &w.identity, &g,
                                      DAY_MS, nonce, &arena, &argv[1]),
                     CIGNA_OK);

    cigna_script_run(&op, cigna_script_grant_put, argv, 1 + CIGNA_STORE_ARGC);
    cigna_reply_destroy(world_redis(&w, &op));
}


static void
the_largest_tokens_fit_in_the_arena(void **state)
{
    char            body[64 * 1024];
    size_t          id_token;
    cigna_event_t   ev;

    (void) state;

    store_long_tokens();
    w.now_ms += HOUR_MS;

    (void) begin(&a);
    free(a.arena.start);
    cigna_arena_init(&a.arena, malloc(CIGNA_FLOW_ARENA), CIGNA_FLOW_ARENA);

    stop_at_exchange(&a);
    assert_true(a.op.http.body.len > 3 * CIGNA_REFRESH_TOKEN_MAX);

    id_token = CIGNA_ID_TOKEN_MAX;

    memset(&ev, 0, sizeof(ev));
    ev.type = cigna_ev_ok;
    ev.now_ms = w.now_ms;
    ev.status = 200;
    ev.body.data = (uint8_t *) body;
    ev.body.len = (size_t) snprintf(body, sizeof(body),
                      "{\"token_type\":\"bearer\",\"access_token\":\"%.*s\","
                      "\"refresh_token\":\"%.*s\",\"id_token\":\"%.*s\","
                      "\"scope\":\"%.*s\"}",
                      CIGNA_ACCESS_TOKEN_MAX, long_token(1).data,
                      CIGNA_REFRESH_TOKEN_MAX, long_token(1).data,
                      (int) id_token, long_token(1).data,
                      4096, long_token(1).data);

    cigna_refresh_next(&a.flow.refresh, &ev, &a.op);
    assert_int_equal(a.op.type, cigna_op_script);

    /* and the grant goes before it is stored, so the new tokens are revoked */

    disconnect();
    assert_int_equal(finish(&a)->rc, cigna_refresh_no_grant);
    assert_int_equal(w.revoked, 2);
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


static int
setup(void **state)
{
    (void) state;

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    memset(crowd, 0, sizeof(crowd));
    world_init(&w);
    world_connected(&w);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    world_end(&a);
    world_end(&b);
    world_done(&w);

    return 0;
}


#define test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_fresh_grant_is_left_alone),
        test(a_due_grant_is_refreshed_while_the_old_token_still_serves),
        test(a_grant_is_due_no_earlier_than_half_way),
        test(a_token_that_the_fhir_server_refused_is_refreshed),
        test(a_refused_token_that_was_replaced_since_needs_no_exchange),
        test(a_refused_token_is_not_served_when_the_refresh_fails),
        test(no_grant_is_said_only_when_redis_says_so),
        test(without_refresh_token_the_grant_ends_with_its_access_token),
        test(a_grant_of_another_registration_is_moved_and_stays),
        test(a_grant_under_an_unknown_key_is_an_outage_and_stays),
        test(a_damaged_grant_is_not_taken_for_none),
        test(a_record_of_another_member_does_not_open),
        test(two_nodes_spend_a_refresh_token_once),
        test(who_loses_the_race_gets_the_winners_token),
        test(a_crowd_at_expiry_makes_one_exchange),
        test(waiting_for_another_refresh_is_bounded),
        test(waiting_in_vain_leaves_a_token_that_still_serves),
        test(polls_are_spread),
        test(the_record_is_looked_at_again_under_the_lock),
        test(a_grant_made_under_our_eyes_is_judged_anew),
        test(lock_and_mark_precede_the_exchange_and_the_mark_lasts_longer),
        test(no_second_refresh_starts_when_the_lock_expires_during_the_first),
        test(a_mark_of_somebody_else_is_not_waited_for_while_the_token_serves),
        test(a_lock_is_released_by_its_owner_only),
        test(a_stored_grant_does_not_release_the_lock_of_somebody_else),
        test(a_run_that_was_held_up_does_not_trust_its_lock),
        test(passing_failures_do_not_end_a_grant),
        test(how_long_to_wait_is_passed_on),
        test(a_redis_error_is_not_no_grant),
        test(an_unsent_request_counts_for_nothing),
        test(a_lost_exchange_is_not_replayed),
        test(after_a_lost_exchange_the_old_token_serves_until_it_expires),
        test(then_the_same_refresh_token_is_tried_once_more),
        test(before_the_marks_deadline_nobody_tries),
        test(a_second_attempt_that_is_lost_was_the_last),
        test(a_second_attempt_that_comes_late_is_no_third_one),
        test(a_second_attempt_that_was_answered_is_not_counted),
        test(a_second_attempt_that_is_refused_is_spent_honestly),
        test(a_run_that_dies_leaves_word_of_it),
        test(a_refused_grant_is_marked_spent_and_kept_for_thirty_days),
        test(a_refused_grant_is_read_again_before_it_is_marked),
        test(a_lost_race_is_not_read_as_revoked),
        test(a_refusal_that_cannot_be_checked_marks_nothing),
        test(while_the_alarm_is_raised_nothing_is_marked),
        test(a_member_who_connects_again_replaces_a_spent_grant),
        test(the_old_refresh_token_is_kept_when_none_comes),
        test(a_narrower_scope_is_kept_as_it_came),
        test(tokens_for_another_patient_are_not_stored),
        test(tokens_of_another_subject_are_not_stored),
        test(tokens_of_another_issuer_are_not_stored),
        test(the_first_subject_to_come_is_remembered),
        test(an_odd_expires_in_gives_a_sound_expiry),
        test(a_life_is_counted_from_when_the_request_was_sent),
        test(a_clock_that_steps_back_ends_nothing),
        test(clocks_that_differ_do_not_disturb_lock_and_mark),
        test(a_lock_that_was_set_unheard_is_given_up_for_a_changed_record),
        test(a_token_is_used_only_after_it_is_stored),
        test(a_rotated_refresh_token_survives_a_minute_without_redis),
        test(storing_is_given_up_after_a_while),
        test(a_store_whose_reply_was_lost_is_no_lost_race),
        test(a_late_writer_puts_nothing_over_a_newer_grant),
        test(a_late_writer_revives_no_deleted_grant),
        test(a_late_writer_puts_nothing_over_a_newer_generation),
        test(a_primary_that_lost_its_last_writes_is_given_them_again),
        test(each_refresh_keeps_the_grant_for_its_whole_time_again),
        test(a_stored_generation_is_published),
        test(every_operation_failing_in_turn_leaves_nothing_behind),
        test(every_operation_failing_in_turn_after_a_refusal),
        test(the_largest_tokens_fit_in_the_arena),
        test(every_result_has_a_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#define _GNU_SOURCE

#include "refreshing.h"


/* checks whether the older secret worked, and whether that is a change */

static void
assert_secret(const cigna_refresh_t *f, unsigned older, unsigned changed)
{
    const cigna_client_secret_t  *secret;

    secret = &f->exchange.secret;

    assert_true(secret->worked);
    assert_int_equal(secret->older, older);
    assert_int_equal(secret->changed, changed);
}


/* tests of refusals */

static void
a_refused_grant_is_marked_spent_and_kept_for_thirty_days(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    w.auth.families[0].dead = 1;
    make_due();
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_spent);
    assert_int_equal(f->exchange.answer, cigna_answer_refused);
    assert_int_equal(stored().state, cigna_grant_spent);
    assert_slice(stored().refresh_token, WORLD_MARKER "-rt-0-1");
    assert_unlocked();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.auth.refreshes_posted, 1);

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

    /* the member connects again while the refresh runs */

    make_expired();
    w.auth.families[0].dead = 1;
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

    /* the lock is lost, so there are two exchanges with one refresh token */

    w.auth.tokens = world_constant;
    world_connected(&w);
    w.now_ms += HOUR_MS;

    (void) begin(&a);
    stop_at_exchange(&a);
    world_delete(&w.redis, w.identity.lock_key);
    world_set(&w.redis, w.identity.grant_key, "m", NULL);
    world_set(&w.redis, w.identity.grant_key, "o", NULL);
    (void) refresh(&b);

    w.auth.answer_status = 400;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
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
    w.auth.families[0].dead = 1;
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
a_refusal_that_cannot_be_marked_is_an_outage(void **state)
{
    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    while (a.op.type != cigna_op_script
           || a.op.redis.script != cigna_script(cigna_script_grant_release))
    {
        world_step(&w, &a, world_error);
    }

    assert_int_equal(finish(&a)->rc, cigna_refresh_vault);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_unlocked();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(stored().state, cigna_grant_spent);
}


static void
the_log_describes_a_reply_without_tokens(void **state)
{
    (void) state;

    make_expired();
    w.auth.answer_status = 200;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
                    "{\"access_token\":5,\"name\":\"MARKER\"}");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
    assert_string_equal(a.flow.refresh.detail,
                        "invalid: status=200,length=34,access_token=odd,"
                        "access_token=none");
    assert_int_equal(stored().state, cigna_grant_live);

    /* nobody knows whether the server has spent the refresh token */

    assert_int_equal(a.flow.refresh.exchange.answer, cigna_answer_failed);
    assert_int_equal(mark_left_ms(), CIGNA_LEASE_MS);
    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
}


static void
an_unreadable_error_of_the_endpoint_leaves_no_mark(void **state)
{
    (void) state;

    make_expired();
    w.auth.answer_status = 400;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body), "<html>");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(a.flow.refresh.exchange.answer, cigna_answer_failed);
    assert_unlocked();
}


/* lets the node know that refusals are doubted, since "ms" ago */

static void
doubt(int64_t ms)
{
    w.fleet.endpoint.doubted = 1;
    w.fleet.endpoint.doubted_ms = w.now_ms - ms;
}


static void
doing_well(void)
{
    w.fleet.endpoint.doubted = 0;
    w.fleet.endpoint.well_ms = w.now_ms;
}


static void
no_grant_is_marked_spent_while_too_many_are_refused(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    doubt(0);
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_paused);
    assert_int_equal(f->exchange.answer, cigna_answer_refused);
    assert_true(f->exchange.provisional);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_null(lock());
    assert_non_null(field("r"));
    assert_int_equal(mark_left_ms(), 0);
}


static void
a_grant_with_doubted_refusals_is_spent_after_four_of_them(void **state)
{
    unsigned  i;

    static const unsigned  minutes[] = { 5, 60, 1440 };

    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    doubt(0);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);

    for (i = 0; i < 3; i++) {
        w.now_ms += minutes[i] * 60 * 1000 - 1000;
        assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);
        assert_int_equal(a.flow.refresh.retry_after_s, 1);
        assert_int_equal(w.auth.refreshes_posted, i + 1);

        w.now_ms += 1000;
        assert_int_equal(refresh(&a)->rc, i < 2 ? cigna_refresh_paused
                                                : cigna_refresh_spent);
        assert_int_equal(w.auth.refreshes_posted, i + 2);
    }

    assert_int_equal(stored().state, cigna_grant_spent);
}


static void
a_doubted_refusal_is_tried_again_once_others_succeed(void **state)
{
    (void) state;

    make_expired();
    doubt(0);
    w.auth.answer_status = 400;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
                    "{\"error\":\"invalid_grant\"}");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);

    w.now_ms += 1000;
    doing_well();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_unlocked();
    assert_null(field("r"));
}


static void
a_second_refusal_is_final_once_others_succeed(void **state)
{
    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    doubt(0);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);

    /* refusals are doubted again, so the second refusal is not final */

    w.now_ms += 300 * 1000;
    doing_well();
    doubt(0);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);
    assert_int_equal(w.auth.refreshes_posted, 2);

    w.now_ms += 1000;
    doing_well();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(stored().state, cigna_grant_spent);
    assert_unlocked();
}


static void
a_node_without_doubts_ends_no_grant_refused_provisionally(void **state)
{
    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    doubt(0);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);

    /* after a restart, a node knows nothing of the token endpoint's failures */

    memset(&w.fleet.endpoint, 0, sizeof(w.fleet.endpoint));
    w.now_ms += 300 * 1000;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);
    assert_int_equal(a.flow.refresh.exchange.answer, cigna_answer_refused);
    assert_int_equal(stored().state, cigna_grant_live);
}


static void
a_refusal_just_before_too_many_is_tried_again(void **state)
{
    (void) state;

    make_expired();
    w.auth.answer_status = 400;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
                    "{\"error\":\"invalid_grant\"}");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(stored().state, cigna_grant_spent);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);

    w.now_ms += 60 * 1000;
    doubt(0);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);
    assert_int_equal(w.auth.refreshes_posted, 1);

    w.now_ms += 600 * 1000;
    doing_well();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_unlocked();
}


static void
a_spent_grant_that_is_refused_again_stays_spent(void **state)
{
    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);

    w.now_ms += 1000;
    doubt(0);
    w.now_ms += 1000;
    doing_well();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.auth.refreshes_posted, 2);

    w.now_ms += 1000;
    doing_well();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.auth.refreshes_posted, 2);
}


static void
a_spent_grant_is_tried_four_times_at_most(void **state)
{
    unsigned  i;

    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;

    for (i = 0; i < 6; i++) {
        assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
        assert_int_equal(stored().state, cigna_grant_spent);

        w.now_ms += 1000;
        doubt(0);
        w.now_ms += 1000;
        doing_well();
    }

    assert_int_equal(w.auth.refreshes_posted, 4);
}


static void
a_refusal_long_before_stays_final(void **state)
{
    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);

    w.now_ms += 600 * 1000 + 1;
    doubt(0);
    doing_well();
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
a_member_who_connects_again_replaces_a_spent_grant(void **state)
{
    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    (void) refresh(&a);

    world_connected(&w);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-1-1");
}


/* tests of a client with two secrets */

static void
answer_invalid_client(unsigned status)
{
    w.auth.answer_status = status;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
                    "{\"error\":\"invalid_client\"}");
}


static void
the_older_secret_is_sent_if_cigna_does_not_know_the_new_one(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    make_expired();
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_true(f->exchanged);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-2");
    assert_int_equal(w.auth.refreshes_posted, 2);
    assert_string_equal(a.sent, WORLD_OLDER);
    assert_secret(f, 1, 1);
    assert_false(f->exchange.secret.refused);
    assert_unlocked();

    /* the next refresh sends only one request, with the older secret */

    make_expired();
    w.now_ms += HOUR_MS;
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 3);
    assert_secret(f, 1, 0);
}


static void
the_new_secret_is_sent_if_cigna_no_longer_knows_the_older_one(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    world_two_secrets(&w);
    w.provider.older_works = 1;
    make_expired();
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 2);
    assert_string_equal(a.sent, WORLD_NEWER);
    assert_secret(f, 0, 1);

    w.now_ms += HOUR_MS;
    (void) refresh(&a);
    assert_int_equal(w.auth.refreshes_posted, 3);
}


static void
two_unknown_secrets_are_an_outage(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 3);
    make_expired();
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_unavailable);
    assert_true(f->exchange.secret.refused);
    assert_false(f->exchange.secret.worked);
    assert_string_equal(f->detail, "refused: invalid_client");
    assert_int_equal(w.auth.refreshes_posted, 2);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_unlocked();
}


static void
a_client_with_one_secret_sends_it_once(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    world_knows_secret(&w.auth, 3);
    make_expired();
    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_unavailable);
    assert_true(f->exchange.secret.refused);
    assert_string_equal(f->detail, "refused: invalid_client");
    assert_int_equal(w.auth.refreshes_posted, 1);
    assert_unlocked();
}


static void
nothing_but_a_definite_invalid_client_sends_a_refresh_token_again(void **state)
{
    size_t  i;

    static const struct {
        unsigned     status;
        const char  *body;
    } answers[] = {
        { 200, "{\"error\":\"invalid_client\"}" },
        { 403, "{\"error\":\"invalid_client\"}" },
        { 429, "{\"error\":\"invalid_client\"}" },
        { 500, "{\"error\":\"invalid_client\"}" },
        { 400, "{\"error\":\" invalid_client\"}" },
        { 400, "{\"error\":\"INVALID_CLIENT\"}" },
        { 400, "{\"error\":[\"invalid_client\"]}" },
        { 400, "{\"error\":\"unauthorized_client\"}" },
        { 400, "{\"error\":\"invalid_request\"}" },
        { 401, "invalid_client" }, { 401, "<html>invalid_client" }, { 401, "" }
    };

    (void) state;

    world_two_secrets(&w);
    make_expired();

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        w.auth.answer_status = answers[i].status;
        (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body), "%s",
                        answers[i].body);

        assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
        assert_int_equal(a.tokens_sent, 1);
        assert_false(a.flow.refresh.exchange.secret.refused);
        assert_int_equal(stored().state, cigna_grant_live);
    }

    /* after a lost reply the other secret is not sent */

    world_knows_secret(&w.auth, 1);
    lose_exchange(world_lost_after);
    assert_int_equal(a.tokens_sent, 1);
}


static void
invalid_grant_after_the_other_secret_is_final(void **state)
{
    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    w.auth.families[0].dead = 1;
    make_expired();

    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(a.flow.refresh.exchange.answer, cigna_answer_refused);
    assert_int_equal(a.tokens_sent, 2);
    assert_int_equal(stored().state, cigna_grant_spent);
}


static void
a_second_request_of_unknown_outcome_leaves_the_mark(void **state)
{
    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_fine);
    stop_at_exchange(&a);
    world_step(&w, &a, world_lost_before);

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 2);
    assert_non_null(field("n"));
    assert_true(mark_left_ms() > 0);

    /* both requests count as one attempt, so another attempt follows */

    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(stored().generation, 2);
}


static void
the_lease_is_made_sure_of_before_the_second_request(void **state)
{
    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    make_expired();

    /* before the second request another run takes the lock and refreshes */

    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_fine);
    assert_int_equal(a.op.type, cigna_op_script);
    world_delete(&w.redis, w.identity.lock_key);
    world_set(&w.redis, w.identity.grant_key, "m", NULL);
    world_set(&w.redis, w.identity.grant_key, "n", NULL);
    world_set(&w.redis, w.identity.grant_key, "o", NULL);
    (void) refresh(&b);
    assert_int_equal(stored().generation, 2);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(a.tokens_sent, 1);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-2");
}


static void
the_second_request_is_not_sent_without_redis(void **state)
{
    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_fine);

    while (!a.done) {
        world_step(&w, &a, world_error);
    }

    assert_int_equal(a.flow.refresh.rc, cigna_refresh_vault);
    assert_int_equal(a.tokens_sent, 1);
}


static void
the_second_request_is_not_sent_after_a_change_of_primary(void **state)
{
    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_replicate(&w.redis);
    world_failover(&w);

    assert_int_equal(finish(&a)->rc, cigna_refresh_paused);
    assert_int_equal(a.tokens_sent, 1);
    assert_unlocked();
}


static void
a_run_that_was_held_up_between_both_requests_counts_no_attempt(void **state)
{
    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    world_step(&w, &a, world_fine);
    w.now_ms += HOUR_MS;

    assert_int_equal(finish(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(a.tokens_sent, 1);
    assert_unlocked();
}


static void
an_attempt_after_an_unknown_one_may_use_both_secrets(void **state)
{
    (void) state;

    world_two_secrets(&w);
    make_expired();
    lose_exchange(world_lost_before);
    w.now_ms += CIGNA_LEASE_MS;

    answer_invalid_client(401);
    world_knows_secret(&w.auth, 1);
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(a.tokens_sent, 2);
    assert_int_equal(stored().generation, 2);
    assert_unlocked();
}


/* tests of the values in a token reply */

static void
the_old_refresh_token_is_kept_when_none_comes(void **state)
{
    (void) state;

    w.auth.tokens = world_constant;
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
    (void) snprintf(w.auth.scope, sizeof(w.auth.scope), "openid");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().scope, "openid");

    w.auth.scope[0] = '\0';
    w.auth.patient[0] = '\0';
    w.now_ms += HOUR_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().scope, "openid");
    assert_slice(stored().patient, "A1");
}


/*
 * The flow must drop tokens of another subject without revoking them.  If the
 * server mixed up two members, a revocation could end the member's own grant.
 */

static void
assert_strangers_tokens_are_refused(void)
{
    cigna_refresh_t  *f;

    f = refresh(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_true(f->exchange.foreign);
    assert_false(f->exchanged);
    assert_string_not_equal(f->detail, "");
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-1");

    assert_int_equal(w.auth.revoked, 0);
    assert_int_equal(stored().generation, 1);
    assert_null(lock());

    /*
     * the outcome of the request is unknown, so the refresh token is tried
     * again
     */

    make_expired();
    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
    assert_int_equal(w.auth.refreshes_posted, 2);

    /* further attempts come after longer pauses, and the fourth is the last */

    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_paused);
    w.now_ms += 120 * 1000;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
    w.now_ms += 900 * 1000;
    w.fleet.endpoint.heard_ms = w.now_ms;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_unavailable);
    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_spent);
    assert_int_equal(w.auth.refreshes_posted, 4);
    assert_int_equal(stored().state, cigna_grant_live);
}


static void
tokens_for_another_patient_are_not_stored(void **state)
{
    (void) state;

    w.auth.tokens = world_constant;
    make_due();
    (void) snprintf(w.auth.patient, sizeof(w.auth.patient), "B2");
    assert_strangers_tokens_are_refused();
}


static void
tokens_of_another_subject_are_not_stored(void **state)
{
    (void) state;

    w.auth.id_token = 1;
    world_done(&w);
    world_init(&w);
    w.auth.id_token = 1;
    w.auth.tokens = world_constant;
    world_connected(&w);
    make_due();
    (void) snprintf(w.auth.sub, sizeof(w.auth.sub), "member-2");
    assert_strangers_tokens_are_refused();
}


static void
an_id_token_of_another_issuer_is_ignored(void **state)
{
    (void) state;

    w.auth.id_token = 1;
    w.auth.tokens = world_constant;
    make_due();
    (void) snprintf(w.auth.iss, sizeof(w.auth.iss), "https://evil.example");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_slice(stored().sub, "");
}


static void
the_first_subject_that_a_reply_names_is_stored(void **state)
{
    (void) state;

    make_due();
    w.auth.id_token = 1;

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
        { "599.5", 599 }, { "1e99", 300 }, { "true", 300 }, { "0.5", 300 },
        { "\"599.5\"", 300 }, { "\"-1\"", 300 }, { "\"\"", 300 },
        { "\"soon\"", 300 }, { "null", 300 }, { "[599]", 300 },
        { "{\"s\":5}", 300 }, { "99999999999999999999", 300 },
        { "31622401", 300 }, { "5.99e2", 599 }, { "31622400", 31622400 }
    };

    (void) state;

    for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        w.now_ms += HOUR_MS;
        (void) snprintf(w.auth.expires_in, sizeof(w.auth.expires_in), "%s",
                        lives[i].text);

        assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
        assert_true(a.flow.refresh.exchanged);
        assert_int_equal(stored().expires_ms - w.now_ms,
                         lives[i].seconds * 1000);
    }
}


static void
a_lifetime_counts_from_the_time_of_the_request(void **state)
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
clocks_two_minutes_apart_neither_end_a_token_nor_refresh_it_twice(void **state)
{
    (void) state;

    /* nodes whose clocks are behind or ahead send no refresh token */

    w.now_ms -= 120 * 1000;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 0);

    w.now_ms = WORLD_START_MS + 120 * 1000;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 0);

    /* for the first node, the refresh of the second one lies in the future */

    w.now_ms = WORLD_START_MS + 3600 * 1000;
    assert_true(refresh(&a)->exchanged);
    w.now_ms -= 120 * 1000;
    assert_int_equal(refresh(&b)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
a_clock_that_steps_back_an_hour_makes_tokens_due_and_ends_nothing(void **state)
{
    (void) state;

    /* with this clock the gateway cannot tell when the token expires */

    w.now_ms -= HOUR_MS;
    w.auth.answer_status = 503;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_false(a.flow.refresh.exchanged);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-0-1");

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(stored().expires_ms, w.now_ms + 3599 * 1000);

    /* the new token is not due for a refresh */

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 2);
}


static void
a_clock_set_back_during_an_exchange_needs_one_more_refresh(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at_exchange(&a);
    w.now_ms -= HOUR_MS;

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_unlocked();

    /* the next refresh brings a token with the right expiry */

    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(stored().expires_ms, w.now_ms + 3599 * 1000);
}


static void
a_lease_of_unknown_age_is_given_up(void **state)
{
    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_begin);
    w.redis.skew_ms += HOUR_MS;
    w.now_ms -= HOUR_MS;

    /* with this clock the old token seems to be valid */

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_false(a.flow.refresh.exchanged);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_unlocked();
}


static void
clocks_that_differ_do_not_disturb_lock_and_mark(void **state)
{
    (void) state;

    w.redis.skew_ms = 10 * HOUR_MS;
    world_connected(&w);
    w.now_ms += HOUR_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);

    w.redis.skew_ms = 9 * HOUR_MS;
    w.now_ms += HOUR_MS;
    lose_exchange(world_lost_before);
    w.now_ms += CIGNA_LEASE_MS;
    assert_int_equal(refresh(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
}


static void
a_lock_is_given_up_if_its_reply_was_lost_and_the_record_changed(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_begin);
    world_step(&w, &a, world_lost_after);
    assert_non_null(lock());

    world_connected(&w);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 0);
    assert_unlocked();
}


/* tests of storing the new generation */

static void
stop_at(world_actor_t *actor, cigna_op_e type)
{
    while (actor->op.type != type) {
        world_step(&w, actor, world_fine);
    }
}


static void
a_token_is_used_as_soon_as_the_journal_has_it(void **state)
{
    world_entry_t    *e;
    cigna_refresh_t  *f;

    (void) state;

    make_due();
    f = begin(&a);
    stop_at(&a, cigna_op_journal);
    assert_int_equal(f->rc, cigna_refresh_pending);

    stop_at(&a, cigna_op_report);
    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_true(f->exchanged);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-0-2");

    /* Redis does not have the new generation yet */

    assert_int_equal(stored().generation, 1);

    e = world_entry(&w.fleet, NODE, 0);
    assert_non_null(e);
    assert_false(e->confirmed);
    assert_int_equal(e->entry.generation, 2);
    assert_slice(e->entry.tenant, "acme");
    assert_true(cigna_slice_eq(e->entry.id, f->grant.id));
    assert_memory_equal(e->entry.identity.data, w.identity.hash,
                        CIGNA_NAME_LEN);
    assert_int_equal(e->entry.connected_ms, strtoll((char *) field("c")->data,
                                                    NULL, 10));
    assert_int_equal(e->entry.until_ms, w.now_ms + INT64_C(400) * DAY_MS);

    (void) finish(&a);
    assert_int_equal(stored().generation, 2);
    assert_unlocked();
    assert_false(f->left);
    assert_false(f->superseded);
}


static void
an_entry_stays_for_a_minute_after_redis_has_confirmed_it(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    world_step(&w, &a, world_lost_after);
    assert_false(world_entry(&w.fleet, NODE, 0)->confirmed);

    (void) finish(&a);
    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);

    w.now_ms += 60 * 1000 - 1;
    assert_non_null(world_entry(&w.fleet, NODE, 0));
    w.now_ms++;
    assert_null(world_entry(&w.fleet, NODE, 0));
}


static void
a_token_that_the_journal_cannot_take_is_used_once_it_is_stored(void **state)
{
    unsigned  i;

    (void) state;

    w.fleet.nodes[NODE].full = 1;
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
the_journal_is_tried_again_while_redis_fails(void **state)
{
    (void) state;

    w.fleet.nodes[NODE].full = 1;
    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    world_step(&w, &a, world_unsent);
    assert_int_equal(a.reports, 0);

    w.fleet.nodes[NODE].full = 0;
    stop_at(&a, cigna_op_report);
    assert_int_equal(stored().generation, 1);
    assert_non_null(world_entry(&w.fleet, NODE, 0));

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_int_equal(stored().generation, 2);
}


static void
a_rotated_refresh_token_survives_a_minute_without_redis(void **state)
{
    int64_t  start;

    (void) state;

    w.fleet.nodes[NODE].full = 1;
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

    w.fleet.nodes[NODE].full = 1;
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

    /* the run ends with "vault", because the old access token has expired */

    assert_int_equal(a.flow.refresh.rc, cigna_refresh_vault);
    assert_int_equal(w.auth.revoked, 0);
}


static void
a_generation_in_the_journal_is_soon_left_to_the_journal_writer(void **state)
{
    int64_t  start;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_at(&a, cigna_op_report);
    start = w.now_ms;

    while (!a.done) {
        world_step(&w, &a, world_unsent);
    }

    assert_in_range(w.now_ms - start, 1000, 10 * 1000);
    assert_int_equal(a.flow.refresh.rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.left);
    assert_false(world_entry(&w.fleet, NODE, 0)->confirmed);

    /*
     * the mark keeps other runs away until the journal writer stores the entry
     */

    assert_true(mark_left_ms() > 60 * 1000);

    world_replay_all(&w, NODE);
    assert_slice(stored().access_token, WORLD_MARKER "-at-0-2");
    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);
    assert_int_equal(refresh(&b)->rc, cigna_refresh_ok);
    assert_int_equal(w.auth.refreshes_posted, 1);
}


static void
a_token_in_use_whose_grant_was_deleted_is_revoked_and_dropped(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    assert_int_equal(a.reports, 1);

    disconnect();
    f = finish(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_true(f->superseded);
    assert_string_not_equal(f->detail, "");
    assert_null(field("i"));
    assert_null(lock());
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
    assert_null(world_entry(&w.fleet, NODE, 0));
}


static void
a_token_in_use_whose_grant_was_replaced_is_revoked_and_dropped(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    world_connected(&w);
    f = finish(&a);

    assert_true(f->superseded);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-1");
    assert_true(world_alive(&w.auth, stored().refresh_token));
    assert_null(world_entry(&w.fleet, NODE, 0));
}


/* seals the grant's record again, which changes the bytes of the blob */

static void
reseal(void)
{
    cigna_op_t      op;
    cigna_grant_t   g;
    cigna_slice_t   argv[3];
    static uint8_t  nonce[CIGNA_SEAL_NONCE_LEN] = { 1 };

    g = stored();
    argv[0] = w.identity.grant_key;
    argv[1] = (cigna_slice_t) { field("b")->data, field("b")->len };
    assert_int_equal(cigna_vault_seal_grant(&a.subject, &g, nonce, &argv[2]),
                     CIGNA_OK);
    cigna_script_run(&op, cigna_script_grant_reseal, argv, 3);
    cigna_reply_destroy(world_redis(&w.redis, &op));
}


static void
a_record_that_was_sealed_again_is_not_taken_for_a_newer_one(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    world_step(&w, &a, world_lost_after);

    reseal();
    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_false(a.flow.refresh.superseded);
    assert_int_equal(w.auth.revoked, 0);
    assert_true(world_entry(&w.fleet, NODE, 0)->confirmed);
}


static void
a_grant_marked_without_reply_and_then_resealed_is_spent(void **state)
{
    (void) state;

    make_expired();
    w.auth.families[0].dead = 1;
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    world_step(&w, &a, world_lost_after);
    reseal();

    assert_int_equal(finish(&a)->rc, cigna_refresh_spent);
    assert_false(a.flow.refresh.exchanged);
    assert_int_equal(stored().state, cigna_grant_spent);
}


static void
a_refusal_that_knew_nothing_of_a_journal_gives_way_to_it(void **state)
{
    (void) state;

    /*
     * a node has a new generation in its journal, and cannot reach Redis for
     * long
     */

    make_expired();
    (void) begin(&a);
    stop_at(&a, cigna_op_report);

    while (!a.done) {
        world_step(&w, &a, world_unsent);
    }

    w.auth.families[0].dead = 1;
    w.now_ms += WORLD_HTTP_MS + 100 * 1000;
    assert_int_equal(refresh_elsewhere(&b)->rc, cigna_refresh_spent);
    assert_int_equal(stored().state, cigna_grant_spent);

    world_replay_all(&w, NODE);
    assert_int_equal(stored().state, cigna_grant_live);
    assert_slice(stored().access_token, WORLD_MARKER "-at-0-2");
}


static void
a_run_whose_store_had_no_reply_is_not_overtaken(void **state)
{
    (void) state;

    make_due();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    world_step(&w, &a, world_lost_after);

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_true(a.flow.refresh.exchanged);
    assert_int_equal(w.auth.revoked, 0);
    assert_int_equal(stored().generation, 2);
}


static void
a_late_writer_replaces_no_newer_grant(void **state)
{
    cigna_refresh_t  *f;

    (void) state;

    w.fleet.nodes[NODE].full = 1;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    world_connected(&w);
    f = finish(&a);

    assert_int_equal(f->rc, cigna_refresh_ok);
    assert_false(f->exchanged);
    assert_slice(f->grant.access_token, WORLD_MARKER "-at-1-1");
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-1");

    /* the dance has revoked the old tokens, and the refresh its own new ones */

    assert_int_equal(w.auth.revoked, 2);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
    assert_true(world_alive(&w.auth, stored().refresh_token));
}


static void
a_late_writer_revives_no_deleted_grant(void **state)
{
    (void) state;

    w.fleet.nodes[NODE].full = 1;

    make_expired();
    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);

    disconnect();

    assert_int_equal(finish(&a)->rc, cigna_refresh_no_grant);
    assert_null(field("i"));
    assert_null(lock());
    assert_int_equal(w.auth.revoked, 2);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-2");
}


static void
a_late_writer_replaces_no_newer_generation(void **state)
{
    (void) state;

    w.fleet.nodes[NODE].full = 1;

    /* actor "a" stands still until the mark's deadline has passed */

    w.auth.tokens = world_constant;
    world_connected(&w);
    w.auth.revoked = 0;
    w.now_ms += HOUR_MS;

    (void) begin(&a);
    stop_before(&a, cigna_script_grant_swap);
    w.now_ms += 300 * 1000;
    assert_int_equal(refresh(&b)->rc, cigna_refresh_ok);
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-3");

    assert_int_equal(finish(&a)->rc, cigna_refresh_ok);
    assert_slice(a.flow.refresh.grant.access_token, WORLD_MARKER "-at-1-3");
    assert_slice(stored().access_token, WORLD_MARKER "-at-1-3");

    /* nothing is revoked: a revocation would end the newer generation, too */

    assert_int_equal(w.auth.revoked, 0);
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
    world_set(&w.redis, w.identity.grant_key, "g", "1");

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
    assert_string_equal(w.redis.message, message);
}


/* a token of len bytes, each of which takes three bytes in a form */

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
    cigna_slice_t    argv[1 + CIGNA_GRANT_WRITE_ARGC];
    cigna_subject_t  subject;
    static uint8_t   mem[CIGNA_FLOW_ARENA], nonce[CIGNA_SEAL_NONCE_LEN];

    cigna_arena_init(&arena, mem, sizeof(mem));
    subject = world_subject(&w, &arena);

    g = (cigna_grant_t) {
        .id = cigna_slice("BBBBBBBBBBBBBBBBBBBBBB"),
        .generation = 1,
        .access_token = long_token(CIGNA_ACCESS_TOKEN_MAX),
        .refresh_token = long_token(CIGNA_REFRESH_TOKEN_MAX),
        .scope = long_token(4096)
    };

    argv[0] = w.identity.grant_key;
    assert_int_equal(cigna_grant_write_args(&subject, &g, DAY_MS, nonce,
                                            &argv[1]),
                     CIGNA_OK);

    cigna_script_run(&op, cigna_script_grant_install, argv,
                     1 + CIGNA_GRANT_WRITE_ARGC);
    cigna_reply_destroy(world_redis(&w.redis, &op));
}


static void
send_long_token(void)
{
    store_long_tokens();
    w.now_ms += HOUR_MS;

    (void) begin(&a);
    free(a.arena.start);
    cigna_arena_init(&a.arena, malloc(CIGNA_FLOW_ARENA), CIGNA_FLOW_ARENA);

    stop_at_exchange(&a);
    assert_true(a.op.http.request.body.len > 3 * CIGNA_REFRESH_TOKEN_MAX);
}


static void
bring_long_tokens(void)
{
    char           body[64 * 1024];
    size_t         id_token;
    cigna_event_t  ev;

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
    assert_int_equal(a.op.type, cigna_op_journal);
}


static void
the_largest_tokens_fit_in_the_arena(void **state)
{
    (void) state;

    send_long_token();
    bring_long_tokens();

    /*
     * the member disconnects before the tokens are stored, so they are revoked
     */

    disconnect();
    assert_true(finish(&a)->superseded);
    assert_int_equal(w.auth.revoked, 2);
}


static void
long_tokens_fit_if_two_long_secrets_are_sent_in_turn(void **state)
{
    char           secret[4096];
    cigna_event_t  ev;

    (void) state;

    memset(secret, '%', sizeof(secret));
    w.provider.auth = cigna_auth_basic;
    w.provider.client_secret = (cigna_slice_t) { (uint8_t *) secret, 4096 };
    w.provider.older_secret = (cigna_slice_t) { (uint8_t *) secret, 4095 };

    send_long_token();

    memset(&ev, 0, sizeof(ev));
    ev.type = cigna_ev_ok;
    ev.now_ms = w.now_ms;
    ev.status = 401;
    ev.body = cigna_slice("{\"error\":\"invalid_client\"}");

    cigna_refresh_next(&a.flow.refresh, &ev, &a.op);
    stop_at_exchange(&a);
    bring_long_tokens();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_refused_grant_is_marked_spent_and_kept_for_thirty_days),
        test(a_refused_grant_is_read_again_before_it_is_marked),
        test(a_lost_race_is_not_read_as_revoked),
        test(a_refusal_that_cannot_be_checked_marks_nothing),
        test(a_refusal_that_cannot_be_marked_is_an_outage),
        test(the_log_describes_a_reply_without_tokens),
        test(an_unreadable_error_of_the_endpoint_leaves_no_mark),
        test(no_grant_is_marked_spent_while_too_many_are_refused),
        test(a_grant_with_doubted_refusals_is_spent_after_four_of_them),
        test(a_doubted_refusal_is_tried_again_once_others_succeed),
        test(a_second_refusal_is_final_once_others_succeed),
        test(a_node_without_doubts_ends_no_grant_refused_provisionally),
        test(a_refusal_just_before_too_many_is_tried_again),
        test(a_spent_grant_that_is_refused_again_stays_spent),
        test(a_spent_grant_is_tried_four_times_at_most),
        test(a_refusal_long_before_stays_final),
        test(a_member_who_connects_again_replaces_a_spent_grant),
        test(the_older_secret_is_sent_if_cigna_does_not_know_the_new_one),
        test(the_new_secret_is_sent_if_cigna_no_longer_knows_the_older_one),
        test(two_unknown_secrets_are_an_outage),
        test(a_client_with_one_secret_sends_it_once),
        test(nothing_but_a_definite_invalid_client_sends_a_refresh_token_again),
        test(invalid_grant_after_the_other_secret_is_final),
        test(a_second_request_of_unknown_outcome_leaves_the_mark),
        test(the_lease_is_made_sure_of_before_the_second_request),
        test(the_second_request_is_not_sent_without_redis),
        test(the_second_request_is_not_sent_after_a_change_of_primary),
        test(a_run_that_was_held_up_between_both_requests_counts_no_attempt),
        test(an_attempt_after_an_unknown_one_may_use_both_secrets),
        test(the_old_refresh_token_is_kept_when_none_comes),
        test(a_narrower_scope_is_kept_as_it_came),
        test(tokens_for_another_patient_are_not_stored),
        test(tokens_of_another_subject_are_not_stored),
        test(an_id_token_of_another_issuer_is_ignored),
        test(the_first_subject_that_a_reply_names_is_stored),
        test(an_odd_expires_in_gives_a_sound_expiry),
        test(a_lifetime_counts_from_the_time_of_the_request),
        test(clocks_two_minutes_apart_neither_end_a_token_nor_refresh_it_twice),
        test(a_clock_that_steps_back_an_hour_makes_tokens_due_and_ends_nothing),
        test(a_clock_set_back_during_an_exchange_needs_one_more_refresh),
        test(a_lease_of_unknown_age_is_given_up),
        test(clocks_that_differ_do_not_disturb_lock_and_mark),
        test(a_lock_is_given_up_if_its_reply_was_lost_and_the_record_changed),
        test(a_token_is_used_as_soon_as_the_journal_has_it),
        test(an_entry_stays_for_a_minute_after_redis_has_confirmed_it),
        test(a_token_that_the_journal_cannot_take_is_used_once_it_is_stored),
        test(the_journal_is_tried_again_while_redis_fails),
        test(a_rotated_refresh_token_survives_a_minute_without_redis),
        test(storing_is_given_up_after_a_while),
        test(a_generation_in_the_journal_is_soon_left_to_the_journal_writer),
        test(a_token_in_use_whose_grant_was_deleted_is_revoked_and_dropped),
        test(a_token_in_use_whose_grant_was_replaced_is_revoked_and_dropped),
        test(a_record_that_was_sealed_again_is_not_taken_for_a_newer_one),
        test(a_grant_marked_without_reply_and_then_resealed_is_spent),
        test(a_refusal_that_knew_nothing_of_a_journal_gives_way_to_it),
        test(a_run_whose_store_had_no_reply_is_not_overtaken),
        test(a_late_writer_replaces_no_newer_grant),
        test(a_late_writer_revives_no_deleted_grant),
        test(a_late_writer_replaces_no_newer_generation),
        test(a_primary_that_lost_its_last_writes_is_given_them_again),
        test(each_refresh_keeps_the_grant_for_its_whole_time_again),
        test(a_stored_generation_is_published),
        test(the_largest_tokens_fit_in_the_arena),
        test(long_tokens_fit_if_two_long_secrets_are_sent_in_turn)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}


#define _GNU_SOURCE

#include <stdio.h>

#include "acting.h"

#include "dance/cigna_dance_claim.h"


static cigna_dance_claim_t  t;
static uint8_t              mem[64 * 1024];
static cigna_arena_t        arena;
static cigna_subject_t      subject;
static cigna_op_t           op;
static cigna_dance_story_t  story;
static unsigned             asked;         /* number of scripts that the flow
                                              sent to Redis */
static char                 code[64], param[64], secret[64];
static char                 entry[CIGNA_DANCE_ENTRY_MAX];


/* performs the pending operation; 1 if the flow asks for another one */

static int
go_on(world_fault_e fault)
{
    int                 more;
    cigna_event_t       ev;
    cigna_reply_t      *reply;
    static const char   error[] = "-LOADING\r\n";

    memset(&ev, 0, sizeof(ev));
    ev.type = cigna_ev_ok;
    reply = NULL;

    if (op.type == cigna_op_script) {
        asked++;

        if (fault == world_fine || fault == world_lost_after) {
            reply = world_redis(&w.redis, &op);

        } else if (fault == world_error) {
            reply = world_reply(error, sizeof(error) - 1);
        }

        ev.type = fault == world_unsent ? cigna_ev_unsent
                  : fault == world_lost_before || fault == world_lost_after
                  ? cigna_ev_lost : cigna_ev_ok;
        ev.reply = ev.type == cigna_ev_ok ? reply : NULL;

    } else if (op.type == cigna_op_sleep) {
        w.now_ms += op.sleep.ms;
    }

    ev.now_ms = w.now_ms;
    memset(ev.random, (int) asked, sizeof(ev.random));

    more = cigna_dance_claim_next(&t, &ev, &op) == CIGNA_AGAIN;
    cigna_reply_destroy(reply);

    return more;
}


static void
begin(void)
{
    memset(&t, 0, sizeof(t));
    t.subject = &subject;
    t.state_param = cigna_slice_str(param);
    t.secret = cigna_slice_str(secret);

    op.type = cigna_op_done;
}


static cigna_dance_outcome_e
take(world_fault_e fault)
{
    begin();

    while (go_on(fault)) { /* void */ }

    return t.outcome;
}


static void
a_claim_returns_all_that_connect_has_stored(void **state)
{
    (void) state;

    assert_int_equal(take(world_fine), cigna_dance_outcome_none);

    assert_true(t.taken);
    assert_int_equal(t.taken_ms, w.now_ms);
    assert_int_equal(t.dance.verifier.len, 43);
    assert_int_equal(t.dance.nonce.len, 22);
    assert_slice(t.dance.redirect_uri, "https://app.example/cigna/callback");
    assert_slice(t.return_to, "https://app.example/");
    assert_true(cigna_slice_eq(t.dance_id, t.dance.id));
    assert_int_equal(asked, 1);
}


static void
an_outcome_is_remembered_for_the_next_request(void **state)
{
    (void) state;

    (void) take(world_fine);
    cigna_dance_claim_end(&t, cigna_dance_outcome_denied, &story, &op);
    assert_false(go_on(world_fine));

    assert_int_equal(take(world_fine), cigna_dance_outcome_denied);
    assert_true(t.repeated);
    assert_false(t.taken);
    assert_slice(t.return_to, "https://app.example/");
}


static void
an_end_that_does_not_reach_redis_is_sent_three_times(void **state)
{
    unsigned  n;

    (void) state;

    (void) take(world_fine);
    asked = 0;

    cigna_dance_claim_end(&t, cigna_dance_outcome_denied, &story, &op);

    for (n = 0; go_on(world_unsent); n++) { /* void */ }

    assert_int_equal(asked, 3);
}


static void
a_redis_that_fails_is_asked_three_times(void **state)
{
    unsigned  kind;

    (void) state;

    for (kind = world_unsent; kind < world_faults; kind++) {

        if (kind == world_lost_after) {
            continue;
        }

        asked = 0;
        assert_int_equal(take(kind), cigna_dance_outcome_store_failed);
        assert_int_equal(asked, 3);

        /* without a reply, the run cannot know whether it took the dance */

        assert_int_equal(t.taken, kind == world_lost_before);
        assert_string_equal(t.why, "Redis cannot be asked");
    }
}


static void
a_reply_that_was_lost_is_asked_for_again_by_the_same_taker(void **state)
{
    (void) state;

    begin();

    assert_true(go_on(world_fine));
    assert_true(go_on(world_lost_after));
    assert_int_equal(op.type, cigna_op_sleep);
    assert_true(go_on(world_fine));
    assert_false(go_on(world_fine));
    assert_int_equal(t.outcome, cigna_dance_outcome_none);
}


static void
polls_are_quick_first_and_end_after_ten_seconds(void **state)
{
    int64_t  start;

    (void) state;

    (void) take(world_fine);
    asked = 100;

    /* another run has other random bytes, which make it another taker */

    begin();
    start = w.now_ms;

    assert_true(go_on(world_fine));
    assert_true(go_on(world_fine));
    assert_int_equal(op.type, cigna_op_sleep);
    assert_int_equal(op.sleep.ms, 50);

    while (go_on(world_fine)) { /* void */ }

    assert_int_equal(t.outcome, cigna_dance_outcome_in_progress);
    assert_int_equal(w.now_ms - start, 10000);
    assert_true(asked - 100 < 70);
}


static void
an_outcome_of_a_newer_gateway_is_an_end(void **state)
{
    (void) state;

    (void) take(world_fine);
    cigna_dance_claim_end(&t, cigna_dance_outcome_denied, &story, &op);
    (void) go_on(world_fine);

    world_set(&w.redis, t.dance_key, "o", "something_new");

    assert_int_equal(take(world_fine), cigna_dance_outcome_interrupted);
}


static void
too_little_room_takes_no_dance(void **state)
{
    (void) state;

    cigna_arena_init(&arena, mem, 32);

    assert_int_equal(take(world_fine), cigna_dance_outcome_store_failed);
    assert_int_equal(asked, 0);
}


static void
an_ended_dance_leaves_the_lists_of_open_ones(void **state)
{
    cigna_event_t  ev;

    (void) state;

    assert_non_null(world_get(&w.redis, w.identity.open_key, entry));

    (void) take(world_fine);
    cigna_dance_claim_end(&t, cigna_dance_outcome_denied, &story, &op);
    (void) go_on(world_fine);
    assert_true(t.ended);

    memset(&ev, 0, sizeof(ev));
    ev.now_ms = w.now_ms;
    assert_int_equal(cigna_dance_claim_forget(&t, &ev, &op), CIGNA_AGAIN);

    ev.reply = world_redis(&w.redis, &op);
    ev.type = cigna_ev_ok;
    assert_int_equal(cigna_dance_claim_forget(&t, &ev, &op), CIGNA_OK);
    cigna_reply_destroy((cigna_reply_t *) ev.reply);

    assert_true(t.forget.counted);
    assert_null(world_get(&w.redis, w.identity.open_key, entry));
    assert_null(world_get(&w.redis, w.identity.dances_key, entry));
}


static void
the_run_that_comes_too_late_ends_the_dance(void **state)
{
    (void) state;

    w.now_ms += CIGNA_DANCE_LIFE_MS;

    assert_int_equal(take(world_fine), cigna_dance_outcome_state_expired);
    assert_true(t.ended);
    assert_false(t.repeated);

    asked = 100;

    assert_int_equal(take(world_fine), cigna_dance_outcome_state_expired);
    assert_false(t.ended);
    assert_true(t.repeated);
}


static void
a_request_of_another_member_ends_the_dance(void **state)
{
    cigna_vault_names_t  other;

    (void) state;

    world_identity(&w, "globex", "somebody else", &other);
    subject.identity = &other;

    assert_int_equal(take(world_fine), cigna_dance_outcome_identity_mismatch);
    assert_true(t.ended);
    assert_true(cigna_slice_eq(t.forget.entry.identity,
                               cigna_script_identity(&w.identity)));
    assert_memory_equal(t.forget.entry.tenant.data, w.identity.tenant,
                        CIGNA_TENANT_LEN);
}


static void
an_end_after_another_end_reports_the_first_one(void **state)
{
    (void) state;

    (void) take(world_fine);
    world_set(&w.redis, t.dance_key, "o", "interrupted");
    world_set(&w.redis, t.dance_key, "z", "somebody");

    cigna_dance_claim_end(&t, cigna_dance_outcome_connected, &story, &op);
    assert_false(go_on(world_fine));

    assert_int_equal(t.outcome, cigna_dance_outcome_interrupted);
    assert_false(t.ended);
    assert_true(t.repeated);
}


static void
a_run_has_ended_the_dance_even_if_the_reply_was_lost(void **state)
{
    (void) state;

    (void) take(world_fine);
    cigna_dance_claim_end(&t, cigna_dance_outcome_denied, &story, &op);

    assert_true(go_on(world_lost_after));
    assert_true(go_on(world_fine));
    assert_false(go_on(world_fine));

    assert_int_equal(t.outcome, cigna_dance_outcome_denied);
    assert_true(t.ended);
}


static void
an_end_that_did_not_reach_redis_is_not_counted(void **state)
{
    (void) state;

    (void) take(world_fine);
    cigna_dance_claim_end(&t, cigna_dance_outcome_denied, &story, &op);

    while (go_on(world_unsent)) { /* void */ }

    assert_false(t.ended);
    assert_int_equal(t.outcome, cigna_dance_outcome_denied);
}


/* turns the dance's record into one as version 0.4.0 wrote it */

static void
as_0_4_0(void)
{
    world_set(&w.redis, t.dance_key, "n", NULL);
    world_set(&w.redis, t.dance_key, "a", NULL);
    world_set(&w.redis, t.dance_key, "r", NULL);
    world_set(&w.redis, t.dance_key, "y", NULL);
}


static void
a_dance_that_0_4_0_has_started_ends_like_another(void **state)
{
    (void) state;

    (void) take(world_fine);
    as_0_4_0();
    world_set(&w.redis, t.dance_key, "t", NULL);
    world_set(&w.redis, t.dance_key, "k", NULL);

    assert_int_equal(take(world_fine), cigna_dance_outcome_none);
    assert_slice(t.return_to, "https://app.example/");

    cigna_dance_claim_end(&t, cigna_dance_outcome_connected, &story, &op);
    assert_false(go_on(world_fine));
    assert_true(t.ended);

    assert_int_equal(take(world_fine), cigna_dance_outcome_connected);
    assert_true(t.repeated);
    assert_slice(t.return_to, "https://app.example/");
}


static int
setup(void **state)
{
    cigna_connect_t  *f;

    (void) state;

    new_world();
    world_connect(&w, &a, "");
    world_run(&w, &a);

    f = &a.flow.connect;
    (void) snprintf(secret, sizeof(secret), "%.*s", (int) f->secret.len,
                    f->secret.data);
    (void) snprintf(entry, sizeof(entry), "%.27s %.12s %.12s %.27s",
                    (const char *) f->entry.name.data,
                    (const char *) f->entry.id.data,
                    (const char *) f->entry.tenant.data,
                    (const char *) f->entry.identity.data);

    if (world_login(&w.auth, f->location, code, param) != CIGNA_OK) {
        return -1;
    }

    world_end(&a);

    cigna_arena_init(&arena, mem, sizeof(mem));
    memset(&story, 0, sizeof(story));
    asked = 0;

    subject = world_subject(&w, &arena);
    begin();

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_claim_returns_all_that_connect_has_stored),
        test(an_outcome_is_remembered_for_the_next_request),
        test(an_end_that_does_not_reach_redis_is_sent_three_times),
        test(a_redis_that_fails_is_asked_three_times),
        test(a_reply_that_was_lost_is_asked_for_again_by_the_same_taker),
        test(polls_are_quick_first_and_end_after_ten_seconds),
        test(an_outcome_of_a_newer_gateway_is_an_end),
        test(too_little_room_takes_no_dance),
        test(an_ended_dance_leaves_the_lists_of_open_ones),
        test(the_run_that_comes_too_late_ends_the_dance),
        test(a_request_of_another_member_ends_the_dance),
        test(an_end_after_another_end_reports_the_first_one),
        test(a_run_has_ended_the_dance_even_if_the_reply_was_lost),
        test(an_end_that_did_not_reach_redis_is_not_counted),
        test(a_dance_that_0_4_0_has_started_ends_like_another)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

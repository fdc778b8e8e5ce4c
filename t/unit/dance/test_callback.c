
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>

#include "acting.h"
#include "rings.h"


/* a dance whose callback is due */

typedef struct {
    char   code[64];
    char   state[64];                      /* the parameter of the callback */
    char   secret[64];                     /* the browser secret */
    char   key[CIGNA_KEY_MAX];             /* the Redis key */
} dance_t;


static dance_t  dance;


static void
begin_dance(dance_t *d, const char *return_to)
{
    cigna_connect_t  *f;

    world_connect(&w, &a, return_to);
    world_run(&w, &a);

    f = &a.flow.connect;
    assert_int_equal(world_login(&w.auth, f->location, d->code, d->state),
                     CIGNA_OK);
    (void) snprintf(d->secret, sizeof(d->secret), "%.*s",
                    (int) f->secret.len, f->secret.data);
    (void) snprintf(d->key, sizeof(d->key), "%.*s", (int) f->dance_key.len,
                    f->dance_key.data);
    world_end(&a);
}


static cigna_callback_t *
hit(world_actor_t *actor, const dance_t *d)
{
    world_callback(&w, actor, d->code, d->state, d->secret);

    return &actor->flow.callback;
}


static cigna_callback_t *
finish(world_actor_t *actor)
{
    world_run(&w, actor);

    assert_int_equal(actor->reports, 1);
    assert_null(strstr(actor->flow.callback.detail, WORLD_MARKER));

    return &actor->flow.callback;
}


static cigna_dance_outcome_e
outcome_of(const dance_t *d)
{
    cigna_dance_outcome_e  outcome;

    (void) hit(&a, d);
    outcome = finish(&a)->outcome;
    world_end(&a);

    return outcome;
}


static const world_field_t *
dance_field(const dance_t *d, const char *name)
{
    return world_get(&w.redis, cigna_slice_str(d->key), name);
}


#define assert_remembered(d, name)                                            \
    assert_slice(((cigna_slice_t) { dance_field(d, "o")->data,                \
                                    dance_field(d, "o")->len }), name)

#define assert_open(d)                                                        \
    do {                                                                      \
        assert_non_null(dance_field(d, "b"));                                 \
        assert_null(dance_field(d, "o"));                                     \
        assert_null(dance_field(d, "t"));                                     \
    } while (0)


static int
grant_stored(cigna_grant_t *g)
{
    int             rc;
    cigna_arena_t   arena;
    static uint8_t  mem[64 * 1024];

    cigna_arena_init(&arena, mem, sizeof(mem));

    rc = world_grant(&w, &arena, g);

    return rc == CIGNA_OK;
}


static void
use_keys(void)
{
    w.provider.jwks_uri = w.auth.metadata.jwks_uri;
    w.auth.id_token = 1;
}


/* tests of the claim of a dance */

static void
a_dance_ends_connected(void **state)
{
    cigna_grant_t      g;
    cigna_callback_t  *f;

    (void) state;

    use_keys();
    (void) hit(&a, &dance);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_true(f->stored);
    assert_false(f->repeated);
    assert_slice(f->return_to, "https://app.example/");
    assert_int_equal(f->dance_id.len, CIGNA_DANCE_ID_LEN);
    assert_string_equal(f->detail, "");

    assert_true(grant_stored(&g));
    assert_int_equal(g.generation, 1);
    assert_slice(g.access_token, WORLD_MARKER "-at-0-1");
    assert_slice(g.refresh_token, WORLD_MARKER "-rt-0-1");
    assert_slice(g.scope, "search read openid");
    assert_slice(g.patient, "A1");
    assert_slice(g.sub, "member-1");
    assert_slice(g.fhir_user, "Patient/1");
    assert_int_equal(g.expires_ms, w.now_ms + 3599 * 1000);
    assert_int_equal(g.connected_ms, w.now_ms);
    assert_true(cigna_slice_eq(g.id, f->grant.id));
    assert_int_equal(w.auth.revoked, 0);
    assert_remembered(&dance, "connected");
}


static void
a_request_of_another_browser_changes_nothing(void **state)
{
    dance_t  stranger;

    (void) state;

    stranger = dance;
    stranger.secret[0] ^= 1;

    assert_int_equal(outcome_of(&stranger),
                     cigna_dance_outcome_cookie_mismatch);
    assert_open(&dance);
    assert_int_equal(w.auth.codes_posted, 0);

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
}


static void
a_request_without_the_cookie_changes_nothing(void **state)
{
    dance_t  stranger;

    (void) state;

    stranger = dance;
    stranger.secret[0] = '\0';

    assert_int_equal(outcome_of(&stranger), cigna_dance_outcome_cookie_missing);
    assert_open(&dance);
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
}


static void
another_browser_is_not_shown_the_outcome_of_an_ended_dance(void **state)
{
    dance_t            stranger;
    cigna_callback_t  *f;

    (void) state;

    (void) outcome_of(&dance);
    stranger = dance;
    stranger.secret[0] ^= 1;

    (void) hit(&a, &stranger);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_cookie_mismatch);
    assert_int_equal(f->return_to.len, 0);
}


static void
a_state_that_nobody_made_is_unknown(void **state)
{
    dance_t  other;

    (void) state;

    other = dance;
    other.state[10] ^= 1;
    assert_int_equal(outcome_of(&other), cigna_dance_outcome_state_unknown);

    other.state[20] = '\0';
    assert_int_equal(outcome_of(&other), cigna_dance_outcome_state_unknown);

    other.state[0] = '\0';
    assert_int_equal(outcome_of(&other), cigna_dance_outcome_invalid_request);
}


static void
a_dance_expires_after_ten_minutes_and_is_kept_eight_days(void **state)
{
    (void) state;

    w.now_ms += CIGNA_DANCE_LIFE_MS;
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_state_expired);
    assert_int_equal(w.auth.codes_posted, 0);

    w.now_ms += CIGNA_DANCE_STORY_MS - CIGNA_DANCE_LIFE_MS - 1;
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_state_expired);

    w.now_ms++;
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_state_unknown);
}


/* the number of ended dances in the vault's counts of this hour */

static unsigned
ends_counted(void)
{
    unsigned      i, n, sum;
    world_key_t  *key;

    sum = 0;

    for (i = 0; i < WORLD_KEYS; i++) {
        key = &w.redis.keys[i];

        for (n = 0; key->name && strncmp(key->name, "cigna:c:", 8) == 0
                    && n < key->nfields; n++)
        {
            sum += (unsigned) atoi((const char *) key->fields[n].data);
        }
    }

    return sum;
}


static void
a_dance_ends_once_however_many_requests_come(void **state)
{
    unsigned           i, ended;
    cigna_callback_t  *f;

    (void) state;

    ended = 0;

    for (i = 0; i < 3; i++) {
        (void) hit(&a, &dance);
        f = finish(&a);
        ended += f->claim.ended;
        assert_int_equal(f->repeated, i > 0);
        world_end(&a);
    }

    assert_int_equal(ended, 1);
    assert_int_equal(ends_counted(), 1);
    assert_null(world_get(&w.redis, w.identity.dances_key, ""));
    (void) hit(&a, &dance);
}


static void
a_dance_that_ends_too_late_or_for_another_member_is_counted(void **state)
{
    cigna_callback_t     *f;
    cigna_vault_names_t   other;

    (void) state;

    world_identity(&w, "acme", "other", &other);

    f = hit(&a, &dance);
    a.subject.identity = &other;
    f = finish(&a);
    assert_int_equal(f->outcome, cigna_dance_outcome_identity_mismatch);
    assert_true(f->claim.ended);
    assert_int_equal(ends_counted(), 1);
    world_end(&a);

    begin_dance(&dance, "");
    w.now_ms += CIGNA_DANCE_LIFE_MS;
    (void) hit(&a, &dance);
    f = finish(&a);
    assert_int_equal(f->outcome, cigna_dance_outcome_state_expired);
    assert_true(f->claim.ended);
    assert_int_equal(ends_counted(), 2);
}


static void
a_request_of_another_browser_ends_no_dance(void **state)
{
    dance_t            stranger;
    cigna_callback_t  *f;

    (void) state;

    stranger = dance;
    stranger.secret[3] ^= 1;

    (void) hit(&a, &stranger);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_cookie_mismatch);
    assert_false(f->claim.ended);
    assert_int_equal(ends_counted(), 0);
    assert_open(&dance);
}


static void
a_request_for_an_unknown_dance_has_a_reference(void **state)
{
    dance_t            unknown;
    cigna_callback_t  *f;

    (void) state;

    unknown = dance;
    unknown.state[20] ^= 1;

    (void) hit(&a, &unknown);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_state_unknown);
    assert_slice(f->dance_id, "REFERENCE-12");
}


static unsigned  commands;


static void
count_commands(world_t *world, world_actor_t *actor)
{
    (void) world;

    commands += actor->op.type == cigna_op_redis
                || actor->op.type == cigna_op_script;
}


static void
connect_sends_two_commands_to_redis_and_callback_five(void **state)
{
    (void) state;

    commands = 0;
    b.watch = count_commands;
    world_connect(&w, &b, "");
    world_run(&w, &b);
    assert_int_equal(commands, 2);

    /*
     * the five commands: dance_claim, HMGET, grant_install, dance_end,
     * dance_forget
     */

    commands = 0;
    a.watch = count_commands;
    (void) hit(&a, &dance);
    (void) finish(&a);
    assert_int_equal(commands, 5);

    a.watch = NULL;
    b.watch = NULL;
}


static void
assert_story(const dance_t *d, const char *text)
{
    char                  story[4096];
    const world_field_t  *f;

    f = dance_field(d, "y");
    (void) snprintf(story, sizeof(story), "%.*s", (int) f->len, f->data);

    if (strstr(story, text) == NULL) {
        fail_msg("no \"%s\" in \"%s\"", text, story);
    }
}


static void
a_story_has_the_answer_of_the_token_endpoint(void **state)
{
    (void) state;

    w.auth.answer_status = 401;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
                    "{\"error\":\"invalid_client\"}");

    (void) outcome_of(&dance);

    assert_story(&dance, "started node=node-1 request=request-1\n");
    assert_story(&dance, "returned node=node-1 request=request-2 "
                         "record=taken\n");
    assert_story(&dance, "ended node=node-1 request=request-2 "
                         "outcome=exchange_refused status=401 "
                         "error=invalid_client");
}


static void
a_story_has_no_error_code_that_a_browser_made_up(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    f = hit(&a, &dance);
    f->error = cigna_slice("jane");
    (void) finish(&a);

    assert_story(&dance, "outcome=provider_error error=other\n");
}


static void
a_reload_shows_the_same_outcome_and_sends_no_code(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);

    (void) hit(&a, &dance);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_true(f->repeated);
    assert_false(f->stored);
    assert_slice(f->return_to, "https://app.example/");
    assert_int_equal(w.auth.codes_posted, 1);
    assert_true(world_alive(&w.auth, cigna_slice(WORLD_MARKER "-at-0-1")));
}


static void
a_reload_after_a_refusal_shows_the_refusal(void **state)
{
    (void) state;

    (void) hit(&a, &dance);
    a.flow.callback.error = cigna_slice("access_denied");
    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_denied);
    world_end(&a);

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_denied);
    assert_int_equal(w.auth.codes_posted, 0);
}


static void
a_concurrent_request_waits_and_shows_the_same_outcome(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    (void) hit(&a, &dance);
    (void) hit(&b, &dance);

    while (!a.done || !b.done) {
        if (!a.done) {
            world_step(&w, &a, world_fine);
        }

        if (!b.done) {
            world_step(&w, &b, world_fine);
        }
    }

    f = &b.flow.callback;

    assert_int_equal(a.flow.callback.outcome, cigna_dance_outcome_connected);
    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_true(f->repeated);
    assert_slice(f->return_to, "https://app.example/");
    assert_int_equal(w.auth.codes_posted, 1);
}


/* runs the actor until an HTTP request is pending */

static void
stop_at_exchange(world_actor_t *actor)
{
    while (actor->op.type != cigna_op_http) {
        world_step(&w, actor, world_fine);
    }
}


static void
a_request_waits_ten_seconds_for_another_at_most(void **state)
{
    int64_t            start;
    cigna_callback_t  *f;

    (void) state;

    (void) hit(&a, &dance);
    stop_at_exchange(&a);

    start = w.now_ms;
    (void) hit(&b, &dance);
    f = finish(&b);

    assert_int_equal(f->outcome, cigna_dance_outcome_in_progress);
    assert_true(f->repeated);
    assert_slice(f->return_to, "https://app.example/");
    assert_in_range(w.now_ms - start, 10000, 10200);

    /* the run of actor b, which waited, has not taken the dance from actor a */

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_connected);
}


static void
a_dance_is_taken_for_as_long_as_its_exchange_may_last(void **state)
{
    (void) state;

    (void) hit(&a, &dance);
    a.flow.callback.exchange_ms = 5 * 60 * 1000;
    stop_at_exchange(&a);
    w.now_ms += 5 * 60 * 1000;

    (void) hit(&b, &dance);
    assert_int_equal(finish(&b)->outcome, cigna_dance_outcome_in_progress);
    world_end(&b);

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_connected);

    (void) hit(&b, &dance);
    assert_int_equal(finish(&b)->outcome, cigna_dance_outcome_connected);
    assert_int_equal(w.auth.codes_posted, 1);
}


static void
a_dance_taken_for_too_long_ends_interrupted_and_stays_so(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    (void) hit(&a, &dance);
    stop_at_exchange(&a);
    w.now_ms += 120 * 1000 + WORLD_HTTP_MS;

    (void) hit(&b, &dance);
    f = finish(&b);

    assert_int_equal(f->outcome, cigna_dance_outcome_interrupted);
    assert_slice(f->return_to, "https://app.example/");
    world_end(&b);

    /* actor a goes on too late: the outcome that the member has seen stays */

    (void) finish(&a);
    (void) hit(&b, &dance);
    assert_int_equal(finish(&b)->outcome, cigna_dance_outcome_interrupted);
    assert_int_equal(w.auth.codes_posted, 1);
}


static void
a_run_that_was_held_up_spends_no_code(void **state)
{
    (void) state;

    (void) hit(&a, &dance);
    use_keys();
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    assert_int_equal(a.op.type, cigna_op_http);

    w.now_ms += 61 * 1000;

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_interrupted);
    assert_int_equal(w.auth.codes_posted, 0);
    assert_remembered(&dance, "interrupted");
}


static void
a_run_that_was_held_up_does_not_send_an_unsent_code_again(void **state)
{
    (void) state;

    (void) hit(&a, &dance);
    stop_at_exchange(&a);
    world_step(&w, &a, world_unsent);
    w.now_ms += 61 * 1000;

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_interrupted);
    assert_int_equal(w.auth.codes_posted, 0);
}


static void
two_tabs_can_both_finish(void **state)
{
    dance_t  second;

    (void) state;

    begin_dance(&second, "");

    assert_int_equal(outcome_of(&second), cigna_dance_outcome_connected);
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
}


static void
an_ended_dance_is_no_longer_counted_as_open(void **state)
{
    unsigned  i;
    dance_t   next;

    (void) state;

    w.provider.dances_per_member = 2;

    for (i = 0; i < 4; i++) {
        w.now_ms++;
        begin_dance(&next, "");
        assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    }

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
}


/* tests of the member who ends the dance */

static void
another_member_ends_the_dance_and_gets_no_grant(void **state)
{
    cigna_grant_t        g;
    cigna_vault_names_t  other;

    (void) state;

    world_identity(&w, "acme", "somebody else", &other);

    (void) hit(&a, &dance);
    a.subject.identity = &other;
    assert_int_equal(finish(&a)->outcome,
                     cigna_dance_outcome_identity_mismatch);

    assert_int_equal(w.auth.codes_posted, 0);
    assert_false(grant_stored(&g));
    assert_null(world_get(&w.redis, other.grant_key, "i"));
    assert_remembered(&dance, "identity_mismatch");
    world_end(&a);

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_identity_mismatch);
    assert_int_equal(w.auth.codes_posted, 0);
}


static void
another_member_does_not_disturb_a_dance_under_way_or_ended(void **state)
{
    cigna_vault_names_t  other;

    (void) state;

    world_identity(&w, "acme", "somebody else", &other);

    (void) hit(&a, &dance);
    stop_at_exchange(&a);

    (void) hit(&b, &dance);
    b.subject.identity = &other;
    assert_int_equal(finish(&b)->outcome,
                     cigna_dance_outcome_identity_mismatch);
    world_end(&b);

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_connected);

    (void) hit(&b, &dance);
    b.subject.identity = &other;
    assert_int_equal(finish(&b)->outcome,
                     cigna_dance_outcome_identity_mismatch);
    assert_remembered(&dance, "connected");
}


static void
the_same_member_of_another_tenant_is_another_identity(void **state)
{
    cigna_vault_names_t  other;

    (void) state;

    world_identity(&w, "rival", "member", &other);

    (void) hit(&a, &dance);
    a.subject.identity = &other;
    assert_int_equal(finish(&a)->outcome,
                     cigna_dance_outcome_identity_mismatch);
    assert_int_equal(w.auth.codes_posted, 0);
}


static void
another_redirect_uri_is_a_tenant_mismatch(void **state)
{
    (void) state;

    w.provider.redirect_uri = cigna_slice("https://app.example/other");

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_tenant_mismatch);
    assert_int_equal(w.auth.codes_posted, 0);
    assert_remembered(&dance, "tenant_mismatch");
}


/* tests of the parameters that the authorization server gives the callback */

static cigna_dance_outcome_e
outcome_with(const char *iss, const char *error, const char *code)
{
    cigna_dance_outcome_e  outcome;

    (void) hit(&a, &dance);
    a.flow.callback.iss = cigna_slice_str(iss);
    a.flow.callback.error = cigna_slice_str(error);

    if (code) {
        a.flow.callback.code = cigna_slice_str(code);
    }

    outcome = finish(&a)->outcome;
    world_end(&a);

    return outcome;
}


static void
another_iss_is_refused_before_the_code_is_spent(void **state)
{
    (void) state;

    assert_int_equal(outcome_with("https://evil.example", "", NULL),
                     cigna_dance_outcome_issuer_mismatch);
    assert_int_equal(w.auth.codes_posted, 0);
    assert_remembered(&dance, "issuer_mismatch");
}


static void
the_right_iss_is_accepted(void **state)
{
    (void) state;

    assert_int_equal(outcome_with("https://as.example", "", NULL),
                     cigna_dance_outcome_connected);
}


static void
iss_is_demanded_where_it_is_announced(void **state)
{
    (void) state;

    w.provider.iss_supported = 1;

    assert_int_equal(outcome_with("", "", NULL),
                     cigna_dance_outcome_issuer_mismatch);
}


static void
iss_counts_for_errors_too(void **state)
{
    (void) state;

    assert_int_equal(outcome_with("https://evil.example", "access_denied",
                                  ""),
                     cigna_dance_outcome_issuer_mismatch);
}


static void
iss_must_be_the_issuer_at_the_start_of_the_dance(void **state)
{
    (void) state;

    w.provider.issuer = cigna_slice("https://new.example");

    assert_int_equal(outcome_with("https://new.example", "", NULL),
                     cigna_dance_outcome_issuer_mismatch);
}


static void
access_denied_is_denied(void **state)
{
    (void) state;

    assert_int_equal(outcome_with("", "access_denied", ""),
                     cigna_dance_outcome_denied);
    assert_remembered(&dance, "denied");
}


static void
any_other_error_gives_provider_error(void **state)
{
    (void) state;

    assert_int_equal(outcome_with("", "server_error", ""),
                     cigna_dance_outcome_provider_error);
}


static void
an_error_that_a_browser_made_up_is_quoted_safely(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    (void) hit(&a, &dance);
    a.flow.callback.error = cigna_slice("a b\n\x1b[0m\xff");
    f = finish(&a);

    assert_string_equal(f->detail,
                        "the authorization server says: a?b??[0m?");
}


static void
a_reply_without_code_is_an_invalid_request(void **state)
{
    (void) state;

    assert_int_equal(outcome_with("", "", ""),
                     cigna_dance_outcome_invalid_request);
    assert_remembered(&dance, "invalid_request");
}


/* tests of the key set */

static void
keys_are_fetched_before_the_code_is_sent(void **state)
{
    (void) state;

    use_keys();

    (void) hit(&a, &dance);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_fine);

    assert_int_equal(a.op.type, cigna_op_http);
    assert_slice(a.op.http.request.url, "https://as.example/jwks");
    assert_int_equal(a.op.http.request.body.len, 0);

    world_step(&w, &a, world_error);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_error);

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_keys_unreachable);
    assert_int_equal(w.auth.codes_posted, 0);
    assert_remembered(&dance, "keys_unreachable");
}


static void
keys_are_fetched_once_an_hour(void **state)
{
    dance_t  next;

    (void) state;

    use_keys();
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 1);

    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 1);

    w.now_ms += 3600 * 1000 + 1;
    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 2);
}


static void
a_clock_that_steps_back_makes_keys_old(void **state)
{
    dance_t  next;

    (void) state;

    use_keys();
    (void) outcome_of(&dance);

    w.now_ms -= 24 * 3600 * 1000;
    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 2);
}


static void
old_keys_serve_while_new_ones_cannot_be_fetched(void **state)
{
    unsigned  i;
    dance_t   next;

    (void) state;

    use_keys();
    (void) outcome_of(&dance);
    w.now_ms += 2 * 3600 * 1000;

    begin_dance(&next, "");
    (void) hit(&a, &next);

    for (i = 0; i < 2; i++) {
        stop_at_exchange(&a);
        world_step(&w, &a, world_unsent);
    }

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_connected);
    world_end(&a);

    /* the next request for the key set comes after a minute */

    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 1);

    w.now_ms += 60 * 1000 + 1;
    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 2);
}


static void
an_id_token_under_a_new_key_is_verified_after_one_more_fetch(void **state)
{
    dance_t  next;

    (void) state;

    use_keys();
    (void) outcome_of(&dance);
    w.now_ms += 60 * 1000;

    w.auth.key = 1;
    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 2);
}


static void
keys_are_not_fetched_again_at_once(void **state)
{
    dance_t  next;

    (void) state;

    use_keys();
    (void) outcome_of(&dance);

    w.auth.key = 1;
    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_id_token_invalid);
    assert_int_equal(w.auth.keys_fetched, 1);
}


static void
a_bad_signature_leads_to_one_more_fetch_of_the_keys(void **state)
{
    dance_t  next;

    (void) state;

    use_keys();
    (void) outcome_of(&dance);

    /* new keys may have the old kids, so the key set is fetched again */

    w.now_ms += 10 * 1000 + 1;
    w.auth.bad_signature = 1;
    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_id_token_invalid);
    assert_int_equal(w.auth.keys_fetched, 2);
}


static void
an_id_token_that_was_not_asked_for_is_verified_too(void **state)
{
    (void) state;

    use_keys();
    w.provider.scope = cigna_slice("patient/*.read openidx");

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.keys_fetched, 1);
}


static void
no_id_token_passes_without_the_keys_that_are_published(void **state)
{
    (void) state;

    use_keys();
    w.provider.scope = cigna_slice("patient/*.read");

    (void) hit(&a, &dance);
    stop_at_exchange(&a);
    world_step(&w, &a, world_fine);
    assert_slice(a.op.http.request.url, "https://as.example/jwks");
    world_step(&w, &a, world_error);

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_id_token_invalid);
}


static void
an_id_token_is_optional(void **state)
{
    cigna_grant_t  g;

    (void) state;

    use_keys();
    w.auth.id_token = 0;

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
    assert_true(grant_stored(&g));
    assert_int_equal(g.sub.len, 0);
}


static void
assert_id_token_refused(void)
{
    cigna_grant_t  g;

    (void) hit(&a, &dance);

    while (a.reports == 0) {
        world_step(&w, &a, world_fine);
    }

    /* the flow reports the outcome before it revokes the tokens */

    assert_int_equal(w.auth.revoked, 0);
    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_id_token_invalid);
    assert_remembered(&dance, "id_token_invalid");

    assert_int_equal(w.auth.revoked, 1);
    assert_string_equal(w.auth.last_revoked, WORLD_MARKER "-rt-0-1");
    assert_false(world_alive(&w.auth, cigna_slice(WORLD_MARKER "-at-0-1")));
    assert_false(grant_stored(&g));
}


static void
an_id_token_with_another_nonce_is_refused_and_the_tokens_revoked(void **state)
{
    (void) state;

    use_keys();
    w.auth.bad_nonce = 1;
    assert_id_token_refused();
}


static void
an_id_token_with_a_wrong_signature_is_refused(void **state)
{
    (void) state;

    use_keys();
    w.auth.bad_signature = 1;
    assert_id_token_refused();
}


static void
an_id_token_of_another_issuer_is_refused(void **state)
{
    (void) state;

    use_keys();
    (void) snprintf(w.auth.iss, sizeof(w.auth.iss), "https://evil.example");
    assert_id_token_refused();
}


/* tests of the exchange */

static void
an_unsent_code_is_sent_again_a_few_times(void **state)
{
    unsigned  n;
    dance_t   next;

    (void) state;

    (void) hit(&a, &dance);
    stop_at_exchange(&a);
    world_step(&w, &a, world_unsent);
    assert_int_equal(a.op.type, cigna_op_sleep);
    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_connected);
    world_end(&a);

    begin_dance(&next, "");
    (void) hit(&a, &next);

    for (n = 0; !a.done; ) {
        n += a.op.type == cigna_op_http;
        world_step(&w, &a, a.op.type == cigna_op_http ? world_unsent
                                                      : world_fine);
    }

    assert_int_equal(n, 3);
    assert_int_equal(a.flow.callback.outcome,
                     cigna_dance_outcome_exchange_unreachable);
    assert_remembered(&next, "exchange_unreachable");
}


static void
a_lost_code_is_not_sent_again(void **state)
{
    (void) state;

    (void) hit(&a, &dance);
    stop_at_exchange(&a);
    world_step(&w, &a, world_lost_after);

    assert_int_equal(finish(&a)->outcome,
                     cigna_dance_outcome_exchange_unreachable);
    assert_int_equal(w.auth.codes_posted, 1);
    world_end(&a);

    assert_int_equal(outcome_of(&dance),
                     cigna_dance_outcome_exchange_unreachable);
    assert_int_equal(w.auth.codes_posted, 1);
}


static void
a_code_is_sent_once_more_with_the_older_secret(void **state)
{
    dance_t            next;
    cigna_callback_t  *f;

    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    (void) hit(&a, &dance);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_int_equal(w.auth.codes_posted, 2);
    assert_string_equal(a.sent, WORLD_OLDER);
    assert_true(f->client_secret.worked && f->client_secret.older
                && f->client_secret.changed);
    world_end(&a);

    /* the older secret is sent first now, until the server refuses it */

    begin_dance(&next, "");
    assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.codes_posted, 3);

    world_knows_secret(&w.auth, 0);
    begin_dance(&next, "");
    (void) hit(&a, &next);
    f = finish(&a);
    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_int_equal(w.auth.codes_posted, 5);
    assert_true(f->client_secret.worked && !f->client_secret.older);
}


static void
the_dance_is_refused_if_neither_secret_is_known(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 3);
    (void) hit(&a, &dance);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_exchange_refused);
    assert_true(f->client_secret.refused);
    assert_false(f->client_secret.worked);
    assert_string_equal(f->detail, "the token endpoint says: invalid_client");
    assert_int_equal(w.auth.codes_posted, 2);
}


static void
a_code_that_was_held_up_is_not_sent_with_the_older_secret(void **state)
{
    (void) state;

    world_two_secrets(&w);
    world_knows_secret(&w.auth, 1);
    (void) hit(&a, &dance);
    stop_at_exchange(&a);
    w.now_ms += CIGNA_DANCE_CLAIM_MS / 2 + 1;

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_interrupted);
    assert_int_equal(w.auth.codes_posted, 1);
}


static void
every_answer_of_the_token_endpoint_has_an_outcome(void **state)
{
    size_t   i;
    dance_t  next;

    static const struct {
        unsigned                status;
        const char             *body;
        cigna_dance_outcome_e   outcome;
    } answers[] = {
        { 400, "{\"error\":\"invalid_grant\"}",
          cigna_dance_outcome_exchange_refused },
        { 401, "{\"error\":\"invalid_client\"}",
          cigna_dance_outcome_exchange_refused },
        { 200, "<html>log in</html>", cigna_dance_outcome_exchange_invalid },
        { 200, "{}", cigna_dance_outcome_exchange_invalid },
        { 302, "", cigna_dance_outcome_exchange_invalid },
        { 429, "", cigna_dance_outcome_exchange_unreachable },
        { 500, "{\"error\":\"internal server error\"}",
          cigna_dance_outcome_exchange_unreachable },
        { 503, "", cigna_dance_outcome_exchange_unreachable }
    };

    (void) state;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        begin_dance(&next, "");
        w.auth.answer_status = answers[i].status;
        (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body), "%s",
                        answers[i].body);

        assert_int_equal(outcome_of(&next), answers[i].outcome);
        assert_int_equal(outcome_of(&next), answers[i].outcome);
    }

    assert_int_equal(w.auth.codes_posted, sizeof(answers) / sizeof(answers[0]));
    assert_int_equal(w.auth.revoked, 0);
}


static void
an_odd_expires_in_gives_a_sound_expiry(void **state)
{
    size_t         i;
    dance_t        next;
    cigna_grant_t  g;

    static const struct {
        const char  *text;
        int64_t      seconds;
    } lives[] = {
        { "", 300 }, { "null", 300 }, { "0", 300 }, { "-1", 300 },
        { "\"599\"", 599 }, { "599.9", 599 }, { "1e300", 300 },
        { "99999999999999999", 300 }, { "\"soon\"", 300 }
    };

    (void) state;

    for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        begin_dance(&next, "");
        (void) snprintf(w.auth.expires_in, sizeof(w.auth.expires_in), "%s",
                        lives[i].text);

        assert_int_equal(outcome_of(&next), cigna_dance_outcome_connected);
        assert_true(grant_stored(&g));
        assert_int_equal(g.expires_ms - w.now_ms, lives[i].seconds * 1000);
    }
}


static void
a_reply_without_scope_grants_the_requested_scope(void **state)
{
    cigna_grant_t  g;

    (void) state;

    w.auth.scope[0] = '\0';

    (void) outcome_of(&dance);
    assert_true(grant_stored(&g));
    assert_slice(g.scope, "openid fhirUser patient/*.read");
}


/* tests of the grant in the vault */

static void
a_grant_is_kept_as_long_as_it_can_be_renewed(void **state)
{
    (void) state;

    (void) outcome_of(&dance);

    w.now_ms += INT64_C(400) * 24 * 3600 * 1000 - 1;
    assert_non_null(world_get(&w.redis, w.identity.grant_key, "i"));
    w.now_ms++;
    assert_null(world_get(&w.redis, w.identity.grant_key, "i"));
}


static void
a_grant_without_refresh_token_is_kept_a_week_after_it_expires(void **state)
{
    (void) state;

    w.auth.tokens = world_none;
    (void) outcome_of(&dance);

    w.now_ms += 3599 * 1000 + 7 * 24 * 3600 * 1000 - 1;
    assert_non_null(world_get(&w.redis, w.identity.grant_key, "i"));
    w.now_ms++;
    assert_null(world_get(&w.redis, w.identity.grant_key, "i"));
}


/* runs the actor until the script that stores the grant is pending */

static void
stop_at_put(world_actor_t *actor)
{
    while (actor->op.type != cigna_op_script
           || actor->op.redis.script
              != cigna_script(cigna_script_grant_install))
    {
        world_step(&w, actor, world_fine);
    }
}


static void
a_grant_whose_store_was_not_confirmed_is_stored_again(void **state)
{
    unsigned       i;
    cigna_grant_t  g;

    (void) state;

    (void) hit(&a, &dance);

    for (i = 0; i < 7; i++) {
        stop_at_put(&a);
        world_step(&w, &a, i % 2 ? world_lost_after : world_unsent);
    }

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_connected);
    assert_true(grant_stored(&g));
    assert_true(cigna_slice_eq(g.id, a.flow.callback.grant.id));
    assert_int_equal(w.redis.published, 1);
    assert_int_equal(w.auth.revoked, 0);
}


static void
tokens_of_a_grant_that_cannot_be_stored_are_revoked(void **state)
{
    (void) state;

    (void) hit(&a, &dance);

    while (!a.done) {
        world_step(&w, &a,
                   a.op.type == cigna_op_script
                   && a.op.redis.script
                      == cigna_script(cigna_script_grant_install)
                   ? world_error : world_fine);
    }

    assert_int_equal(a.flow.callback.outcome, cigna_dance_outcome_store_failed);
    assert_false(a.flow.callback.stored);
    assert_int_equal(w.auth.revoked, 1);
    assert_false(world_alive(&w.auth, cigna_slice(WORLD_MARKER "-rt-0-1")));
    assert_remembered(&dance, "store_failed");
}


static void
a_repeated_store_revives_no_grant_that_was_deleted(void **state)
{
    cigna_grant_t  g;

    (void) state;

    (void) hit(&a, &dance);
    stop_at_put(&a);
    world_step(&w, &a, world_lost_after);

    world_disconnect(&w, &b);
    world_run(&w, &b);
    assert_true(b.flow.disconnect.existed);

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_store_failed);
    assert_false(grant_stored(&g));
}


static void
a_repeated_store_replaces_no_newer_grant(void **state)
{
    dance_t        next;
    cigna_grant_t  g;

    (void) state;

    begin_dance(&next, "");

    (void) hit(&a, &dance);
    stop_at_put(&a);
    world_step(&w, &a, world_lost_after);

    (void) hit(&b, &next);
    assert_int_equal(finish(&b)->outcome, cigna_dance_outcome_connected);

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_store_failed);
    assert_true(grant_stored(&g));
    assert_slice(g.access_token, WORLD_MARKER "-at-1-1");
    assert_true(world_alive(&w.auth, g.access_token));
}


static void
a_new_grant_replaces_the_old_one_under_an_id_of_its_own(void **state)
{
    char           id[CIGNA_GRANT_ID_LEN + 1];
    dance_t        next;
    cigna_grant_t  g;

    (void) state;

    (void) outcome_of(&dance);
    assert_true(grant_stored(&g));
    (void) snprintf(id, sizeof(id), "%.*s", (int) g.id.len, g.id.data);

    begin_dance(&next, "");
    (void) outcome_of(&next);
    assert_true(grant_stored(&g));

    assert_false(cigna_slice_eq(g.id, cigna_slice_str(id)));
    assert_int_equal(g.generation, 1);
    assert_slice(g.access_token, WORLD_MARKER "-at-1-1");
}


static void
a_stored_grant_is_published(void **state)
{
    char  message[128];

    (void) state;

    (void) outcome_of(&dance);

    (void) snprintf(message, sizeof(message), "%.*s %.*s 1", CIGNA_NAME_LEN,
                    (const char *) w.identity.hash, CIGNA_GRANT_ID_LEN,
                    (const char *) world_get(&w.redis, w.identity.grant_key,
                                             "i")->data);
    assert_int_equal(w.redis.published, 1);
    assert_string_equal(w.redis.message, message);
}


/* tests of failures */

static void
a_redis_error_is_not_an_unknown_state(void **state)
{
    unsigned  n;

    (void) state;

    (void) hit(&a, &dance);

    for (n = 0; !a.done; n += a.op.type == cigna_op_script) {
        world_step(&w, &a, world_error);
    }

    assert_int_equal(n, 3);
    assert_int_equal(a.flow.callback.outcome, cigna_dance_outcome_store_failed);
    world_end(&a);

    /* the dance was not taken, so a reload of the page ends it well */

    assert_open(&dance);
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
}


static void
a_run_whose_claim_had_no_reply_gets_the_dance(void **state)
{
    (void) state;

    (void) hit(&a, &dance);
    world_step(&w, &a, world_fine);
    world_step(&w, &a, world_lost_after);

    assert_int_equal(finish(&a)->outcome, cigna_dance_outcome_connected);
}


static void
a_dance_that_no_key_opens_is_an_outage(void **state)
{
    cigna_keyring_t  *ring;

    (void) state;

    ring = w.vault.ring;
    w.vault.ring = ring_of(NAME OTHER);

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_store_failed);
    assert_int_equal(w.auth.codes_posted, 0);

    cigna_keyring_destroy(w.vault.ring);
    w.vault.ring = ring;
}


static void
without_a_token_endpoint_no_dance_is_taken(void **state)
{
    cigna_slice_t  endpoint;

    (void) state;

    endpoint = w.provider.token_endpoint;
    w.provider.token_endpoint = cigna_slice_null;
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_discovery_failed);

    w.provider.token_endpoint = endpoint;
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
}


static void
a_place_that_redis_made_up_is_not_gone_to(void **state)
{
    cigna_callback_t  *f;

    (void) state;

    (void) outcome_of(&dance);
    world_set(&w.redis, cigna_slice_str(dance.key), "r",
              "https://evil.example/");

    (void) hit(&a, &dance);
    f = finish(&a);

    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_int_equal(f->return_to.len, 0);
}


/* checks the state after a run in which one operation failed */

static void
check_after_fault(world_actor_t *actor, const dance_t *d)
{
    cigna_grant_t      g;
    cigna_callback_t  *f;

    f = &actor->flow.callback;

    assert_int_equal(actor->reports, 1);
    assert_int_not_equal(f->outcome, cigna_dance_outcome_none);
    assert_null(strstr(f->detail, WORLD_MARKER));

    if (f->outcome == cigna_dance_outcome_connected) {
        assert_true(grant_stored(&g));
        assert_true(world_alive(&w.auth, g.refresh_token));
        assert_int_equal(w.auth.revoked, 0);

    } else {
        assert_false(grant_stored(&g));
        assert_false(world_alive(&w.auth, cigna_slice(WORLD_MARKER "-at-0-1"))
                     && w.auth.codes_posted && actor->lost == 0);
    }

    /* the dance has ended or is open as before, but does not stay taken */

    assert_true(dance_field(d, "o") || !dance_field(d, "t"));
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
            use_keys();
            begin_dance(&dance, "");

            (void) hit(&a, &dance);
            last = !world_run_fault(&w, &a, nth, kind);
            check_after_fault(&a, &dance);
            world_end(&a);
        }

        /*
         * the run had at least six operations: claim, keys, exchange, install,
         * end, forget
         */

        assert_true(nth > 6);
    }
}


static void
too_little_room_stores_no_grant(void **state)
{
    size_t    size;
    uint8_t  *mem;

    (void) state;

    for (size = 256; size < 16 * 1024; size += 64) {
        begin_dance(&dance, "");
        (void) hit(&a, &dance);
        mem = malloc(size);
        free(a.arena.start);
        cigna_arena_init(&a.arena, mem, size);
        a.flow.callback.code = cigna_slice_str(dance.code);
        a.flow.callback.state_param = cigna_slice_str(dance.state);
        a.flow.callback.secret = cigna_slice_str(dance.secret);

        if (finish(&a)->outcome == cigna_dance_outcome_connected) {
            return;
        }

        assert_null(world_get(&w.redis, w.identity.grant_key, "i"));
        world_end(&a);

        world_done(&w);
        world_init(&w);
    }

    fail();
}


/*
 * a run that dies while it asks for the identifier leaves a dance that has
 * ended
 */

static void
the_identifier_is_learned_after_the_dance_has_ended(void **state)
{
    cigna_grant_t      g;
    cigna_callback_t  *f;

    (void) state;

    w.provider.userinfo = 1;
    f = hit(&a, &dance);

    while (!w.auth.userinfo_asked) {
        assert_false(a.done);
        world_step(&w, &a, world_fine);
    }

    assert_remembered(&dance, "connected");
    assert_int_equal(a.reports, 0);

    (void) finish(&a);
    assert_int_equal(f->outcome, cigna_dance_outcome_connected);
    assert_int_equal(f->userinfo.rc, cigna_userinfo_known);
    assert_slice(f->grant.userinfo, "U0");
    assert_true(grant_stored(&g));
    assert_slice(g.userinfo, "U0");
}


static void
userinfo_is_not_asked_if_it_is_off_or_no_grant_was_stored(void **state)
{
    (void) state;

    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_connected);
    assert_int_equal(w.auth.userinfo_asked, 0);

    w.provider.userinfo = 1;
    begin_dance(&dance, "");
    w.auth.answer_status = 400;
    (void) snprintf(w.auth.answer_body, sizeof(w.auth.answer_body),
                    "{\"error\":\"invalid_grant\"}");
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_exchange_refused);
    assert_int_equal(outcome_of(&dance), cigna_dance_outcome_exchange_refused);
    assert_int_equal(w.auth.userinfo_asked, 0);
}


static void
a_dance_ends_connected_even_if_userinfo_fails(void **state)
{
    unsigned           statuses[] = { 200, 401, 404, 429, 500, 503 };
    unsigned           i;
    cigna_grant_t      g;
    cigna_callback_t  *f;

    (void) state;

    w.provider.userinfo = 1;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        w.auth.userinfo_status = statuses[i];
        (void) snprintf(w.auth.userinfo_body, sizeof(w.auth.userinfo_body),
                        "<html>");

        f = hit(&a, &dance);
        (void) finish(&a);
        assert_int_equal(f->outcome, cigna_dance_outcome_connected);
        assert_int_equal(f->userinfo.rc, cigna_userinfo_refused);
        assert_int_equal(f->grant.userinfo.len, 0);
        world_end(&a);

        assert_true(grant_stored(&g));
        assert_int_equal(g.userinfo.len, 0);
        assert_int_equal(w.auth.userinfo_asked, i + 1);
        begin_dance(&dance, "");
    }
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    begin_dance(&dance, "");

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_dance_ends_connected),
        test(a_request_of_another_browser_changes_nothing),
        test(a_request_without_the_cookie_changes_nothing),
        test(another_browser_is_not_shown_the_outcome_of_an_ended_dance),
        test(a_state_that_nobody_made_is_unknown),
        test(a_dance_expires_after_ten_minutes_and_is_kept_eight_days),
        test(a_dance_ends_once_however_many_requests_come),
        test(a_dance_that_ends_too_late_or_for_another_member_is_counted),
        test(a_request_of_another_browser_ends_no_dance),
        test(a_request_for_an_unknown_dance_has_a_reference),
        test(connect_sends_two_commands_to_redis_and_callback_five),
        test(a_story_has_the_answer_of_the_token_endpoint),
        test(a_story_has_no_error_code_that_a_browser_made_up),
        test(a_reload_shows_the_same_outcome_and_sends_no_code),
        test(a_reload_after_a_refusal_shows_the_refusal),
        test(a_concurrent_request_waits_and_shows_the_same_outcome),
        test(a_request_waits_ten_seconds_for_another_at_most),
        test(a_dance_is_taken_for_as_long_as_its_exchange_may_last),
        test(a_dance_taken_for_too_long_ends_interrupted_and_stays_so),
        test(a_run_that_was_held_up_spends_no_code),
        test(a_run_that_was_held_up_does_not_send_an_unsent_code_again),
        test(two_tabs_can_both_finish),
        test(an_ended_dance_is_no_longer_counted_as_open),
        test(another_member_ends_the_dance_and_gets_no_grant),
        test(another_member_does_not_disturb_a_dance_under_way_or_ended),
        test(the_same_member_of_another_tenant_is_another_identity),
        test(another_redirect_uri_is_a_tenant_mismatch),
        test(another_iss_is_refused_before_the_code_is_spent),
        test(the_right_iss_is_accepted),
        test(iss_is_demanded_where_it_is_announced),
        test(iss_counts_for_errors_too),
        test(iss_must_be_the_issuer_at_the_start_of_the_dance),
        test(access_denied_is_denied),
        test(any_other_error_gives_provider_error),
        test(an_error_that_a_browser_made_up_is_quoted_safely),
        test(a_reply_without_code_is_an_invalid_request),
        test(keys_are_fetched_before_the_code_is_sent),
        test(keys_are_fetched_once_an_hour),
        test(a_clock_that_steps_back_makes_keys_old),
        test(old_keys_serve_while_new_ones_cannot_be_fetched),
        test(an_id_token_under_a_new_key_is_verified_after_one_more_fetch),
        test(keys_are_not_fetched_again_at_once),
        test(a_bad_signature_leads_to_one_more_fetch_of_the_keys),
        test(an_id_token_that_was_not_asked_for_is_verified_too),
        test(no_id_token_passes_without_the_keys_that_are_published),
        test(an_id_token_is_optional),
        test(an_id_token_with_another_nonce_is_refused_and_the_tokens_revoked),
        test(an_id_token_with_a_wrong_signature_is_refused),
        test(an_id_token_of_another_issuer_is_refused),
        test(an_unsent_code_is_sent_again_a_few_times),
        test(a_lost_code_is_not_sent_again),
        test(a_code_is_sent_once_more_with_the_older_secret),
        test(the_dance_is_refused_if_neither_secret_is_known),
        test(a_code_that_was_held_up_is_not_sent_with_the_older_secret),
        test(every_answer_of_the_token_endpoint_has_an_outcome),
        test(an_odd_expires_in_gives_a_sound_expiry),
        test(a_reply_without_scope_grants_the_requested_scope),
        test(a_grant_is_kept_as_long_as_it_can_be_renewed),
        test(a_grant_without_refresh_token_is_kept_a_week_after_it_expires),
        test(a_grant_whose_store_was_not_confirmed_is_stored_again),
        test(tokens_of_a_grant_that_cannot_be_stored_are_revoked),
        test(a_repeated_store_revives_no_grant_that_was_deleted),
        test(a_repeated_store_replaces_no_newer_grant),
        test(a_new_grant_replaces_the_old_one_under_an_id_of_its_own),
        test(a_stored_grant_is_published),
        test(a_redis_error_is_not_an_unknown_state),
        test(a_run_whose_claim_had_no_reply_gets_the_dance),
        test(a_dance_that_no_key_opens_is_an_outage),
        test(without_a_token_endpoint_no_dance_is_taken),
        test(a_place_that_redis_made_up_is_not_gone_to),
        test(a_failure_of_any_operation_leaves_nothing_behind),
        test(too_little_room_stores_no_grant),
        test(the_identifier_is_learned_after_the_dance_has_ended),
        test(userinfo_is_not_asked_if_it_is_off_or_no_grant_was_stored),
        test(a_dance_ends_connected_even_if_userinfo_fails)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

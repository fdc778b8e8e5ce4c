
#include <stdio.h>
#include <stdlib.h>

#include "acting.h"

#include "dance/cigna_userinfo.h"


#define PARAMETERS(value)                                                     \
    "{\"resourceType\":\"Parameters\",\"parameter\":[" value "]}"


static uint8_t        mem[128 * 1024];
static cigna_arena_t  arena;
static char           id[CIGNA_GRANT_ID_LEN + 1];


/* reads the member's grant; 1 if there is one */

static int
there(cigna_grant_t *g)
{
    cigna_arena_wipe(&arena);

    return world_grant(&w, &arena, g) == CIGNA_OK;
}


static cigna_slice_t
connected(void)
{
    cigna_grant_t  g;

    world_connected(&w);
    assert_true(there(&g));
    (void) snprintf(id, sizeof(id), "%.*s", (int) g.id.len, g.id.data);

    return cigna_slice_str(id);
}


static cigna_userinfo_e
learn(cigna_slice_t grant)
{
    cigna_userinfo_e  rc;

    world_userinfo(&w, &a, grant);
    world_run(&w, &a);
    assert_null(strstr(a.flow.userinfo.detail, WORLD_MARKER));
    rc = a.flow.userinfo.rc;
    world_end(&a);

    return rc;
}


static void
refreshed(void)
{
    w.now_ms += 3599 * 1000;
    world_refresh(&w, &b);
    world_run(&w, &b);
    assert_int_equal(b.flow.refresh.rc, cigna_refresh_ok);
    world_end(&b);
}


static void
assert_userinfo(const char *text)
{
    cigna_grant_t  g;

    assert_true(there(&g));
    assert_slice(g.userinfo, text);
}


/* runs the actor until an operation of this type is pending */

static void
until_wanted(world_actor_t *actor, cigna_op_e type)
{
    while (!actor->done && (actor->steps == 0 || actor->op.type != type)) {
        world_step(&w, actor, world_fine);
    }

    assert_false(actor->done);
}


static void
the_identifier_is_put_beside_the_same_tokens(void **state)
{
    char           token[64];
    uint64_t       generation;
    cigna_slice_t  grant;
    cigna_grant_t  g;

    (void) state;

    grant = connected();
    assert_true(there(&g));
    assert_int_equal(g.userinfo.len, 0);
    generation = g.generation;
    (void) snprintf(token, sizeof(token), "%.*s", (int) g.access_token.len,
                    g.access_token.data);

    assert_int_equal(learn(grant), cigna_userinfo_known);
    assert_int_equal(w.auth.userinfo_asked, 1);

    assert_true(there(&g));
    assert_slice(g.userinfo, "U0");
    assert_slice(g.access_token, token);
    assert_int_equal(g.generation, generation);
}


static void
nodes_are_told_to_read_the_grant_again(void **state)
{
    char           text[128];
    unsigned       published;
    cigna_slice_t  grant;

    (void) state;

    grant = connected();
    published = w.redis.published;

    assert_int_equal(learn(grant), cigna_userinfo_known);
    assert_int_equal(w.redis.published, published + 1);
    (void) snprintf(text, sizeof(text), "%.*s - 0", CIGNA_NAME_LEN,
                    w.identity.hash);
    assert_string_equal(w.redis.message, text);
}


static void
a_known_identifier_is_not_asked_for_again(void **state)
{
    cigna_slice_t  grant;

    (void) state;

    grant = connected();
    assert_int_equal(learn(grant), cigna_userinfo_known);
    assert_int_equal(learn(grant), cigna_userinfo_current);
    assert_int_equal(w.auth.userinfo_asked, 1);
}


static void
a_refresh_keeps_the_identifier(void **state)
{
    (void) state;

    assert_int_equal(learn(connected()), cigna_userinfo_known);
    refreshed();
    assert_userinfo("U0");
}


static void
a_refresh_in_between_loses_nothing(void **state)
{
    cigna_grant_t  g;

    (void) state;

    world_userinfo(&w, &a, connected());
    until_wanted(&a, cigna_op_script);

    refreshed();

    world_run(&w, &a);
    assert_int_equal(a.flow.userinfo.rc, cigna_userinfo_known);
    world_end(&a);

    assert_int_equal(w.auth.userinfo_asked, 1);
    assert_true(there(&g));
    assert_slice(g.userinfo, "U0");
    assert_int_equal(g.generation, 2);
    assert_true(world_alive(&w.auth, g.access_token));
}


/* the refresh compares generations, so the identifier does not disturb it */

static void
a_userinfo_request_during_a_refresh_loses_nothing(void **state)
{
    cigna_grant_t  g;
    cigna_slice_t  grant;

    (void) state;

    grant = connected();
    w.now_ms += 3550 * 1000;

    world_refresh(&w, &b);
    until_wanted(&b, cigna_op_http);

    assert_int_equal(learn(grant), cigna_userinfo_known);

    world_run(&w, &b);
    assert_int_equal(b.flow.refresh.rc, cigna_refresh_ok);
    world_end(&b);

    assert_true(there(&g));
    assert_int_equal(g.generation, 2);

    /* the refresh has written the record without the identifier */

    assert_int_equal(g.userinfo.len, 0);
    assert_int_equal(learn(grant), cigna_userinfo_known);
}


static void
another_grant_never_gets_it(void **state)
{
    char  before[sizeof(id)];

    (void) state;

    world_userinfo(&w, &a, connected());
    until_wanted(&a, cigna_op_script);

    (void) snprintf(before, sizeof(before), "%s", id);
    (void) connected();
    assert_string_not_equal(id, before);

    a.flow.userinfo.id = cigna_slice_str(before);
    world_run(&w, &a);
    assert_int_equal(a.flow.userinfo.rc, cigna_userinfo_ended);
    world_end(&a);
    assert_userinfo("");

    assert_int_equal(learn(cigna_slice_str(before)), cigna_userinfo_ended);
    assert_int_equal(w.auth.userinfo_asked, 1);
}


static void
a_grant_that_is_gone_asks_nothing(void **state)
{
    cigna_slice_t  grant;

    (void) state;

    grant = connected();
    world_delete(&w.redis, w.identity.grant_key);

    assert_int_equal(learn(grant), cigna_userinfo_ended);
    assert_int_equal(w.auth.userinfo_asked, 0);
}


static void
a_token_that_has_expired_asks_nothing(void **state)
{
    cigna_slice_t  grant;

    (void) state;

    grant = connected();
    w.now_ms += 3600 * 1000;

    assert_int_equal(learn(grant), cigna_userinfo_ended);
    assert_int_equal(w.auth.userinfo_asked, 0);
}


static void
a_reply_without_an_identifier_changes_nothing(void **state)
{
    size_t              i;
    cigna_slice_t       grant;
    static const char  *bodies[] = {
        "", "<html>", "{}", "[]", PARAMETERS(""), PARAMETERS("1"),
        PARAMETERS("{}"), PARAMETERS("{\"valueString\":\"\"}"),
        PARAMETERS("{\"valueString\":1}"),
        "{\"resourceType\":\"OperationOutcome\","
            "\"parameter\":[{\"valueString\":\"U1\"}]}"
    };

    (void) state;

    grant = connected();
    w.auth.userinfo_status = 200;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        (void) snprintf(w.auth.userinfo_body, sizeof(w.auth.userinfo_body),
                        "%s",
                        bodies[i]);
        assert_int_equal(learn(grant), cigna_userinfo_refused);
    }

    assert_userinfo("");
}


static void
the_detail_has_the_status_of_a_refusal(void **state)
{
    (void) state;

    w.auth.userinfo_status = 404;
    world_userinfo(&w, &a, connected());
    world_run(&w, &a);

    assert_int_equal(a.flow.userinfo.rc, cigna_userinfo_refused);
    assert_string_equal(a.flow.userinfo.detail, "status: 404");
    world_end(&a);
    assert_userinfo("");
}


static void
no_failure_changes_the_grant(void **state)
{
    unsigned       nth, fault, more;
    cigna_slice_t  grant;
    cigna_grant_t  g;

    (void) state;

    for (fault = world_unsent; fault < world_faults; fault++) {

        for (nth = 1, more = 1; more; nth++) {
            world_done(&w);
            world_init(&w);
            grant = connected();

            world_userinfo(&w, &a, grant);
            more = world_run_fault(&w, &a, nth, fault);

            assert_int_equal(a.flow.userinfo.rc == cigna_userinfo_known,
                             !more);
            assert_true(w.auth.userinfo_asked <= 1);
            world_end(&a);

            assert_true(there(&g));
            assert_true(world_alive(&w.auth, g.access_token));
            assert_int_equal(g.generation, 1);
        }

        assert_int_equal(nth, 5);
    }
}


static void
an_identifier_is_taken_as_it_is(void **state)
{
    size_t         i;
    cigna_slice_t  value;

    static const struct {
        const char  *value;
        const char  *expected;
    } cases[] = {
        { "{\"name\":\"Patient\",\"valueString\":\"U1\"}", "U1" },
        { "{\"valueString\":\"ifp-A 1\"},{\"valueString\":\"U2\"}",
          "ifp-A 1" },
        { "{\"valueString\":\"\\u00e4\\/\\n\"}", "\xc3\xa4/\n" }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char  body[256];

        (void) snprintf(body, sizeof(body), PARAMETERS("%s"), cases[i].value);
        assert_int_equal(cigna_userinfo_parse(cigna_slice_str(body), &arena,
                                              &value),
                         CIGNA_OK);
        assert_slice(value, cases[i].expected);
    }
}


static void
an_identifier_that_is_too_long_is_refused(void **state)
{
    char           body[2 * CIGNA_USERINFO_MAX];
    size_t         len;
    cigna_slice_t  value;

    (void) state;

    for (len = CIGNA_USERINFO_MAX; len <= CIGNA_USERINFO_MAX + 1; len++) {
        (void) snprintf(body, sizeof(body),
                        PARAMETERS("{\"valueString\":\"%0*d\"}"), (int) len,
                        0);
        assert_int_equal(cigna_userinfo_parse(cigna_slice_str(body), &arena,
                                              &value),
                         len > CIGNA_USERINFO_MAX ? CIGNA_ERROR : CIGNA_OK);
    }

    cigna_arena_init(&arena, mem, 1);
    assert_int_equal(cigna_userinfo_parse(
                         cigna_slice(PARAMETERS("{\"valueString\":\"U1\"}")),
                         &arena, &value),
                     CIGNA_ERROR);
}


static void
every_result_has_a_name(void **state)
{
    (void) state;

    assert_string_equal(cigna_userinfo_name(cigna_userinfo_known), "known");
    assert_string_equal(cigna_userinfo_name(cigna_userinfo_unstored),
                        "unstored");
}


static int
setup(void **state)
{
    (void) state;

    new_world();
    cigna_arena_init(&arena, mem, sizeof(mem));

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(the_identifier_is_put_beside_the_same_tokens),
        test(nodes_are_told_to_read_the_grant_again),
        test(a_known_identifier_is_not_asked_for_again),
        test(a_refresh_keeps_the_identifier),
        test(a_refresh_in_between_loses_nothing),
        test(a_userinfo_request_during_a_refresh_loses_nothing),
        test(another_grant_never_gets_it),
        test(a_grant_that_is_gone_asks_nothing),
        test(a_token_that_has_expired_asks_nothing),
        test(a_reply_without_an_identifier_changes_nothing),
        test(the_detail_has_the_status_of_a_refusal),
        test(no_failure_changes_the_grant),
        test(an_identifier_is_taken_as_it_is),
        test(an_identifier_that_is_too_long_is_refused),
        test(every_result_has_a_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

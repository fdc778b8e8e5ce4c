
#include <stdio.h>

#include "support.h"

#include "cigna_oauth.h"


static uint8_t              mem[256 * 1024];
static cigna_arena_t        arena;
static cigna_token_reply_t  reply;


static cigna_token_e
read_reply(unsigned status, const char *body)
{
    cigna_token_e  e;
    cigna_slice_t  text;

    text = guarded(body);

    cigna_arena_init(&arena, mem, sizeof(mem));
    e = cigna_oauth_token_reply(status, text, &arena, &reply);

    /* what was read must not point into the body */

    memset((uint8_t *) text.data, '#', text.len);
    support_release();

    if (e != cigna_token_ok) {
        assert_slice(reply.access_token, "");
        assert_slice(reply.refresh_token, "");
        assert_slice(reply.id_token, "");
    }

    return e;
}


#define TOKEN    "\"access_token\":\"MARKER-access\""
#define BEARER   "\"token_type\":\"bearer\""
#define MINIMAL  TOKEN "," BEARER


static void
a_reply_of_cigna_is_read(void **state)
{
    (void) state;

    assert_int_equal(read_reply(200,
                         "{" MINIMAL ",\"expires_in\":3599,"
                         "\"scope\":\"search read openid\","
                         "\"refresh_token\":\"MARKER-refresh\","
                         "\"id_token\":\"a.b.c\","
                         "\"patient\":\"A00000000000005\"}"),
                     cigna_token_ok);
    assert_slice(reply.access_token, "MARKER-access");
    assert_slice(reply.refresh_token, "MARKER-refresh");
    assert_slice(reply.id_token, "a.b.c");
    assert_slice(reply.scope, "search read openid");
    assert_slice(reply.patient, "A00000000000005");
    assert_int_equal(reply.expires_in_s, 3599);
    assert_slice(reply.error, "");
}


static void
a_reply_needs_no_more_than_a_token_and_its_type(void **state)
{
    (void) state;

    assert_int_equal(read_reply(200, "{" MINIMAL "}"), cigna_token_ok);
    assert_slice(reply.access_token, "MARKER-access");
    assert_slice(reply.refresh_token, "");
    assert_slice(reply.scope, "");
    assert_int_equal(reply.expires_in_s, -1);

    assert_int_equal(read_reply(200, "{" TOKEN ",\"token_type\":\"BEARER\","
                                     "\"refresh_token\":null}"),
                     cigna_token_ok);
    assert_int_equal(read_reply(200, "{" MINIMAL ",\"refresh_token\":\"\"}"),
                     cigna_token_ok);
    assert_slice(reply.refresh_token, "");
}


static void
an_odd_life_of_a_token_is_no_reason_to_refuse_it(void **state)
{
    unsigned  i;
    char      body[256];

    static const struct { const char *text; int64_t life; }  lives[] = {
        { "3599", 3599 }, { "\"3599\"", 3599 }, { "599.9", 599 },
        { "1", 1 }, { "0", -1 }, { "-5", -1 }, { "\"-5\"", -1 },
        { "\"soon\"", -1 }, { "1e300", -1 }, { "99999999999999999999", -1 },
        { "31622400", 31622400 }, { "31622401", -1 }, { "true", -1 },
        { "null", -1 }, { "[]", -1 }, { "0.5", -1 }
    };

    (void) state;

    for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        snprintf(body, sizeof(body), "{" MINIMAL ",\"expires_in\":%s}",
                 lives[i].text);

        assert_int_equal(read_reply(200, body), cigna_token_ok);
        assert_int_equal(reply.expires_in_s, lives[i].life);
    }
}


static void
an_odd_scope_or_patient_is_taken_for_absent(void **state)
{
    (void) state;

    assert_int_equal(read_reply(200, "{" MINIMAL ",\"scope\":[\"a\"],"
                                     "\"patient\":5}"),
                     cigna_token_ok);
    assert_slice(reply.scope, "");
    assert_slice(reply.patient, "");

    assert_int_equal(read_reply(200, "{" MINIMAL ",\"scope\":\"a\\r\\nb\","
                                     "\"patient\":\"\\u0007\"}"),
                     cigna_token_ok);
    assert_slice(reply.scope, "");
    assert_slice(reply.patient, "");
}


static void
what_is_no_token_reply_is_invalid(void **state)
{
    unsigned  i;

    static const char *bodies[] = {
        "", "{}", "[]", "null", "\"bearer\"", "<html><body>Login</body></html>",
        "{" TOKEN "}", "{" BEARER "}",
        "{" TOKEN ",\"token_type\":\"mac\"}",
        "{" TOKEN ",\"token_type\":\"bearers\"}",
        "{" TOKEN ",\"token_type\":5}",
        "{" BEARER ",\"access_token\":\"\"}",
        "{" BEARER ",\"access_token\":null}",
        "{" BEARER ",\"access_token\":5}",
        "{" BEARER ",\"access_token\":[\"a\"]}",
        "{" TOKEN "," MINIMAL "}",
        "{" MINIMAL "", "{" MINIMAL "} x",
        "{" MINIMAL ",\"refresh_token\":5}",
        "{" MINIMAL ",\"id_token\":{}}"
    };

    (void) state;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(read_reply(200, bodies[i]), cigna_token_invalid);
        assert_int_equal(read_reply(302, bodies[i]), cigna_token_invalid);
        assert_int_equal(read_reply(400, bodies[i]), cigna_token_invalid);
    }

    /* a good body with another status */

    assert_int_equal(read_reply(201, "{" MINIMAL "}"), cigna_token_invalid);
    assert_int_equal(read_reply(302, "{" MINIMAL "}"), cigna_token_invalid);
    assert_int_equal(read_reply(400, "{" MINIMAL "}"), cigna_token_invalid);
    assert_int_equal(read_reply(0, "{" MINIMAL "}"), cigna_token_invalid);
}


static void
a_token_that_would_break_a_header_is_refused(void **state)
{
    unsigned  i;
    char      body[256];

    static const char *tokens[] = {
        "a\\r\\nX: y", "a\\u0000b", "a b", "a\\u007fb", "a\\u00e9b", "a\\tb",
        " a", "a "
    };

    (void) state;

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        snprintf(body, sizeof(body), "{" BEARER ",\"access_token\":\"%s\"}",
                 tokens[i]);
        assert_int_equal(read_reply(200, body), cigna_token_invalid);
    }

    assert_int_equal(read_reply(200, "{" MINIMAL ",\"refresh_token\":\""
                                     "a\\nb\"}"),
                     cigna_token_invalid);

    /* RFC 6749, appendix A.17: 1*VSCHAR, of which a space is one */

    assert_int_equal(read_reply(200, "{" MINIMAL ",\"refresh_token\":\""
                                     "a b~!\"}"),
                     cigna_token_ok);
    assert_slice(reply.refresh_token, "a b~!");

    assert_int_equal(read_reply(200, "{" BEARER ",\"access_token\":\""
                                     "aZ09-._~+/|:==\"}"),
                     cigna_token_ok);
}


static void
tokens_are_bounded(void **state)
{
    char           *body;
    size_t          len;
    unsigned        i;
    cigna_token_e   expect;

    static const struct { const char *name; size_t max; }  tokens[] = {
        { "access_token", CIGNA_ACCESS_TOKEN_MAX },
        { "refresh_token", CIGNA_REFRESH_TOKEN_MAX },
        { "id_token", CIGNA_ID_TOKEN_MAX }
    };

    (void) state;

    body = test_malloc(64 * 1024);

    for (i = 0; i < 3; i++) {
        for (len = tokens[i].max; len <= tokens[i].max + 1; len++) {

            snprintf(body, 64 * 1024, "{" BEARER "%s,\"%s\":\"%0*d\"}",
                     i ? "," TOKEN : "", tokens[i].name, (int) len, 0);

            expect = (len > tokens[i].max) ? cigna_token_invalid
                                           : cigna_token_ok;
            assert_int_equal(read_reply(200, body), expect);
        }
    }

    test_free(body);
}


static void
invalid_grant_counts_in_json_with_400_or_401_only(void **state)
{
    const char  *body = "{\"error\":\"invalid_grant\"}";

    (void) state;

    assert_int_equal(read_reply(400, body), cigna_token_invalid_grant);
    assert_int_equal(read_reply(401, body), cigna_token_invalid_grant);
    assert_slice(reply.error, "invalid_grant");

    assert_int_equal(read_reply(200, body), cigna_token_refused);
    assert_int_equal(read_reply(403, body), cigna_token_refused);
    assert_int_equal(read_reply(429, body), cigna_token_throttled);
    assert_int_equal(read_reply(500, body), cigna_token_failed);
    assert_int_equal(read_reply(503, body), cigna_token_failed);

    assert_int_equal(read_reply(400, "error=invalid_grant"),
                     cigna_token_invalid);
    assert_int_equal(read_reply(400, "<html>invalid_grant</html>"),
                     cigna_token_invalid);
    assert_int_equal(read_reply(400, "[\"invalid_grant\"]"),
                     cigna_token_invalid);
    assert_int_equal(read_reply(400, "{\"error\":[\"invalid_grant\"]}"),
                     cigna_token_invalid);
    assert_int_equal(read_reply(400, "{\"error\":\"Invalid_grant\"}"),
                     cigna_token_invalid);
    assert_int_equal(read_reply(400, "{\"error\":\"invalid_grant\\u0000\"}"),
                     cigna_token_invalid);
}


static void
our_own_mistakes_are_not_the_grant_s_end(void **state)
{
    (void) state;

    assert_int_equal(read_reply(401, "{\"error\":\"invalid_client\","
                                     "\"error_description\":\"FBTOAU204E An "
                                     "invalid secret\"}"),
                     cigna_token_refused);
    assert_slice(reply.error, "invalid_client");
    assert_slice(reply.error_description, "FBTOAU204E An invalid secret");

    assert_int_equal(read_reply(400, "{\"error\":\"invalid_request\"}"),
                     cigna_token_refused);
    assert_int_equal(read_reply(400, "{\"error\":\"invalid_scope\"}"),
                     cigna_token_refused);
    assert_int_equal(read_reply(400, "{\"error\":\"unauthorized_client\"}"),
                     cigna_token_refused);
    assert_int_equal(read_reply(400, "{\"error\":\"unsupported_grant_type\"}"),
                     cigna_token_refused);
}


static void
an_error_beside_a_token_wins(void **state)
{
    (void) state;

    assert_int_equal(read_reply(200, "{" MINIMAL ",\"error\":\""
                                     "invalid_scope\"}"),
                     cigna_token_refused);
    assert_int_equal(read_reply(200, "{" MINIMAL ",\"error\":5}"),
                     cigna_token_invalid);
}


static void
an_error_that_is_no_code_is_no_token_reply(void **state)
{
    (void) state;

    assert_int_equal(read_reply(500, "{\"error\":\"internal server error\"}"),
                     cigna_token_failed);
    assert_slice(reply.error, "internal server error");

    assert_int_equal(read_reply(400, "{\"error\":\"internal server error\"}"),
                     cigna_token_invalid);
}


static void
a_server_in_trouble_is_told_from_one_that_refuses(void **state)
{
    (void) state;

    assert_int_equal(read_reply(429, ""), cigna_token_throttled);
    assert_int_equal(read_reply(429, "{" MINIMAL "}"), cigna_token_throttled);
    assert_int_equal(read_reply(500, "<html>"), cigna_token_failed);
    assert_int_equal(read_reply(502, "{" MINIMAL "}"), cigna_token_failed);
    assert_int_equal(read_reply(599, ""), cigna_token_failed);
}


static void
what_goes_into_a_log_is_made_fit_for_it(void **state)
{
    unsigned  i;
    char      body[512];

    (void) state;

    (void) read_reply(400, "{\"error\":\"a\\nb\\\"c\\\\d'e\\u00e9\","
                           "\"error_description\":\"x\\r\\ny\\u001b[0m\"}");
    assert_slice(reply.error, "a?b?c?d?e??");
    assert_slice(reply.error_description, "x??y?[0m");

    snprintf(body, sizeof(body), "{\"error\":\"%0*d\","
             "\"error_description\":\"%0*d\"}", 100, 0, 200, 0);
    (void) read_reply(400, body);
    assert_int_equal(reply.error.len, 64);
    assert_int_equal(reply.error_description.len, 128);

    for (i = 0; i < reply.error.len; i++) {
        assert_int_equal(reply.error.data[i], '0');
    }
}


static void
a_reply_cut_short_is_invalid(void **state)
{
    size_t         len;
    cigna_slice_t  text;

    static const char  body[] =
        "{" MINIMAL ",\"expires_in\":3599,\"scope\":\"a\"}";

    (void) state;

    for (len = 0; len < sizeof(body) - 1; len++) {
        text.data = place_at_page_end(body, len);
        text.len = len;

        cigna_arena_init(&arena, mem, sizeof(mem));
        assert_int_equal(cigna_oauth_token_reply(200, text, &arena, &reply),
                         cigna_token_invalid);
        assert_slice(reply.access_token, "");
        support_release();
    }
}


static void
too_little_room_gives_no_half_reply(void **state)
{
    size_t         size;
    uint8_t        room[64];
    cigna_token_e  e;

    (void) state;

    for (size = 0; ; size++) {
        cigna_arena_init(&arena, room, size);
        e = cigna_oauth_token_reply(200,
                cigna_slice("{" MINIMAL ",\"refresh_token\":\"r\","
                            "\"id_token\":\"i\",\"scope\":\"s\","
                            "\"patient\":\"p\"}"), &arena, &reply);

        if (e == cigna_token_ok) {
            break;
        }

        assert_int_equal(e, cigna_token_invalid);
        assert_slice(reply.access_token, "");
    }

    assert_int_equal(size, sizeof("MARKER-access") - 1 + 4);
}


static void
failed_allocations_give_no_half_reply(void **state)
{
    unsigned       n;
    cigna_token_e  e;

    (void) state;

    for (n = 1; ; n++) {
        cigna_arena_init(&arena, mem, sizeof(mem));

        support_alloc_fail(n);
        e = cigna_oauth_token_reply(200, cigna_slice("{" MINIMAL "}"), &arena,
                                    &reply);

        if (!support_alloc_failed()) {
            break;
        }

        assert_int_equal(e, cigna_token_invalid);
    }

    assert_int_equal(e, cigna_token_ok);
}


static void
each_result_has_a_word(void **state)
{
    unsigned  i;

    (void) state;

    for (i = 0; i <= cigna_token_failed; i++) {
        assert_string_not_equal(cigna_token_name((cigna_token_e) i),
                                "unknown");
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_reply_of_cigna_is_read),
        cmocka_unit_test(a_reply_needs_no_more_than_a_token_and_its_type),
        cmocka_unit_test(an_odd_life_of_a_token_is_no_reason_to_refuse_it),
        cmocka_unit_test(an_odd_scope_or_patient_is_taken_for_absent),
        cmocka_unit_test(what_is_no_token_reply_is_invalid),
        cmocka_unit_test(a_token_that_would_break_a_header_is_refused),
        cmocka_unit_test(tokens_are_bounded),
        cmocka_unit_test(invalid_grant_counts_in_json_with_400_or_401_only),
        cmocka_unit_test(our_own_mistakes_are_not_the_grant_s_end),
        cmocka_unit_test(an_error_beside_a_token_wins),
        cmocka_unit_test(an_error_that_is_no_code_is_no_token_reply),
        cmocka_unit_test(a_server_in_trouble_is_told_from_one_that_refuses),
        cmocka_unit_test(what_goes_into_a_log_is_made_fit_for_it),
        cmocka_unit_test(a_reply_cut_short_is_invalid),
        cmocka_unit_test(too_little_room_gives_no_half_reply),
        cmocka_unit_test(failed_allocations_give_no_half_reply),
        cmocka_unit_test(each_result_has_a_word)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, NULL, NULL);
}

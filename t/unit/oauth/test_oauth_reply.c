
#include <stdio.h>

#include "support.h"

#include "oauth/cigna_oauth.h"


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

    /*
     * overwrites and frees the body: the reply's strings must not point into it
     */

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
an_odd_lifetime_counts_as_absent(void **state)
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
an_odd_scope_or_patient_counts_as_absent(void **state)
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


/* the body must be accepted; shape: the expected end of the text for the log */

static void
good(const char *body, const char *shape)
{
    char  expected[CIGNA_TOKEN_SHAPE_MAX];

    if (read_reply(200, body) != cigna_token_ok) {
        fail_msg("%s was refused: %s", body, reply.shape);
    }

    assert_slice(reply.access_token, "MARKER-access");

    (void) snprintf(expected, sizeof(expected), "status=200,length=%zu%s",
                    strlen(body), shape);
    assert_string_equal(reply.shape, expected);
}


static void
invalid(const char *body, const char *shape)
{
    char  expected[CIGNA_TOKEN_SHAPE_MAX];

    if (read_reply(200, body) != cigna_token_invalid) {
        fail_msg("%s was not refused", body);
    }

    (void) snprintf(expected, sizeof(expected), "status=200,length=%zu%s",
                    strlen(body), shape);
    assert_string_equal(reply.shape, expected);
}


static void
a_byte_order_mark_is_accepted(void **state)
{
    (void) state;

    good("\xef\xbb\xbf{" MINIMAL "}", "");
    good("\xef\xbb\xbf\r\n {" MINIMAL "}", "");
    invalid("\xef\xbb\xbf", ",json=none");
    invalid("{" MINIMAL "}\xef\xbb\xbf", ",json=none");
}


static void
white_space_is_accepted(void **state)
{
    (void) state;

    good("\r\n\t {\n " TOKEN " ,\n\t" BEARER "\n}\r\n\r\n ", "");
}


static void
any_status_of_success_brings_tokens(void **state)
{
    unsigned  status;

    (void) state;

    for (status = 200; status < 300; status++) {
        assert_int_equal(read_reply(status, "{" MINIMAL "}"), cigna_token_ok);
    }

    assert_int_equal(read_reply(199, "{" MINIMAL "}"), cigna_token_invalid);
    assert_int_equal(read_reply(300, "{" MINIMAL "}"), cigna_token_invalid);
    assert_string_equal(reply.shape, "status=300,length=54");
}


static void
a_type_may_be_absent_or_odd(void **state)
{
    unsigned  i;
    char      body[256];

    static const char *const  bearer[] = {
        "null", "\"\"", "\" \"", "\"Bearer\"", "\"BEARER\"",
        "\"BearerToken\"", "\"bearertoken\"", "\"bearer_token\"",
        "\"Bearer Token\"", "\" Bearer\\r\\n\""
    };
    static const char *const  odd[] = {
        "5", "true", "[\"bearer\"]", "{\"a\":\"mac\"}", "\"Be\xff\"", "bearer"
    };

    (void) state;

    good("{" TOKEN "}", "");

    for (i = 0; i < sizeof(bearer) / sizeof(bearer[0]); i++) {
        (void) snprintf(body, sizeof(body), "{" TOKEN ",\"token_type\":%s}",
                        bearer[i]);
        good(body, "");
    }

    for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        (void) snprintf(body, sizeof(body), "{" TOKEN ",\"token_type\":%s}",
                        odd[i]);
        good(body, i < 5 ? ",token_type=odd" : "");
    }
}


static void
an_unknown_type_is_refused(void **state)
{
    unsigned  i;
    char      body[256];

    static const char *const  types[] = {
        "mac", "DPoP", "N_A", "bearers", "be", "bearer token x", "Bearer, mac",
        "Bearer\\r\\nX-Evil: 1", "bearertokenbearertoken"
    };

    (void) state;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        (void) snprintf(body, sizeof(body),
                        "{" TOKEN ",\"token_type\":\"%s\"}", types[i]);
        invalid(body, ",token_type=unknown");
    }
}


static void
a_bad_byte_affects_its_own_member_only(void **state)
{
    (void) state;

    good("{" MINIMAL ",\"name\":\"M\xfcller\"}", "");
    good("{\"n\xfc\":1," MINIMAL ",\"name\":\"\\u0000\\ud800\n\\x\"}", "");

    good("{" MINIMAL ",\"patient\":\"A\xff\",\"scope\":\"\xc3\","
         "\"expires_in\":\"5\xff\"}",
         ",scope=odd,patient=odd,expires_in=odd");
    assert_slice(reply.patient, "");
    assert_slice(reply.scope, "");
    assert_int_equal(reply.expires_in_s, -1);

    invalid("{" BEARER ",\"access_token\":\"a\xff\"}",
            ",access_token=unprintable");
    invalid("{" MINIMAL ",\"refresh_token\":\"a\xff\"}",
            ",refresh_token=unprintable");
}


static void
an_empty_error_counts_as_absent(void **state)
{
    (void) state;

    good("{" MINIMAL ",\"error\":\"\"}", "");
    good("{" MINIMAL ",\"error\":null,\"error_description\":null}", "");
    good("{" MINIMAL ",\"error\":\" \"}", "");
    good("{" MINIMAL ",\"error\":false}", ",error=odd");
    good("{" MINIMAL ",\"error\":{}}", ",error=odd");
    good("{" MINIMAL ",\"error\":\"none\"}", ",error=unknown");

    assert_int_equal(read_reply(400, "{" MINIMAL ",\"error\":\"\"}"),
                     cigna_token_invalid);
}


static void
a_member_may_occur_twice(void **state)
{
    (void) state;

    good("{" MINIMAL "," MINIMAL "}", "");
    good("{" MINIMAL ",\"x\":1,\"x\":2,\"y\":{\"z\":1,\"z\":2}}", "");

    good("{" MINIMAL ",\"expires_in\":5,\"expires_in\":6}",
         ",expires_in=twice");
    assert_int_equal(reply.expires_in_s, -1);

    good("{" MINIMAL ",\"patient\":\"A\",\"patient\":\"B\","
         "\"scope\":\"a\",\"scope\":\"b\"}",
         ",scope=twice,patient=twice");
    assert_slice(reply.patient, "");
    assert_slice(reply.scope, "");

    good("{" MINIMAL ",\"refresh_token\":\"r\",\"refresh_token\":\"r\"}", "");
    assert_slice(reply.refresh_token, "r");

    good("{" MINIMAL ",\"refresh_token\":\"r\",\"refresh_token\":\"s\","
         "\"id_token\":\"i\",\"id_token\":\"j\"}",
         ",refresh_token=twice,id_token=twice");
    assert_slice(reply.refresh_token, "");
    assert_slice(reply.id_token, "");
}


static void
two_access_tokens_are_refused(void **state)
{
    (void) state;

    invalid("{" MINIMAL ",\"access_token\":\"other\"}",
            ",access_token=twice,access_token=none");
    invalid("{" MINIMAL ",\"\\u0061ccess_token\":\"other\"}",
            ",access_token=twice,access_token=none");
    invalid("{\"access_token\":null," MINIMAL "}",
            ",access_token=twice,access_token=none");
}


/* a reply with two different errors must not end a grant */

static void
two_errors_count_as_none(void **state)
{
    (void) state;

    assert_int_equal(read_reply(400, "{\"error\":\"invalid_grant\","
                                     "\"error\":\"invalid_client\"}"),
                     cigna_token_invalid);
    assert_string_equal(reply.shape, "status=400,length=50,error=twice");
    assert_int_equal(read_reply(400, "{\"error\":\"invalid_grant\","
                                     "\"error\":\"invalid_grant\"}"),
                     cigna_token_invalid_grant);
}


static void
a_refresh_token_may_be_empty_or_odd(void **state)
{
    unsigned  i;
    char      body[256];

    static const struct { const char *text, *shape; }  tokens[] = {
        { "\"\"", "" }, { "null", "" }, { "false", ",refresh_token=odd" },
        { "5", ",refresh_token=odd" }, { "[\"r\"]", ",refresh_token=odd" },
        { "{}", ",refresh_token=odd" }
    };

    (void) state;

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        (void) snprintf(body, sizeof(body),
                        "{" MINIMAL ",\"refresh_token\":%s}", tokens[i].text);
        good(body, tokens[i].shape);
        assert_slice(reply.refresh_token, "");
    }
}


static void
an_id_token_that_is_not_a_string_is_absent(void **state)
{
    (void) state;

    good("{" MINIMAL ",\"id_token\":{}}", ",id_token=odd");
    assert_slice(reply.id_token, "");
    good("{" MINIMAL ",\"id_token\":5}", ",id_token=odd");
    good("{" MINIMAL ",\"id_token\":null}", "");
    good("{" MINIMAL ",\"id_token\":\"\"}", "");
}


/* cigna_jwt_verify() judges the id_token later */

static void
an_id_token_that_is_a_string_is_passed_on(void **state)
{
    (void) state;

    good("{" MINIMAL ",\"id_token\":\" a.b.c\\n\"}", "");
    assert_slice(reply.id_token, "a.b.c");
    good("{" MINIMAL ",\"id_token\":\"a b\"}", "");
    assert_slice(reply.id_token, "a b");
    good("{" MINIMAL ",\"id_token\":\"a\xff\"}", "");
    assert_slice(reply.id_token, "a\xef\xbf\xbd");
}


static void
many_oddities_together_lose_no_token(void **state)
{
    (void) state;

    good("\xef\xbb\xbf {" TOKEN "," TOKEN ",\"token_type\":{},"
         "\"error\":[],\"expires_in\":-1e999,\"scope\":[],"
         "\"patient\":{},\"id_token\":[],\"refresh_token\":\"r\","
         "\"name\":\"\xff\"}\n",
         ",error=odd,token_type=odd,id_token=odd,scope=odd,patient=odd");
    assert_slice(reply.refresh_token, "r");
}


static void
any_two_oddities_lose_no_token(void **state)
{
    unsigned  i, j, n;
    char      body[512];

    static const char *const  odd[] = {
        "\"token_type\":null", "\"token_type\":\"BearerToken\"",
        "\"token_type\":[]", "\"token_type\":\"Be\xff\"", "\"error\":\"\"",
        "\"error\":null", "\"error\":0", "\"error\":\"none\"",
        "\"expires_in\":\"3599\"", "\"expires_in\":-1",
        "\"expires_in\":1e999", "\"expires_in\":03599",
        "\"expires_in\":99999999999999999999999999999999999999",
        "\"scope\":[\"a\"]", "\"scope\":\"\xe9\"", "\"patient\":5",
        "\"patient\":{\"reference\":\"Patient/A1\"}", "\"id_token\":[]",
        "\"id_token\":\"\xff\"", "\"id_token\":\"\"",
        "\"name\":\"M\xfcller\"", "\"name\":\"\\ud800\\u0000\"",
        "\"na\tme\":\"\n\"", "\"x\":1,\"x\":2", TOKEN,
        "\"y\":{\"z\":1,\"z\":{}}"
    };

    (void) state;

    n = sizeof(odd) / sizeof(odd[0]);

    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) {
            (void) snprintf(body, sizeof(body), "%s{%s,\"refresh_token\":\"r\","
                            TOKEN ",%s}", (i + j) % 2 ? "\xef\xbb\xbf" : "\n ",
                            odd[i], odd[j]);

            if (read_reply(200 + i % 3, body) != cigna_token_ok) {
                fail_msg("%s was refused: %s", body, reply.shape);
            }

            assert_slice(reply.access_token, "MARKER-access");
            assert_slice(reply.refresh_token, "r");
        }
    }
}


static void
other_replies_are_invalid(void **state)
{
    unsigned  i;

    static const struct { const char *body, *shape; }  bodies[] = {
        { "", ",json=none" }, { "[]", ",json=none" }, { "null", ",json=none" },
        { "\"bearer\"", ",json=none" },
        { "<html><body>Login</body></html>", ",json=none" },
        { "{}", ",access_token=none" },
        { "{" BEARER "}", ",access_token=none" },
        { "{" BEARER ",\"access_token\":\"\"}", ",access_token=none" },
        { "{" BEARER ",\"access_token\":null}", ",access_token=none" },
        { "{" BEARER ",\"access_token\":5}",
          ",access_token=odd,access_token=none" },
        { "{" BEARER ",\"access_token\":[\"a\"]}",
          ",access_token=odd,access_token=none" },
        { "{\"tokens\":{" MINIMAL "}}", ",access_token=none" },
        { "[{" MINIMAL "}]", ",json=none" },
        { "{" MINIMAL "", ",json=none" }, { "{" MINIMAL "} x", ",json=none" }
    };

    (void) state;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        invalid(bodies[i].body, bodies[i].shape);
        assert_int_equal(read_reply(302, bodies[i].body), cigna_token_invalid);
        assert_int_equal(read_reply(400, bodies[i].body), cigna_token_invalid);
    }

    /* a good body with a status other than 2xx */

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

    /* a refresh token may have spaces (RFC 6749, appendix A.17: 1*VSCHAR) */

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

            /*
             * an id_token that is too long is passed on, for cigna_jwt_verify()
             * to refuse
             */

            expect = (i < 2 && len > tokens[i].max) ? cigna_token_invalid
                                                    : cigna_token_ok;
            assert_int_equal(read_reply(200, body), expect);
            assert_int_equal(reply.id_token.len, i < 2 ? 0 : len);
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
other_error_codes_do_not_end_the_grant(void **state)
{
    (void) state;

    assert_int_equal(read_reply(401, "{\"error\":\"invalid_client\","
                                     "\"error_description\":\"FBTOAU204E An "
                                     "invalid secret\"}"),
                     cigna_token_refused);
    assert_slice(reply.error, "invalid_client");

    assert_int_equal(read_reply(400, "{\"error\":\"invalid_request\"}"),
                     cigna_token_refused);
    assert_int_equal(read_reply(400, "{\"error\":\"invalid_scope\"}"),
                     cigna_token_refused);
    assert_int_equal(read_reply(400, "{\"error\":\"unauthorized_client\"}"),
                     cigna_token_refused);
    assert_int_equal(read_reply(400, "{\"error\":\"unsupported_grant_type\"}"),
                     cigna_token_refused);
}


/*
 * the server has spent the old refresh token, so the new tokens must not be
 * lost
 */

static void
tokens_override_an_error_beside_them(void **state)
{
    (void) state;

    good("{" MINIMAL ",\"error\":\"invalid_scope\"}", "");
    assert_int_equal(read_reply(201, "{" MINIMAL ",\"error\":\""
                                     "invalid_grant\"}"), cigna_token_ok);
    assert_int_equal(read_reply(400, "{" MINIMAL ",\"error\":\""
                                     "invalid_grant\"}"),
                     cigna_token_invalid_grant);
    assert_int_equal(read_reply(200, "{\"error\":\"invalid_grant\","
                                     "\"access_token\":\"\"}"),
                     cigna_token_refused);
}


static void
an_unknown_error_is_an_invalid_reply(void **state)
{
    (void) state;

    assert_int_equal(read_reply(500, "{\"error\":\"internal server error\"}"),
                     cigna_token_failed);
    assert_slice(reply.error, "internal server error");

    assert_int_equal(read_reply(400, "{\"error\":\"internal server error\"}"),
                     cigna_token_invalid);
}


static void
a_failing_server_differs_from_one_that_refuses(void **state)
{
    (void) state;

    assert_int_equal(read_reply(429, ""), cigna_token_throttled);
    assert_int_equal(read_reply(429, "{" MINIMAL "}"), cigna_token_throttled);
    assert_int_equal(read_reply(500, "<html>"), cigna_token_failed);
    assert_int_equal(read_reply(502, "{" MINIMAL "}"), cigna_token_failed);
    assert_int_equal(read_reply(599, ""), cigna_token_failed);
}


static void
texts_for_logs_are_sanitized(void **state)
{
    unsigned  i;
    char      body[512];

    (void) state;

    (void) read_reply(400, "{\"error\":\"a\\nb\\\"c\\\\d'e\\u00e9\"}");
    assert_slice(reply.error, "a?b?c?d?e??");

    (void) read_reply(400, "{\"error\":\"x\\r\\ny\\u001b[0m\"}");
    assert_slice(reply.error, "x??y?[0m");

    snprintf(body, sizeof(body), "{\"error\":\"%0*d\"}", 100, 0);
    (void) read_reply(400, body);
    assert_int_equal(reply.error.len, 64);

    for (i = 0; i < reply.error.len; i++) {
        assert_int_equal(reply.error.data[i], '0');
    }
}


static void
a_reply_that_is_cut_is_invalid(void **state)
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
        cmocka_unit_test(an_odd_lifetime_counts_as_absent),
        cmocka_unit_test(an_odd_scope_or_patient_counts_as_absent),
        cmocka_unit_test(a_byte_order_mark_is_accepted),
        cmocka_unit_test(white_space_is_accepted),
        cmocka_unit_test(any_status_of_success_brings_tokens),
        cmocka_unit_test(a_type_may_be_absent_or_odd),
        cmocka_unit_test(an_unknown_type_is_refused),
        cmocka_unit_test(a_bad_byte_affects_its_own_member_only),
        cmocka_unit_test(an_empty_error_counts_as_absent),
        cmocka_unit_test(a_member_may_occur_twice),
        cmocka_unit_test(two_access_tokens_are_refused),
        cmocka_unit_test(two_errors_count_as_none),
        cmocka_unit_test(a_refresh_token_may_be_empty_or_odd),
        cmocka_unit_test(an_id_token_that_is_not_a_string_is_absent),
        cmocka_unit_test(an_id_token_that_is_a_string_is_passed_on),
        cmocka_unit_test(many_oddities_together_lose_no_token),
        cmocka_unit_test(any_two_oddities_lose_no_token),
        cmocka_unit_test(other_replies_are_invalid),
        cmocka_unit_test(a_token_that_would_break_a_header_is_refused),
        cmocka_unit_test(tokens_are_bounded),
        cmocka_unit_test(invalid_grant_counts_in_json_with_400_or_401_only),
        cmocka_unit_test(other_error_codes_do_not_end_the_grant),
        cmocka_unit_test(tokens_override_an_error_beside_them),
        cmocka_unit_test(an_unknown_error_is_an_invalid_reply),
        cmocka_unit_test(a_failing_server_differs_from_one_that_refuses),
        cmocka_unit_test(texts_for_logs_are_sanitized),
        cmocka_unit_test(a_reply_that_is_cut_is_invalid),
        cmocka_unit_test(too_little_room_gives_no_half_reply),
        cmocka_unit_test(failed_allocations_give_no_half_reply),
        cmocka_unit_test(each_result_has_a_word)
    };

    support_alloc_init();

    return cmocka_run_group_tests(tests, NULL, NULL);
}

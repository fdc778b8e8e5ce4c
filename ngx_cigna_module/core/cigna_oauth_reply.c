
#include <string.h>

#include "cigna_json.h"
#include "cigna_oauth.h"


#define CIGNA_OAUTH_LIFE_MAX_S  (366 * 24 * 3600)

/* what is kept for logs */
#define CIGNA_OAUTH_ERROR_MAX        64
#define CIGNA_OAUTH_DESCRIPTION_MAX  128


static cigna_token_e cigna_oauth_reply_read(unsigned status,
    const cigna_json_t *doc, cigna_arena_t *arena, cigna_token_reply_t *reply);
static cigna_token_e cigna_oauth_reply_error(unsigned status,
    const cigna_json_t *doc);
static int cigna_oauth_reply_tokens(const cigna_json_t *doc,
    cigna_arena_t *arena, cigna_token_reply_t *reply);
static int cigna_oauth_reply_token(const cigna_json_t *doc, const char *name,
    size_t max, uint8_t lowest, cigna_arena_t *arena, cigna_slice_t *token);
static int cigna_oauth_reply_extra(const cigna_json_t *doc, const char *name,
    size_t max, cigna_arena_t *arena, cigna_slice_t *value);
static void cigna_oauth_reply_quote(const cigna_json_t *doc, const char *name,
    size_t max, cigna_arena_t *arena, cigna_slice_t *value);
static int cigna_oauth_reply_printable(cigna_slice_t s, uint8_t lowest);


cigna_token_e
cigna_oauth_token_reply(unsigned status, cigna_slice_t body,
    cigna_arena_t *arena, cigna_token_reply_t *reply)
{
    cigna_json_t   *doc;
    cigna_token_e   e;

    memset(reply, 0, sizeof(cigna_token_reply_t));
    reply->expires_in_s = -1;

    doc = cigna_json_parse(body);

    cigna_oauth_reply_quote(doc, "error", CIGNA_OAUTH_ERROR_MAX, arena,
                            &reply->error);
    cigna_oauth_reply_quote(doc, "error_description",
                            CIGNA_OAUTH_DESCRIPTION_MAX, arena,
                            &reply->error_description);

    e = cigna_oauth_reply_read(status, doc, arena, reply);

    cigna_json_destroy(doc);

    return e;
}


const char *
cigna_token_name(cigna_token_e e)
{
    switch (e) {

    case cigna_token_ok:
        return "ok";

    case cigna_token_invalid_grant:
        return "invalid_grant";

    case cigna_token_refused:
        return "refused";

    case cigna_token_invalid:
        return "invalid";

    case cigna_token_throttled:
        return "throttled";

    case cigna_token_failed:
        return "failed";
    }

    return "unknown";
}


/*
 * The status goes first: a server that is in trouble may say anything, also
 * "invalid_grant", and nobody's grant may end by that.
 */

static cigna_token_e
cigna_oauth_reply_read(unsigned status, const cigna_json_t *doc,
    cigna_arena_t *arena, cigna_token_reply_t *reply)
{
    cigna_slice_t  error;

    if (status == 429) {
        return cigna_token_throttled;
    }

    if (status >= 500) {
        return cigna_token_failed;
    }

    if (doc == NULL) {
        return cigna_token_invalid;
    }

    if (cigna_json_string(doc, "error", CIGNA_JSON_SIZE_MAX, &error)
        != CIGNA_NONE)
    {
        return cigna_oauth_reply_error(status, doc);
    }

    if (status != 200
        || cigna_oauth_reply_tokens(doc, arena, reply) != CIGNA_OK)
    {
        return cigna_token_invalid;
    }

    return cigna_token_ok;
}


/* RFC 6749, section 5.2; other words are no reply of a token endpoint */

static cigna_token_e
cigna_oauth_reply_error(unsigned status, const cigna_json_t *doc)
{
    size_t         i;
    cigna_slice_t  error;

    static const char *const  codes[] = {
        "invalid_grant", "invalid_request", "invalid_client",
        "unauthorized_client", "unsupported_grant_type", "invalid_scope"
    };

    (void) cigna_json_string(doc, "error", CIGNA_OAUTH_ERROR_MAX, &error);

    if (cigna_slice_eq(error, cigna_slice_str(codes[0]))
        && (status == 400 || status == 401))
    {
        return cigna_token_invalid_grant;
    }

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (cigna_slice_eq(error, cigna_slice_str(codes[i]))) {
            return cigna_token_refused;
        }
    }

    return cigna_token_invalid;
}


/* RFC 6749, section 5.1; all or nothing */

static int
cigna_oauth_reply_tokens(const cigna_json_t *doc, cigna_arena_t *arena,
    cigna_token_reply_t *reply)
{
    int                  rc;
    cigna_slice_t        type;
    cigna_token_reply_t  r;

    r = *reply;

    if (cigna_json_string(doc, "token_type", CIGNA_OAUTH_ERROR_MAX, &type)
        != CIGNA_OK
        || !cigna_slice_eq_case(type, cigna_slice("bearer")))
    {
        return CIGNA_ERROR;
    }

    /* a space would end the credentials of RFC 6750, section 2.1 */

    rc = cigna_oauth_reply_token(doc, "access_token", CIGNA_ACCESS_TOKEN_MAX,
                                 0x21, arena, &r.access_token);

    if (rc != CIGNA_OK
        || cigna_oauth_reply_token(doc, "refresh_token",
                                   CIGNA_REFRESH_TOKEN_MAX, 0x20, arena,
                                   &r.refresh_token)
           == CIGNA_ERROR
        || cigna_oauth_reply_token(doc, "id_token", CIGNA_ID_TOKEN_MAX, 0x21,
                                   arena, &r.id_token)
           == CIGNA_ERROR
        || cigna_oauth_reply_extra(doc, "scope", CIGNA_SCOPE_MAX, arena,
                                   &r.scope)
           != CIGNA_OK
        || cigna_oauth_reply_extra(doc, "patient", CIGNA_PATIENT_MAX,
                                   arena, &r.patient)
           != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    if (cigna_json_seconds(doc, "expires_in", CIGNA_OAUTH_LIFE_MAX_S,
                           &r.expires_in_s)
        != CIGNA_OK
        || r.expires_in_s == 0)
    {
        r.expires_in_s = -1;
    }

    *reply = r;

    return CIGNA_OK;
}


/* CIGNA_NONE if absent or empty; bytes must lie from lowest to "~" */

static int
cigna_oauth_reply_token(const cigna_json_t *doc, const char *name, size_t max,
    uint8_t lowest, cigna_arena_t *arena, cigna_slice_t *token)
{
    int            rc;
    cigna_slice_t  value;

    rc = cigna_json_string(doc, name, max, &value);
    if (rc != CIGNA_OK) {
        return rc;
    }

    if (value.len == 0) {
        return CIGNA_NONE;
    }

    if (!cigna_oauth_reply_printable(value, lowest)) {
        return CIGNA_ERROR;
    }

    return cigna_arena_copy(arena, value, token);
}


/*
 * What the tokens do not hang on: of a wrong form it counts as absent.
 * CIGNA_ERROR only if there is no room.
 */

static int
cigna_oauth_reply_extra(const cigna_json_t *doc, const char *name, size_t max,
    cigna_arena_t *arena, cigna_slice_t *value)
{
    cigna_slice_t  s;

    if (cigna_json_string(doc, name, max, &s) != CIGNA_OK
        || !cigna_oauth_reply_printable(s, 0x20))
    {
        s = cigna_slice_null;
    }

    return cigna_arena_copy(arena, s, value);
}


/* a member made fit for a log line; left empty if there is no room for it */

static void
cigna_oauth_reply_quote(const cigna_json_t *doc, const char *name, size_t max,
    cigna_arena_t *arena, cigna_slice_t *value)
{
    size_t         i;
    uint8_t        c;
    cigna_buf_t    b;
    cigna_slice_t  s;

    if (doc == NULL
        || cigna_json_string(doc, name, CIGNA_JSON_SIZE_MAX, &s) != CIGNA_OK)
    {
        return;
    }

    cigna_arena_open(arena, &b);

    for (i = 0; i < s.len && i < max; i++) {
        c = s.data[i];

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\'' || c == '\\') {
            c = '?';
        }

        cigna_buf_append_char(&b, c);
    }

    *value = cigna_arena_close(arena, &b);
}


static int
cigna_oauth_reply_printable(cigna_slice_t s, uint8_t lowest)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] < lowest || s.data[i] > 0x7e) {
            return 0;
        }
    }

    return 1;
}

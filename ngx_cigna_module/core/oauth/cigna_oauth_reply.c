
/*
 * Reads token replies (RFC 6749, section 5).  If the tokens can be read, the
 * reply is used, even if other parts of it are wrong: the server has already
 * spent the refresh token.
 *
 *                  absent, null,  of another   a bad string     twice, not
 *                  or empty       type                          written alike
 *
 *  access_token    invalid        invalid      invalid (1)      invalid (2)
 *  refresh_token   absent         absent       invalid (1)      absent
 *  id_token        absent         absent       passed on (3)    absent
 *  token_type      bearer         bearer       invalid (4)      bearer
 *  expires_in      unknown        unknown      unknown (5)      unknown
 *  scope, patient  unknown        unknown      unknown          unknown
 *  error           absent         absent (6)   absent (6)       absent (6)
 *
 * "Invalid" means that the whole reply is invalid: cigna_token_invalid.  Other
 * members are ignored.
 *
 * (1) The string is too long, or has a byte that is not printable ASCII.  An
 *     access token must not have a space either, where the credentials of RFC
 *     6750, section 2.1, would end.
 * (2) The gateway cannot tell which of two access tokens is right.  With the
 *     wrong one a member would see another member's data.
 * (3) cigna_jwt_verify() decides: the callback refuses a bad id_token, and a
 *     refresh ignores it.  White space around the id_token is cut off.
 * (4) An unknown type must not be used (RFC 6749, section 7.1).  "Bearer" and
 *     "BearerToken" are accepted in any case, with spaces, "_" and "-".  A type
 *     with a byte that is not ASCII counts as absent.
 * (5) The value is zero, negative, over a year, or not a number.  The tenant's
 *     token_lifetime then counts.
 * (6) An error beside tokens is ignored, even a code of RFC 6749: the server
 *     has spent the refresh token.  Without tokens such a code is a refusal,
 *     and any other word is logged.
 *
 * Tokens come with a status 2xx.  The text must be one JSON object, and may
 * have the faults that cigna_json_mend.h mends.  Text around the object, or
 * compression, makes the reply invalid.  Content-Type and Content-Encoding are
 * ignored.
 */


#include <stdio.h>
#include <string.h>

#include "json/cigna_json.h"
#include "json/cigna_json_scan.h"
#include "cigna_oauth.h"


#define CIGNA_OAUTH_LIFE_MAX_S  (366 * 24 * 3600)

/* most bytes of an error that are kept for logs */
#define CIGNA_OAUTH_ERROR_MAX   64


static cigna_json_t *cigna_oauth_reply_parse(cigna_slice_t body,
    cigna_token_reply_t *reply);
static cigna_token_e cigna_oauth_reply_read(unsigned status,
    const cigna_json_t *doc, cigna_arena_t *arena, cigna_token_reply_t *reply);
static cigna_token_e cigna_oauth_reply_error(unsigned status,
    const cigna_json_t *doc, cigna_token_reply_t *reply);
static int cigna_oauth_reply_tokens(const cigna_json_t *doc,
    cigna_token_reply_t *reply);
static int cigna_oauth_reply_bearer(const cigna_json_t *doc,
    cigna_token_reply_t *reply);
static int cigna_oauth_reply_token(const cigna_json_t *doc, const char *name,
    size_t max, uint8_t lowest, cigna_token_reply_t *reply,
    cigna_slice_t *token);
static int cigna_oauth_reply_string(const cigna_json_t *doc, const char *name,
    cigna_token_reply_t *reply, cigna_slice_t *value);
static void cigna_oauth_reply_extra(const cigna_json_t *doc, const char *name,
    size_t max, cigna_token_reply_t *reply, cigna_slice_t *value);
static void cigna_oauth_reply_life(const cigna_json_t *doc,
    cigna_token_reply_t *reply);
static int cigna_oauth_reply_copy(cigna_arena_t *arena,
    cigna_token_reply_t *reply);
static void cigna_oauth_reply_note(cigna_token_reply_t *reply,
    const char *name, const char *what);
static cigna_slice_t cigna_oauth_reply_quote(const cigna_json_t *doc,
    cigna_arena_t *arena);
static cigna_slice_t cigna_oauth_reply_trim(cigna_slice_t s);
static int cigna_oauth_reply_printable(cigna_slice_t s, uint8_t lowest);


cigna_token_e
cigna_oauth_token_reply(unsigned status, cigna_slice_t body,
    cigna_arena_t *arena, cigna_token_reply_t *reply)
{
    cigna_json_t   *doc;
    cigna_token_e   e;

    memset(reply, 0, sizeof(cigna_token_reply_t));
    reply->expires_in_s = -1;

    (void) snprintf(reply->shape, CIGNA_TOKEN_SHAPE_MAX,
                    "status=%u,length=%zu", status, body.len);

    doc = cigna_oauth_reply_parse(body, reply);

    reply->error = cigna_oauth_reply_quote(doc, arena);

    e = cigna_oauth_reply_read(status, doc, arena, reply);

    cigna_json_destroy(doc);

    return e;
}


const char *
cigna_token_name(cigna_token_e e)
{
    static const char *const  names[] = {
        [cigna_token_ok] = "ok",
        [cigna_token_invalid_grant] = "invalid_grant",
        [cigna_token_refused] = "refused",
        [cigna_token_invalid] = "invalid",
        [cigna_token_throttled] = "throttled",
        [cigna_token_failed] = "failed"
    };

    return ((unsigned) e <= cigna_token_failed) ? names[e] : "unknown";
}


static cigna_json_t *
cigna_oauth_reply_parse(cigna_slice_t body, cigna_token_reply_t *reply)
{
    size_t         i;
    cigna_json_t  *doc;

    static const char *const  names[] = {
        "access_token", "refresh_token", "id_token", "token_type",
        "expires_in", "scope", "patient", "error"
    };

    doc = cigna_json_read(body);

    if (doc == NULL) {
        cigna_oauth_reply_note(reply, "json", "none");
        return NULL;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cigna_json_settle(doc, body, names[i])) {
            cigna_oauth_reply_note(reply, names[i], "twice");
        }
    }

    return doc;
}


/*
 * The status is read first.  A server in trouble may say anything, even
 * "invalid_grant", which would end a grant.
 */

static cigna_token_e
cigna_oauth_reply_read(unsigned status, const cigna_json_t *doc,
    cigna_arena_t *arena, cigna_token_reply_t *reply)
{
    cigna_token_e        e;
    cigna_token_reply_t  none;

    if (status == 429) {
        return cigna_token_throttled;
    }

    if (status >= 500) {
        return cigna_token_failed;
    }

    if (doc == NULL) {
        return cigna_token_invalid;
    }

    e = cigna_oauth_reply_error(status, doc, reply);

    if (status >= 200 && status < 300) {

        none = *reply;

        if (cigna_oauth_reply_tokens(doc, reply) == CIGNA_OK
            && cigna_oauth_reply_copy(arena, reply) == CIGNA_OK)
        {
            return cigna_token_ok;
        }

        /* no part of an invalid reply is used, but its "shape" is logged */

        memcpy(none.shape, reply->shape, CIGNA_TOKEN_SHAPE_MAX);
        *reply = none;
    }

    return e == cigna_token_ok ? cigna_token_invalid : e;
}


/*
 * reads the error codes of RFC 6749, section 5.2; cigna_token_ok if there is
 * none
 */

static cigna_token_e
cigna_oauth_reply_error(unsigned status, const cigna_json_t *doc,
    cigna_token_reply_t *reply)
{
    size_t         i;
    cigna_slice_t  error;

    static const char *const  codes[] = {
        "invalid_grant", "invalid_request", "invalid_client",
        "unauthorized_client", "unsupported_grant_type", "invalid_scope"
    };

    if (cigna_oauth_reply_string(doc, "error", reply, &error) != CIGNA_OK) {
        return cigna_token_ok;
    }

    /* the code is not trimmed: it must match exactly, as it may end a grant */

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

    cigna_oauth_reply_note(reply, "error", "unknown");

    return cigna_token_ok;
}


/* reads the tokens (RFC 6749, section 5.1); the document owns the strings */

static int
cigna_oauth_reply_tokens(const cigna_json_t *doc, cigna_token_reply_t *reply)
{
    int  rc;

    rc = cigna_oauth_reply_token(doc, "access_token", CIGNA_ACCESS_TOKEN_MAX,
                                 0x21, reply, &reply->access_token);

    if (rc == CIGNA_NONE) {
        cigna_oauth_reply_note(reply, "access_token", "none");
    }

    if (rc != CIGNA_OK
        || cigna_oauth_reply_bearer(doc, reply) != CIGNA_OK
        || cigna_oauth_reply_token(doc, "refresh_token",
                                   CIGNA_REFRESH_TOKEN_MAX, 0x20, reply,
                                   &reply->refresh_token)
           == CIGNA_ERROR)
    {
        return CIGNA_ERROR;
    }

    if (cigna_oauth_reply_string(doc, "id_token", reply, &reply->id_token)
        == CIGNA_OK
        && reply->id_token.len > CIGNA_ID_TOKEN_MAX)
    {
        /*
         * keeps one byte too many, so that cigna_jwt_verify() refuses the
         * id_token
         */

        reply->id_token.len = CIGNA_ID_TOKEN_MAX + 1;
    }

    cigna_oauth_reply_extra(doc, "scope", CIGNA_SCOPE_MAX, reply,
                            &reply->scope);
    cigna_oauth_reply_extra(doc, "patient", CIGNA_PATIENT_MAX, reply,
                            &reply->patient);
    cigna_oauth_reply_life(doc, reply);

    return CIGNA_OK;
}


static int
cigna_oauth_reply_bearer(const cigna_json_t *doc, cigna_token_reply_t *reply)
{
    size_t         i;
    uint8_t        c, mem[sizeof("bearertoken")];
    cigna_buf_t    b;
    cigna_slice_t  type;

    if (cigna_oauth_reply_string(doc, "token_type", reply, &type) != CIGNA_OK)
    {
        return CIGNA_OK;
    }

    cigna_buf_init(&b, mem, sizeof(mem));

    for (i = 0; i < type.len; i++) {
        c = type.data[i];

        if (c > 0x7f) {
            cigna_oauth_reply_note(reply, "token_type", "odd");
            return CIGNA_OK;
        }

        if (c != ' ' && c != '_' && c != '-') {
            cigna_buf_append_char(&b, cigna_slice_lower(c));
        }
    }

    type = cigna_buf_slice(&b);

    if (cigna_slice_eq(type, cigna_slice("bearer"))
        || cigna_slice_eq(type, cigna_slice("bearertoken")))
    {
        return CIGNA_OK;
    }

    cigna_oauth_reply_note(reply, "token_type", "unknown");

    return CIGNA_ERROR;
}


/*
 * Gets a token.  CIGNA_NONE: it is absent, empty or not a string.  CIGNA_ERROR:
 * it is longer than max, or has a byte that is not from "lowest" to "~".
 */

static int
cigna_oauth_reply_token(const cigna_json_t *doc, const char *name, size_t max,
    uint8_t lowest, cigna_token_reply_t *reply, cigna_slice_t *token)
{
    int            rc;
    cigna_slice_t  value;

    rc = cigna_json_string(doc, name, CIGNA_JSON_SIZE_MAX, &value);

    if (rc == CIGNA_ERROR) {
        cigna_oauth_reply_note(reply, name, "odd");
    }

    if (rc != CIGNA_OK || value.len == 0) {
        return CIGNA_NONE;
    }

    if (value.len > max) {
        cigna_oauth_reply_note(reply, name, "long");
        return CIGNA_ERROR;
    }

    if (!cigna_oauth_reply_printable(value, lowest)) {
        cigna_oauth_reply_note(reply, name, "unprintable");
        return CIGNA_ERROR;
    }

    *token = value;

    return CIGNA_OK;
}


/* gets a string, trimmed; CIGNA_NONE if it is absent, empty, or not a string */

static int
cigna_oauth_reply_string(const cigna_json_t *doc, const char *name,
    cigna_token_reply_t *reply, cigna_slice_t *value)
{
    int  rc;

    rc = cigna_json_string(doc, name, CIGNA_JSON_SIZE_MAX, value);

    if (rc == CIGNA_ERROR) {
        cigna_oauth_reply_note(reply, name, "odd");
    }

    *value = cigna_oauth_reply_trim(*value);

    return value->len ? CIGNA_OK : CIGNA_NONE;
}


/* gets a string that the tokens do not depend on; a bad one counts as absent */

static void
cigna_oauth_reply_extra(const cigna_json_t *doc, const char *name, size_t max,
    cigna_token_reply_t *reply, cigna_slice_t *value)
{
    int            rc;
    cigna_slice_t  s;

    rc = cigna_json_string(doc, name, max, &s);

    if (rc == CIGNA_OK && cigna_oauth_reply_printable(s, 0x20)) {
        *value = s;

    } else if (rc != CIGNA_NONE) {
        cigna_oauth_reply_note(reply, name, "odd");
    }
}


static void
cigna_oauth_reply_life(const cigna_json_t *doc, cigna_token_reply_t *reply)
{
    int      rc;
    int64_t  life_s;

    rc = cigna_json_seconds(doc, "expires_in", CIGNA_OAUTH_LIFE_MAX_S,
                            &life_s);

    if (rc == CIGNA_OK && life_s > 0) {
        reply->expires_in_s = life_s;

    } else if (rc != CIGNA_NONE) {
        cigna_oauth_reply_note(reply, "expires_in", "odd");
    }
}


/* replaces the document's strings by copies in the arena */

static int
cigna_oauth_reply_copy(cigna_arena_t *arena, cigna_token_reply_t *reply)
{
    size_t  i;

    cigna_slice_t *const  strings[] = {
        &reply->access_token, &reply->refresh_token, &reply->id_token,
        &reply->scope, &reply->patient
    };

    for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (cigna_arena_copy(arena, *strings[i], strings[i]) != CIGNA_OK) {
            cigna_oauth_reply_note(reply, "memory", "none");
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


/*
 * Adds a finding to "shape".  If there is no room, the finding is dropped: the
 * first findings say the most.
 */

static void
cigna_oauth_reply_note(cigna_token_reply_t *reply, const char *name,
    const char *what)
{
    int     n;
    size_t  len;

    len = strlen(reply->shape);
    n = snprintf(reply->shape + len, CIGNA_TOKEN_SHAPE_MAX - len, ",%s=%s",
                 name, what);

    if (n >= (int) (CIGNA_TOKEN_SHAPE_MAX - len)) {
        reply->shape[len] = '\0';
    }
}


/*
 * copies the error code, cut and sanitized for a log line; empty if there is no
 * room
 */

static cigna_slice_t
cigna_oauth_reply_quote(const cigna_json_t *doc, cigna_arena_t *arena)
{
    size_t         i;
    uint8_t        c;
    cigna_buf_t    b;
    cigna_slice_t  s;

    (void) cigna_json_string(doc, "error", CIGNA_JSON_SIZE_MAX, &s);

    cigna_arena_open(arena, &b);

    for (i = 0; i < s.len && i < CIGNA_OAUTH_ERROR_MAX; i++) {
        c = s.data[i];

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\'' || c == '\\') {
            c = '?';
        }

        cigna_buf_append_char(&b, c);
    }

    return cigna_arena_close(arena, &b);
}


/* s without the white space of JSON at both ends */

static cigna_slice_t
cigna_oauth_reply_trim(cigna_slice_t s)
{
    while (s.len && cigna_json_is_space(s.data[0])) {
        s = cigna_slice_skip(s, 1);
    }

    while (s.len && cigna_json_is_space(s.data[s.len - 1])) {
        s.len--;
    }

    return s;
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

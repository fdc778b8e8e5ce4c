
#include "http/cigna_base64url.h"
#include "http/cigna_form.h"
#include "cigna_oauth.h"
#include "base/cigna_secret.h"


typedef struct {
    const char     *name;
    cigna_slice_t   value;
} cigna_oauth_field_t;


static int cigna_oauth_request(const cigna_provider_t *p,
    cigna_slice_t secret, cigna_slice_t url,
    const cigna_oauth_field_t *fields, size_t count, cigna_arena_t *arena,
    cigna_http_request_t *req);
static cigna_slice_t cigna_oauth_body(const cigna_provider_t *p,
    cigna_slice_t secret, const cigna_oauth_field_t *fields, size_t count,
    cigna_arena_t *arena);
static int cigna_oauth_basic(const cigna_provider_t *p, cigna_slice_t secret,
    cigna_arena_t *arena, cigna_slice_t *value);
static const uint8_t *cigna_oauth_append_endpoint(cigna_buf_t *b,
    cigna_slice_t url);
static void cigna_oauth_append_field(cigna_buf_t *b, const uint8_t *start,
    const char *name, cigna_slice_t value);


/* RFC 7636, section 4.2: the challenge is the SHA-256 of the verifier */

int
cigna_oauth_append_challenge(cigna_buf_t *b, cigna_slice_t verifier)
{
    uint8_t  digest[CIGNA_SHA256_LEN];

    if (cigna_secret_sha256(verifier, digest) != CIGNA_OK) {
        return CIGNA_ERROR;
    }

    cigna_base64url_append(b, cigna_slice_make(digest,
                                               digest + CIGNA_SHA256_LEN));

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


int
cigna_oauth_append_authorize(cigna_buf_t *b, const cigna_provider_t *p,
    cigna_slice_t state, cigna_slice_t nonce, cigna_slice_t verifier)
{
    uint8_t         mem[cigna_base64url_encoded_len(CIGNA_SHA256_LEN)];
    unsigned        i;
    cigna_buf_t     challenge;
    const uint8_t  *start;

    cigna_buf_init(&challenge, mem, sizeof(mem));

    if (p->authorization_endpoint.len == 0
        || cigna_oauth_append_challenge(&challenge, verifier) != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    start = cigna_oauth_append_endpoint(b, p->authorization_endpoint);

    cigna_oauth_append_field(b, start, "response_type", cigna_slice("code"));
    cigna_oauth_append_field(b, start, "client_id", p->client_id);
    cigna_oauth_append_field(b, start, "redirect_uri", p->redirect_uri);
    cigna_oauth_append_field(b, start, "scope", p->scope);
    cigna_oauth_append_field(b, start, "state", state);
    cigna_oauth_append_field(b, start, "nonce", nonce);
    cigna_oauth_append_field(b, start, "code_challenge",
                             cigna_buf_slice(&challenge));
    cigna_oauth_append_field(b, start, "code_challenge_method",
                             cigna_slice("S256"));
    cigna_oauth_append_field(b, start, "aud", p->aud);

    for (i = 0; i < p->nparams; i++) {
        cigna_form_append_pair(b, start, p->params[i].name,
                               p->params[i].value);
    }

    return b->overflow ? CIGNA_ERROR : CIGNA_OK;
}


/*
 * RFC 6749, section 4.1.3: the token request repeats the redirect_uri of the
 * authorization request, and the server compares the two.
 */

int
cigna_oauth_code_request(const cigna_provider_t *p, cigna_slice_t secret,
    cigna_slice_t code, cigna_slice_t verifier, cigna_arena_t *arena,
    cigna_http_request_t *req)
{
    const cigna_oauth_field_t  fields[] = {
        { "grant_type", cigna_slice("authorization_code") },
        { "code", code },
        { "redirect_uri", p->redirect_uri },
        { "code_verifier", verifier }
    };

    return cigna_oauth_request(p, secret, p->token_endpoint, fields, 4, arena,
                               req);
}


/* without "scope" the scope does not change (RFC 6749, section 6) */

int
cigna_oauth_refresh_request(const cigna_provider_t *p, cigna_slice_t secret,
    cigna_slice_t refresh_token, cigna_arena_t *arena,
    cigna_http_request_t *req)
{
    const cigna_oauth_field_t  fields[] = {
        { "grant_type", cigna_slice("refresh_token") },
        { "refresh_token", refresh_token }
    };

    return cigna_oauth_request(p, secret, p->token_endpoint, fields, 2, arena,
                               req);
}


int
cigna_oauth_revoke_request(const cigna_provider_t *p, cigna_slice_t secret,
    cigna_slice_t token, const char *hint, cigna_arena_t *arena,
    cigna_http_request_t *req)
{
    const cigna_oauth_field_t  fields[] = {
        { "token", token },
        { "token_type_hint", cigna_slice_str(hint) }
    };

    return cigna_oauth_request(p, secret, p->revocation_endpoint, fields, 2,
                               arena, req);
}


static int
cigna_oauth_request(const cigna_provider_t *p, cigna_slice_t secret,
    cigna_slice_t url, const cigna_oauth_field_t *fields, size_t count,
    cigna_arena_t *arena, cigna_http_request_t *req)
{
    *req = (cigna_http_request_t) {
        .url = url,
        .body = cigna_oauth_body(p, secret, fields, count, arena)
    };

    if (req->url.len == 0 || req->body.len == 0) {
        return CIGNA_ERROR;
    }

    if (p->auth == cigna_auth_basic) {
        return cigna_oauth_basic(p, secret, arena, &req->authorization);
    }

    return CIGNA_OK;
}


/* the form of a request; empty if there is no room */

static cigna_slice_t
cigna_oauth_body(const cigna_provider_t *p, cigna_slice_t secret,
    const cigna_oauth_field_t *fields, size_t count, cigna_arena_t *arena)
{
    size_t          i;
    cigna_buf_t     b;
    const uint8_t  *start;

    cigna_arena_open(arena, &b);
    start = b.pos;

    for (i = 0; i < count; i++) {
        cigna_oauth_append_field(&b, start, fields[i].name, fields[i].value);
    }

    /*
     * RFC 6749, section 2.3: a request has one authentication method.  Some
     * servers treat client_id in the body as a second method beside Basic.
     */

    if (p->auth != cigna_auth_basic) {
        cigna_oauth_append_field(&b, start, "client_id", p->client_id);
    }

    if (p->auth == cigna_auth_post) {
        cigna_oauth_append_field(&b, start, "client_secret", secret);
    }

    return cigna_arena_close(arena, &b);
}


/* RFC 6749, section 2.3.1: both parts are form-encoded, then joined */

static int
cigna_oauth_basic(const cigna_provider_t *p, cigna_slice_t secret,
    cigna_arena_t *arena, cigna_slice_t *value)
{
    cigna_buf_t    b;
    cigna_slice_t  pair;

    cigna_arena_open(arena, &b);
    cigna_form_append_encoded(&b, p->client_id);
    cigna_buf_append_char(&b, ':');
    cigna_form_append_encoded(&b, secret);
    pair = cigna_arena_close(arena, &b);

    if (pair.len == 0) {
        return CIGNA_ERROR;
    }

    cigna_arena_open(arena, &b);
    cigna_buf_append_str(&b, "Basic ");
    cigna_base64_append(&b, pair);
    *value = cigna_arena_close(arena, &b);

    return value->len ? CIGNA_OK : CIGNA_ERROR;
}


/*
 * Appends the endpoint with its own query (RFC 6749, section 3.1), and a "?" if
 * it has none.  Returns the argument "start" for cigna_form_append_pair(): the
 * place of the first parameter.  If the endpoint has a query, returns NULL,
 * because then every parameter needs an "&".
 */

static const uint8_t *
cigna_oauth_append_endpoint(cigna_buf_t *b, cigna_slice_t url)
{
    cigna_slice_t  query, path;

    query = url;
    path = cigna_slice_cut(&query, '?');

    cigna_buf_append(b, url);

    if (query.len) {
        return NULL;
    }

    if (path.len == url.len) {
        cigna_buf_append_char(b, '?');
    }

    return b->pos;
}


/* leaves out an empty value, which counts as absent (RFC 6749, section 3.1) */

static void
cigna_oauth_append_field(cigna_buf_t *b, const uint8_t *start,
    const char *name, cigna_slice_t value)
{
    if (value.len) {
        cigna_form_append_pair(b, start, cigna_slice_str(name), value);
    }
}
